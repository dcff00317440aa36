-- One row per movement that Stripe's exports tell: what it settled, its fee, and whether it counts in revenue.
with moves as (

    select * from {{ ref('int_stripe_moves') }}

),

charges as (

    select * from {{ ref('int_stripe_charges') }}

),

given_back as (

    select * from {{ ref('int_stripe_given_back') }}

),

payments as (

    select
        payment_key,
        customer_key
    from {{ ref('int_payments') }}
    where is_payment

),

placed as (

    select
        moves.*,
        coalesce(charges.payment_key, given_back.found_key) as payment_key,
        given_back.customer_key as named_customer_key,
        case
            when charges.charge_key is not null then charges.standing
            when given_back.move_key is not null then coalesce(given_back.reason, 'counted')
            when moves.category = 'fee' then 'fee'
            else 'no revenue'
        end as standing,
        case when moves.category in ('charge', 'partial_capture_reversal') then moves.settled_cents else 0 end as charged_cents,
        case
            when moves.category in ('refund', 'refund_failure', 'charge_failure', 'dispute', 'dispute_reversal')
                then -moves.settled_cents
            else 0
        end as returned_cents
    from moves
    left join charges on moves.move_key = charges.charge_key
    left join given_back on moves.move_key = given_back.move_key

),

final as (

    select
        placed.move_key,
        {{ local_month('placed.moved_at') }} as month,
        {{ local_date('placed.moved_at') }} as moved_on,
        cast(placed.category as {{ dbt.type_string() }}) as category,
        cast(placed.standing as {{ dbt.type_string() }}) as standing,
        cast(placed.payment_key as {{ dbt.type_string() }}) as payment_key,
        cast(coalesce(payments.customer_key, placed.named_customer_key) as {{ dbt.type_string() }}) as customer_key,
        placed.settled_currency as currency,
        cast(placed.charged_cents as bigint) as charged_cents,
        cast(placed.returned_cents as bigint) as returned_cents,
        cast(placed.charged_cents - placed.returned_cents as bigint) as settled_gross_cents,
        placed.fee_cents,
        cast(placed.charged_cents - placed.returned_cents - placed.fee_cents as bigint) as settled_net_cents,
        placed.currency as customer_currency,
        placed.amount_cents as customer_amount_cents
    from placed
    left join payments on placed.payment_key = payments.payment_key

)

select * from final
