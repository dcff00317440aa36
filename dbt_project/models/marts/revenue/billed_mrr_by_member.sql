-- One row per month, customer, currency and movement: who is behind a month's movements of billed MRR.
with changes as (

    select * from {{ ref('int_mrr_changes') }}
    where billed_movement is not null

),

final as (

    select
        month,
        customer_key,
        currency,
        billed_movement as movement,
        cast(abs(sum(billed_change_cents)) as bigint) as movement_mrr_cents,
        cast(-sum(case when is_in_grace then billed_change_cents else 0 end) as bigint) as in_grace_mrr_cents
    from changes
    group by month, customer_key, currency, billed_movement

)

select * from final
