-- One row per address on the waiting list.
with source as (

    {{ conformed('waitlist') }}

),

renamed as (

    select
        id as subscriber_id,
        lower(trim(email)) as email,
        created_at as subscribed_at
    from source

)

select * from renamed
