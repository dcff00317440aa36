/*
grain: One row per person in the segment.
title: Win back
description: >-
  Former members whose paid time ended no longer ago than a number of days. Members still in grace
  are left out, as a late renewal may come by itself, and so are those whose last payment was
  refunded.
interface: segment
parameters:
  within_days: {type: integer, default: 180, minimum: 1, description: Days since the membership ended.}
columns:
  ended_on: {unit: date, description: Last day of the last membership.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
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
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.membership_state = 'former_member'
    and not people.is_refunded
    and people.ended_on >= as_of_on - cast($within_days as integer)
order by people.ended_on desc, people.customer_key
