-- One row per generated video.
with source as (

    {{ conformed('generated_videos') }}

),

renamed as (

    select
        id as generated_video_id,
        user_id,
        lower(status) as generation_status,
        created_at as generated_at
    from source

)

select * from renamed
