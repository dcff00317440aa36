-- One row per payment received, refund or chargeback: the rows behind revenue by month.
with payments as (

    select * from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

reversals as (

    select * from {{ ref('int_reversals') }}
    where amount_cents <> 0

),

moved as (

    select
        payment_key as movement_key,
        payment_key,
        'payment' as kind,
        customer_key,
        product_type,
        currency,
        amount_cents as gross_cents,
        0 as refunded_cents,
        0 as chargeback_cents,
        paid_at as moved_at
    from payments

    union all

    select
        kind || ':' || reversal_key as movement_key,
        payment_key,
        kind,
        customer_key,
        product_type,
        currency,
        0 as gross_cents,
        case when kind = 'refund' then amount_cents else 0 end as refunded_cents,
        case when kind = 'chargeback' then amount_cents else 0 end as chargeback_cents,
        given_back_at as moved_at
    from reversals

),

final as (

    select
        movement_key,
        payment_key,
        cast(kind as {{ dbt.type_string() }}) as kind,
        {{ local_month('moved_at') }} as month,
        {{ local_date('moved_at') }} as moved_on,
        customer_key,
        product_type,
        currency,
        cast(gross_cents as bigint) as gross_cents,
        cast(refunded_cents as bigint) as refunded_cents,
        cast(chargeback_cents as bigint) as chargeback_cents
    from moved

)

select * from final
