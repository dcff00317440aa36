-- One row per Stripe customer id whose account is known: the account, as users, subscriptions or payments name it.
with known as (

    select
        stripe_customer_id,
        user_id,
        1 as preference
    from {{ ref('stg_app__users') }}

    union all

    select
        stripe_customer_id,
        user_id,
        2 as preference
    from {{ ref('stg_app__subscriptions') }}

    union all

    select
        stripe_customer_id,
        user_id,
        3 as preference
    from {{ ref('int_payment_rows') }}

),

ranked as (

    select
        stripe_customer_id,
        user_id,
        row_number() over (partition by stripe_customer_id order by preference nulls last, user_id nulls last) as choice
    from known
    where stripe_customer_id is not null and user_id is not null

),

final as (

    select
        ranked.stripe_customer_id,
        ranked.user_id,
        accounts.exclusion is not null as is_excluded
    from ranked
    left join {{ ref('int_accounts') }} as accounts on ranked.user_id = accounts.user_id
    where ranked.choice = 1

)

select * from final
