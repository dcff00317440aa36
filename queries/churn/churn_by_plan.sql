/*
grain: One row per month, currency and plan.
title: Churn and ARPA by plan
description: >-
  Members and their MRR by product, or by how often they are charged: those at the opening, how many
  of them are no members at all at the close, and what a member of the plan pays per month. Who
  changes plan and stays has not churned. A member with two plans is in both.
key: [month, currency, plan]
rows: revenue/mrr_by_plan
carries: forward
people: [opening_member_count, member_count]
identities: [opening_member_count = before.member_count, opening_churned_count <= opening_member_count]
parameters:
  breakdown: {type: choice, choices: [product, rhythm], default: product, description: What a plan is.}
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  plan: {unit: text, description: "The product, or how often it is charged."}
  opening_member_count: {unit: count, description: Members of the plan at the first instant of the month.}
  opening_churned_count: {unit: count, description: Of them those who are no members at the close.}
  logo_churn_rate: {unit: rate, of: opening_member_count, description: Members at the start of the month who had left by its end / members at its start.}
  member_count: {unit: count, same_as: "members of {plan} on {month:last month} {currency}", covers: "members on {month:last month} {currency}", description: "Members of the plan at the end of the month, or as of now while it runs."}
  mrr_cents: {unit: cents, description: MRR of the plan at that instant.}
  arpa_cents: {unit: cents, description: MRR / members.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
with held as (
    select
        month,
        customer_key,
        currency,
        case $breakdown when 'product' then product_type else rhythm end as plan,
        sum(mrr_cents) as mrr_cents
    from marts.member_month_products
    group by all
),

plans as (
    select currency, plan, min(month) as first_month from held
    group by all
),

spine as (
    select dim_months.month, dim_months.is_complete, plans.currency, plans.plan
    from marts.dim_months
    inner join plans on dim_months.month >= plans.first_month
),

closing as (
    select month, currency, plan, count(*) as member_count, sum(mrr_cents) as mrr_cents from held
    group by all
),

opening as (
    select
        cast(held.month + interval 1 month as date) as month,
        held.currency,
        held.plan,
        count(*) as opening_member_count,
        count(*) filter (stays.customer_key is null) as opening_churned_count
    from held
    left join (select distinct month, customer_key from marts.member_months) as stays
        on held.customer_key = stays.customer_key and held.month + interval 1 month = stays.month
    group by all
)

select
    spine.month,
    spine.currency,
    spine.plan,
    coalesce(opening_member_count, 0) as opening_member_count,
    coalesce(opening_churned_count, 0) as opening_churned_count,
    opening_churned_count / opening_member_count as logo_churn_rate,
    coalesce(member_count, 0) as member_count,
    coalesce(closing.mrr_cents, 0)::bigint as mrr_cents,
    round(closing.mrr_cents / member_count)::bigint as arpa_cents,
    spine.is_complete
from spine
left join closing using (month, currency, plan)
left join opening using (month, currency, plan)
where
    ($since is null or spine.month >= date_trunc('month', cast($since as date)))
    and ($until is null or spine.month <= date_trunc('month', cast($until as date)))
order by spine.month, spine.currency, spine.plan
