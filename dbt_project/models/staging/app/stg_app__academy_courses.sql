-- One row per course.
with source as (

    {{ conformed('academy_courses') }}

),

renamed as (

    select
        id as course_id,
        title,
        level,
        tier,
        total_lessons,
        lower(status) as status
    from source

)

select * from renamed
