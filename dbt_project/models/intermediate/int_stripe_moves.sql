-- One row per movement up to as_of that Stripe's exports tell: of a balance file a row, of a payments file a charge,
-- refund or dispute of days that no balance file covers.
with build as (

    select * from {{ ref('core_build') }}

),

days as (

    select * from {{ ref('int_stripe_days') }}

),

balance as (

    select balance_rows.*
    from {{ ref('stg_stripe__balance_rows') }} as balance_rows
    cross join build
    where balance_rows.created_at <= build.as_of

),

payments as (

    select payment_rows.*
    from {{ ref('stg_stripe__payment_rows') }} as payment_rows
    cross join build
    where payment_rows.is_charge and payment_rows.created_at <= build.as_of

),

-- What balance files tell of the charges of a payments file, whose refunds and disputes are sums over all days.
balance_ids as (
    {% for column in ['charge_id', 'payment_intent_id'] %}
    select
        balance_transaction_id,
        {{ column }} as id
    from balance
    where {{ column }} is not null and category in ('charge', 'refund', 'dispute', 'charge_failure')
    {{ 'union' if not loop.last }}
    {%- endfor %}

),

payment_ids as (
    {% for column in ['charge_id', 'payment_intent_id'] %}
    select
        payment_id,
        {{ column }} as id
    from payments
    where {{ column }} is not null
    {{ 'union' if not loop.last }}
    {%- endfor %}

),

shared as (

    select distinct
        payment_ids.payment_id,
        balance_ids.balance_transaction_id
    from payment_ids
    inner join balance_ids on payment_ids.id = balance_ids.id

),

told as (

    select
        shared.payment_id,
        max(case when balance.category = 'charge' then 1 else 0 end) = 1 as has_charge,
        max(case when balance.category = 'dispute' then 1 else 0 end) = 1 as has_dispute,
        sum(
            case
                when balance.category in ('refund', 'charge_failure') then abs(coalesce(balance.facing_cents, balance.gross_cents))
                else 0
            end
        ) as refunded_cents
    from shared
    inner join balance on shared.balance_transaction_id = balance.balance_transaction_id
    group by shared.payment_id

),

parts as (

    select
        payments.*,
        'charge' as category,
        payments.created_at as moved_at,
        payments.amount_cents as moved_cents
    from payments
    left join told on payments.payment_id = told.payment_id
    where not coalesce(told.has_charge, false)

    union all

    select
        payments.*,
        'refund' as category,
        coalesce(payments.refunded_at, payments.created_at) as moved_at,
        -(payments.refunded_cents - coalesce(told.refunded_cents, 0)) as moved_cents
    from payments
    left join told on payments.payment_id = told.payment_id
    where payments.refunded_cents > coalesce(told.refunded_cents, 0)

    union all

    select
        payments.*,
        'dispute' as category,
        coalesce(payments.disputed_at, payments.created_at) as moved_at,
        -payments.disputed_cents as moved_cents
    from payments
    left join told on payments.payment_id = told.payment_id
    where
        payments.disputed_cents > 0
        and not coalesce(told.has_dispute, false)
        and coalesce(payments.dispute_status, '') <> 'won'
        and coalesce(payments.dispute_status, '') not like 'warning%'

),

moves as (

    select
        balance_transaction_id as move_key,
        false as is_total,
        category,
        created_at as moved_at,
        case
            when facing_cents is not null and facing_currency is not null then sign(gross_cents) * abs(facing_cents)
            else gross_cents
        end as amount_cents,
        coalesce(facing_currency, currency) as currency,
        gross_cents as settled_cents,
        coalesce(fee_cents, 0) - case when category = 'fee' then gross_cents else 0 end as fee_cents,
        currency as settled_currency,
        source_id,
        charge_id,
        payment_intent_id,
        invoice_id,
        customer_id
    from balance

    union all

    select
        parts.category || ':' || parts.payment_id as move_key,
        parts.category <> 'charge' as is_total,
        parts.category,
        parts.moved_at,
        parts.moved_cents as amount_cents,
        parts.currency,
        case
            when parts.settled_currency = parts.currency or parts.amount_cents = 0 then parts.moved_cents
            else {{ divide_cents('cast(parts.settled_cents as numeric(20, 4)) * parts.moved_cents', 'parts.amount_cents') }}
        end as settled_cents,
        case when parts.category = 'charge' then coalesce(parts.fee_cents, 0) else 0 end as fee_cents,
        parts.settled_currency,
        cast(null as {{ dbt.type_string() }}) as source_id,
        parts.charge_id,
        parts.payment_intent_id,
        parts.invoice_id,
        parts.customer_id
    from parts
    cross join build
    left join days on {{ local_date('parts.moved_at') }} = days.day
    where
        parts.moved_at <= build.as_of
        and not coalesce(case when parts.category = 'charge' then days.has_balance_charges else days.has_balance end, false)

),

final as (

    select
        move_key,
        is_total,
        category,
        moved_at,
        cast(amount_cents as bigint) as amount_cents,
        currency,
        cast(settled_cents as bigint) as settled_cents,
        cast(fee_cents as bigint) as fee_cents,
        settled_currency,
        source_id,
        charge_id,
        payment_intent_id,
        invoice_id,
        customer_id
    from moves

)

select * from final
