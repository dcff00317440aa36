-- One row per model that a user has.
with source as (

    {{ conformed('user_models') }}

),

renamed as (

    select
        id as user_model_id,
        user_id,
        training_run_id,
        created_at
    from source

)

select * from renamed
