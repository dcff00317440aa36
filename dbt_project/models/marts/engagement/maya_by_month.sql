-- One row per month and kind of chat: conversations with Maya that were written in.
with build as (

    select * from {{ ref('build_info') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null

),

messages as (

    select
        {{ local_month('messages.sent_at') }} as month,
        coalesce(chats.chat_type, 'unknown') as chat_type,
        chats.maya_chat_id,
        chats.user_id
    from {{ ref('stg_app__maya_chat_messages') }} as messages
    cross join build
    inner join {{ ref('stg_app__maya_chats') }} as chats on messages.maya_chat_id = chats.maya_chat_id
    inner join accounts on chats.user_id = accounts.user_id
    where messages.role = 'user' and messages.sent_at <= build.as_of

),

counted as (

    select
        month,
        chat_type,
        count(*) as message_count,
        count(distinct maya_chat_id) as chat_count,
        count(distinct user_id) as user_count
    from messages
    group by month, chat_type

),

final as (

    select
        months.month,
        chat_types.chat_type,
        cast(coalesce(counted.chat_count, 0) as bigint) as chat_count,
        cast(coalesce(counted.message_count, 0) as bigint) as message_count,
        cast(coalesce(counted.user_count, 0) as bigint) as user_count,
        {{ ratio('counted.message_count', 'counted.chat_count') }} as messages_per_chat,
        months.is_complete
    from months
    cross join (select distinct chat_type from counted) as chat_types
    left join counted on months.month = counted.month and chat_types.chat_type = counted.chat_type
    where months.month >= (select min(month) from counted)

)

select * from final
