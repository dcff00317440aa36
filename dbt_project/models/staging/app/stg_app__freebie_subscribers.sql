-- One row per address captured by the freebie.
with source as (

    {{ conformed('freebie_subscribers') }}

),

renamed as (

    select
        id as subscriber_id,
        lower(trim(email)) as email,
        subscribed_at
    from source

)

select * from renamed
