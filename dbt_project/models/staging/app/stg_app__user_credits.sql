-- One row per user with a credit balance: of several stored, the one that changed last.
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
    where user_id is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by user_id
            order by case when updated_at is null then 1 else 0 end nulls last, updated_at desc nulls last, user_credit_id desc nulls last
        ) as choice
    from renamed

),

final as (

    select
        user_credit_id,
        user_id,
        balance,
        total_purchased,
        total_used,
        updated_at
    from ranked
    where choice = 1

)

select * from final
