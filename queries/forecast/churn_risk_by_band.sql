/*
grain: One row per band of risk.
title: Members by churn risk
description: >-
  How many members now have which risk of leaving within 30 days, and how many losses that makes.
key: [band]
rows: forecast/churn_risk
people: member_count
part_of: []
answer: expected_loss_count
columns:
  band: {unit: text, description: "The risk, or why there is none."}
  people: {unit: text, description: "Who these members are, as pages that count them elsewhere call them."}
  member_count: {unit: count, adds_up_to: "{people}", description: Members.}
  cancelling_count: {unit: count, description: Of these set to end already.}
  expected_loss_count: {unit: number, description: Sum of their risks.}
  model: {unit: text, description: "hazard, else the survival model: sBG or BdW."}
  n: {unit: count, description: Member-months or memberships it learned from.}
  note: {unit: text, of: member_count, description: "Why there are no numbers, or no reasons."}
*/
with banded as (
    select
        *,
        case
            when paid_until_on > as_of_on + 31 then 6
            when risk is null then 7
            when risk < 0.05 then 1
            when risk < 0.1 then 2
            when risk < 0.2 then 3
            when risk < 0.4 then 4
            else 5
        end as place
    from forecast.churn_risk
    cross join marts.build_info
)

select
    [
        'under 5 %', '5 to 10 %', '10 to 20 %', '20 to 40 %', '40 % or more',
        'nothing due', 'not told'
    ][place] as band,
    case when place < 6 then 'members with a risk' else 'members without a risk' end as people,
    count(*) as member_count,
    count_if(is_cancelling) as cancelling_count,
    sum(risk) as expected_loss_count,
    any_value(model) as model,
    any_value(n) as n,
    any_value(note) as note
from banded
group by place
order by place
