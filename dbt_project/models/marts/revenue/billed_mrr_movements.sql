-- One row per month and currency: how billed MRR went from the month's opening to its close.
with months as (

    select * from {{ ref('dim_months') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

spine as (

    select
        months.month,
        months.is_complete,
        currencies.currency
    from months
    cross join (select distinct currency from changes) as currencies
    where months.month >= (select min(month) from changes)

),

moved as (

    select
        month,
        currency,
        sum(case when billed_movement = 'new' then billed_change_cents else 0 end) as new_mrr_cents,
        sum(case when billed_movement = 'reactivation' then billed_change_cents else 0 end) as reactivation_mrr_cents,
        sum(case when billed_movement = 'expansion' then billed_change_cents else 0 end) as expansion_mrr_cents,
        -sum(case when billed_movement = 'contraction' then billed_change_cents else 0 end) as contraction_mrr_cents,
        -sum(case when billed_movement = 'churn' then billed_change_cents else 0 end) as churn_mrr_cents,
        -sum(case when is_in_grace then billed_change_cents else 0 end) as in_grace_mrr_cents,
        sum(billed_change_cents) as change_cents,
        sum(case when billed_mrr_cents > 0 then 1 else 0 end)
        - sum(case when billed_mrr_cents - billed_change_cents > 0 then 1 else 0 end) as member_change
    from changes
    group by month, currency

),

final as (

    select
        spine.month,
        spine.currency,
        cast(sum(coalesce(moved.change_cents, 0)) over so_far - coalesce(moved.change_cents, 0) as bigint) as opening_mrr_cents,
        cast(coalesce(moved.new_mrr_cents, 0) as bigint) as new_mrr_cents,
        cast(coalesce(moved.reactivation_mrr_cents, 0) as bigint) as reactivation_mrr_cents,
        cast(coalesce(moved.expansion_mrr_cents, 0) as bigint) as expansion_mrr_cents,
        cast(coalesce(moved.contraction_mrr_cents, 0) as bigint) as contraction_mrr_cents,
        cast(coalesce(moved.churn_mrr_cents, 0) as bigint) as churn_mrr_cents,
        cast(sum(coalesce(moved.change_cents, 0)) over so_far as bigint) as closing_mrr_cents,
        cast(coalesce(moved.in_grace_mrr_cents, 0) as bigint) as in_grace_mrr_cents,
        cast(sum(coalesce(moved.member_change, 0)) over so_far as bigint) as member_count,
        spine.is_complete
    from spine
    left join moved on spine.month = moved.month and spine.currency = moved.currency
    window so_far as (partition by spine.currency order by spine.month)

)

select * from final
