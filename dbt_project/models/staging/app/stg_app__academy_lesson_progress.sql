-- One row per user and lesson.
with source as (

    {{ conformed('user_lesson_progress') }}

),

renamed as (

    select
        id as lesson_progress_id,
        user_id,
        lesson_id,
        lower(status) as status,
        watch_time_seconds,
        completed_at,
        last_accessed_at
    from source

)

select * from renamed
