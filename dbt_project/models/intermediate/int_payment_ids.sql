-- One row per payment and Stripe id under which the database stores it, of payments that count and of those that do not.
with ranked as (

    select
        payment_key,
        stripe_payment_id,
        stripe_invoice_id,
        min(
            case
                when dropped_reason in ('test', 'internal') then 2
                when dropped_reason = 'unsettled' then 3
                else 1
            end
        ) over (partition by payment_key) as best
    from {{ ref('int_payments') }}
    where
        dropped_reason is null
        or dropped_reason in ('duplicate', 'zero')
        or (dropped_reason in ('unsettled', 'test', 'internal') and reversal_kind is null)

),

payments as (

    select
        ranked.*,
        case best when 1 then 'counted' when 2 then 'excluded' else 'unsettled' end as standing
    from ranked

),

ids as (

    select
        payment_key,
        standing,
        stripe_payment_id as id
    from payments
    union
    select
        payment_key,
        standing,
        stripe_invoice_id as id
    from payments

),

final as (

    select
        payment_key,
        standing,
        id,
        {{ stripe_id_kind('id') }} as id_kind
    from ids
    where id is not null

)

select * from final
