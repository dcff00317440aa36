/*
grain: One row per type of e-mail.
title: E-mail by type
description: >-
  E-mails sent, and first payments for which the type was the last one sent to the person before
  paying. The rate is of the people whom one reached. A last touch is not a cause: people who get
  an e-mail differ from those who do not.
key: [email_type]
rows: email/emails_sent
people: recipient_count
columns:
  email_type: {unit: text, description: The type.}
  send_count: {unit: count, description: E-mails sent.}
  delivered_count: {unit: count, description: Delivered.}
  bounced_count: {unit: count, description: Bounced.}
  failed_count: {unit: count, description: Failed.}
  recipient_count: {unit: count, description: Distinct people to whom one was sent.}
  reached_count: {unit: count, description: "Of these, those whom one reached: sent or delivered."}
  unpaid_recipient_count: {unit: count, description: "Of those reached, who had not paid by then."}
  first_payment_count: {unit: count, description: First payments with this as the last e-mail before.}
  first_payment_rate: {unit: rate, of: unpaid_recipient_count, interval: [low, high], description: First payments / people reached who had not paid.}
  median_days_to_payment: {unit: days, of: first_payment_count, description: Median days from the e-mail to the payment.}
*/
select
    email_type,
    send_count,
    delivered_count,
    bounced_count,
    failed_count,
    recipient_count,
    reached_count,
    unpaid_recipient_count,
    first_payment_count,
    first_payment_rate,
    median_days_to_payment
from marts.email_by_type
order by send_count desc, email_type
