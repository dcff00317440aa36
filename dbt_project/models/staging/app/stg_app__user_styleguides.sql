-- One row per style guide.
with source as (

    {{ conformed('user_styleguides') }}

),

renamed as (

    select
        id as styleguide_id,
        user_id,
        created_at
    from source

)

select * from renamed
