-- One row per Instagram story highlight.
with source as (

    {{ conformed('instagram_highlights') }}

),

renamed as (

    select
        id as instagram_highlight_id,
        user_id,
        lower(generation_status) as generation_status,
        created_at
    from source

)

select * from renamed
