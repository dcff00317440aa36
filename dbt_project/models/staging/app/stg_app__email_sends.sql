-- One row per e-mail sent.
with source as (

    {{ conformed('email_sends') }}

),

renamed as (

    select
        id as email_send_id,
        user_id,
        lower(email_type) as email_type,
        lower(status) as status,
        coalesce(sent_at, created_at) as sent_at
    from source

)

select * from renamed
