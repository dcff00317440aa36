/*
grain: One row per month and chat written in.
title: Chats with Maya, one by one
description: >-
  The rows behind the chats with Maya: who wrote how often in which chat. Message text is not
  included.
key: [month, maya_chat_id]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  month: {unit: month, description: "The month, in the reporting zone."}
  maya_chat_id: {unit: text, description: The stored chat.}
  chat_type: {unit: text, description: The kind of chat.}
  user_id: {unit: text, description: The user.}
  message_count: {unit: count, description: Messages by the user.}
*/
select
    month,
    maya_chat_id,
    chat_type,
    user_id,
    message_count
from marts.chats_by_month
where
    ($since is null or month >= date_trunc('month', cast($since as date)))
    and ($until is null or month <= date_trunc('month', cast($until as date)))
order by month, maya_chat_id
