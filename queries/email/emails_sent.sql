/*
grain: One row per e-mail sent.
title: E-mails sent
description: >-
  The rows behind the e-mails by type: what was sent to whom, and whether it was the last one before the
  first payment.
key: [email_send_id]
columns:
  email_send_id: {unit: text, description: The stored e-mail.}
  email_type: {unit: text, description: The type.}
  user_id: {unit: text, description: The user.}
  sent_at: {unit: instant, description: When it was sent.}
  status: {unit: text, description: "sent, delivered, bounced or failed."}
  is_before_payment: {unit: flag, description: Whether the user had not paid by then.}
  is_last_touch: {unit: flag, description: Whether it was the last one before the first payment.}
  days_to_payment: {unit: days, description: "Of a last touch, days to the payment."}
*/
select
    email_send_id,
    email_type,
    user_id,
    sent_at,
    status,
    is_before_payment,
    is_last_touch,
    days_to_payment
from marts.emails_sent
order by sent_at desc, email_send_id
