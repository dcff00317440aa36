-- One row per month: models that users had trained, and how long the training took.
with months as (

    select * from {{ ref('dim_months') }}

),

trainings as (

    select * from {{ ref('generations') }}
    where kind = 'training'

),

counted as (

    select
        month,
        count(*) as requested_count,
        sum(case when status = 'completed' then 1 else 0 end) as completed_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count,
        count(distinct user_id) as user_count,
        percentile_cont(0.5) within group (order by minutes) as median_minutes
    from trainings
    group by month

),

final as (

    select
        months.month,
        cast(coalesce(counted.requested_count, 0) as bigint) as requested_count,
        cast(coalesce(counted.completed_count, 0) as bigint) as completed_count,
        cast(coalesce(counted.failed_count, 0) as bigint) as failed_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        {{ ratio('counted.completed_count', 'counted.completed_count + counted.failed_count') }} as success_rate,
        cast(counted.median_minutes as {{ double_type() }}) as median_minutes,
        months.is_complete
    from months
    left join counted on months.month = counted.month
    where months.month >= (select min(month) from counted)

)

select * from final
