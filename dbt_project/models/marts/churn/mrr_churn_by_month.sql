-- One row per month and currency: what became of the MRR that stood at the month's opening.
with movements as (

    select * from {{ ref('mrr_movements') }}

),

member_months as (

    select * from {{ ref('int_member_months') }}

),

carried as (

    select
        {{ add_periods('opening.month', '1', 'month') }} as month,
        opening.currency,
        sum(least(coalesce(closing.mrr_cents, 0), opening.mrr_cents)) as kept_cents,
        sum(coalesce(closing.mrr_cents, 0)) as end_cents
    from member_months as opening
    left join member_months as closing
        on
            {{ add_periods('opening.month', '1', 'month') }} = closing.month
            and opening.customer_key = closing.customer_key
            and opening.currency = closing.currency
    group by 1, 2

),

final as (

    select
        movements.month,
        movements.currency,
        movements.opening_mrr_cents,
        1 - {{ ratio('carried.kept_cents', 'movements.opening_mrr_cents') }} as gross_mrr_churn_rate,
        1 - {{ ratio('carried.end_cents', 'movements.opening_mrr_cents') }} as net_mrr_churn_rate,
        {{ ratio('carried.kept_cents', 'movements.opening_mrr_cents') }} as grr,
        {{ ratio('carried.end_cents', 'movements.opening_mrr_cents') }} as nrr,
        {{ ratio('carried.end_cents + movements.reactivation_mrr_cents', 'movements.opening_mrr_cents') }} as nrr_with_reactivation,
        {{ ratio(
            'movements.new_mrr_cents + movements.expansion_mrr_cents + movements.reactivation_mrr_cents',
            'movements.contraction_mrr_cents + movements.churn_mrr_cents'
        ) }} as quick_ratio,
        movements.is_complete
    from movements
    left join carried on movements.month = carried.month and movements.currency = carried.currency

)

select * from final
