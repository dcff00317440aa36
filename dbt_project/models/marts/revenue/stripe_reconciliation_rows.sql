-- One row per payment, charge, or pair of both that Stripe's exports speak for; two where the pair is in two months.
with charges as (

    select * from {{ ref('int_stripe_charges') }}
    where standing <> 'excluded'

),

payments as (

    select
        payment_key,
        customer_key,
        product_type,
        currency,
        amount_cents,
        paid_at
    from {{ ref('int_payments') }}
    where is_payment and amount_cents > 0

),

files as (

    select
        first_at,
        last_at
    from {{ ref('stg_stripe__files') }}
    where covers_days and has_charge

),

pairs as (

    select
        payments.payment_key,
        charges.charge_key,
        payments.customer_key,
        payments.product_type,
        payments.currency,
        payments.amount_cents as database_cents,
        charges.amount_cents as stripe_cents,
        payments.paid_at,
        charges.charged_at,
        case
            when payments.amount_cents <> charges.amount_cents then 'amount_differs'
            when {{ local_month('payments.paid_at') }} <> {{ local_month('charges.charged_at') }} then 'month_differs'
            else 'matched'
        end as kind
    from payments
    inner join charges
        on payments.payment_key = charges.payment_key and charges.standing = 'matched' and payments.currency = charges.currency

),

charge_ids as (
    {% for column in ['charge_id', 'payment_intent_id', 'invoice_id'] %}
    select
        charge_key,
        standing,
        currency,
        {{ column }} as id
    from charges
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- Of a payment without a charge of its own: the charge that has one of its ids and is another payment's.
claimed as (

    select
        payment_ids.payment_key,
        max(case when charge_ids.standing = 'matched' and charge_ids.currency = payments.currency then charge_ids.charge_key end)
            as charge_key,
        max(case when charge_ids.currency <> payments.currency then 1 else 0 end) = 1 as is_in_other_currency
    from {{ ref('int_payment_ids') }} as payment_ids
    inner join payments on payment_ids.payment_key = payments.payment_key
    inner join charge_ids on payment_ids.id = charge_ids.id
    group by payment_ids.payment_key

),

within as (

    select distinct payments.payment_key
    from payments
    inner join files on payments.paid_at between files.first_at and files.last_at

),

unpaired as (

    select
        payments.*,
        claimed.charge_key,
        case
            when claimed.charge_key is not null then 'duplicate'
            when claimed.is_in_other_currency or within.payment_key is not null then 'only_database'
        end as kind
    from payments
    left join pairs on payments.payment_key = pairs.payment_key
    left join claimed on payments.payment_key = claimed.payment_key
    left join within on payments.payment_key = within.payment_key
    where pairs.payment_key is null

),

sides as (

    select
        'payment:' || payment_key as row_key,
        {{ local_month('paid_at') }} as month,
        currency,
        kind,
        payment_key,
        charge_key,
        customer_key,
        product_type,
        paid_at,
        charged_at,
        1 as row_count,
        database_cents,
        case when {{ local_month('paid_at') }} = {{ local_month('charged_at') }} then stripe_cents else 0 end as stripe_cents
    from pairs

    union all

    select
        'charge:' || charge_key as row_key,
        {{ local_month('charged_at') }} as month,
        currency,
        kind,
        payment_key,
        charge_key,
        customer_key,
        product_type,
        paid_at,
        charged_at,
        0 as row_count,
        0 as database_cents,
        stripe_cents
    from pairs
    where {{ local_month('paid_at') }} <> {{ local_month('charged_at') }}

    union all

    select
        'payment:' || payment_key as row_key,
        {{ local_month('paid_at') }} as month,
        currency,
        kind,
        payment_key,
        charge_key,
        customer_key,
        product_type,
        paid_at,
        cast(null as timestamp) as charged_at,
        1 as row_count,
        amount_cents as database_cents,
        0 as stripe_cents
    from unpaired
    where kind is not null

    union all

    select
        'charge:' || charges.charge_key as row_key,
        {{ local_month('charges.charged_at') }} as month,
        charges.currency,
        charges.standing as kind,
        charges.payment_key,
        charges.charge_key,
        coalesce(payments.customer_key, customers.user_id, 'stripe:' || charges.customer_id) as customer_key,
        payments.product_type,
        cast(null as timestamp) as paid_at,
        charges.charged_at,
        1 as row_count,
        0 as database_cents,
        charges.amount_cents as stripe_cents
    from charges
    left join payments on charges.payment_key = payments.payment_key
    left join {{ ref('int_stripe_customers') }} as customers on charges.customer_id = customers.stripe_customer_id
    where charges.standing in ('duplicate', 'only_stripe')

),

final as (

    select
        row_key,
        month,
        currency,
        cast(kind as {{ dbt.type_string() }}) as kind,
        cast(payment_key as {{ dbt.type_string() }}) as payment_key,
        cast(charge_key as {{ dbt.type_string() }}) as charge_key,
        cast(customer_key as {{ dbt.type_string() }}) as customer_key,
        cast(product_type as {{ dbt.type_string() }}) as product_type,
        {{ local_date('paid_at') }} as paid_on,
        {{ local_date('charged_at') }} as charged_on,
        cast(row_count as bigint) as row_count,
        cast(database_cents as bigint) as database_cents,
        cast(stripe_cents as bigint) as stripe_cents,
        cast(stripe_cents - database_cents as bigint) as difference_cents
    from sides

)

select * from final
