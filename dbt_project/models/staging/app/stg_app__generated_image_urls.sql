-- One row per image of a classic generation: its address and whose it is.
with images as (

    select * from {{ ref('stg_app__generated_images') }}

),

urls as (

    select
        user_id,
        generated_at,
        {{ unnested('image_urls') }} as image_url
    from images

    union all

    select
        user_id,
        generated_at,
        selected_url as image_url
    from images

),

final as (

    select distinct
        user_id,
        image_url
    from urls
    where image_url is not null

)

select * from final
