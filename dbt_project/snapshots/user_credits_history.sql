-- One row per credit balance and span of syncs in which it stayed the same; the source keeps no history.
{% snapshot user_credits_history %}
{{ config(schema='snapshots', unique_key='user_credit_id', strategy='check', check_cols=['user_id', 'balance', 'total_purchased', 'total_used'], hard_deletes='invalidate') }}
select
    user_credit_id,
    user_id,
    balance,
    total_purchased,
    total_used
from {{ ref('stg_app__user_credits') }}
where user_credit_id is not null
{% endsnapshot %}
