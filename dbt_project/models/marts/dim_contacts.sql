-- One row per user who counts and has an address: the only mart that holds personal data.
{{ config(materialized='view') }}
with accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null and email is not null

),

final as (

    select
        user_id as customer_key,
        user_id,
        email
    from accounts

)

select * from final
