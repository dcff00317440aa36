-- One row per customer, currency and instant up to as_of at which contract MRR changes: MRR at any instant is the sum up to it.
with changes as (

    select * from {{ ref('int_mrr_changes') }}

),

final as (

    select
        customer_key,
        currency,
        changed_at,
        change_cents
    from changes
    where change_cents <> 0

)

select * from final
