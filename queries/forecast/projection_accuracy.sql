/*
grain: One row per currency, scope and month ahead.
title: How good past projections were
description: >-
  Over the past projections of forecast/projection_backtest: how often what came lay inside the
  95 % band, and the mean absolute percentage error of the median beside two plain guesses. Months
  on the way to which prices were changed are left out. Past projections overlap and rest on one
  model, so they say less than their number: the interval of the coverage is Wilson's for
  independent_count of them. With fewer than 6 of them there is a note instead.
key: [currency, scope, months_ahead]
no_people: A past projection is of 20 members or more; with fewer there was none.
columns:
  currency: {unit: text, description: The currency.}
  scope: {unit: text, description: "total with who joins, existing without."}
  months_ahead: {unit: count, description: Months after the origin.}
  n: {unit: count, description: Past projections.}
  independent_count: {unit: number, description: "How many independent projections they are worth: those that do not overlap, correlated by 0.2 (Kish's design effect)."}
  coverage_rate: {unit: rate, of: independent_count, interval: [low, high], description: "Share of them whose 95 % band held what came."}
  mape_rate: {unit: rate, description: Mean absolute percentage error of the median.}
  last_value_mape_rate: {unit: rate, description: The same of the last value.}
  constant_churn_mape_rate: {unit: rate, description: The same of constant churn and new MRR.}
  note: {unit: text, description: Why there are no numbers.}
*/
with counted as (
    select
        currency,
        scope,
        months_ahead,
        count(*) as n,
        avg(is_inside::int) as coverage,
        avg(abs(predicted_mid_cents - actual_cents) / nullif(actual_cents, 0)) as mape,
        avg(abs(last_value_cents - actual_cents) / nullif(actual_cents, 0)) as last_value_mape,
        avg(abs(constant_churn_cents - actual_cents) / nullif(actual_cents, 0)) as churn_mape,
        (count(*) + months_ahead - 1) / months_ahead as disjoint,
        count(*) >= 6 as is_enough
    from forecast.projection_backtest
    where not is_repriced
    group by currency, scope, months_ahead
)

select
    currency,
    scope,
    months_ahead,
    n,
    disjoint / (1 + 0.2 * (disjoint - 1)) as independent_count,
    case when is_enough then coverage end as coverage_rate,
    case when is_enough then mape end as mape_rate,
    case when is_enough then last_value_mape end as last_value_mape_rate,
    case when is_enough then churn_mape end as constant_churn_mape_rate,
    case when is_enough then '' else 'too few: n = ' || n || ', needs 6' end as note
from counted
order by currency, scope desc, months_ahead
