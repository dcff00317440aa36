-- One row per feed post and span of syncs in which it stayed the same; the source keeps no history.
{% snapshot feed_posts_history %}
{{ config(schema='snapshots', unique_key='feed_post_id', strategy='check', check_cols=['user_id', 'generation_status'], hard_deletes='invalidate') }}
select
    feed_post_id,
    user_id,
    generation_status
from {{ ref('stg_app__feed_posts') }}
where feed_post_id is not null
{% endsnapshot %}
