-- One row per user and course.
with source as (

    {{ conformed('user_academy_enrollments') }}

),

renamed as (

    select
        id as enrollment_id,
        user_id,
        course_id,
        enrolled_at,
        completed_at,
        progress_percentage,
        last_accessed_at
    from source

)

select * from renamed
