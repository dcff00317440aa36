-- One row per enrolment of a user who counts in a course, up to as_of.
with accounts as (

    {{ counted_users() }}

),

enrollments as (

    select
        enrollments.*,
        case when enrollments.completed_at <= accounts.as_of then enrollments.completed_at end as finished_at
    from {{ ref('stg_app__academy_enrollments') }} as enrollments
    inner join accounts on enrollments.user_id = accounts.user_id and enrollments.enrolled_at <= accounts.as_of

),

final as (

    select
        cast(enrollment_id as bigint) as enrollment_id,
        cast(course_id as bigint) as course_id,
        user_id,
        enrolled_at,
        coalesce(progress_percentage > 0, false) or finished_at is not null as is_started,
        finished_at,
        cast({{ seconds_between('enrolled_at', 'finished_at') }} / 86400.0 as {{ double_type() }}) as days_to_complete
    from enrollments

)

select * from final
