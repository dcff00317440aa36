/*
grain: One row per lot of bought credits.
title: Lots of bought credits
description: >-
  The rows behind the credit liability: what is left of each purchase with the ledger replayed in time,
  and what was paid for that. Old lots were bought twelve months ago or earlier; of idle ones the user
  has neither used nor bought credits for twelve months.
key: [credit_transaction_id]
columns:
  credit_transaction_id: {unit: text, description: The stored ledger entry that brought the credits.}
  user_id: {unit: text, description: The user.}
  email: {unit: text, description: "The user's address.", pii: true}
  bought_on: {unit: date, description: The day.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  price_cents: {unit: cents, description: Paid for the lot; empty where that is not known.}
  credits: {unit: credits, description: Bought.}
  is_given_back: {unit: flag, description: "Whether the purchase was given back in full, which closes the lot."}
  used_credits: {unit: credits, description: "Of them, used and not returned."}
  outstanding_credits: {unit: credits, description: "Of them, still there."}
  outstanding_cents: {unit: cents, description: Those at the lot's unit price.}
  is_old: {unit: flag, description: Whether breakage in proportion to use is measured on it.}
  is_idle: {unit: flag, description: Whether its use has become remote.}
*/
select
    credit_transaction_id,
    user_id,
    dim_contacts.email,
    bought_on,
    currency,
    price_cents,
    credits,
    is_given_back,
    used_credits,
    outstanding_credits,
    outstanding_cents,
    is_old,
    is_idle
from marts.credit_lots
left join marts.dim_contacts using (user_id)
order by outstanding_cents desc, credit_transaction_id
