-- One row per classic generation, which holds several images.
with source as (

    {{ conformed('generated_images') }}

),

renamed as (

    select
        id as generated_image_id,
        user_id,
        image_urls,
        selected_url,
        coalesce(saved, false) as is_saved,
        created_at as generated_at
    from source

)

select * from renamed
