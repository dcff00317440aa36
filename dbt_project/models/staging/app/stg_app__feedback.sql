-- One row per feedback message.
with source as (

    {{ conformed('feedback') }}

),

renamed as (

    select
        user_id,
        lower(feedback_type) as feedback_type,
        rating,
        created_at
    from source

)

select * from renamed
