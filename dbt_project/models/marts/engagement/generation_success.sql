-- One row per month and kind of generation: how many were asked for, and what became of them.
with months as (

    select * from {{ ref('dim_months') }}

),

generations as (

    select * from {{ ref('generations') }}

),

counted as (

    select
        month,
        kind,
        count(*) as requested_count,
        sum(case when status = 'completed' then 1 else 0 end) as completed_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count,
        count(distinct user_id) as user_count
    from generations
    group by month, kind

),

final as (

    select
        months.month,
        kinds.kind,
        cast(coalesce(counted.requested_count, 0) as bigint) as requested_count,
        cast(coalesce(counted.completed_count, 0) as bigint) as completed_count,
        cast(coalesce(counted.failed_count, 0) as bigint) as failed_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        {{ ratio('counted.completed_count', 'counted.completed_count + counted.failed_count') }} as success_rate,
        months.is_complete
    from months
    cross join (select distinct kind from counted) as kinds
    left join counted on months.month = counted.month and kinds.kind = counted.kind
    where months.month >= (select min(month) from counted)

)

select * from final
