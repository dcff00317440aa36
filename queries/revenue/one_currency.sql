/*
grain: One row per month.
title: All currencies in one
description: >-
  MRR movements and net revenue of all currencies, converted to the reporting currency by the
  owner's rates (rates.csv): those in force on the month's last day. Exchange is what the change of
  rates did to the opening balance, and what rounding leaves. To the cent: closing = opening + new +
  reactivation + expansion - contraction - churn + exchange. Exact amounts stand in the MRR
  movements and revenue totals, each in its own currency. A month with a currency that has no rate
  is empty, and names it. No rows without a reporting currency.
key: [month]
rows: [revenue/mrr_by_member, revenue/payments]
carries: forward
people: [opening_member_count, member_count, payer_count]
identities: [opening_member_count = before.member_count]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: closing_mrr_cents
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The reporting currency.}
  opening_mrr_cents: {unit: cents, description: "Closing MRR of the month before, at that month's rates."}
  new_mrr_cents: {unit: cents, description: First ever rises from 0.}
  reactivation_mrr_cents: {unit: cents, description: Later rises from 0.}
  expansion_mrr_cents: {unit: cents, description: Rises of members.}
  contraction_mrr_cents: {unit: cents, description: Falls of members who stay.}
  churn_mrr_cents: {unit: cents, description: Falls to 0.}
  exchange_mrr_cents: {unit: cents, description: What the change of rates did.}
  closing_mrr_cents: {unit: cents, description: "MRR at the end of the month, or as of now while it runs."}
  net_cents: {unit: cents, description: Payments minus refunds and chargebacks.}
  opening_member_count: {unit: count, description: "Members at the opening, in any currency."}
  member_count: {unit: count, same_as: "members on {month:last month}", description: "Members at the close, in any currency."}
  payer_count: {unit: count, same_as: "paid {month}", description: "Distinct customers who paid, in any currency."}
  without_rate: {unit: text, description: "The currencies of the month that have no rate, comma-separated."}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with net as (

    select
        month,
        currency,
        sum(net_cents) as net_cents
    from marts.revenue_by_month
    group by month, currency

),

amounts as (

    select
        month,
        currency,
        coalesce(new_mrr_cents, 0) as new_mrr_cents,
        coalesce(reactivation_mrr_cents, 0) as reactivation_mrr_cents,
        coalesce(expansion_mrr_cents, 0) as expansion_mrr_cents,
        coalesce(contraction_mrr_cents, 0) as contraction_mrr_cents,
        coalesce(churn_mrr_cents, 0) as churn_mrr_cents,
        coalesce(closing_mrr_cents, 0) as closing_mrr_cents,
        coalesce(net_cents, 0) as net_cents
    from marts.mrr_movements
    full join net using (month, currency)

),

rated as (

    select
        amounts.*,
        months.is_complete,
        rates.minor_rate,
        greatest(
            new_mrr_cents, reactivation_mrr_cents, expansion_mrr_cents, contraction_mrr_cents,
            churn_mrr_cents, closing_mrr_cents, abs(net_cents)
        ) > 0 as has_amounts
    from amounts
    inner join marts.dim_months as months using (month)
    cross join marts.build_info as build
    left join marts.exchange_rates as rates
        on
            amounts.currency = rates.currency
            and least(last_day(amounts.month), build.as_of_on) >= rates.valid_from_on
            and least(last_day(amounts.month), build.as_of_on) < rates.valid_until_on

),

converted as (

    select
        month,
        {% for name in ['new_mrr', 'reactivation_mrr', 'expansion_mrr', 'contraction_mrr', 'churn_mrr', 'closing_mrr', 'net'] %}
        case
            when not bool_or(has_amounts and minor_rate is null)
                then cast(sum(coalesce(round(cast({{ name }}_cents as decimal(18, 0)) * minor_rate), 0)) as bigint)
        end as {{ name }}_cents,
        {% endfor %}
        string_agg(currency, ', ' order by currency) filter (has_amounts and minor_rate is null) as without_rate,
        bool_and(is_complete) as is_complete
    from rated
    group by month

),

members as (

    select
        month,
        count(distinct customer_key) as member_count
    from marts.member_months
    group by month

),

payers as (

    select
        month,
        count(distinct customer_key) as payer_count
    from marts.payments
    where kind = 'payment'
    group by month

),

opened as (

    select
        converted.*,
        coalesce(member_count, 0) as member_count,
        coalesce(payer_count, 0) as payer_count,
        lag(closing_mrr_cents, 1, 0) over months as opening_mrr_cents,
        lag(coalesce(member_count, 0), 1, 0) over months as opening_member_count
    from converted
    left join members using (month)
    left join payers using (month)
    window months as (order by month)

)

select
    month,
    (select min(reporting_currency) from marts.exchange_rates) as currency,
    opening_mrr_cents,
    new_mrr_cents,
    reactivation_mrr_cents,
    expansion_mrr_cents,
    contraction_mrr_cents,
    churn_mrr_cents,
    closing_mrr_cents - opening_mrr_cents - new_mrr_cents - reactivation_mrr_cents - expansion_mrr_cents
    + contraction_mrr_cents + churn_mrr_cents as exchange_mrr_cents,
    closing_mrr_cents,
    net_cents,
    opening_member_count,
    member_count,
    payer_count,
    without_rate,
    is_complete
from opened
where
    exists (from marts.exchange_rates)
    and ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month
