-- One row per cohort month, currency and offset: the cohort's MRR at the offset's end beside that of its first month.
with months as (

    select * from {{ ref('dim_months') }}
    where month >= (select min({{ local_month('member_since_at') }}) from {{ ref('int_mrr_changes') }})

),

members as (

    select distinct
        customer_key,
        currency,
        {{ local_month('member_since_at') }} as cohort_period
    from {{ ref('int_mrr_changes') }}

),

sizes as (

    select
        months.month as cohort_period,
        currencies.currency,
        count(members.customer_key) as cohort_size
    from months
    cross join (select distinct currency from members) as currencies
    left join members on months.month = members.cohort_period and currencies.currency = members.currency
    group by months.month, currencies.currency

),

carried as (

    select
        cohort_month as cohort_period,
        currency,
        month,
        sum(mrr_cents) as mrr_cents
    from {{ ref('int_member_months') }}
    group by cohort_month, currency, month

),

cells as (

    select
        sizes.cohort_period,
        sizes.currency,
        {{ months_between('(select min(month) from months)', 'months.month') }} as period_index,
        {{ add_periods('sizes.cohort_period', months_between('(select min(month) from months)', 'months.month'), 'month') }} as month,
        sizes.cohort_size
    from sizes
    cross join months

),

final as (

    select
        cells.cohort_period,
        cells.currency,
        cells.period_index,
        cast(cells.cohort_size as bigint) as cohort_size,
        cast(case when months.month is not null then coalesce(carried.mrr_cents, 0) end as bigint) as mrr_cents,
        cast(coalesce(first_month.mrr_cents, 0) as bigint) as first_mrr_cents,
        coalesce(months.is_complete, false) as is_complete
    from cells
    left join months on cells.month = months.month
    left join carried
        on cells.cohort_period = carried.cohort_period and cells.currency = carried.currency and cells.month = carried.month
    left join carried as first_month
        on
            cells.cohort_period = first_month.cohort_period
            and cells.currency = first_month.currency
            and cells.cohort_period = first_month.month

)

select
    cohort_period,
    currency,
    period_index,
    cohort_size,
    mrr_cents,
    {{ ratio('mrr_cents', 'first_mrr_cents') }} as revenue_retention_rate,
    is_complete
from final
