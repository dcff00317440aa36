-- One row per day: users active on it, in the seven and in the thirty days that end with it.
with active_days as (

    select * from {{ ref('active_users') }}
    where grain = 'day'

),

days as (

    select distinct
        user_id,
        activity_on
    from {{ ref('fct_activity') }}

),

followed as (

    select
        user_id,
        activity_on,
        lead(activity_on) over (partition by user_id order by activity_on nulls last) as next_activity_on
    from days

),

-- A user counts from an active day until the window has passed it, or until the next active day takes over.
edges as (
    {% for name, length in [('wau', 7), ('mau', 30)] %}
    select
        '{{ name }}' as measure,
        activity_on as day,
        1 as change
    from followed
    union all
    select
        '{{ name }}' as measure,
        least(activity_on + {{ length }}, coalesce(next_activity_on, activity_on + {{ length }})) as day,
        -1 as change
    from followed
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

changes as (

    select
        day,
        sum(case when measure = 'wau' then change else 0 end) as wau_change,
        sum(case when measure = 'mau' then change else 0 end) as mau_change
    from edges
    group by day

),

changed_days as {{ kept() }} (

    select
        active_days.period as day,
        active_days.active_count as dau,
        coalesce(changes.wau_change, 0) as wau_change,
        coalesce(changes.mau_change, 0) as mau_change,
        active_days.is_complete
    from active_days
    left join changes on active_days.period = changes.day

),

final as (

    select
        day,
        dau,
        cast(sum(wau_change) over (order by day nulls last) as bigint) as wau,
        cast(sum(mau_change) over (order by day nulls last) as bigint) as mau,
        is_complete
    from changed_days

)

select
    day,
    dau,
    wau,
    mau,
    {{ ratio('dau', 'mau') }} as stickiness,
    is_complete
from final
