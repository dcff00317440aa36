-- One row per month: how the credits on the ledger went from the month's opening to its close.
with months as (

    select * from {{ ref('dim_months') }}

),

entries as (

    select * from {{ ref('int_credit_entries') }}

),

moved as (

    select
        {{ local_month('transacted_at') }} as month,
        sum(case when kind = 'purchased' then credits else 0 end) as purchased_credits,
        sum(case when kind = 'granted' then credits else 0 end) as granted_credits,
        sum(case when kind = 'bonus' then credits else 0 end) as bonus_credits,
        sum(case when kind = 'adjusted' then credits else 0 end) as adjusted_credits,
        -sum(case when kind = 'used' then credits else 0 end) as used_credits,
        -sum(case when kind = 'expired' then credits else 0 end) as expired_credits,
        sum(credits) as change_credits
    from entries
    group by 1

),

final as (

    select
        months.month,
        cast(sum(coalesce(moved.change_credits, 0)) over (
            order by months.month nulls last
        ) - coalesce(moved.change_credits, 0) as bigint) as opening_credits,
        cast(coalesce(moved.purchased_credits, 0) as bigint) as purchased_credits,
        cast(coalesce(moved.granted_credits, 0) as bigint) as granted_credits,
        cast(coalesce(moved.bonus_credits, 0) as bigint) as bonus_credits,
        cast(coalesce(moved.adjusted_credits, 0) as bigint) as adjusted_credits,
        cast(coalesce(moved.used_credits, 0) as bigint) as used_credits,
        cast(coalesce(moved.expired_credits, 0) as bigint) as expired_credits,
        cast(sum(coalesce(moved.change_credits, 0)) over (order by months.month nulls last) as bigint) as closing_credits,
        months.is_complete
    from months
    left join moved on months.month = moved.month
    where months.month >= (select min(month) from moved)

)

select * from final
