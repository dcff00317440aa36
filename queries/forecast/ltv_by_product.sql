/*
grain: One row per product and currency.
title: Value of a new member by product
description: >-
  What someone who joins now is expected to pay, discounted by the month: ARPA times expected
  months (the first at once, then discounted expected residual lifetime). Survival is that of the
  product, or of all where the product has too few memberships, as the note then says. The
  interval joins the model's profile likelihood and the bootstrap of ARPA. Beside it, naive: ARPA
  / churn rate, which assumes the same churn for everyone, forever, and does not discount. Costs
  are not taken off.
key: [product_type, currency]
people: [member_count, person_count]
part_of: [currency]
answer: expected_value_cents
columns:
  product_type: {unit: text, description: "The product by which the membership began, or all."}
  currency: {unit: text, description: The currency; amounts of different currencies are never added.}
  people: {unit: text, description: "Who these members are, as pages that count them elsewhere call them."}
  whole: {unit: text, description: "The same of the members of all products; empty for all."}
  joined: {unit: text, description: "Who had these memberships, as pages call them."}
  member_count: {unit: count, same_as: "{people}", adds_up_to: "{whole}", description: Members in the currency at the last settled month's end.}
  person_count: {unit: count, same_as: "{joined}", description: Distinct customers whose memberships they are.}
  n: {unit: count, description: "Memberships the survival was to be learned from, all currencies."}
  lost_count: {unit: count, description: Of these ended.}
  arpa_cents: {unit: cents, description: Mean MRR of those members.}
  arpa_low_cents: {unit: cents, description: "Lower end of its 95 % bootstrap interval."}
  arpa_high_cents: {unit: cents, description: "Upper end of its 95 % bootstrap interval."}
  monthly_churn_rate: {unit: rate, description: Memberships ended / renewals due.}
  expected_months: {unit: number, description: "Expected months paid, discounted."}
  months_low: {unit: number, description: "Lower end of its 95 % interval."}
  months_high: {unit: number, description: "Upper end of its 95 % interval."}
  expected_value_cents: {unit: cents, description: ARPA times expected months.}
  value_low_cents: {unit: cents, description: "Lower end of its 95 % interval."}
  value_high_cents: {unit: cents, description: "Upper end of its 95 % interval."}
  naive_months: {unit: number, description: 1 / monthly churn rate.}
  naive_value_cents: {unit: cents, description: ARPA / monthly churn rate.}
  discount_rate: {unit: rate, description: What a month's delay takes off.}
  model: {unit: text, description: "The survival model: sBG or BdW."}
  note: {unit: text, of: person_count, description: "Why there are no numbers, or whose survival it is."}
*/
with origin as (
    select max(last_day(origin_month)) as settled_on from forecast.mrr_projection
)

select
    product_type,
    currency,
    case
        when product_type = 'all' then concat_ws(' ', 'members on', settled_on, currency)
        else concat_ws(' ', 'members by first product', product_type, settled_on, currency)
    end as people,
    case when product_type <> 'all' then concat_ws(' ', 'members on', settled_on, currency) end as whole,
    'had memberships ' || product_type as joined,
    member_count,
    person_count,
    n,
    lost_count,
    arpa_cents,
    arpa_low_cents,
    arpa_high_cents,
    monthly_churn_rate,
    expected_months,
    months_low,
    months_high,
    expected_value_cents,
    value_low_cents,
    value_high_cents,
    naive_months,
    naive_value_cents,
    discount_rate,
    model,
    note
from forecast.ltv_by_product
cross join origin
order by product_type = 'all' desc, product_type, currency
