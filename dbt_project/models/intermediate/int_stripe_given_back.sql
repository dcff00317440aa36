-- One row per refund, dispute or reversal of one up to as_of that Stripe's exports tell: of which payment, and whether
-- it counts.
with moves as (

    select
        moves.*,
        case
            when category in ('refund', 'charge_failure', 'refund_failure') then 'refund'
            else 'chargeback'
        end as kind,
        category in ('refund_failure', 'dispute_reversal') as is_reversal
    from {{ ref('int_stripe_moves') }} as moves
    where category in ('refund', 'charge_failure', 'refund_failure', 'dispute', 'dispute_reversal')

),

charges as (

    select * from {{ ref('int_stripe_charges') }}

),

payment_ids as (

    select * from {{ ref('int_payment_ids') }}

),

-- The charge's own id says more than the payment intent's, and that more than the invoice's.
named as (
    {% for column in ['charge_id', 'payment_intent_id', 'invoice_id'] %}
    select
        move_key,
        {{ column }} as id,
        {{ loop.index }} as preference
    from moves
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

charge_ids as (
    {% for column in ['charge_id', 'payment_intent_id', 'invoice_id'] %}
    select
        charge_key,
        standing,
        payment_key,
        {{ column }} as id
    from charges
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

found as (

    select
        named.move_key,
        charge_ids.payment_key,
        charge_ids.standing,
        case when charge_ids.standing = 'matched' then 0 else 1 end as is_unmatched,
        named.preference,
        1 as source_rank
    from named
    inner join charge_ids on named.id = charge_ids.id

    union all

    select
        named.move_key,
        payment_ids.payment_key,
        payment_ids.standing,
        case when payment_ids.standing = 'counted' then 0 else 1 end as is_unmatched,
        named.preference,
        2 as source_rank
    from named
    inner join payment_ids on named.id = payment_ids.id

),

ranked as (

    select
        found.*,
        row_number() over (
            partition by move_key order by preference nulls last, source_rank nulls last, is_unmatched nulls last, payment_key nulls last
        ) as choice
    from found

),

linked as (

    select
        moves.*,
        ranked.payment_key as found_key,
        ranked.standing,
        payments.currency as payment_currency,
        customers.user_id,
        coalesce(customers.is_excluded, false) as is_of_excluded,
        moves.charge_id is null and moves.payment_intent_id is null and moves.invoice_id is null as names_none
    from moves
    left join ranked on moves.move_key = ranked.move_key and ranked.choice = 1
    left join {{ ref('int_payments') }} as payments
        on ranked.payment_key = payments.payment_key and payments.is_payment
    left join {{ ref('int_stripe_customers') }} as customers on moves.customer_id = customers.stripe_customer_id

),

judged as (

    select
        linked.*,
        case
            when standing = 'excluded' or (standing is null and is_of_excluded) then 'excluded account'
            when standing = 'unsettled' then 'unsettled payment'
            when standing in ('only_stripe', 'duplicate') then 'charge not in the database'
            when payment_currency <> currency then 'other currency'
            when is_reversal = (amount_cents < 0) then 'wrong sign'
        end as reason
    from linked

),

final as (

    select
        move_key,
        kind,
        is_reversal,
        is_total,
        category,
        moved_at,
        currency,
        abs(amount_cents) as claimed_cents,
        source_id,
        replace(source_id, 'dp_', 'du_') as reversal_id,
        charge_id,
        payment_intent_id,
        names_none,
        case when reason is null then found_key end as payment_key,
        found_key,
        case
            when names_none and customer_id is null then null
            else coalesce(user_id, 'stripe:' || customer_id, 'payment:' || coalesce(source_id, move_key))
        end as customer_key,
        reason
    from judged
    where amount_cents <> 0

)

select * from final
