-- One row per grain (day, week, month) and period: who was active, who came, came back and stayed away.
with build as (

    select * from {{ ref('core_build') }}

),

activity as (

    select * from {{ ref('fct_activity') }}

),

days as (

    select distinct
        user_id,
        activity_on
    from activity

),

user_periods as (
    {% for grain in ['day', 'week', 'month'] %}
    select distinct
        cast('{{ grain }}' as {{ dbt.type_string() }}) as grain,
        user_id,
        {{ period_start('activity_on', grain) }} as period,
        {{ add_periods(period_start('activity_on', grain), '1', grain) }} as next_period
    from days
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

placed as (

    select
        user_periods.*,
        lag(next_period) over in_order as previous_next_period,
        lead(period) over in_order as following_period
    from user_periods
    window in_order as (partition by grain, user_id order by period nulls last)

),

-- Present in the period, or dormant in the one after the last presence.
statuses as (

    select
        grain,
        period,
        case
            when previous_next_period is null then 'new'
            when previous_next_period = period then 'returning'
            else 'resurrected'
        end as status
    from placed

    union all

    select
        grain,
        next_period as period,
        'dormant' as status
    from placed
    where following_period is null or following_period <> next_period

),

counted as (

    select
        grain,
        period,
        sum(case when status <> 'dormant' then 1 else 0 end) as active_count,
        sum(case when status = 'new' then 1 else 0 end) as new_count,
        sum(case when status = 'returning' then 1 else 0 end) as returning_count,
        sum(case when status = 'resurrected' then 1 else 0 end) as resurrected_count,
        sum(case when status = 'dormant' then 1 else 0 end) as dormant_count
    from statuses
    group by grain, period

),

calendar as (

    select {{ add_periods('first_day.day', 'numbers.n', 'day') }} as day
    from (select min(activity_on) as day from days) as first_day
    cross join ({{ numbers_up_to('(select ' ~ days_between('min(activity_on)', '(select max(as_of_on) from build)') ~ ' from days)') }}) as numbers

),

spine as (
    {% for grain in ['day', 'week', 'month'] %}
    select distinct
        cast('{{ grain }}' as {{ dbt.type_string() }}) as grain,
        {{ period_start('day', grain) }} as period,
        {{ add_periods(period_start('day', grain), '1', grain) }} as next_period
    from calendar
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        spine.grain,
        spine.period,
        cast(coalesce(counted.active_count, 0) as bigint) as active_count,
        cast(coalesce(counted.new_count, 0) as bigint) as new_count,
        cast(coalesce(counted.returning_count, 0) as bigint) as returning_count,
        cast(coalesce(counted.resurrected_count, 0) as bigint) as resurrected_count,
        cast(coalesce(counted.dormant_count, 0) as bigint) as dormant_count,
        spine.next_period <= build.complete_until_on as is_complete
    from spine
    cross join build
    left join counted on spine.grain = counted.grain and spine.period = counted.period

)

select * from final
