-- One row per user account and span of syncs in which it stayed the same; the source keeps no history.
{% snapshot users_history %}
{{ config(schema='snapshots', unique_key='user_id', strategy='check', check_cols=['role', 'is_onboarded'], hard_deletes='invalidate') }}
select
    user_id,
    role,
    is_onboarded
from {{ ref('stg_app__users') }}
where user_id is not null
{% endsnapshot %}
