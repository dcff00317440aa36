/*
grain: One row in all.
title: Losses expected in 30 days
description: The risks of all members added up, and how many members they are of.
key: []
rows: forecast/churn_risk
people: member_count
columns:
  member_count: {unit: count, same_as: members with a risk, description: Members with something due within 30 days.}
  expected_loss_count: {unit: number, description: Sum of their risks.}
*/
select
    count(risk) as member_count,
    sum(risk) as expected_loss_count
from forecast.churn_risk
