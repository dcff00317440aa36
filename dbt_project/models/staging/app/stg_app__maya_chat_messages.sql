-- One row per chat message.
with source as (

    {{ conformed('maya_chat_messages') }}

),

renamed as (

    select
        id as maya_chat_message_id,
        chat_id as maya_chat_id,
        lower(role) as role,
        created_at as sent_at
    from source

)

select * from renamed
