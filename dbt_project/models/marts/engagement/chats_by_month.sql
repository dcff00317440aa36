-- One row per month and chat with Maya in which a user who counts wrote, up to as_of.
with accounts as (

    {{ counted_users() }}

),

final as (

    select
        {{ local_month('messages.sent_at') }} as month,
        cast(chats.maya_chat_id as bigint) as maya_chat_id,
        cast(coalesce(chats.chat_type, 'unknown') as {{ dbt.type_string() }}) as chat_type,
        chats.user_id,
        count(*) as message_count
    from {{ ref('stg_app__maya_chat_messages') }} as messages
    inner join {{ ref('stg_app__maya_chats') }} as chats on messages.maya_chat_id = chats.maya_chat_id
    inner join accounts on chats.user_id = accounts.user_id and messages.sent_at <= accounts.as_of
    where messages.role = 'user'
    group by 1, 2, 3, 4

)

select * from final
