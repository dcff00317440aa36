-- One row per submitted exercise.
with source as (

    {{ conformed('academy_exercise_submissions') }}

),

renamed as (

    select
        id as exercise_submission_id,
        user_id,
        exercise_id,
        is_correct,
        submitted_at
    from source

)

select * from renamed
