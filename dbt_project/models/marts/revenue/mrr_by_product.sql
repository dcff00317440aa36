-- One row per grain (day, month), period, currency and product: MRR and members at the period's last instant (at as_of
-- while it runs).
with build as (

    select * from {{ ref('core_build') }}

),

coverage as (

    select * from {{ ref('int_coverage') }}

),

edges as (

    select
        customer_key,
        currency,
        product_type,
        changed_at,
        sum(change_cents) as change_cents
    from (
        select
            customer_key,
            currency,
            product_type,
            covered_from_at as changed_at,
            mrr_cents as change_cents
        from coverage
        union all
        select
            customer_key,
            currency,
            product_type,
            covered_until_at as changed_at,
            -mrr_cents as change_cents
        from coverage
    ) as both_ends
    group by customer_key, currency, product_type, changed_at

),

changes as (

    select
        edges.*,
        {{ local_date('edges.changed_at') }} as changed_on,
        sum(edges.change_cents) over (
            partition by edges.customer_key, edges.currency, edges.product_type order by edges.changed_at nulls last
        ) as mrr_cents
    from edges
    cross join build
    where edges.changed_at <= build.as_of and edges.change_cents <> 0

),

moved as (

    select
        changed_on,
        currency,
        product_type,
        sum(change_cents) as change_cents,
        sum(case when mrr_cents > 0 then 1 else 0 end) - sum(case when mrr_cents - change_cents > 0 then 1 else 0 end) as member_change
    from changes
    group by changed_on, currency, product_type

),

bounds as (

    select
        min(moved.changed_on) as first_on,
        min(build.as_of_on) as last_on,
        min(build.complete_until_on) as complete_until_on
    from moved
    cross join build

),

numbers as (

    {{ numbers_up_to('(select ' ~ days_between('first_on', 'last_on') ~ ' from bounds)') }}

),

days as (

    select
        {{ add_periods('bounds.first_on', 'numbers.n', 'day') }} as period,
        bounds.last_on,
        bounds.complete_until_on
    from bounds
    cross join numbers

),

daily as (

    select
        days.period,
        series.currency,
        series.product_type,
        sum(coalesce(moved.change_cents, 0)) over so_far as mrr_cents,
        sum(coalesce(moved.member_change, 0)) over so_far as member_count,
        {{ add_periods('days.period', '1', 'day') }} as next_period,
        days.last_on,
        days.complete_until_on
    from days
    cross join (select distinct currency, product_type from moved) as series
    left join moved
        on
            days.period = moved.changed_on
            and series.currency = moved.currency
            and series.product_type = moved.product_type
    window so_far as (partition by series.currency, series.product_type order by days.period nulls last)

),

final as (

    select
        'day' as grain,
        period,
        currency,
        product_type,
        mrr_cents,
        member_count,
        next_period <= complete_until_on as is_complete
    from daily

    union all

    select
        'month' as grain,
        cast(date_trunc('month', period) as date) as period,
        currency,
        product_type,
        mrr_cents,
        member_count,
        {{ add_periods("cast(date_trunc('month', period) as date)", '1', 'month') }} <= complete_until_on as is_complete
    from daily
    where period = last_on or cast(date_trunc('month', period) as date) <> cast(date_trunc('month', next_period) as date)

)

select
    cast(grain as {{ dbt.type_string() }}) as grain,
    period,
    currency,
    product_type,
    cast(mrr_cents as bigint) as mrr_cents,
    cast(member_count as bigint) as member_count,
    is_complete
from final
