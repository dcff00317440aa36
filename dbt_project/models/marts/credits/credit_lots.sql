-- One row per lot of bought credits up to as_of: what is left of it, and what was paid for that.
with build as (

    select * from {{ ref('core_build') }}

),

lots as (

    select * from {{ ref('int_credit_lots') }}

),

-- Whoever buys or uses credits is there.
last_moves as (

    select
        user_id,
        max(transacted_at) as last_moved_at
    from {{ ref('int_credit_entries') }}
    where kind = 'purchased' or (kind = 'used' and credits < 0)
    group by user_id

),

final as (

    select
        lots.credit_transaction_id,
        lots.user_id,
        {{ local_date('lots.transacted_at') }} as bought_on,
        cast(lots.currency as {{ dbt.type_string() }}) as currency,
        cast(lots.price_cents as bigint) as price_cents,
        cast(lots.credits as bigint) as credits,
        lots.is_given_back,
        lots.used_credits,
        lots.outstanding_credits,
        {{ divide_cents('lots.outstanding_credits * lots.price_cents', 'lots.credits') }} as outstanding_cents,
        lots.transacted_at <= build.as_of - interval '12 months' as is_old,
        last_moves.last_moved_at <= build.as_of - interval '12 months' as is_idle
    from lots
    cross join build
    inner join last_moves on lots.user_id = last_moves.user_id

)

select * from final
