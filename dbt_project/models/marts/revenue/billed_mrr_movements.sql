-- One row per month and currency: how billed MRR went from the month's opening to its close.
with months as (

    select * from {{ ref('dim_months') }}

),

changes as (

    select * from {{ ref('int_mrr_changes') }}

),

final as (

    {{ movements_by_month('billed_') }}

)

select
    month,
    currency,
    opening_mrr_cents,
    new_mrr_cents,
    reactivation_mrr_cents,
    expansion_mrr_cents,
    contraction_mrr_cents,
    churn_mrr_cents,
    closing_mrr_cents,
    in_grace_mrr_cents,
    member_count,
    is_complete
from final
