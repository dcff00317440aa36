-- One row per refund, chargeback or reversal of one up to as_of, as the database or Stripe's exports tell it: what it
-- gives back of which payment, or takes back, and what it claims beyond that.
with recursive build as (

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
        reversal_rows.paid_at as given_back_at,
        case when {{ is_reversal_id('reversal_rows.stripe_payment_id') }} then replace(reversal_rows.stripe_payment_id, 'dp_', 'du_') end
            as reversal_id
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
        received.{{ column }} as given_back_at,
        cast(null as {{ dbt.type_string() }}) as reversal_id
    from received
    cross join build
    left join matched on received.payment_key = matched.payment_key and matched.kind = '{{ kind }}'
    where received.{{ column }} <= build.as_of and received.amount_cents > 0 and matched.payment_key is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

told as {{ kept() }} (

    select * from matched
    union all
    select * from stated

),

exported as (

    select * from {{ ref('int_stripe_given_back') }}
    where reason is null

),

exported_claims as (

    select * from exported
    where not is_reversal

),

-- What both sides tell counts once, by the export: under one id, else of one payment, kind and amount within three days.
on_both_sides as {{ kept() }} (

    select
        told.reversal_key,
        exported_claims.move_key,
        case when told.reversal_id = exported_claims.reversal_id then 0 else 1 end as differs,
        abs({{ seconds_between('exported_claims.moved_at', 'told.given_back_at') }}) as distance
    from told
    inner join exported_claims
        on
            told.kind = exported_claims.kind
            and told.currency = exported_claims.currency
            and (
                told.reversal_id = exported_claims.reversal_id
                or (
                    (told.reversal_id is null or exported_claims.source_id is null)
                    and told.claimed_cents = exported_claims.claimed_cents
                    and told.given_back_at between exported_claims.moved_at - interval '3 days'
                    and exported_claims.moved_at + interval '3 days'
                    and (
                        exported_claims.names_none
                        or coalesce(told.payment_key, '') = coalesce(exported_claims.payment_key, '')
                    )
                )
            )

),

{{ pair_off('paired', 'on_both_sides', 'reversal_key', 'move_key', 'differs, distance') }},

-- A payments file tells the sum of a payment's refunds; a status says less than any row.
summed_up as (

    select told.reversal_key
    from told
    inner join exported_claims
        on
            told.payment_key = exported_claims.payment_key
            and told.kind = exported_claims.kind
            and (
                told.reversal_key = told.kind || ':' || told.payment_key
                or (exported_claims.is_total and told.given_back_at <= exported_claims.moved_at + interval '3 days')
            )

),

claims as {{ kept() }} (

    select
        payment_row_id,
        reversal_key,
        kind,
        payment_key,
        customer_key,
        product_type,
        currency,
        claimed_cents,
        given_back_at,
        reversal_id,
        'database' as origin
    from told
    where
        is_counted
        and reversal_key not in (select one from paired)
        and reversal_key not in (select reversal_key from summed_up)

    union all

    -- The database can know whose an exported refund is that names no charge.
    select
        cast(null as bigint) as payment_row_id,
        exported_claims.move_key as reversal_key,
        exported_claims.kind,
        coalesce(exported_claims.payment_key, told.payment_key) as payment_key,
        coalesce(exported_claims.customer_key, told.customer_key) as customer_key,
        coalesce(told.product_type, 'unknown') as product_type,
        exported_claims.currency,
        exported_claims.claimed_cents,
        exported_claims.moved_at as given_back_at,
        exported_claims.reversal_id,
        'export' as origin
    from exported_claims
    left join paired on exported_claims.move_key = paired.other
    left join told on paired.one = told.reversal_key

),

-- A refund that failed or a dispute won takes back what its own refund or dispute gave.
own as {{ kept() }} (

    select
        exported.move_key,
        claims.reversal_key,
        case
            when exported.reversal_id = claims.reversal_id then 1
            when exported.payment_key = claims.payment_key then 2
            else 3
        end as level,
        case when exported.claimed_cents = claims.claimed_cents then 0 else 1 end as differs,
        abs({{ seconds_between('claims.given_back_at', 'exported.moved_at') }}) as distance
    from exported
    inner join claims
        on
            exported.kind = claims.kind
            and exported.currency = claims.currency
            and exported.moved_at >= claims.given_back_at
            and (
                exported.reversal_id = claims.reversal_id
                or (
                    (exported.reversal_id is null or claims.reversal_id is null)
                    and (
                        exported.payment_key = claims.payment_key
                        or (
                            (exported.names_none or claims.payment_key is null)
                            and exported.claimed_cents = claims.claimed_cents
                        )
                    )
                )
            )
    where exported.is_reversal

),

{{ pair_off('taken', 'own', 'move_key', 'reversal_key', 'level, differs, distance') }},

-- A dispute can be won in parts.
taken_besides as (

    select
        own.move_key as one,
        min(own.reversal_key) as other
    from own
    left join taken on own.move_key = taken.one
    where taken.one is null and own.level < 3
    group by own.move_key

),

targets as (

    select * from taken
    union all
    select * from taken_besides

),

-- Claims and what takes them back, payment by payment; one of a payment that nobody knows stands for itself.
events as (

    select
        coalesce('payment:' || payment_key, 'claim:' || reversal_key) as walk_key,
        reversal_key,
        reversal_key as target_key,
        false as is_reversal,
        claimed_cents,
        given_back_at
    from claims

    union all

    select
        coalesce('payment:' || claims.payment_key, 'claim:' || claims.reversal_key) as walk_key,
        exported.move_key as reversal_key,
        claims.reversal_key as target_key,
        true as is_reversal,
        exported.claimed_cents,
        exported.moved_at as given_back_at
    from targets
    inner join exported on targets.one = exported.move_key
    inner join claims on targets.other = claims.reversal_key

),

numbered as (

    select
        events.*,
        received.amount_cents as received_cents,
        row_number() over (
            partition by events.walk_key order by events.given_back_at nulls last, events.is_reversal nulls last, events.reversal_key nulls last
        ) as event_number
    from events
    left join received on events.walk_key = 'payment:' || received.payment_key

),

steps as (

    select
        numbered.*,
        lag(event_number) over (partition by walk_key, target_key order by event_number nulls last) as earlier_number
    from numbered

),

-- In order of date, no more is given back than the payment took in, and no more taken back than was given.
walk as (

    select
        walk_key,
        cast(1 as bigint) as event_number,
        least(claimed_cents, coalesce(received_cents, claimed_cents)) as outstanding_cents,
        least(claimed_cents, coalesce(received_cents, claimed_cents)) as amount_cents,
        {{ dbt.array_construct(['least(claimed_cents, coalesce(received_cents, claimed_cents))']) }} as left_cents
    from steps
    where event_number = 1

    union all

    select
        walk_key,
        event_number,
        outstanding_cents + amount_cents as outstanding_cents,
        amount_cents,
        array_append(left_cents, case when is_reversal then {{ element_of('left_cents', 'earlier_number') }} + amount_cents else amount_cents end) as left_cents
    from (
        select
            steps.walk_key,
            steps.event_number,
            steps.is_reversal,
            steps.earlier_number,
            walk.outstanding_cents,
            walk.left_cents,
            case
                when steps.is_reversal then -least(steps.claimed_cents, {{ element_of('walk.left_cents', 'steps.earlier_number') }})
                else least(steps.claimed_cents, coalesce(steps.received_cents - walk.outstanding_cents, steps.claimed_cents))
            end as amount_cents
        from walk
        inner join steps on walk.walk_key = steps.walk_key and steps.event_number = walk.event_number + 1
    ) as next_step

),

moved as (

    select
        steps.reversal_key,
        steps.target_key,
        steps.is_reversal,
        steps.claimed_cents,
        steps.given_back_at,
        walk.amount_cents,
        sum(walk.amount_cents) over (partition by steps.target_key) as kept_cents
    from steps
    inner join walk on steps.walk_key = walk.walk_key and steps.event_number = walk.event_number

),

final as (

    select
        moved.reversal_key,
        claims.payment_row_id,
        cast(case when moved.is_reversal then 'export' else claims.origin end as {{ dbt.type_string() }}) as origin,
        claims.kind,
        claims.payment_key,
        coalesce(received.customer_key, claims.customer_key) as customer_key,
        coalesce(received.product_type, claims.product_type) as product_type,
        claims.currency,
        cast(moved.amount_cents as bigint) as amount_cents,
        cast(case when moved.is_reversal then 0 else moved.kept_cents end as bigint) as kept_cents,
        cast(case when moved.is_reversal then 0 else moved.claimed_cents - moved.amount_cents end as bigint) as over_cents,
        moved.given_back_at
    from moved
    inner join claims on moved.target_key = claims.reversal_key
    left join received on claims.payment_key = received.payment_key

)

select * from final
