-- One row per charge up to as_of that Stripe's exports tell: what is left of it, and the payment that it is.
with moves as (

    select * from {{ ref('int_stripe_moves') }}

),

-- A payments file can name ids that a balance file does not.
named as (

    select
        moves.*,
        coalesce(moves.payment_intent_id, payment_rows.payment_intent_id) as known_intent_id,
        coalesce(moves.invoice_id, payment_rows.invoice_id) as known_invoice_id,
        coalesce(moves.customer_id, payment_rows.customer_id) as known_customer_id
    from moves
    left join {{ ref('stg_stripe__payment_rows') }} as payment_rows on moves.charge_id = payment_rows.charge_id
    where moves.category = 'charge'

),

lowered as (

    select
        named.move_key as charge_key,
        named.moved_at as charged_at,
        named.currency,
        named.charge_id,
        named.known_intent_id as payment_intent_id,
        named.known_invoice_id as invoice_id,
        named.known_customer_id as customer_id,
        named.amount_cents + coalesce(sum(captures.amount_cents), 0) as amount_cents
    from named
    left join moves as captures
        on
            captures.category = 'partial_capture_reversal'
            and named.currency = captures.currency
            and coalesce(named.charge_id = captures.charge_id, named.known_intent_id = captures.payment_intent_id)
    group by
        named.move_key, named.moved_at, named.currency, named.charge_id, named.known_intent_id, named.known_invoice_id,
        named.known_customer_id, named.amount_cents

),

charges as (

    select
        lowered.*,
        coalesce(customers.is_excluded, false) as is_of_excluded
    from lowered
    left join {{ ref('int_stripe_customers') }} as customers on lowered.customer_id = customers.stripe_customer_id
    where lowered.amount_cents > 0

),

charge_ids as (

    {% for column in ['charge_id', 'payment_intent_id', 'invoice_id'] %}
    select
        charge_key,
        {{ column }} as id
    from charges
    where {{ column }} is not null
    {{ 'union' if not loop.last }}
    {%- endfor %}

),

payments as (

    select
        payment_key,
        'counted' as standing,
        currency,
        amount_cents,
        paid_at
    from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

    union all

    -- So that a charge of an account that counts nowhere finds its own payment.
    select
        payment_key,
        'excluded' as standing,
        max(currency) as currency,
        max(amount_cents) as amount_cents,
        min(paid_at) as paid_at
    from {{ ref('int_payments') }}
    where
        dropped_reason in ('test', 'internal')
        and reversal_kind is null
        and amount_cents > 0
        and payment_key not in (select payment_key from {{ ref('int_payments') }} where is_payment)
    group by payment_key

),

payment_ids as (

    select * from {{ ref('int_payment_ids') }}

),

by_id as (

    select
        charge_ids.charge_key,
        payment_ids.payment_key,
        payment_ids.standing,
        count(*) as shared_count
    from charge_ids
    inner join payment_ids on charge_ids.id = payment_ids.id
    group by charge_ids.charge_key, payment_ids.payment_key, payment_ids.standing

),

edges as (

    select
        by_id.charge_key,
        by_id.payment_key,
        by_id.standing,
        by_id.shared_count,
        charges.currency = payments.currency as is_same_currency,
        case when charges.amount_cents = payments.amount_cents then 0 else 1 end as differs,
        abs({{ seconds_between('payments.paid_at', 'charges.charged_at') }}) as distance
    from by_id
    inner join charges on by_id.charge_key = charges.charge_key
    inner join payments on by_id.payment_key = payments.payment_key and by_id.standing = payments.standing

),

same_currency as {{ kept() }} (

    select * from edges
    where is_same_currency

),

{{ pair_off('by_ids', 'same_currency', 'charge_key', 'payment_key', 'shared_count desc, differs, distance') }},

-- Where the two share no kind of id: the nearest of the same currency and amount within a day.
payment_kinds as (

    select
        payment_key,
        standing,
        max(case when id_kind = 'pi' then 1 else 0 end) as has_pi,
        max(case when id_kind = 'ch' then 1 else 0 end) as has_ch,
        max(case when id_kind = 'in' then 1 else 0 end) as has_in
    from payment_ids
    group by payment_key, standing

),

unlinked as {{ kept() }} (

    select
        charges.charge_key,
        payments.payment_key,
        abs({{ seconds_between('payments.paid_at', 'charges.charged_at') }}) as distance
    from charges
    inner join payments
        on
            charges.currency = payments.currency
            and charges.amount_cents = payments.amount_cents
            and payments.paid_at between charges.charged_at - interval '1 day' and charges.charged_at + interval '1 day'
    left join payment_kinds
        on payments.payment_key = payment_kinds.payment_key and payments.standing = payment_kinds.standing
    where
        (charges.payment_intent_id is null or coalesce(payment_kinds.has_pi, 0) = 0)
        and (charges.charge_id is null or coalesce(payment_kinds.has_ch, 0) = 0)
        and (charges.invoice_id is null or coalesce(payment_kinds.has_in, 0) = 0)
        and charges.charge_key not in (select charge_key from by_id)
        and payments.payment_key not in (select payment_key from by_id)

),

{{ pair_off('by_distance', 'unlinked', 'charge_key', 'payment_key', 'distance') }},

pairs as (

    select * from by_ids
    union all
    select * from by_distance

),

-- A second charge of a payment that has one.
repeated as (

    select
        charge_key,
        min(payment_key) as payment_key,
        max(case when standing = 'excluded' then 1 else 0 end) = 1 as is_excluded
    from same_currency
    group by charge_key

),

final as (

    select
        charges.charge_key,
        charges.charged_at,
        charges.currency,
        cast(charges.amount_cents as bigint) as amount_cents,
        charges.charge_id,
        charges.payment_intent_id,
        charges.invoice_id,
        charges.customer_id,
        coalesce(pairs.other, repeated.payment_key) as payment_key,
        case
            when payments.standing = 'excluded' or (pairs.other is null and (repeated.is_excluded or charges.is_of_excluded)) then 'excluded'
            when pairs.other is not null then 'matched'
            when repeated.charge_key is not null then 'duplicate'
            else 'only_stripe'
        end as standing
    from charges
    left join pairs on charges.charge_key = pairs.one
    left join payments on pairs.other = payments.payment_key
    left join repeated on charges.charge_key = repeated.charge_key

)

select * from final
