-- One row per image of the gallery: generated, uploaded, or the twin of a classic one.
with source as (

    {{ conformed('ai_images') }}

),

renamed as (

    select
        id as ai_image_id,
        user_id,
        image_url,
        lower(category) as category,
        lower(source) as origin,
        lower(generation_status) as generation_status,
        coalesce(is_favorite, false) as is_favorite,
        prediction_id,
        created_at as generated_at
    from source

)

select * from renamed
