-- One row per cohort month and offset: how many of those who first had MRR in the month have it at the offset's end.
with months as (

    select * from {{ ref('dim_months') }}
    where month >= (select min({{ local_month('member_since_at') }}) from {{ ref('int_mrr_changes') }})

),

members as (

    select distinct
        customer_key,
        {{ local_month('member_since_at') }} as cohort_period
    from {{ ref('int_mrr_changes') }}

),

member_months as (

    select distinct
        month,
        customer_key,
        cohort_month
    from {{ ref('int_member_months') }}

),

sizes as (

    select
        months.month as cohort_period,
        count(members.customer_key) as cohort_size
    from months
    left join members on months.month = members.cohort_period
    group by months.month

),

retained as (

    select
        cohort_month as cohort_period,
        month,
        count(*) as retained_count
    from member_months
    group by cohort_month, month

),

cells as (

    select
        sizes.cohort_period,
        {{ months_between('(select min(month) from months)', 'months.month') }} as period_index,
        {{ add_periods('sizes.cohort_period', months_between('(select min(month) from months)', 'months.month'), 'month') }} as month,
        sizes.cohort_size
    from sizes
    cross join months

),

final as (

    select
        cells.cohort_period,
        cells.period_index,
        cast(cells.cohort_size as bigint) as cohort_size,
        cast(case when months.month is not null then cells.cohort_size end as bigint) as at_risk_count,
        cast(case when months.month is not null then coalesce(retained.retained_count, 0) end as bigint) as retained_count,
        coalesce(months.is_complete, false) as is_complete
    from cells
    left join months on cells.month = months.month
    left join retained on cells.cohort_period = retained.cohort_period and cells.month = retained.month

)

select
    cohort_period,
    period_index,
    cohort_size,
    at_risk_count,
    retained_count,
    {{ ratio('retained_count', 'at_risk_count') }} as retention_rate,
    {{ wilson('retained_count', 'at_risk_count', -1) }} as low,
    {{ wilson('retained_count', 'at_risk_count', 1) }} as high,
    is_complete
from final
