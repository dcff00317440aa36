/*
grain: One row per person in the segment.
title: Power users
description: >-
  Users active on many of the last 28 complete days: whom to ask for a story, a referral or an
  opinion.
key: [customer_key]
parameters:
  active_days: {type: integer, default: 8, minimum: 1, maximum: 28, description: Active days of the last 28 that make a habit.}
  cooldown_days: {type: integer, default: 7, minimum: 0, description: Days after an e-mail in which no other is sent.}
columns:
  customer_key: {unit: text, description: "The person; of a user, the user's id."}
  user_id: {unit: text, description: "The account; empty for a customer without one."}
  email: {unit: text, description: "The address, where there is an account.", pii: true}
  product: {unit: text, description: "The product that is running, else the last one bought."}
  reason: {unit: text, description: Why the person is in the segment.}
  goal: {unit: text, description: "What a message should bring about, by which its effect is measured: active."}
  send_by_on: {unit: date, description: Last day on which a message still helps.}
  last_sent_at: {unit: instant, description: "When an e-mail was last sent, bounced and failed ones left out."}
  cooldown_until_on: {unit: date, description: First day on which another may be sent; empty where none was sent.}
  is_cooling: {unit: flag, description: Whether that day is still to come.}
  active_days: {unit: count, description: Active days of the last 28.}
*/
select
    people.customer_key,
    people.user_id,
    users.email,
    people.product,
    case
        when people.membership_state = 'member' then 'a member'
        when people.membership_state = 'never_member' and people.product is null then 'has never paid'
        else 'not a member now'
    end as reason,
    'active' as goal,
    as_of_on + 7 as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.active_days
from marts.people_now as people
left join staging.stg_app__users as users on people.user_id = users.user_id
cross join marts.build_info
where people.active_days >= $active_days
order by people.active_days desc, people.customer_key
