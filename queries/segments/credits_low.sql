/*
grain: One row per person in the segment.
title: Credits low
description: >-
  Users who used credits in the last 30 days and have fewer left than a number. They should hear
  of it before the last credit is gone, at the pace of their own use.
key: [customer_key]
parameters:
  below: {type: integer, default: 20, minimum: 1, description: Credits that are few.}
  cooldown_days: {type: integer, default: 7, minimum: 0, description: Days after an e-mail in which no other is sent.}
columns:
  customer_key: {unit: text, description: "The person; of a user, the user's id."}
  user_id: {unit: text, description: "The account; empty for a customer without one."}
  email: {unit: text, description: "The address, where there is an account.", pii: true}
  product: {unit: text, description: "The product that is running, else the last one bought."}
  reason: {unit: text, description: Why the person is in the segment.}
  goal: {unit: text, description: "What a message should bring about, by which its effect is measured: paid."}
  send_by_on: {unit: date, description: Last day on which a message still helps.}
  last_sent_at: {unit: instant, description: "When an e-mail was last sent, bounced and failed ones left out."}
  cooldown_until_on: {unit: date, description: First day on which another may be sent; empty where none was sent.}
  is_cooling: {unit: flag, description: Whether that day is still to come.}
  balance: {unit: credits, description: Credits left.}
  runway_days: {unit: days, description: "Days for which they last at the user's own pace."}
*/
select
    people.customer_key,
    people.user_id,
    users.email,
    people.product,
    case when people.balance <= 0 then 'no credits left' else 'few credits left' end as reason,
    'paid' as goal,
    as_of_on + cast(least(7, greatest(0, floor(coalesce(people.runway_days, 0)))) as integer) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.balance,
    people.runway_days
from marts.people_now as people
left join staging.stg_app__users as users on people.user_id = users.user_id
cross join marts.build_info
where people.balance < $below and people.last_used_on >= as_of_on - 30
order by people.balance, people.customer_key
