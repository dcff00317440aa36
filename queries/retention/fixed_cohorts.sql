/*
grain: One row per horizon, start, return, breakdown, segment and month after the start.
title: Retention of fixed cohorts, by segment
description: >-
  Everyone who started a number of full months ago or longer, taken together, and how many of them
  were active in each month after that of their start. The people are the same in every month, so
  that a curve moves by what they do and by nothing else. On pages a segment is hidden where fewer than
  five people are in it, or in a shorter horizon alone.
key: [horizon, start, return, breakdown, segment, period_index]
group: [horizon, start, breakdown, segment]
rows: [retention/activity_cohort_members, engagement/activity_by_user]
people: least_count
part_of: [[horizon, start, breakdown]]
parameters:
  horizon: {type: choice, choices: [every, "3", "6", "12"], default: every, description: How many full months ago people started at the latest.}
  start: {type: choice, choices: [every, signup, first_payment, first_subscription], default: every, description: What months are counted from.}
  return:
    type: choice
    choices: [every, any, image, photoshoot, video, training, chat, feed, academy, brand, feedback]
    default: every
    description: What counts as coming back.
  breakdown: {type: choice, choices: [every, none, product, first_product, acquisition, brand_style], default: every, description: "What people are split by, as it is now."}
columns:
  horizon: {unit: count, description: Full months since the start that everyone has behind them.}
  start: {unit: text, description: "signup, first_payment or first_subscription."}
  return: {unit: text, description: "What counts as coming back: any activity, or one feature."}
  breakdown: {unit: text, description: What people are split by.}
  segment: {unit: text, description: "Its value; all without one, (none) where unknown."}
  period_index: {unit: count, description: "Months after that of the start, from 1 to the horizon."}
  person_count: {unit: count, description: People in the segment; the same in every month.}
  retained_count: {unit: count, of: person_count, description: "Of them, those who came back in the month."}
  least_count: {unit: count, description: "What decides whether it is shown: those people or, where they are fewer than five, those who are in a shorter horizon alone."}
  is_close: {unit: flag, description: "Whether fewer than five people are in a shorter horizon alone."}
  retention_rate: {unit: rate, of: person_count, interval: [low, high], description: Retained / people.}
*/
{% set splits = ["product", "first_product", "acquisition", "brand_style"] %}
{% set starts = {"signup": "signed_up_on", "first_payment": "first_payment_on", "first_subscription": "first_subscription_on"} %}
{% macro month(day) %}(year({{ day }}) * 12 + month({{ day }})){% endmacro %}
with started as (
    {% for name, day in starts.items() %}
    select
        '{{ name }}' as start,
        user_id,
        {{ month(day) }} as start_no,
        {% for split in splits %}
        coalesce({{ split }}, '(none)') as {{ split }}{{ "," if not loop.last }}
        {% endfor %}
    from marts.dim_users
    where {{ day }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

horizons as (
    select unnest([3, 6, 12]) as horizon
),

-- The last start whose months are all over: the month before the running one is the last complete.
-- Who has the longest horizon behind them has the shorter ones, too.
people as (
    select
        started.*,
        max(horizon) as longest
    from started
    cross join horizons
    cross join marts.build_info
    where start_no + horizon < {{ month("complete_until_on") }}
    group by all
),

{% macro breakdown() %}
        case
            {% for split in splits %}
            when grouping({{ split }}) = 0 then '{{ split }}'
            {% endfor %}
            else 'none'
        end as breakdown,
        coalesce({{ splits | join(", ") }}, 'all') as segment
{%- endmacro %}
sizes as (
    select
        horizon,
        start,
        {{ breakdown() }},
        count(*) as person_count
    from people
    inner join horizons on horizon <= longest
    group by grouping sets ((horizon, start){% for split in splits %}, (horizon, start, {{ split }}){% endfor %})
),

-- Of two nested groups, few people in one alone would be known from both.
alone as (
    select
        longer.horizon,
        start,
        breakdown,
        segment,
        min(shorter.person_count - longer.person_count) as alone_count
    from sizes as longer
    inner join sizes as shorter using (start, breakdown, segment)
    where
        shorter.horizon < longer.horizon
        and longer.person_count >= 5
        and shorter.person_count - longer.person_count between 1 and 4
    group by all
),

active as (
    select user_id, {{ month("month") }} as month_no, feature as return from marts.active_months
    union all
    select distinct user_id, {{ month("month") }}, 'any' from marts.active_months
),

together as (
    select
        longest,
        start,
        return,
        month_no - start_no as period_index,
        {{ splits | join(", ") }},
        count(*) as user_count
    from people
    inner join active using (user_id)
    where month_no > start_no and month_no <= start_no + longest
    group by all
),

returned as (
    select
        horizon,
        start,
        return,
        period_index,
        {{ breakdown() }},
        sum(user_count)::bigint as retained_count
    from together
    inner join horizons on horizon <= longest and horizon >= period_index
    group by grouping sets (
        (horizon, start, return, period_index){% for split in splits %},
        (horizon, start, return, period_index, {{ split }}){% endfor %}

    )
),

final as (
    select
        sizes.*,
        return,
        period_index,
        coalesce(retained_count, 0) as retained_count,
        coalesce(alone_count, person_count) as least_count,
        alone_count is not null as is_close,
        coalesce(retained_count, 0) / person_count as retention_rate
    from sizes
    cross join (select unnest(['any', 'image', 'photoshoot', 'video', 'training', 'chat', 'feed', 'academy', 'brand', 'feedback']) as return)
    inner join (select unnest(range(1, 13)) as period_index) on period_index <= horizon
    left join returned using (horizon, start, return, breakdown, segment, period_index)
    left join alone using (horizon, start, breakdown, segment)
)

select
    horizon,
    start,
    return,
    breakdown,
    segment,
    period_index,
    person_count,
    retained_count,
    least_count,
    is_close,
    retention_rate
from final
where
    ($horizon = 'every' or horizon = try_cast($horizon as integer))
    and ($start = 'every' or start = $start)
    and ($return = 'every' or return = $return)
    and ($breakdown = 'every' or breakdown = $breakdown)
order by horizon, start, return, breakdown, person_count desc, segment, period_index
