/*
grain: One row per user active in a month or in the month before.
title: Why the number of active users changed
description: >-
  Who came, came back, stayed and stayed away, and what they belong to. The changes add up to the
  change of the active users. 'sselfie explain active_users' sums them up.
key: [customer_key]
explains:
  title: Active users
  query: engagement/active_users
  with: {grain: month}
  column: active_count
  by:
    lifecycle: Lifecycle
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
  lifecycle: {unit: text, description: "new, returning, resurrected or dormant."}
  product: {unit: text, description: "The membership at the end of the month, else of the month before, else (none)."}
  cohort: {unit: text, description: Month of signup.}
  acquisition: {unit: text, description: The list from which the user came.}
  brand_style: {unit: text, description: The brand style that the user chose.}
  before: {unit: count, description: 1 where active in the month before.}
  after: {unit: count, description: 1 where active in the month.}
*/
with chosen as (
    select
        coalesce(
            cast(date_trunc('month', cast($month as date)) as date),
            max(month) filter (is_complete)
        ) as month
    from marts.dim_months
),

active as (
    select
        user_id,
        cast(bool_or(activity_on < chosen.month) as integer) as before,
        cast(bool_or(activity_on >= chosen.month) as integer) as after
    from marts.fct_activity
    inner join chosen
        on
            activity_on >= chosen.month - interval 1 month
            and activity_on < chosen.month + interval 1 month
    group by user_id
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
    active.user_id as customer_key,
    case
        when after = 0 then 'dormant'
        when before = 1 then 'returning'
        when first_activity_on >= chosen.month then 'new'
        else 'resurrected'
    end as lifecycle,
    coalesce(held.product, '(none)') as product,
    strftime(signed_up_on, '%Y-%m') as cohort,
    acquisition,
    coalesce(brand_style, '(none)') as brand_style,
    before,
    after
from active
cross join chosen
inner join marts.dim_months on chosen.month = dim_months.month
inner join marts.dim_users using (user_id)
left join held on active.user_id = held.user_id
order by after desc, active.user_id
