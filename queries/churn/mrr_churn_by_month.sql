/*
grain: One row per month and currency.
title: MRR churn by month
description: >-
  What happened to the MRR at the start of the month. GRR is what is left of it without expansion,
  NRR with expansion; reactivated MRR counts only in nrr_with_reactivation. Quick ratio = (new +
  expansion + reactivation) / (contraction + churn), empty where nothing was lost.
key: [month, currency]
rows: [retention/cohort_members, revenue/mrr_by_member]
carries: forward
people: opening_member_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: nrr
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  opening_mrr_cents: {unit: cents, description: MRR at the first instant of the month.}
  opening_member_count: {unit: count, same_as: "members on {month:-1 day} {currency}", description: Members with MRR in this currency at the opening.}
  gross_mrr_churn_rate: {unit: rate, description: 1 - GRR.}
  net_mrr_churn_rate: {unit: rate, description: 1 - NRR; below 0 when expansion exceeds losses.}
  grr: {unit: rate, description: Gross revenue retention.}
  nrr: {unit: rate, description: Net revenue retention.}
  nrr_with_reactivation: {unit: rate, description: NRR with reactivated MRR.}
  quick_ratio: {unit: number, description: MRR gained / MRR lost; above 1 the base grows.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with members as (
    select
        month,
        currency,
        lag(member_count, 1, 0) over (partition by currency order by month) as opening_member_count
    from marts.mrr_movements
)

select
    month,
    currency,
    opening_mrr_cents,
    opening_member_count,
    gross_mrr_churn_rate,
    net_mrr_churn_rate,
    grr,
    nrr,
    nrr_with_reactivation,
    quick_ratio,
    is_complete
from marts.mrr_churn_by_month
left join members using (month, currency)
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, currency
