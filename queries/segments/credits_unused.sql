/*
grain: One row per person in the segment.
title: Credits unused
description: >-
  Users with credits left who have used none for 14 days, and who have had some for as long.
  Without a stored balance nobody is in it.
interface: segment
parameters:
  idle_days: {type: integer, default: 14, minimum: 1, description: Days without use.}
columns:
  balance: {unit: credits, description: Credits left.}
  last_used_on: {unit: date, description: Day of the last use of credits.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    case
        when people.last_used_on is null then 'never used a credit'
        when people.membership_state = 'member' then 'a member who uses none'
        else 'not a member, uses none'
    end as reason,
    'active' as goal,
    as_of_on + 7 as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.balance,
    people.last_used_on
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.balance > 0
    and people.last_credited_on <= as_of_on - cast($idle_days as integer)
    and (people.last_used_on is null or people.last_used_on <= as_of_on - cast($idle_days as integer))
order by people.balance desc, people.customer_key
