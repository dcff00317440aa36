/*
grain: One row per scope.
title: Survival models
description: >-
  The model of all memberships, and of each product by which memberships began: shifted
  beta-geometric (sBG) or beta-discrete-Weibull (BdW), of every monthly renewal or of those after
  the first, whose chance is then its own: the one with the greatest likelihood less a penalty for
  each parameter, with a weak prior. Forecasts weigh the others too, and let a renewal that stands
  out from those around it have a chance of its own. Intervals are 95 % profile
  likelihoods; one that ends above 100,000 has no upper end as far as the data show: members do not
  differ. The log-rank test compares a product with all others. With fewer than 50 memberships or
  10 losses, or where the fit ends at the edge of its range, there is a note instead.
key: [scope]
people: person_count
answer: monthly_churn_rate
columns:
  scope: {unit: text, description: "all, or the product by which the membership began."}
  whole: {unit: text, description: "Who had memberships of any product, as pages call them; empty for all."}
  person_count: {unit: count, same_as: "had memberships {scope}", covers: "{whole}", description: Distinct customers whose memberships they are.}
  n: {unit: count, description: Memberships.}
  lost_count: {unit: count, description: Memberships that ended.}
  monthly_churn_rate: {unit: rate, description: Memberships that ended / renewals due.}
  model: {unit: text, description: "sBG or BdW, and whether it begins after the first renewal."}
  alpha: {unit: number, description: Parameter alpha.}
  alpha_low: {unit: number, description: "Lower end of its 95 % interval."}
  alpha_high: {unit: number, description: "Upper end of its 95 % interval."}
  beta: {unit: number, description: Parameter beta.}
  beta_low: {unit: number, description: "Lower end of its 95 % interval."}
  beta_high: {unit: number, description: "Upper end of its 95 % interval."}
  shape: {unit: number, description: "Parameter c of BdW: above 1 the risk rises with tenure, below it falls."}
  shape_low: {unit: number, description: "Lower end of its 95 % interval."}
  shape_high: {unit: number, description: "Upper end of its 95 % interval."}
  first_renewal_rate: {unit: rate, description: "Chance to leave at the first renewal, where it is its own."}
  first_renewal_low: {unit: rate, description: "Lower end of its 95 % interval."}
  first_renewal_high: {unit: rate, description: "Upper end of its 95 % interval."}
  cohort_trend_rate: {unit: rate, description: "By how much the risk rises from one cohort to the next, where it does beyond doubt (2 %)."}
  log_rank_p: {unit: number, description: "Chance of as large a difference to the other products if there were none."}
  note: {unit: text, of: person_count, description: "Why there is no model, or that cohorts differ."}
*/
select
    scope,
    case when scope <> 'all' then 'had memberships all' end as whole,
    person_count,
    n,
    lost_count,
    monthly_churn_rate,
    model,
    alpha,
    alpha_low,
    alpha_high,
    beta,
    beta_low,
    beta_high,
    shape,
    shape_low,
    shape_high,
    first_renewal_rate,
    first_renewal_low,
    first_renewal_high,
    cohort_trend_rate,
    log_rank_p,
    note
from forecast.survival_models
order by scope = 'all' desc, scope
