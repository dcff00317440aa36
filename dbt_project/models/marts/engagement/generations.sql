-- One row per image, video, feed post, highlight or training that a user who counts asked for up to as_of.
with accounts as (

    {{ counted_users() }}

),

asked as (
    {% for kind, model, row_id, status, instant, started, completed in [
        ('image', 'stg_app__ai_images', 'ai_image_id', 'generation_status', 'generated_at', none, none),
        ('video', 'stg_app__generated_videos', 'generated_video_id', 'generation_status', 'generated_at', none, none),
        ('feed_post', 'stg_app__feed_posts', 'feed_post_id', 'generation_status', 'created_at', none, none),
        ('highlight', 'stg_app__instagram_highlights', 'instagram_highlight_id', 'generation_status', 'created_at', none, none),
        ('training', 'stg_app__training_runs', 'training_run_id', 'training_status', 'requested_at', 'started_at', 'completed_at'),
    ] %}
    select
        '{{ kind }}' as kind,
        {{ row_id }} as row_id,
        user_id,
        {{ status }} as status,
        {{ instant }} as requested_at,
        {{ started or 'cast(null as timestamp)' }} as started_at,
        {{ completed or 'cast(null as timestamp)' }} as completed_at
    from {{ ref(model) }}
    {%- if kind == 'image' %}
    where coalesce(category, '') not in ('profile', 'highlight', 'upload') and coalesce(origin, '') not like '%upload%'
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        cast(asked.kind as {{ dbt.type_string() }}) as kind,
        cast(asked.row_id as bigint) as row_id,
        asked.user_id,
        asked.requested_at,
        {{ local_month('asked.requested_at') }} as month,
        -- What is stored now, but for an end that is known to come later.
        cast(case when asked.completed_at > accounts.as_of then 'running' else coalesce(asked.status, 'unknown') end as {{ dbt.type_string() }}) as status,
        case
            when asked.completed_at <= accounts.as_of
                then cast({{ seconds_between('asked.started_at', 'asked.completed_at') }} / 60.0 as {{ double_type() }})
        end as minutes
    from asked
    inner join accounts on asked.user_id = accounts.user_id and asked.requested_at <= accounts.as_of

)

select * from final
