-- One row per refund or chargeback up to as_of: what it gives back of which payment, and what it claims beyond that.
with build as (

    select * from {{ ref('core_build') }}

),

payments as (

    select * from {{ ref('int_payments') }}

),

received as (

    select * from payments
    where is_payment

),

-- Counted or not: a reversal that failed still says how much was to be given back.
reversal_rows as (

    select * from payments
    where reversal_kind is not null and dropped_reason in ('refund', 'unsettled')

),

-- Every id under which a received payment was stored, its merged duplicates' included.
payment_ids as (

    select
        payments.stripe_payment_id,
        min(payments.payment_key) as payment_key
    from payments
    where payments.dropped_reason is null or payments.dropped_reason in ('duplicate', 'zero')
    group by payments.stripe_payment_id

),

matched as (

    select
        reversal_rows.payment_row_id,
        'row:' || cast(reversal_rows.payment_row_id as {{ dbt.type_string() }}) as reversal_key,
        reversal_rows.reversal_kind as kind,
        reversal_rows.dropped_reason = 'refund' as is_counted,
        coalesce(by_invoice.payment_key, payment_ids.payment_key) as payment_key,
        reversal_rows.customer_key,
        reversal_rows.product_type,
        reversal_rows.currency,
        abs(reversal_rows.amount_cents) as claimed_cents,
        reversal_rows.paid_at as given_back_at
    from reversal_rows
    left join received as by_invoice on reversal_rows.stripe_invoice_id = by_invoice.payment_key
    left join payment_ids on reversal_rows.stripe_payment_id = payment_ids.stripe_payment_id

),

-- A payment with the status `refunded` or `disputed` was given back in full, unless rows say how much.
stated as (
    {% for kind, column in [('refund', 'status_refunded_at'), ('chargeback', 'status_disputed_at')] %}
    select
        cast(null as bigint) as payment_row_id,
        '{{ kind }}:' || received.payment_key as reversal_key,
        '{{ kind }}' as kind,
        true as is_counted,
        received.payment_key,
        received.customer_key,
        received.product_type,
        received.currency,
        received.amount_cents as claimed_cents,
        received.{{ column }} as given_back_at
    from received
    cross join build
    left join matched on received.payment_key = matched.payment_key and matched.kind = '{{ kind }}'
    where received.{{ column }} <= build.as_of and received.amount_cents > 0 and matched.payment_key is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

claims as (

    select * from matched
    where is_counted
    union all
    select * from stated

),

-- In order of date, no more is given back than the payment took in.
summed as (

    select
        claims.payment_row_id,
        claims.reversal_key,
        claims.kind,
        claims.payment_key,
        coalesce(received.customer_key, claims.customer_key) as customer_key,
        coalesce(received.product_type, claims.product_type) as product_type,
        claims.currency,
        claims.given_back_at,
        claims.claimed_cents,
        received.amount_cents as received_cents,
        sum(claims.claimed_cents) over (
            partition by claims.payment_key order by claims.given_back_at, claims.reversal_key
            rows between unbounded preceding and current row
        ) as claimed_so_far_cents
    from claims
    left join received on claims.payment_key = received.payment_key

),

given as (

    select
        summed.*,
        case
            when payment_key is null then claimed_cents
            else least(claimed_so_far_cents, received_cents) - least(claimed_so_far_cents - claimed_cents, received_cents)
        end as amount_cents
    from summed

),

final as (

    select
        reversal_key,
        payment_row_id,
        kind,
        payment_key,
        customer_key,
        product_type,
        currency,
        cast(amount_cents as bigint) as amount_cents,
        cast(claimed_cents - amount_cents as bigint) as over_cents,
        given_back_at
    from given

)

select * from final
