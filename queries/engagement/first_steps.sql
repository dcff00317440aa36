/*
grain: One row per user.
title: First steps of each user
description: >-
  The users behind the activation funnel: when each signed up and first reached every step. The
  funnel counts, by month of signup, the steps that were reached within a number of days. Onboarding
  is stored without a time.
key: [user_id]
parameters:
  since: {type: date, description: Begin with the month of this day.}
  until: {type: date, description: End with the month of this day.}
columns:
  cohort_period: {unit: month, description: Month of signup.}
  user_id: {unit: text, description: The user.}
  email: {unit: text, description: "The user's address.", pii: true}
  signed_up_at: {unit: instant, description: Signup.}
  is_onboarded: {unit: flag, description: "Whether the user is onboarded now."}
  first_trained_at: {unit: instant, description: First training of a model.}
  first_image_at: {unit: instant, description: First image or photoshoot.}
  first_payment_at: {unit: instant, description: First payment above 0.}
  first_subscription_at: {unit: instant, description: First paid membership.}
*/
select
    cast(date_trunc('month', signed_up_on) as date) as cohort_period,
    user_id,
    dim_contacts.email,
    signed_up_at,
    is_onboarded,
    first_trained_at,
    first_image_at,
    first_payment_at,
    first_subscription_at
from marts.dim_users
left join marts.dim_contacts using (user_id)
where
    ($since is null or signed_up_on >= date_trunc('month', cast($since as date)))
    and ($until is null or date_trunc('month', signed_up_on) <= date_trunc('month', cast($until as date)))
order by signed_up_at, user_id
