-- One row per month, customer, currency and movement: who is behind a month's MRR movements.
with months as (

    select * from {{ ref('dim_months') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

closing as (

    select * from {{ ref('int_member_months') }}

),

moved as (

    select
        month,
        customer_key,
        currency,
        movement,
        sum(change_cents) as movement_mrr_cents,
        -sum(case when is_in_grace then change_cents else 0 end) as in_grace_mrr_cents
    from changes
    where movement is not null
    group by month, customer_key, currency, movement

),

final as (

    select
        moved.month,
        moved.customer_key,
        moved.currency,
        moved.movement,
        cast(abs(moved.movement_mrr_cents) as bigint) as movement_mrr_cents,
        cast(coalesce(closing.mrr_cents, 0) as bigint) as closing_mrr_cents,
        cast(moved.in_grace_mrr_cents as bigint) as in_grace_mrr_cents,
        months.is_complete
    from moved
    inner join months on moved.month = months.month
    left join closing
        on moved.month = closing.month and moved.customer_key = closing.customer_key and moved.currency = closing.currency

)

select * from final
