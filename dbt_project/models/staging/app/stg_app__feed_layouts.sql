-- One row per feed layout.
with source as (

    {{ conformed('feed_layouts') }}

),

renamed as (

    select
        id as feed_layout_id,
        user_id,
        lower(status) as status,
        created_at
    from source

)

select * from renamed
