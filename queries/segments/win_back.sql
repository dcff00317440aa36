/*
grain: One row per person in the segment.
title: Win back
description: >-
  Former members whose paid time ended no longer ago than a number of days. Who is still within
  the grace days is in none: a late renewal may come by itself. Nor is who took the last payment
  back.
key: [customer_key]
parameters:
  within_days: {type: integer, default: 180, minimum: 1, description: Days since the membership ended.}
  cooldown_days: {type: integer, default: 7, minimum: 0, description: Days after an e-mail in which no other is sent.}
columns:
  customer_key: {unit: text, description: "The person; of a user, the user's id."}
  user_id: {unit: text, description: "The account; empty for a customer without one."}
  email: {unit: text, description: "The address, where there is an account.", pii: true}
  product: {unit: text, description: "The product that is running, else the last one bought."}
  reason: {unit: text, description: Why the person is in the segment.}
  goal: {unit: text, description: "What a message should bring about, by which its effect is measured: member."}
  send_by_on: {unit: date, description: Last day on which a message still helps.}
  last_sent_at: {unit: instant, description: "When an e-mail was last sent, bounced and failed ones left out."}
  cooldown_until_on: {unit: date, description: First day on which another may be sent; empty where none was sent.}
  is_cooling: {unit: flag, description: Whether that day is still to come.}
  ended_on: {unit: date, description: Last day of the last membership.}
*/
select
    people.customer_key,
    people.user_id,
    users.email,
    people.product,
    case people.end_kind
        when 'voluntary' then 'cancelled'
        when 'involuntary' then 'a payment failed'
        else 'left, reason unknown'
    end as reason,
    'member' as goal,
    least(as_of_on + 7, people.ended_on + cast($within_days as integer)) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.ended_on
from marts.people_now as people
left join staging.stg_app__users as users on people.user_id = users.user_id
cross join marts.build_info
where
    people.membership_state = 'former_member'
    and not people.is_refunded
    and people.ended_on >= as_of_on - cast($within_days as integer)
order by people.ended_on desc, people.customer_key
