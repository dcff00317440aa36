-- One row per stored payment row up to as_of: whose it is, which payment it belongs to, and what it counts as.
with build as (

    select * from {{ ref('core_build') }}

),

users as (

    select * from {{ ref('stg_app__users') }}

),

subscriptions as (

    select * from {{ ref('stg_app__subscriptions') }}

),

stored as (

    select
        stg_payments.*,
        coalesce(
            stg_payments.stripe_invoice_id,
            stg_payments.stripe_payment_id,
            'row:' || cast(stg_payments.payment_row_id as {{ dbt.type_string() }})
        ) as payment_key,
        {{ reversal_kind('stg_payments.payment_type', 'stg_payments.status', 'stg_payments.amount_cents') }} as reversal_kind
    from {{ ref('stg_app__stripe_payments') }} as stg_payments
    cross join build
    where stg_payments.paid_at <= build.as_of or stg_payments.paid_at is null

),

payments as (

    select
        stored.*,
        {{ payment_role('stored.reversal_kind', 'stored.status') }} as role
    from stored

),

users_by_email as (

    select
        email,
        min(user_id) as user_id
    from users
    where email is not null
    group by email

),

named as (

    select
        payments.*,
        coalesce(payments.user_id, users_by_id.user_id, users_by_email.user_id) as named_user_id
    from payments
    left join users as users_by_id on payments.metadata_user_id = users_by_id.user_id
    left join users_by_email on payments.metadata_email = users_by_email.email

),

stripe_customers as (

    select
        stripe_customer_id,
        user_id,
        1 as preference
    from users
    where stripe_customer_id is not null

    union all

    select
        stripe_customer_id,
        user_id,
        2 as preference
    from subscriptions
    where stripe_customer_id is not null and user_id is not null

    union all

    select
        stripe_customer_id,
        named_user_id as user_id,
        3 as preference
    from named
    where stripe_customer_id is not null and named_user_id is not null

),

users_by_stripe_customer as (

    select
        stripe_customer_id,
        user_id
    from (
        select
            stripe_customer_id,
            user_id,
            row_number() over (partition by stripe_customer_id order by preference nulls last, user_id nulls last) as choice
        from stripe_customers
    ) as ranked
    where choice = 1

),

owned as (

    select
        named.*,
        coalesce(named.named_user_id, users_by_stripe_customer.user_id) as owner_user_id
    from named
    left join users_by_stripe_customer
        on named.stripe_customer_id = users_by_stripe_customer.stripe_customer_id

),

-- The rows of one payment share the first customer found among them.
payment_owners as (

    select
        payment_key,
        owner_user_id,
        owner_stripe_customer_id
    from (
        select
            payment_key,
            first_value(owner_user_id) over (
                partition by payment_key
                order by case when owner_user_id is null then 1 else 0 end nulls last, paid_at nulls last, stripe_payment_id nulls last
                rows between unbounded preceding and unbounded following
            ) as owner_user_id,
            min(stripe_customer_id) over (partition by payment_key) as owner_stripe_customer_id,
            row_number() over (partition by payment_key order by payment_row_id nulls last) as choice
        from owned
    ) as ranked
    where choice = 1

),

final as (

    select
        owned.payment_row_id,
        owned.payment_key,
        owned.role,
        owned.reversal_kind,
        owned.stripe_payment_id,
        owned.stripe_invoice_id,
        owned.stripe_subscription_id,
        payment_owners.owner_stripe_customer_id as stripe_customer_id,
        payment_owners.owner_user_id as user_id,
        coalesce(
            payment_owners.owner_user_id,
            'stripe:' || payment_owners.owner_stripe_customer_id,
            'payment:' || owned.payment_key
        ) as customer_key,
        owned.amount_cents,
        owned.currency,
        owned.status,
        owned.payment_type,
        coalesce(
            owned.product_type,
            case when owned.payment_type in ('credit_topup', 'one_time_session', 'paid_blueprint') then owned.payment_type end
        ) as product_type,
        owned.paid_at,
        owned.updated_at,
        owned.is_test
    from owned
    inner join payment_owners on owned.payment_key = payment_owners.payment_key

)

select * from final
