-- One row per course: who enrolled, who finished, and how long that took.
with courses as (

    select * from {{ ref('stg_app__academy_courses') }}

),

enrollments as (

    select * from {{ ref('academy_enrollments') }}

),

counted as (

    select
        course_id,
        count(distinct user_id) as enrolled_count,
        count(distinct case when is_started then user_id end) as started_count,
        count(distinct case when finished_at is not null then user_id end) as completed_count,
        percentile_cont(0.5) within group (order by days_to_complete) as median_days_to_complete
    from enrollments
    group by course_id

),

final as (

    select
        courses.course_id,
        courses.title,
        courses.level,
        courses.tier,
        cast(coalesce(counted.enrolled_count, 0) as bigint) as enrolled_count,
        cast(coalesce(counted.started_count, 0) as bigint) as started_count,
        cast(coalesce(counted.completed_count, 0) as bigint) as completed_count,
        {{ ratio('counted.completed_count', 'counted.enrolled_count') }} as completion_rate,
        {{ wilson('coalesce(counted.completed_count, 0)', 'counted.enrolled_count', -1) }} as low,
        {{ wilson('coalesce(counted.completed_count, 0)', 'counted.enrolled_count', 1) }} as high,
        cast(counted.median_days_to_complete as double precision) as median_days_to_complete
    from courses
    left join counted on courses.course_id = counted.course_id
    where courses.course_id is not null

)

select * from final
