/*
grain: One row per user with a balance.
title: Credit runway
description: >-
  For how many days a balance lasts at the pace of the user's last 30 days with use. The balance is the
  one stored now, also for an as_of in the past, since the source overwrites it.
key: [user_id]
rows: credits/credit_entries
carries: now
columns:
  user_id: {unit: text, description: The user.}
  balance: {unit: credits, description: The stored balance.}
  daily_use: {unit: number, description: Mean credits a day over the last 30 days with use.}
  runway_days: {unit: days, description: Balance / daily use.}
  last_used_on: {unit: date, description: The last day with use.}
*/
select
    user_id,
    balance,
    daily_use,
    runway_days,
    last_used_on
from marts.runway
order by runway_days, user_id
