/*
grain: One row per user and feature with credits used in a month or in the month before.
title: Why the use of credits changed
description: >-
  Credits that each user spent on each feature in the month before and in the month, and what the
  user belongs to. The changes add up to the change of the credits used. 'sselfie explain credits'
  sums them up.
key: [customer_key, feature]
explains:
  title: Credits used
  query: credits/credit_flow_by_month
  column: used_credits
  by:
    feature: Features
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
  customer_key: {unit: text, description: The user.}
  feature: {unit: text, description: What the credits were spent on.}
  product: {unit: text, description: "The membership at the end of the month, else of the month before, else (none)."}
  cohort: {unit: text, description: Month of signup.}
  acquisition: {unit: text, description: The list from which the user came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
  before: {unit: credits, description: Credits used in the month before.}
  after: {unit: credits, description: Credits used in the month.}
*/
with chosen as (
    select
        coalesce(
            cast(date_trunc('month', cast($month as date)) as date),
            max(month) filter (is_complete)
        ) as month
    from marts.dim_months
),

used as (
    select
        user_id,
        coalesce(feature, 'other') as feature,
        coalesce(-sum(credits) filter (entries.month < chosen.month), 0) as before,
        coalesce(-sum(credits) filter (entries.month = chosen.month), 0) as after
    from marts.credit_entries as entries
    inner join chosen on entries.month between chosen.month - interval 1 month and chosen.month
    where kind = 'used'
    group by all
),

-- The membership that carried the most MRR, at the later of the two month ends.
held as (
    select
        dim_customers.user_id,
        arg_max(products.product_type, (products.month, products.mrr_cents)) as product
    from marts.member_month_products as products
    inner join marts.dim_customers using (customer_key)
    inner join chosen on products.month between chosen.month - interval 1 month and chosen.month
    where dim_customers.user_id is not null
    group by dim_customers.user_id
)

select
    chosen.month,
    dim_months.is_complete,
    used.user_id as customer_key,
    feature,
    coalesce(held.product, '(none)') as product,
    strftime(signed_up_on, '%Y-%m') as cohort,
    acquisition,
    coalesce(brand_style, '(none)') as brand_style,
    before,
    after
from used
cross join chosen
inner join marts.dim_months on chosen.month = dim_months.month
inner join marts.dim_users using (user_id)
left join held on used.user_id = held.user_id
order by abs(after - before) desc, used.user_id, feature
