/*
grain: One row per currency, customer and product with MRR at the end of a month or of the one before.
title: Why MRR changed
description: >-
  Every customer's MRR from each product at the end of the month before and at the end of the month
  (at as_of while it runs), and what the customer belongs to. The changes add up to the change of
  closing MRR, to the cent and per currency. 'sselfie explain mrr' sums them up.
key: [currency, customer_key, product]
explains:
  title: MRR
  query: revenue/mrr_movements
  column: closing_mrr_cents
  opening: opening_mrr_cents
  by:
    movement: Movements
    product: Products
    cohort: Cohorts
    acquisition: Segments by acquisition
    brand_style: Segments by brand style
    customer_key: Customers
  also: {movement: revenue/mrr_by_movement}
parameters:
  month: {type: date, description: The month that holds this day; by default the last complete one.}
columns:
  month: {unit: month, description: The month.}
  is_complete: {unit: flag, description: Whether it has ended by as_of.}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  customer_key: {unit: text, description: The customer.}
  product: {unit: text, description: The product.}
  cohort: {unit: text, description: Month of first membership.}
  acquisition: {unit: text, description: The list from which the customer came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
  before: {unit: cents, description: MRR at the end of the month before.}
  after: {unit: cents, description: MRR at the month's end.}
*/
with chosen as (
    select
        coalesce(
            cast(date_trunc('month', cast($month as date)) as date),
            max(month) filter (is_complete)
        ) as month
    from marts.dim_months
),

held as (
    select
        customer_key,
        currency,
        product_type as product,
        coalesce(sum(mrr_cents) filter (products.month < chosen.month), 0) as before,
        coalesce(sum(mrr_cents) filter (products.month = chosen.month), 0) as after
    from marts.member_month_products as products
    inner join chosen on products.month between chosen.month - interval 1 month and chosen.month
    group by all
)

select
    chosen.month,
    dim_months.is_complete,
    held.currency,
    held.customer_key,
    held.product,
    strftime(subscriber_cohort_month, '%Y-%m') as cohort,
    dim_customers.acquisition,
    coalesce(brand_style, '(none)') as brand_style,
    before,
    after
from held
cross join chosen
inner join marts.dim_months on chosen.month = dim_months.month
left join marts.dim_customers on held.customer_key = dim_customers.customer_key
left join marts.dim_users on dim_customers.user_id = dim_users.user_id
order by abs(after - before) desc, held.currency, held.customer_key, held.product
