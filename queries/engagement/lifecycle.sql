/*
grain: One row per segment and period.
title: Lifecycle
description: >-
  Who is active in a period, as in engagement/active_users, for one feature or split into segments:
  new (active for the first time), returning (active in the period before too), resurrected (active
  earlier, not in the period before); and dormant, active in the period before and not in this one.
  active = new + returning + resurrected; the active of the period before = returning + dormant.
interface: use
rows: engagement/activity_by_user
carries: forward
people: active_count
identities:
  - active_count = new_count + returning_count + resurrected_count
  - before.active_count = returning_count + dormant_count
part_of: [[segment], [period]]
answer: active_count
columns:
  active_count: {unit: count, adds_up_to: "used {feature} {period} {period:last {grain}}{only}{without}", description: Distinct active users.}
  new_count: {unit: count, adds_up_to: "new {feature} {period} {period:last {grain}}{only}{without}", description: Active for the first time.}
  returning_count: {unit: count, adds_up_to: "returning {feature} {period} {period:last {grain}}{only}{without}", description: Active in the period before too.}
  resurrected_count: {unit: count, adds_up_to: "resurrected {feature} {period} {period:last {grain}}{only}{without}", description: "Active earlier, but not in the period before."}
  dormant_count: {unit: count, adds_up_to: "dormant {feature} {period} {period:last {grain}}{only}{without}", description: "Active in the period before, not now."}
  is_complete: {unit: flag, description: Whether the period has ended by as_of.}
*/
{% include "engagement/use.jinja" %}

placed as (
    select
        segment,
        period_no,
        lag(period_no) over in_order as before_no,
        lead(period_no) over in_order as after_no
    from (select distinct segment, user_id, period_no from days)
    window in_order as (partition by user_id order by period_no)
),

statuses as (
    select
        segment,
        period_no,
        case
            when before_no is null then 'new'
            when before_no = period_no - 1 then 'returning'
            else 'resurrected'
        end as status
    from placed
    union all
    select
        segment,
        period_no + 1 as period_no,
        'dormant' as status
    from placed
    where after_no is distinct from period_no + 1
)

select
    segment,
    period,
    count(*) filter (status <> 'dormant') as active_count,
    count(*) filter (status = 'new') as new_count,
    count(*) filter (status = 'returning') as returning_count,
    count(*) filter (status = 'resurrected') as resurrected_count,
    count(*) filter (status = 'dormant') as dormant_count,
    is_complete
from spine
left join statuses using (segment, period_no)
group by segment, period, is_complete
order by segment, period
