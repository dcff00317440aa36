/*
grain: One row per person in the segment.
title: Power users
description: >-
  Users active on many of the last 28 complete days: people to ask for a story, a referral or an
  opinion.
interface: segment
parameters:
  active_days: {type: integer, default: 8, minimum: 1, maximum: 28, description: Active days of the last 28 that make a habit.}
columns:
  active_days: {unit: count, description: Active days of the last 28.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
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
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where people.active_days >= $active_days
order by people.active_days desc, people.customer_key
