-- One row per event of any feature that a user set off, from every source that records one.
{%- set simple_sources = [
    ('stg_app__generated_images', 'generated_at', 'image'),
    ('stg_app__generated_videos', 'generated_at', 'video'),
    ('stg_app__photo_selections', 'selected_at', 'photoshoot'),
    ('stg_app__training_runs', 'requested_at', 'training'),
    ('stg_app__user_models', 'created_at', 'training'),
    ('stg_app__feed_layouts', 'created_at', 'feed'),
    ('stg_app__feed_strategies', 'created_at', 'feed'),
    ('stg_app__instagram_bios', 'created_at', 'feed'),
    ('stg_app__instagram_highlights', 'created_at', 'feed'),
    ('stg_app__carousel_posts', 'created_at', 'feed'),
    ('stg_app__pro_photoshoot_sessions', 'started_at', 'photoshoot'),
    ('stg_app__academy_enrollments', 'enrolled_at', 'academy'),
    ('stg_app__academy_lesson_progress', 'last_accessed_at', 'academy'),
    ('stg_app__academy_lesson_progress', 'completed_at', 'academy'),
    ('stg_app__academy_exercise_submissions', 'submitted_at', 'academy'),
    ('stg_app__brand_assets', 'created_at', 'brand'),
    ('stg_app__user_styleguides', 'created_at', 'brand'),
    ('stg_app__feedback', 'created_at', 'feedback'),
] %}
with spends as (

    select * from {{ ref('int_credit_entries') }}
    where kind = 'used' and credits < 0 and feature <> 'other'

),

messages as (

    select
        chats.user_id,
        messages.sent_at
    from {{ ref('stg_app__maya_chat_messages') }} as messages
    inner join {{ ref('stg_app__maya_chats') }} as chats on messages.maya_chat_id = chats.maya_chat_id
    where messages.role = 'user'

),

classic_images as (

    select * from {{ ref('stg_app__generated_image_urls') }}

),

-- Neither uploads nor the gallery's copy of a classic image, whose address a live database may keep as the
-- id of its prediction.
gallery_images as (

    select images.*
    from {{ ref('stg_app__ai_images') }} as images
    left join classic_images as same_address
        on images.user_id = same_address.user_id and images.image_url = same_address.image_url
    left join classic_images as same_prediction
        on images.user_id = same_prediction.user_id and images.prediction_id = same_prediction.image_url
    where
        images.generation_status = 'completed'
        and same_address.image_url is null
        and same_prediction.image_url is null
        and coalesce(images.category, '') not in ('profile', 'highlight', 'upload')
        and coalesce(images.origin, '') not like '%upload%'

),

-- The system makes the first posts together with their layout.
later_posts as (

    select posts.*
    from {{ ref('stg_app__feed_posts') }} as posts
    inner join {{ ref('stg_app__feed_layouts') }} as layouts on posts.feed_layout_id = layouts.feed_layout_id
    where posts.created_at > layouts.created_at + interval '1 minute'

),

events as (

    select
        user_id,
        transacted_at as activity_at,
        feature
    from spends

    union all

    select
        user_id,
        sent_at as activity_at,
        'chat' as feature
    from messages

    union all

    select
        user_id,
        generated_at as activity_at,
        'image' as feature
    from gallery_images

    union all

    select
        user_id,
        created_at as activity_at,
        'feed' as feature
    from later_posts
    {%- for model, instant, feature in simple_sources %}

    union all

    select
        user_id,
        {{ instant }} as activity_at,
        '{{ feature }}' as feature
    from {{ ref(model) }}
    {%- endfor %}

)

select * from events
