/*
grain: One row per person in the segment.
title: Session to membership
description: >-
  Customers who bought a one-time session some days ago, kept it, and were never members. Those
  days let the session make its impression.
interface: segment
parameters:
  after_days: {type: integer, default: 3, minimum: 0, description: Days since the session at least.}
  within_days: {type: integer, default: 90, minimum: 1, description: Days since the session at most.}
columns:
  session_bought_on: {unit: date, description: Day of the last session bought.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    case
        when people.user_id is null then 'no account yet'
        when people.last_activity_on >= people.session_bought_on then 'used the session'
        else 'has not used the session'
    end as reason,
    'member' as goal,
    least(as_of_on + 7, people.session_bought_on + cast($within_days as integer)) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    people.session_bought_on
from marts.people_now as people
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where
    people.membership_state = 'never_member'
    and people.session_bought_on between as_of_on - cast($within_days as integer) and as_of_on - cast($after_days as integer)
order by people.session_bought_on desc, people.customer_key
