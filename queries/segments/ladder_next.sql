/*
grain: One row per person in the segment.
title: Next rung
description: >-
  Customers on the ladder of top-up, blueprint and membership who have never been members: the
  next rung is the blueprint for those who bought only a top-up, the membership for those who
  bought the blueprint. Refunded purchases do not count.
interface: segment
parameters:
  after_days: {type: integer, default: 7, minimum: 0, description: Days since the last rung at least.}
columns:
  next_product: {unit: text, description: "What to offer: blueprint or membership."}
  bought_on: {unit: date, description: Day of the last purchase on the rung.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    case
        when people.blueprint_bought_on is not null then 'has the blueprint'
        else 'has a top-up'
    end as reason,
    'paid' as goal,
    as_of_on + 7 as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    case
        when people.blueprint_bought_on is not null then 'membership'
        else 'blueprint'
    end as next_product,
    coalesce(people.blueprint_bought_on, people.topup_bought_on) as bought_on
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.membership_state = 'never_member'
    and coalesce(people.blueprint_bought_on, people.topup_bought_on) <= as_of_on - cast($after_days as integer)
order by bought_on desc, people.customer_key
