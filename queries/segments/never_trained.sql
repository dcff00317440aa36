/*
grain: One row per person in the segment.
title: Never trained
description: >-
  Users who signed up some days ago, but no longer ago than the other number, and have never
  trained a model of themselves: what everything else in the studio builds on.
interface: segment
parameters:
  after_days: {type: integer, default: 7, minimum: 0, description: Days since signup at least.}
  within_days: {type: integer, default: 90, minimum: 1, description: Days since signup at most.}
columns:
  signed_up_on: {unit: date, description: Day of signup.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
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
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.first_trained_on is null
    and people.signed_up_on between as_of_on - cast($within_days as integer) and as_of_on - cast($after_days as integer)
order by people.signed_up_on desc, people.customer_key
