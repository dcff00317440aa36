-- One row per carousel post.
with source as (

    {{ conformed('carousel_posts') }}

),

renamed as (

    select
        id as carousel_post_id,
        user_id,
        created_at
    from source

)

select * from renamed
