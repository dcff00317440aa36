-- One row per user account up to as_of, with the reason why it does not count, if there is one.
with build as (

    select * from {{ ref('core_build') }}

),

users as (

    select * from {{ ref('stg_app__users') }}

),

subscriptions as (

    select * from {{ ref('stg_app__subscriptions') }}

),

payment_rows as (

    select * from {{ ref('int_payment_rows') }}

),

credit_transactions as (

    select * from {{ ref('stg_app__credit_transactions') }}

),

test_owners as (

    select subscriptions.user_id
    from subscriptions
    cross join build
    where subscriptions.is_test and (subscriptions.created_at <= build.as_of or subscriptions.created_at is null)

    union

    select user_id
    from payment_rows
    where is_test

    union

    select credit_transactions.user_id
    from credit_transactions
    cross join build
    where credit_transactions.is_test and credit_transactions.transacted_at <= build.as_of

),

live_payers as (

    select distinct user_id
    from payment_rows
    where role = 'received' and not is_test

),

final as (

    select
        users.user_id,
        users.signed_up_at,
        users.is_onboarded,
        users.brand_style,
        users.email,
        case
            when test_owners.user_id is not null and live_payers.user_id is null then 'test'
            when users.role = 'admin' then 'internal'
            {%- for account in var('internal_accounts') %}
            when users.user_id = {{ text_literal(account) }} or users.email = {{ text_literal(account | lower) }} then 'internal'
            {%- endfor %}
            {%- for domain in var('internal_domains') %}
            when users.email like {{ text_literal('%@' ~ domain | lower) }} or users.email like {{ text_literal('%.' ~ domain | lower) }} then 'internal'
            {%- endfor %}
        end as exclusion
    from users
    cross join build
    left join test_owners on users.user_id = test_owners.user_id
    left join live_payers on users.user_id = live_payers.user_id
    where users.signed_up_at <= build.as_of or users.signed_up_at is null

)

select * from final
