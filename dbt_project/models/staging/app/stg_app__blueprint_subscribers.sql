-- One row per address captured by the blueprint.
with source as (

    {{ conformed('blueprint_subscribers') }}

),

renamed as (

    select
        id as subscriber_id,
        lower(trim(email)) as email,
        subscribed_at
    from source

)

select * from renamed
