-- One row per post of a feed; the system makes nine with each layout.
with source as (

    {{ conformed('feed_posts') }}

),

renamed as (

    select
        id as feed_post_id,
        feed_layout_id,
        user_id,
        lower(generation_status) as generation_status,
        coalesce(is_pro_mode, false) as is_pro_mode,
        created_at
    from source

)

select * from renamed
