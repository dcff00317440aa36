-- One row per purchase of credits up to as_of: what it cost, what was used of it and what is left, with the ledger
-- replayed in time.
with recursive purchases as (

    select * from {{ ref('int_credit_purchases') }}

),

moves as (

    select * from {{ ref('int_credit_moves') }}

),

-- Lots in pieces: what is there, what was spent of it and may be returned, what was there when a purchase closed. Beside
-- them a row without a lot for every user, out of which new lots come. What a move takes depends on all moves before it,
-- which no window can say: a fold over the moves of every user at once.
pieces as (

    select
        user_id,
        cast(0 as bigint) as move_number,
        cast(null as bigint) as lot_number,
        cast(null as bigint) as lot_id,
        false as is_paid,
        false as is_closed,
        cast(null as bigint) as spent_number,
        cast(0 as bigint) as credits,
        cast(0 as bigint) as used_credits
    from moves
    where move_number = 1

    union all

    select
        user_id,
        move_number,
        case when is_new then move_number else lot_number end as lot_number,
        case when is_new then its_lot_id else lot_id end as lot_id,
        case when is_new then is_its_lot_paid else is_paid end as is_paid,
        is_closed or (move = 'closed' and coalesce(lot_id = its_lot_id, false)) as is_closed,
        case
            when not is_moved then spent_number
            when is_use then move_number
        end as spent_number,
        case
            when is_new then its_credits
            when is_moved then moved_credits
            else credits - moved_credits
        end as credits,
        case
            when is_moved and move = 'returned' then -moved_credits
            when is_moved then 0
            when is_use then used_credits + moved_credits
            else used_credits
        end as used_credits
    from (
        select
            taken.*,
            halves.is_moved,
            halves.is_moved and move = 'added' and lot_number is null as is_new
        from (
            select
                ordered.*,
                -- What is withdrawn of a purchase that was given back, or is named, is no use.
                is_within and (move = 'spent' or (move = 'withdrawn' and choice = 2)) as is_use,
                case
                    when is_within then greatest(0, least(
                        credits,
                        its_credits + credits - cast(sum(case when is_within then credits else 0 end) over (
                            partition by user_id order by choice nulls last, paid_choice nulls last, lot_choice nulls last
                            rows between unbounded preceding and current row
                        ) as bigint)
                    ))
                    else 0
                end as moved_credits
            from (
                select
                    pieces.user_id,
                    pieces.lot_number,
                    pieces.lot_id,
                    pieces.is_paid,
                    pieces.is_closed,
                    pieces.spent_number,
                    pieces.credits,
                    pieces.used_credits,
                    moves.move_number,
                    moves.move,
                    moves.lot_id as its_lot_id,
                    moves.is_paid as is_its_lot_paid,
                    moves.credits as its_credits,
                    moves.last_returned_number,
                    case
                        when pieces.lot_number is null then false
                        when moves.move = 'returned' then pieces.spent_number is not null
                        when moves.move = 'withdrawn' then pieces.spent_number is null
                        else moves.move in ('spent', 'expired') and pieces.spent_number is null and not pieces.is_closed
                    end as is_within,
                    case
                        -- What was spent last is returned first.
                        when moves.move = 'returned' then -pieces.spent_number
                        -- What was given expires before what was bought.
                        when moves.move = 'expired' and pieces.is_paid then 1
                        when moves.move = 'withdrawn' and not pieces.is_closed
                            then case when pieces.lot_id = moves.lot_id then 1 else 2 end
                        else 0
                    end as choice,
                    case when moves.move = 'returned' then -1 else 1 end
                    * case when moves.spends_paid_credits_first and pieces.is_paid then 0 else 1 end as paid_choice,
                    case when moves.move = 'returned' then -1 else 1 end * pieces.lot_number as lot_choice
                from pieces
                inner join moves on pieces.user_id = moves.user_id and pieces.move_number + 1 = moves.move_number
            ) as ordered
        ) as taken
        cross join (select false as is_moved union all select true as is_moved) as halves
    ) as split
    where
        case
            when is_new then true
            when is_moved
                then moved_credits > 0 and (move = 'returned' or (is_use and move_number < last_returned_number))
            when lot_number is null then true
            when spent_number is not null then credits > moved_credits and move_number < last_returned_number
            else is_paid or credits > moved_credits
        end

),

lots as (

    select
        pieces.lot_id,
        sum(case when pieces.spent_number is null and not pieces.is_closed then pieces.credits else 0 end) as outstanding_credits,
        sum(pieces.used_credits) as used_credits
    from pieces
    inner join (
        select
            user_id,
            max(move_number) as move_number
        from moves
        group by user_id
    ) as ends on pieces.user_id = ends.user_id and pieces.move_number = ends.move_number
    where pieces.is_paid
    group by pieces.lot_id

),

final as (

    select
        purchases.credit_transaction_id,
        purchases.user_id,
        purchases.transacted_at,
        purchases.credits,
        purchases.currency,
        purchases.price_cents,
        purchases.given_back_at is not null as is_given_back,
        cast(coalesce(lots.used_credits, 0) as bigint) as used_credits,
        cast(coalesce(lots.outstanding_credits, purchases.credits) as bigint) as outstanding_credits
    from purchases
    left join lots on purchases.credit_transaction_id = lots.lot_id

)

select * from final
