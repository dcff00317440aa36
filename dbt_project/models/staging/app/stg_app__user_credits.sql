-- One row per user with a credit balance.
with source as (

    {{ conformed('user_credits') }}

),

renamed as (

    select
        id as user_credit_id,
        user_id,
        coalesce(balance, 0) as balance,
        total_purchased,
        total_used,
        updated_at
    from source

)

select * from renamed
