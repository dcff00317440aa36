-- One row per month and currency whose rates contradict each other or the movements.
select
    rates.*,
    movements.closing_mrr_cents
from {{ ref('mrr_churn_by_month') }} as rates
inner join {{ ref('mrr_movements') }} as movements
    on rates.month = movements.month and rates.currency = movements.currency
where
    rates.opening_mrr_cents <> movements.opening_mrr_cents
    or (rates.opening_mrr_cents = 0) <> (rates.grr is null or rates.nrr is null)
    or rates.grr not between 0 and 1
    or rates.grr > rates.nrr
    or abs(rates.gross_mrr_churn_rate - (1 - rates.grr)) > 1e-9
    or abs(rates.net_mrr_churn_rate - (1 - rates.nrr)) > 1e-9
    -- The members of the opening hold no more at the close than all members do.
    or rates.nrr * rates.opening_mrr_cents > movements.closing_mrr_cents + 0.5
    or (rates.quick_ratio is null) <> (movements.contraction_mrr_cents + movements.churn_mrr_cents = 0)
