-- One row per course: who enrolled, who finished, and how long that took.
with courses as (

    select
        course_id,
        max(title) as title,
        max(level) as level,
        max(tier) as tier
    from {{ ref('stg_app__academy_courses') }}
    where course_id is not null
    group by course_id

),

enrollments as (

    select * from {{ ref('academy_enrollments') }}

),

-- Who enrols again goes on: the time counts from the first enrolment.
people as (

    select
        course_id,
        user_id,
        min(enrolled_at) as enrolled_at,
        max(case when is_started then 1 else 0 end) as is_started,
        min(finished_at) as finished_at
    from enrollments
    group by course_id, user_id

),

counted as (

    select
        course_id,
        count(*) as enrolled_count,
        sum(is_started) as started_count,
        count(finished_at) as completed_count,
        percentile_cont(0.5) within group (
            order by cast({{ seconds_between('enrolled_at', 'finished_at') }} / 86400.0 as {{ double_type() }})
        ) as median_days_to_complete
    from people
    group by course_id

),

final as (

    select
        courses.course_id,
        -- Where two courses have one title, their ids tell them apart.
        case
            when count(*) over (partition by courses.title) > 1
                then coalesce(courses.title, 'untitled') || ' (' || courses.course_id || ')'
            else coalesce(courses.title, 'untitled')
        end as title,
        courses.level,
        courses.tier,
        cast(coalesce(counted.enrolled_count, 0) as bigint) as enrolled_count,
        cast(coalesce(counted.started_count, 0) as bigint) as started_count,
        cast(coalesce(counted.completed_count, 0) as bigint) as completed_count,
        {{ ratio('counted.completed_count', 'counted.enrolled_count') }} as completion_rate,
        {{ wilson('coalesce(counted.completed_count, 0)', 'counted.enrolled_count', -1) }} as low,
        {{ wilson('coalesce(counted.completed_count, 0)', 'counted.enrolled_count', 1) }} as high,
        cast(counted.median_days_to_complete as {{ double_type() }}) as median_days_to_complete
    from courses
    left join counted on courses.course_id = counted.course_id

)

select * from final
