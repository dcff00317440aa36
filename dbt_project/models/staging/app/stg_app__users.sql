-- One row per user account.
with source as (

    {{ conformed('users') }}

),

renamed as (

    select
        id as user_id,
        lower(trim(email)) as email,
        stripe_customer_id,
        coalesce(lower(role), 'user') as role,
        nullif(trim(brand_style), '') as brand_style,
        coalesce(onboarding_completed, false) as is_onboarded,
        last_login_at,
        created_at as signed_up_at
    from source

)

select * from renamed
