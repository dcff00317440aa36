-- One row per Instagram biography.
with source as (

    {{ conformed('instagram_bios') }}

),

renamed as (

    select
        id as instagram_bio_id,
        user_id,
        created_at
    from source

)

select * from renamed
