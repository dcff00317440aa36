-- One row per lot of bought credits up to as_of: what is left of it, and what was paid for that.
{%- set idle_days = 180 %}
with build as (

    select * from {{ ref('core_build') }}

),

lots as (

    select * from {{ ref('int_credit_lots') }}
    where kind = 'purchased'

),

users as (

    select * from {{ ref('dim_users') }}

),

final as (

    select
        lots.credit_transaction_id,
        lots.user_id,
        {{ local_date('lots.transacted_at') }} as bought_on,
        cast(lots.currency as {{ dbt.type_string() }}) as currency,
        cast(lots.price_cents as bigint) as price_cents,
        cast(lots.credits as bigint) as credits,
        cast(lots.outstanding_credits as bigint) as outstanding_credits,
        {{ divide_cents('lots.outstanding_credits * lots.price_cents', 'lots.credits') }} as outstanding_cents,
        lots.transacted_at <= build.as_of - interval '{{ idle_days }} days' as is_old,
        coalesce(users.last_activity_at <= build.as_of - interval '{{ idle_days }} days', true) as is_idle
    from lots
    cross join build
    left join users on lots.user_id = users.user_id

)

select * from final
