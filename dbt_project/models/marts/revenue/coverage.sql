-- One row per span of paid coverage, [covered_from_at, covered_until_at), with the MRR that it carries.
{{ config(materialized='view') }}
select
    payment_key,
    customer_key,
    product_type,
    currency,
    covered_from_at,
    covered_until_at,
    rhythm,
    interval_months,
    mrr_cents,
    billed_mrr_cents
from {{ ref('int_coverage') }}
