-- One row per stored subscription: what the application last wrote, not a history.
with source as (

    {{ conformed('subscriptions') }}

),

renamed as (

    select
        id as subscription_row_id,
        user_id,
        nullif(stripe_subscription_id, '') as stripe_subscription_id,
        nullif(stripe_customer_id, '') as stripe_customer_id,
        coalesce(product_type, plan_name) as product_type,
        case when lower(status) = 'cancelled' then 'canceled' else lower(status) end as status,
        current_period_start as current_period_start_at,
        current_period_end as current_period_end_at,
        cancel_at_period_end as is_cancelling,
        coalesce(is_test_mode, false) as is_test,
        created_at,
        updated_at
    from source

)

select * from renamed
