/*
grain: One row per person in the segment.
title: Trained, idle
description: >-
  Users with a trained model who have done nothing for 30 days.
interface: segment
parameters:
  idle_days: {type: integer, default: 30, minimum: 1, description: Days without any activity.}
columns:
  last_activity_on: {unit: date, description: Day of the last activity.}
  balance: {unit: credits, description: Credits left.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    case people.membership_state
        when 'member' then 'a member'
        when 'in_grace' then 'in grace'
        when 'former_member' then 'a former member'
        else 'never a member'
    end as reason,
    'active' as goal,
    least(as_of_on + 7, greatest(as_of_on, coalesce(people.renews_on - 1, as_of_on + 7))) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.last_activity_on,
    people.balance
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.first_trained_on is not null
    and people.last_activity_on <= as_of_on - cast($idle_days as integer)
order by people.last_activity_on desc, people.customer_key
