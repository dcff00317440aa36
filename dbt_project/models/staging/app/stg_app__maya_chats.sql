-- One row per chat with Maya.
with source as (

    {{ conformed('maya_chats') }}

),

renamed as (

    select
        id as maya_chat_id,
        user_id,
        replace(lower(chat_type), '-', '_') as chat_type,
        created_at as started_at
    from source

)

select * from renamed
