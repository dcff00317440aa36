-- One row per customer up to as_of: whoever paid more than nothing, with or without an account.
with payments as (

    select
        payments.*,
        row_number() over (partition by customer_key order by paid_at nulls last, payment_key nulls last) as purchase_number
    from {{ ref('int_payments') }} as payments
    where is_payment and amount_cents > 0

),

users as (

    select * from {{ ref('dim_users') }}

),

memberships as (

    select
        customer_key,
        min(member_since_at) as member_since_at,
        max(case when next_changed_at is null and mrr_cents > 0 then 1 else 0 end) as is_member,
        max(case when is_in_grace then 1 else 0 end) as is_in_grace
    from {{ ref('int_mrr_changes') }}
    group by customer_key

),

purchases as (

    select
        customer_key,
        min(paid_at) as first_paid_at,
        max(paid_at) as last_paid_at,
        count(*) as payment_count,
        max(case when purchase_number = 1 then product_type end) as first_product
    from payments
    group by customer_key

),

final as (

    select
        purchases.customer_key,
        users.user_id,
        purchases.first_paid_at,
        {{ local_date('purchases.first_paid_at') }} as first_paid_on,
        {{ local_date('purchases.last_paid_at') }} as last_paid_on,
        purchases.payment_count,
        purchases.first_product,
        {{ local_month('purchases.first_paid_at') }} as payer_cohort_month,
        {{ local_date('memberships.member_since_at') }} as first_subscription_on,
        {{ local_month('memberships.member_since_at') }} as subscriber_cohort_month,
        cast(case
            when memberships.is_member = 1 then 'member'
            when memberships.is_in_grace = 1 then 'in_grace'
            when memberships.customer_key is not null then 'former_member'
            else 'never_member'
        end as {{ dbt.type_string() }}) as membership_state,
        users.first_activity_on,
        users.last_activity_on,
        cast(coalesce(users.acquisition, 'unknown') as {{ dbt.type_string() }}) as acquisition
    from purchases
    left join memberships on purchases.customer_key = memberships.customer_key
    left join users on purchases.customer_key = users.customer_key

)

select * from final
