/*
grain: One row per person in the segment.
title: Credits low
description: >-
  Users who used credits in the last 30 days and have fewer left than a number. Tell them before
  the last credit is gone, at the pace of their own use.
interface: segment
parameters:
  below: {type: integer, default: 20, minimum: 1, description: Credits that are few.}
columns:
  balance: {unit: credits, description: Credits left.}
  runway_days: {unit: days, description: "Days for which they last at the user's own pace."}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
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
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where people.balance < $below and people.last_used_on >= as_of_on - 30
order by people.balance, people.customer_key
