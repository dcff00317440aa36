/*
grain: One row per closed month, measure and currency.
title: Closed months
description: >-
  What was signed with 'sselfie close', beside what the marts say now. A figure that was restated
  says by how much, and why: each build names the cause of what it has changed. The liability
  stands as of the month's end; 'sselfie diff --closed' holds it against the present. Figures by
  product, cohort and billed MRR are in closed_figures.
key: [month, measure, currency]
rows: revenue/closed_figures
columns:
  month: {unit: month, description: The month that was closed.}
  measure: {unit: text, description: "The column of the public query, such as refunded_cents."}
  currency: {unit: text, description: "The currency, of money; else empty."}
  closed_value: {unit: number, description: "What was signed, in its own unit: rates 0-1, money in cents."}
  value_now: {unit: number, description: "What the marts say now; empty for the liability."}
  restated: {unit: number, description: Now minus signed.}
  cause: {unit: text, description: "Why, where it was restated."}
  closed_by: {unit: text, description: Who signed.}
  closed_at: {unit: instant, description: When.}
*/
with figures as (

    select
        *,
        list_position(
            [
                'revenue/revenue_totals', 'revenue/mrr_movements', 'churn/churn_by_month',
                'churn/mrr_churn_by_month', 'credits/liability'
            ],
            query
        ) as place
    from (
        {% include 'revenue/closed_values.jinja' %}
    )

),

-- A measure that two of these queries have is the same number.
final as (

    select * from figures
    where place is not null
    qualify row_number() over (partition by month, measure, currency order by place) = 1

)

select
    month,
    measure,
    currency,
    closed_value,
    value_now,
    value_now - closed_value as restated,
    case when restated <> 0 or value_now is null and place < 5 then cause end as cause,
    closed_by,
    closed_at
from final
order by month, place, figure_order
