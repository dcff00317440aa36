-- One row per attempt up to as_of to take money that failed.
{{ config(materialized='view') }}
select
    payment_row_id,
    payment_key,
    customer_key,
    product_type,
    currency,
    amount_cents,
    paid_at as failed_at
from {{ ref('int_payment_rows') }}
where role = 'unsettled' and status = 'failed' and reversal_kind is null
