/*
grain: One row per month and kind of chat.
title: Chats with Maya
description: >-
  Conversations that users wrote in, and their messages; a chat that was only opened does not
  count.
key: [month, chat_type]
rows: engagement/chats_by_month
carries: period
people: user_count
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
answer: chat_count
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  chat_type: {unit: text, description: The kind of chat.}
  chat_count: {unit: count, description: Chats written in.}
  message_count: {unit: count, description: Messages by users.}
  user_count: {unit: count, description: Distinct users who wrote.}
  messages_per_chat: {unit: number, description: Messages / chats.}
  is_complete: {unit: flag, description: Whether the month has ended by as_of.}
*/
select
    month,
    chat_type,
    chat_count,
    message_count,
    user_count,
    messages_per_chat,
    is_complete
from marts.maya_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, chat_type
