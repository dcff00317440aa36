-- One row per refund or chargeback that Stripe's exports and the database do not tell alike.
with days as (

    select * from {{ ref('int_stripe_days') }}

),

-- Money given back that Stripe's exports tell and that cannot be counted.
reported as (

    select
        move_key as finding_key,
        reason as finding,
        kind,
        found_key as payment_key,
        customer_key,
        currency,
        case when is_reversal then -claimed_cents else claimed_cents end as amount_cents,
        moved_at as given_back_at
    from {{ ref('int_stripe_given_back') }}
    where reason is not null and reason not in ('excluded account', 'unsettled payment')

),

-- What only the database tells of days that an export covers; it counts, but for what is over its payment.
unconfirmed as (

    select
        reversals.reversal_key as finding_key,
        'only in the database' as finding,
        reversals.kind,
        reversals.payment_key,
        reversals.customer_key,
        reversals.currency,
        reversals.amount_cents,
        reversals.given_back_at
    from {{ ref('int_reversals') }} as reversals
    inner join days on {{ local_date('reversals.given_back_at') }} = days.day
    where reversals.origin = 'database' and reversals.amount_cents > 0

),

findings as (

    select * from reported
    union all
    select * from unconfirmed

),

final as (

    select
        finding_key,
        cast(finding as {{ dbt.type_string() }}) as finding,
        cast(kind as {{ dbt.type_string() }}) as kind,
        {{ local_month('given_back_at') }} as month,
        {{ local_date('given_back_at') }} as given_back_on,
        cast(payment_key as {{ dbt.type_string() }}) as payment_key,
        cast(customer_key as {{ dbt.type_string() }}) as customer_key,
        currency,
        cast(amount_cents as bigint) as amount_cents
    from findings

)

select * from final
