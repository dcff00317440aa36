/*
grain: One row per person in the segment.
title: At risk
description: >-
  Members whose risk of leaving within 30 days, as the churn model estimates it, reaches a share.
  The reason is what the model names first. Members who have set theirs to end are among them. Where
  the model has too little to learn from it gives no risk, and nobody is in the segment.
interface: segment
parameters:
  risk_percent: {type: integer, default: 20, minimum: 0, maximum: 100, description: The least risk in percent.}
columns:
  risk: {unit: rate, description: The estimated chance of leaving within 30 days.}
  risk_low: {unit: rate, description: "Lower end of its 95 % interval."}
  risk_high: {unit: rate, description: "Upper end of its 95 % interval."}
  reasons: {unit: text, description: "What raises it, the weightiest first."}
  model: {unit: text, description: The model that estimated it.}
  n: {unit: count, description: Members or member-months that it learned from.}
*/
select
    people.customer_key,
    people.user_id,
    dim_contacts.email,
    people.product,
    coalesce(replace(forecast.main_reason, '_', ' '), 'no reason stands out') as reason,
    'member' as goal,
    least(as_of_on + 7, greatest(as_of_on, coalesce(people.renews_on - 1, as_of_on + 7))) as send_by_on,
    people.last_sent_at,
    people.last_sent_on + cast($cooldown_days as integer) as cooldown_until_on,
    coalesce(cooldown_until_on > as_of_on, false) as is_cooling,
    forecast.risk,
    forecast.lower as risk_low,
    forecast.upper as risk_high,
    forecast.reasons,
    forecast.model,
    forecast.n
from marts.people_now as people
inner join forecast.churn_risk as forecast using (customer_key)
left join marts.dim_contacts on people.customer_key = dim_contacts.customer_key
cross join marts.build_info
where people.membership_state = 'member' and forecast.risk >= $risk_percent / 100.0
order by forecast.risk desc, people.customer_key
