-- One row per gallery image and span of syncs in which it stayed the same; the source keeps no history.
{% snapshot ai_images_history %}
{{ config(schema='snapshots', unique_key='ai_image_id', strategy='check', check_cols=['user_id', 'generation_status'], hard_deletes='invalidate') }}
select
    ai_image_id,
    user_id,
    generation_status
from {{ ref('stg_app__ai_images') }}
where ai_image_id is not null
{% endsnapshot %}
