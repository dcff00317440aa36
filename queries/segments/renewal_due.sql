/*
grain: One row per person in the segment.
title: Renewal due
description: >-
  Members whose paid time ends within 7, 3 or 1 days, today included. Members who set theirs to
  end, or are in grace, have no renewal coming.
interface: segment
parameters:
  days: {type: choice, choices: ["7", "3", "1"], default: "7", description: Days until the renewal.}
columns:
  renews_on: {unit: date, description: Day on which the paid time ends.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    case
        when people.renews_on <= as_of_on then 'due today'
        when people.renews_on = as_of_on + 1 then 'due tomorrow'
        when people.renews_on <= as_of_on + 3 then 'due in 2 to 3 days'
        else 'due in 4 to 7 days'
    end as reason,
    'member' as goal,
    greatest(as_of_on, people.renews_on - 1) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.renews_on
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.membership_state = 'member'
    and people.renews_on between as_of_on and as_of_on + {{ days }}
order by people.renews_on, people.customer_key
