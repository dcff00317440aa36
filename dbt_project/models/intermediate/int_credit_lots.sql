-- One row per addition of credits up to as_of: what it cost, and what first-in-first-out spending left of it.
with entries as (

    select * from {{ ref('int_credit_entries') }}

),

payments as (

    select
        stripe_payment_id,
        max(currency) as currency,
        max(amount_cents) as amount_cents
    from {{ ref('int_payments') }}
    where stripe_payment_id is not null and dropped_reason is null
    group by stripe_payment_id

),

spent as (

    select
        user_id,
        -sum(case when kind = 'used' or credits < 0 then credits else 0 end) as spent_credits
    from entries
    group by user_id

),

lots as (

    select
        entries.credit_transaction_id,
        entries.user_id,
        entries.kind,
        entries.transacted_at,
        entries.credits,
        case when entries.kind = 'purchased' then coalesce(payments.currency, 'usd') end as currency,
        case when entries.kind = 'purchased' then coalesce(entries.payment_amount_cents, payments.amount_cents) end as price_cents,
        sum(entries.credits) over (
            partition by entries.user_id
            order by
                {% if var('spend_paid_credits_first') -%}
                case when entries.kind = 'purchased' then 0 else 1 end,
                {%- endif %}
                entries.transacted_at, entries.credit_transaction_id
            rows between unbounded preceding and current row
        ) as credits_so_far
    from entries
    left join payments on entries.stripe_payment_id = payments.stripe_payment_id
    where entries.kind <> 'used' and entries.credits > 0

),

final as (

    select
        lots.credit_transaction_id,
        lots.user_id,
        lots.kind,
        lots.transacted_at,
        lots.credits,
        lots.currency,
        lots.price_cents,
        greatest(0, least(lots.credits, lots.credits_so_far - greatest(0, spent.spent_credits))) as outstanding_credits
    from lots
    inner join spent on lots.user_id = spent.user_id

)

select * from final
