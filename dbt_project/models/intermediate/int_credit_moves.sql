-- One row per user who bought credits, of whom credits were taken, and move of credits up to as_of, in order: what is added, spent, returned,
-- withdrawn or expires, and which purchase closes.
with build as (

    select * from {{ ref('core_build') }}

),

purchases as (

    select * from {{ ref('int_credit_purchases') }}

),

entries as (

    select * from {{ ref('int_credit_entries') }}
    where credits <> 0 and user_id in (select user_id from purchases)

),

paid_with as (

    select
        user_id,
        stripe_payment_id,
        min(credit_transaction_id) as lot_id
    from purchases
    where stripe_payment_id is not null
    group by user_id, stripe_payment_id

),

moves as (

    select
        entries.user_id,
        entries.transacted_at as moved_at,
        1 as place,
        entries.credit_transaction_id,
        case
            when entries.credits > 0 and entries.kind in ('used', 'adjusted') then 'returned'
            when entries.credits > 0 then 'added'
            when entries.kind = 'used' then 'spent'
            when entries.kind = 'expired' then 'expired'
            else 'withdrawn'
        end as move,
        entries.kind = 'purchased' as is_paid,
        abs(entries.credits) as credits,
        case
            when entries.credits > 0 then entries.credit_transaction_id
            when entries.kind = 'adjusted' then paid_with.lot_id
        end as lot_id
    from entries
    left join paid_with on entries.user_id = paid_with.user_id and entries.stripe_payment_id = paid_with.stripe_payment_id
    -- What the refund of a purchase puts back is no spend that is returned.
    where not (entries.credits > 0 and entries.kind = 'adjusted' and paid_with.lot_id is not null)

    union all

    -- A purchase that was given back in full closes then.
    select
        user_id,
        greatest(given_back_at, transacted_at) as moved_at,
        case when given_back_at > transacted_at then 0 else 2 end as place,
        credit_transaction_id,
        'closed' as move,
        true as is_paid,
        0 as credits,
        credit_transaction_id as lot_id
    from purchases
    where given_back_at is not null

),

-- Of whom nothing was ever taken, every lot is whole.
taken_from as (

    select distinct user_id from moves
    where move not in ('added', 'returned')

),

-- Spends one after another take what one of their sum takes; so do returns, and gifts one after another are one.
begun as (

    select
        moves.*,
        case
            when
                (moves.move in ('spent', 'returned') or (moves.move = 'added' and not moves.is_paid))
                and moves.move = lag(moves.move) over in_order
                and moves.is_paid = lag(moves.is_paid) over in_order
                then 0
            else 1
        end as begins_move
    from moves
    inner join taken_from on moves.user_id = taken_from.user_id
    window in_order as (partition by moves.user_id order by moves.moved_at nulls last, moves.place nulls last, moves.credit_transaction_id nulls last)

),

numbered as (

    select
        begun.*,
        sum(begins_move) over (
            partition by user_id order by moved_at nulls last, place nulls last, credit_transaction_id nulls last
            rows between unbounded preceding and current row
        ) as move_number
    from begun

),

summed as (

    select
        user_id,
        cast(move_number as bigint) as move_number,
        move,
        is_paid,
        cast(max(lot_id) as bigint) as lot_id,
        cast(sum(credits) as bigint) as credits
    from numbered
    group by user_id, move_number, move, is_paid

),

final as (

    select
        summed.*,
        max(case when move = 'returned' then move_number end) over (partition by user_id) as last_returned_number,
        build.spends_paid_credits_first
    from summed
    cross join build

)

select * from final
