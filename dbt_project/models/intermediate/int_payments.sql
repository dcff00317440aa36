-- One row per stored payment row up to as_of: kept as its payment's one row, or dropped with a reason.
with payment_rows as (

    select * from {{ ref('int_payment_rows') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}

),

screened as (

    select
        payment_rows.*,
        case
            when payment_rows.is_test or accounts.exclusion = 'test' then 'test'
            when accounts.exclusion = 'internal' then 'internal'
            when payment_rows.role = 'unsettled' then 'unsettled'
            when payment_rows.role = 'refund' then 'refund'
            when payment_rows.paid_at is null then 'undated'
        end as screened_reason
    from payment_rows
    left join accounts on payment_rows.user_id = accounts.user_id

),

merged as (

    select
        screened.*,
        row_number() over (
            partition by payment_key, screened_reason
            order by amount_cents desc, case when status = 'paid' then 0 else 1 end, paid_at, stripe_payment_id, payment_row_id
        ) as choice,
        min(paid_at) over (partition by payment_key, screened_reason) as first_paid_at,
        coalesce(
            max(case when status = 'paid' then product_type end) over (partition by payment_key, screened_reason),
            max(product_type) over (partition by payment_key, screened_reason)
        ) as merged_product_type,
        max(stripe_subscription_id) over (partition by payment_key, screened_reason) as merged_subscription_id,
        min(case when status = 'refunded' then coalesce(updated_at, paid_at) end)
            over (partition by payment_key, screened_reason) as status_refunded_at
    from screened

),

final as (

    select
        payment_row_id,
        payment_key,
        stripe_payment_id,
        stripe_invoice_id,
        merged_subscription_id as stripe_subscription_id,
        user_id,
        customer_key,
        amount_cents,
        currency,
        coalesce(merged_product_type, 'unknown') as product_type,
        case when screened_reason is null then first_paid_at else paid_at end as paid_at,
        status_refunded_at,
        coalesce(
            screened_reason,
            case when choice > 1 then 'duplicate' when amount_cents = 0 then 'zero' end
        ) as dropped_reason,
        screened_reason is null and choice = 1 as is_payment
    from merged

)

select * from final
