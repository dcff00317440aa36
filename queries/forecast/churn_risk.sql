/*
grain: One row per member now.
title: Churn risk
description: >-
  The chance that a membership ends within 30 days, by a logistic hazard model of renewals made,
  days since the last activity, inactivity, trend of use, days that the credits last and failed
  payments, as they stand at as_of; corrected by how earlier predictions turned out. It ignores
  cancellations, which are listed first among the reasons; where nothing is due within 30 days
  there is no score. Reasons are what raises the risk above the average member's, the
  weightiest first, and only features that the data show to matter. With fewer than 60 losses to
  learn from, the hazard of the survival model at the member's tenure; with too few for that, a
  note.
key: [customer_key]
answer: risk
columns:
  customer_key: {unit: text, description: The customer.}
  user_id: {unit: text, description: "The account, where there is one."}
  risk: {unit: rate, description: "Chance that the membership ends within 30 days, 0 to 1."}
  lower: {unit: rate, description: "Lower end of its 95 % interval: the doubt of model and recalibration, not chance."}
  upper: {unit: rate, description: "Upper end of its 95 % interval."}
  reasons: {unit: text, description: "What raises it, in words, by weight."}
  is_cancelling: {unit: flag, description: Whether it is set to end already.}
  paid_until_on: {unit: date, description: Last day of paid coverage.}
  tenure_months: {unit: count, description: Renewals made.}
  model: {unit: text, description: "hazard, else the survival model: sBG or BdW."}
  n: {unit: count, description: "Member-months, of a survival model memberships, it learned from."}
  note: {unit: text, description: "Why there are no numbers, or no reasons."}
*/
select
    customer_key,
    user_id,
    risk,
    lower,
    upper,
    reasons,
    is_cancelling,
    paid_until_on,
    tenure_months,
    model,
    n,
    note
from forecast.churn_risk
order by risk desc nulls last, customer_key
