-- One row per photo that a user selected, downloaded or shared.
with source as (

    {{ conformed('photo_selections') }}

),

renamed as (

    select
        id as photo_selection_id,
        user_id,
        lower(selection_type) as selection_type,
        created_at as selected_at
    from source

)

select * from renamed
