-- One row per month and currency: how contract MRR went from the month's opening to its close.
with months as (

    select * from {{ ref('dim_months') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

movements as (

    {{ movements_by_month() }}

),

billed as (

    {{ movements_by_month('billed_') }}

),

-- NULL where nobody knows who was set to end; a month without members has nothing to commit.
committed as (

    select
        month,
        currency,
        sum(committed_mrr_cents) as committed_mrr_cents,
        count(*) = count(committed_mrr_cents) as is_known
    from {{ ref('member_month_products') }}
    group by month, currency

),

final as (

    select
        movements.month,
        movements.currency,
        movements.opening_mrr_cents,
        movements.new_mrr_cents,
        movements.reactivation_mrr_cents,
        movements.expansion_mrr_cents,
        movements.contraction_mrr_cents,
        movements.churn_mrr_cents,
        movements.closing_mrr_cents,
        billed.closing_mrr_cents as billed_mrr_cents,
        cast(case when committed.is_known then committed.committed_mrr_cents end as bigint) as committed_mrr_cents,
        movements.in_grace_mrr_cents,
        movements.member_count,
        movements.is_complete,
        12 * movements.closing_mrr_cents as arr_cents,
        {{ divide_cents('movements.closing_mrr_cents', 'nullif(movements.member_count, 0)') }} as arpa_cents
    from movements
    inner join billed on movements.month = billed.month and movements.currency = billed.currency
    left join committed on movements.month = committed.month and movements.currency = committed.currency

)

select * from final
