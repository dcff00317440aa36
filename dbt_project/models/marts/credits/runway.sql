-- One row per user with a balance: for how many days it lasts at the pace of the last thirty days with use.
with accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null

),

balances as (

    select * from {{ ref('stg_app__user_credits') }}

),

daily_use as (

    select
        user_id,
        {{ local_date('transacted_at') }} as used_on,
        -sum(credits) as used_credits
    from {{ ref('int_credit_entries') }}
    where kind = 'used'
    group by 1, 2
    having -sum(credits) > 0

),

recent_use as (

    select
        daily_use.*,
        row_number() over (partition by user_id order by used_on desc nulls last) as recency
    from daily_use

),

paces as (

    select
        user_id,
        avg(cast(used_credits as {{ double_type() }})) as daily_use,
        max(used_on) as last_used_on
    from recent_use
    where recency <= 30
    group by user_id

),

final as (

    select
        accounts.user_id,
        cast(balances.balance as bigint) as balance,
        paces.daily_use,
        -- What is owed lasts for no time.
        case when balances.balance >= 0 then {{ ratio('balances.balance', 'paces.daily_use') }} end as runway_days,
        paces.last_used_on
    from accounts
    inner join balances on accounts.user_id = balances.user_id
    left join paces on accounts.user_id = paces.user_id

)

select * from final
