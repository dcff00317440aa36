-- One row per month and kind of chat: conversations with Maya that were written in.
with months as (

    select * from {{ ref('dim_months') }}

),

chats as (

    select * from {{ ref('chats_by_month') }}

),

counted as (

    select
        month,
        chat_type,
        count(*) as chat_count,
        sum(message_count) as message_count,
        count(distinct user_id) as user_count
    from chats
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
