-- One row per addition of credits up to as_of: what it cost, and what spending, oldest first, left of it.
with entries as (

    select * from {{ ref('int_credit_entries') }}

),

payments as (

    select
        stripe_payment_id,
        max(payment_key) as payment_key,
        max(currency) as currency,
        max(amount_cents) as amount_cents
    from {{ ref('int_payments') }}
    where stripe_payment_id is not null and dropped_reason is null
    group by stripe_payment_id

),

given_back as (

    select
        payment_key,
        sum(kept_cents) as amount_cents,
        max(given_back_at) as given_back_at
    from {{ ref('int_reversals') }}
    where kept_cents > 0
    group by payment_key

),

-- A purchase given back in full closes its lot then.
priced as (

    select
        entries.*,
        case when entries.kind = 'purchased' then coalesce(payments.currency, 'usd') end as currency,
        case when entries.kind = 'purchased' then coalesce(entries.payment_amount_cents, payments.amount_cents) end as price_cents,
        case
            when entries.kind = 'purchased' and given_back.amount_cents >= payments.amount_cents then given_back.given_back_at
        end as closed_at
    from entries
    left join payments on entries.stripe_payment_id = payments.stripe_payment_id
    left join given_back on payments.payment_key = given_back.payment_key

),

closed as (

    select
        user_id,
        min(closed_at) as closed_at,
        sum(credits) as closed_credits
    from priced
    where closed_at is not null
    group by user_id

),

-- What is returned goes back to the lots last taken from, so it was never spent; an expiry is no spend; nor is what is
-- clawed back of a purchase that was given back.
moved as (

    select
        priced.user_id,
        priced.transacted_at,
        priced.credit_transaction_id,
        case when priced.kind = 'used' or priced.kind = 'adjusted' then -priced.credits else 0 end as spent_credits,
        case
            when priced.kind = 'adjusted' and priced.credits < 0 and priced.transacted_at >= closed.closed_at then -priced.credits
            else 0
        end as clawed_credits,
        closed.closed_credits,
        case when priced.kind = 'expired' then -priced.credits else 0 end as expired_credits,
        sum(priced.credits) over (
            partition by priced.user_id order by priced.transacted_at, priced.credit_transaction_id
            rows between unbounded preceding and current row
        ) as balance
    from priced
    left join closed on priced.user_id = closed.user_id

),

lots as (

    select
        priced.*,
        sum(priced.credits) over (
            partition by priced.user_id
            order by
                {% if var('spend_paid_credits_first') -%}
                case when priced.kind = 'purchased' then 0 else 1 end,
                {%- endif %}
                priced.transacted_at, priced.credit_transaction_id
            rows between unbounded preceding and current row
        ) as credits_so_far
    from priced
    where priced.kind in ('purchased', 'granted', 'bonus') and priced.credits > 0

),

-- What was spent of a closed lot before it was closed; afterwards spends take from the others.
spent_of_closed as (

    select
        user_id,
        sum(greatest(0, least(credits, spent_before - (credits_so_far - credits)))) as spent_credits
    from (
        select
            lots.user_id,
            lots.credit_transaction_id,
            lots.credits,
            lots.credits_so_far,
            sum(moved.spent_credits) as spent_before
        from lots
        inner join moved on lots.user_id = moved.user_id and moved.transacted_at < lots.closed_at
        group by lots.user_id, lots.credit_transaction_id, lots.credits, lots.credits_so_far
    ) as before_closing
    group by user_id

),

-- A spend takes what exists then: what went below nothing is no lot's that came later. What is clawed back of a closed
-- lot is what was left of it.
spent as (

    select
        moved.user_id,
        greatest(
            0,
            sum(moved.spent_credits)
            - least(sum(moved.clawed_credits), coalesce(max(moved.closed_credits), 0) - coalesce(max(spent_of_closed.spent_credits), 0))
            - coalesce(max(spent_of_closed.spent_credits), 0)
            - greatest(0, -min(moved.balance))
        ) as spent_credits,
        sum(moved.expired_credits) as expired_credits
    from moved
    left join spent_of_closed on moved.user_id = spent_of_closed.user_id
    group by moved.user_id

),

unspent as (

    select
        open_lots.*,
        spent.expired_credits,
        case
            when open_lots.closed_at is null
                then
                    greatest(0, least(
                        open_lots.credits,
                        open_lots.open_credits_so_far - spent.spent_credits
                    ))
            else 0
        end as unspent_credits
    from (
        select
            lots.*,
            sum(case when closed_at is null then credits else 0 end) over (
                partition by user_id order by credits_so_far, credit_transaction_id
                rows between unbounded preceding and current row
            ) as open_credits_so_far
        from lots
    ) as open_lots
    inner join spent on open_lots.user_id = spent.user_id

),

-- An expiry closes credits that were given, and bought ones only beyond those.
expiring as (

    select
        unspent.*,
        sum(unspent_credits) over (
            partition by user_id
            order by case when kind = 'purchased' then 1 else 0 end, transacted_at, credit_transaction_id
            rows between unbounded preceding and current row
        ) as unspent_so_far
    from unspent

),

final as (

    select
        credit_transaction_id,
        user_id,
        kind,
        transacted_at,
        credits,
        currency,
        price_cents,
        greatest(0, least(unspent_credits, unspent_so_far - expired_credits)) as outstanding_credits
    from expiring

)

select * from final
