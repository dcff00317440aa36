-- One row per training of a model.
with source as (

    {{ conformed('training_runs') }}

),

renamed as (

    select
        id as training_run_id,
        user_id,
        lower(training_status) as training_status,
        created_at as requested_at,
        started_at,
        completed_at
    from source

)

select * from renamed
