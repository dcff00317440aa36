/*
grain: One row per currency, customer and class of movement in a month.
title: Why MRR changed, by class of movement
description: >-
  Every customer's change of MRR in the month in the classes of revenue/mrr_movements, whose sums
  these are: a switch of currency is contraction in the old one and expansion in the new, and who
  joins and leaves inside the month is in both. What was gained begins at nothing, what was lost
  ends there, and the rest is unchanged; where more was lost than there was at the opening, the rest
  is below nothing by what was gained and lost again. 'sselfie explain mrr' sums them up.
key: [currency, customer_key, movement]
parameters:
  month: {type: date, description: The month that holds this day; by default the last complete one.}
columns:
  month: {unit: month, description: The month.}
  is_complete: {unit: flag, description: Whether it has ended by as_of.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  customer_key: {unit: text, description: The customer.}
  movement: {unit: text, description: "new, reactivation, expansion, contraction, churn or unchanged."}
  before: {unit: cents, description: Its part of the MRR at the end of the month before.}
  after: {unit: cents, description: Its part of the MRR at the month's end.}
*/
with chosen as (
    select
        coalesce(
            cast(date_trunc('month', cast($month as date)) as date),
            max(month) filter (is_complete)
        ) as month
    from marts.dim_months
),

moved as (
    select
        currency,
        customer_key,
        movement,
        case when movement in ('contraction', 'churn') then movement_mrr_cents else 0 end as before,
        case when movement in ('contraction', 'churn') then 0 else movement_mrr_cents end as after
    from marts.mrr_by_member
    inner join chosen using (month)
),

opening as (
    select currency, customer_key, mrr_cents
    from marts.member_months
    inner join chosen on member_months.month = chosen.month - interval 1 month
),

lost as (
    select currency, customer_key, sum(before) as before
    from moved
    group by currency, customer_key
),

-- The opening MRR that no movement took.
unchanged as (
    select
        currency,
        customer_key,
        'unchanged' as movement,
        coalesce(opening.mrr_cents, 0) - coalesce(lost.before, 0) as before,
        coalesce(opening.mrr_cents, 0) - coalesce(lost.before, 0) as after
    from opening
    full join lost using (currency, customer_key)
),

parts as (
    select * from moved
    union all
    select * from unchanged where before <> 0
)

select
    chosen.month,
    dim_months.is_complete,
    parts.currency,
    parts.customer_key,
    parts.movement,
    parts.before,
    parts.after
from parts
cross join chosen
inner join marts.dim_months on chosen.month = dim_months.month
order by abs(after - before) desc, parts.currency, parts.customer_key, parts.movement
