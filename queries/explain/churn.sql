/*
grain: One row per customer, kind and product of losses in a month or in the month before.
title: Why churn changed
description: >-
  How often each customer's paid time ended, in the month before and in the month, by the kind of
  each loss and the product that ended with it, and what the customer belongs to. The changes add
  up to the change of the churned members. A loss in grace is provisional. 'sselfie explain churn'
  sums them up.
key: [customer_key, kind, product]
explains:
  title: Churned members
  query: churn/churn_by_month
  column: churned_member_count
  by:
    kind: Kinds
    product: Products
    cohort: Cohorts
    acquisition: Segments by acquisition
    brand_style: Segments by brand style
    customer_key: Customers
parameters:
  month: {type: date, description: The month that holds this day; by default the last complete one.}
columns:
  month: {unit: month, description: The month.}
  is_complete: {unit: flag, description: Whether it has ended by as_of.}
  customer_key: {unit: text, description: The customer.}
  kind: {unit: text, description: "voluntary, involuntary or unknown, of each loss."}
  product: {unit: text, description: The product that ended.}
  cohort: {unit: text, description: Month of first membership.}
  acquisition: {unit: text, description: The list from which the customer came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
  before: {unit: count, description: Losses in the month before.}
  after: {unit: count, description: Losses in the month.}
*/
with chosen as (
    select
        coalesce(
            cast(date_trunc('month', cast($month as date)) as date),
            max(month) filter (is_complete)
        ) as month
    from marts.dim_months
),

lost as (
    select
        losses.customer_key,
        kind,
        coalesce(product_type, '(none)') as product,
        count(*) filter (losses.month < chosen.month) as before,
        count(*) filter (losses.month = chosen.month) as after
    from marts.churn_by_member as losses
    inner join chosen on losses.month between chosen.month - interval 1 month and chosen.month
    left join marts.membership_spans as spans
        on losses.customer_key = spans.customer_key and losses.churned_at = spans.ended_at
    group by all
)

select
    chosen.month,
    dim_months.is_complete,
    lost.customer_key,
    kind,
    lost.product,
    strftime(subscriber_cohort_month, '%Y-%m') as cohort,
    dim_customers.acquisition,
    coalesce(brand_style, '(none)') as brand_style,
    before,
    after
from lost
cross join chosen
inner join marts.dim_months on chosen.month = dim_months.month
left join marts.dim_customers using (customer_key)
left join marts.dim_users on dim_customers.user_id = dim_users.user_id
order by after desc, before desc, lost.customer_key, kind, lost.product
