/*
grain: One row per month.
title: Credit flow
description: >-
  Credits on the ledger from the month's opening to its close. Used is the sum of every spend,
  returns taken off; adjusted holds the ledger's refund rows, of either sign. closing =
  opening + purchased + granted + bonus + adjusted - used -
  expired.
key: [month]
people: [opening_user_count, user_count]
rows: credits/credit_entries
carries: forward
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  opening_credits: {unit: credits, description: On the ledger at the opening.}
  purchased_credits: {unit: credits, description: Bought.}
  granted_credits: {unit: credits, description: Given with a membership.}
  bonus_credits: {unit: credits, description: Given away.}
  adjusted_credits: {unit: credits, description: Returned or taken back.}
  used_credits: {unit: credits, description: Spent.}
  expired_credits: {unit: credits, description: "Expired, which is no use."}
  closing_credits: {unit: credits, description: On the ledger at the close.}
  opening_user_count: {unit: count, description: Users with credits on the ledger at the opening.}
  user_count: {unit: count, description: Users with an entry in the month.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with moved as (
    select
        user_id,
        month,
        sum(credits) as change_credits
    from marts.credit_entries
    group by user_id, month
),

balances as (
    select
        month,
        sum(change_credits) over (partition by user_id order by month) as closing_credits,
        closing_credits - change_credits as opening_credits
    from moved
),

people as (
    select
        month,
        count(*) as user_count,
        count_if(closing_credits <> 0) - count_if(opening_credits <> 0) as holder_change
    from balances
    group by month
),

final as (
    select
        flow.*,
        coalesce(sum(holder_change) over before, 0)::bigint as opening_user_count,
        coalesce(user_count, 0) as user_count
    from marts.credit_flow_by_month as flow
    left join people using (month)
    window before as (order by month rows between unbounded preceding and 1 preceding)
)

select
    month,
    opening_credits,
    purchased_credits,
    granted_credits,
    bonus_credits,
    adjusted_credits,
    used_credits,
    expired_credits,
    closing_credits,
    opening_user_count,
    user_count,
    is_complete
from final
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
