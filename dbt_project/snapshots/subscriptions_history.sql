-- One row per stored subscription and span of syncs in which it stayed the same; the source keeps no history.
{% snapshot subscriptions_history %}
{{ config(schema='snapshots', unique_key='subscription_row_id', strategy='check', check_cols=['user_id', 'stripe_subscription_id', 'product_type', 'status', 'current_period_start_at', 'current_period_end_at', 'is_cancelling'], hard_deletes='invalidate') }}
select
    subscription_row_id,
    user_id,
    stripe_subscription_id,
    product_type,
    status,
    current_period_start_at,
    current_period_end_at,
    is_cancelling
from {{ ref('stg_app__subscriptions') }}
where subscription_row_id is not null
{% endsnapshot %}
