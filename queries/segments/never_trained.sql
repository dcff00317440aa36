/*
grain: One row per person in the segment.
title: Never trained
description: >-
  Users who signed up some days ago, but no longer ago than the other number, and have never
  trained a model of themselves: what everything else in the studio builds on.
key: [customer_key]
parameters:
  after_days: {type: integer, default: 7, minimum: 0, description: Days since signup at least.}
  within_days: {type: integer, default: 90, minimum: 1, description: Days since signup at most.}
  cooldown_days: {type: integer, default: 7, minimum: 0, description: Days after an e-mail in which no other is sent.}
columns:
  customer_key: {unit: text, description: "The person; of a user, the user's id."}
  user_id: {unit: text, description: "The account; empty for a customer without one."}
  email: {unit: text, description: "The address, where there is an account.", pii: true}
  product: {unit: text, description: "The product that is running, else the last one bought."}
  reason: {unit: text, description: Why the person is in the segment.}
  goal: {unit: text, description: "What a message should bring about, by which its effect is measured: trained."}
  send_by_on: {unit: date, description: Last day on which a message still helps.}
  last_sent_at: {unit: instant, description: "When an e-mail was last sent, bounced and failed ones left out."}
  cooldown_until_on: {unit: date, description: First day on which another may be sent; empty where none was sent.}
  is_cooling: {unit: flag, description: Whether that day is still to come.}
  signed_up_on: {unit: date, description: Day of signup.}
*/
select
    people.customer_key,
    people.user_id,
    users.email,
    people.product,
    case
        when people.membership_state in ('member', 'in_grace') then 'a member without a model'
        when people.product is not null then 'has paid, without a model'
        else 'signed up only'
    end as reason,
    'trained' as goal,
    least(as_of_on + 7, people.signed_up_on + cast($within_days as integer)) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.signed_up_on
from marts.people_now as people
left join staging.stg_app__users as users on people.user_id = users.user_id
cross join marts.build_info
where
    people.first_trained_on is null
    and people.signed_up_on between as_of_on - cast($within_days as integer) and as_of_on - cast($after_days as integer)
order by people.signed_up_on desc, people.customer_key
