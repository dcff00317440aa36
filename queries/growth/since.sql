/*
grain: One row per measure and currency.
title: What changed since a week or a month ago
description: >-
  MRR and members at as_of beside those of the same instant a week (a month) before, with what came
  and what went between them; net revenue, active users and signups of the last seven complete days
  beside those of the seven days before, or of the running month up to its last complete day beside
  the same days of the month before. A member has MRR in any currency.
key: [measure, currency]
people: now_count
group: [measure, currency]
identities:
  - now_count = before_count + gained_count - lost_count
  - "now_count <= [{within}]"
  - "before_count <= [{before_within}]"
parameters:
  span: {type: choice, choices: [week, month], default: week, description: How far back the other value lies.}
answer: now_count
columns:
  measure: {unit: text, description: "mrr, members, net_revenue, active_users or signups."}
  currency: {unit: text, description: "The currency of an amount; empty for people."}
  since_on: {unit: date, description: "Day of the earlier instant; of days counted, the first of the later ones."}
  until_on: {unit: date, description: The day of as_of.}
  people: {unit: text, description: "Who they are, as pages that count them elsewhere call them."}
  before_people: {unit: text, description: "The same of those before."}
  within: {unit: text, description: "Those of the month that holds the days counted; empty where they are of two."}
  before_within: {unit: text, description: "The same of the days before."}
  now_count: {unit: count, same_as: "{people}", description: "People now: with MRR, who paid, were active or signed up."}
  before_count: {unit: count, same_as: "{before_people}", of: moved_count, description: The same before.}
  now_cents: {unit: cents, of: now_count, description: The amount now.}
  before_cents: {unit: cents, of: moved_count, description: The same before.}
  moved_count: {unit: count, of: moved_count, made_of: [before_count, gained_count, lost_count], description: "Whom the difference is about: those whose MRR changed, or who came or went; of days counted, the people before."}
  gained_count: {unit: count, of: gained_count, description: "People whose MRR rose, or who became members."}
  lost_count: {unit: count, of: lost_count, description: "People whose MRR fell, or who left."}
  gained_cents: {unit: cents, of: gained_count, description: By how much it rose.}
  lost_cents: {unit: cents, of: lost_count, description: By how much it fell.}
*/
{% macro month(first, end) %}
case
            when date_trunc('month', {{ first }}) = date_trunc('month', {{ end }} - 1)
                then concat_ws(
                    ' ', word, cast(date_trunc('month', {{ first }}) as date),
                    case when word <> 'paid' then last_day({{ first }}) end, of_currency
                )
        end
{%- endmacro %}
{% macro people(first, end) %}
case
            when day({{ first }}) = 1 and {{ end }} - 1 = last_day({{ first }}) then {{ month(first, end) }}
            else concat_ws(' ', word, {{ first }}, {{ end }} - 1, of_currency)
        end
{%- endmacro %}
with spans as (
    select
        as_of - interval 1 {{ span }} as since_at,
        cast(as_of_on - interval 1 {{ span }} as date) as same_on,
        {% if span == "week" %}
        complete_until_on - 7 as first_on,
        complete_until_on - 14 as first_before_on,
        complete_until_on - 7 as end_before_on,
        {% else %}
        as_of_month as first_on,
        cast(as_of_month - interval 1 month as date) as first_before_on,
        least(as_of_month, first_before_on + cast(complete_until_on - as_of_month as integer)) as end_before_on,
        {% endif %}
        complete_until_on as end_on,
        as_of_on
    from marts.build_info
),

-- What each customer had at the two instants.
held as (
    select
        customer_key,
        currency,
        sum(change_cents) as now_cents,
        coalesce(sum(change_cents) filter (changed_at <= since_at), 0) as before_cents
    from marts.mrr_changes, spans
    group by all
),

mrr as (
    select
        'mrr' as measure,
        currency,
        count(*) filter (now_cents > 0) as now_count,
        count(*) filter (before_cents > 0) as before_count,
        sum(now_cents) as now_cents,
        sum(before_cents) as before_cents,
        count(*) filter (now_cents <> before_cents) as moved_count,
        count(*) filter (now_cents > before_cents) as gained_count,
        count(*) filter (now_cents < before_cents) as lost_count,
        coalesce(sum(now_cents - before_cents) filter (now_cents > before_cents), 0) as gained_cents,
        coalesce(sum(before_cents - now_cents) filter (now_cents < before_cents), 0) as lost_cents
    from held
    group by currency
    having bool_or(now_cents > 0 or before_cents > 0)
),

people as (
    select customer_key, sum(now_cents) > 0 as is_member, sum(before_cents) > 0 as was_member
    from held
    group by customer_key
),

members as (
    select
        'members' as measure,
        '' as currency,
        count(*) filter (is_member) as now_count,
        count(*) filter (was_member) as before_count,
        null as now_cents,
        null as before_cents,
        count(*) filter (is_member <> was_member) as moved_count,
        count(*) filter (is_member and not was_member) as gained_count,
        count(*) filter (was_member and not is_member) as lost_count,
        null as gained_cents,
        null as lost_cents
    from people
    having count(*) > 0
),

events as (
    select
        'net_revenue' as measure,
        currency,
        customer_key as person,
        moved_on as happened_on,
        gross_cents - refunded_cents - chargeback_cents as cents
    from marts.payments

    union all

    select 'active_users', '', user_id, activity_on, null from marts.fct_activity

    union all

    select 'signups', '', user_id, signed_up_on, null from marts.dim_users
),

counted as (
    select
        measure,
        currency,
        count(distinct person) filter (happened_on >= first_on and happened_on < end_on) as now_count,
        count(distinct person) filter (happened_on >= first_before_on and happened_on < end_before_on) as before_count,
        sum(cents) filter (happened_on >= first_on and happened_on < end_on) as now_cents,
        sum(cents) filter (happened_on >= first_before_on and happened_on < end_before_on) as before_cents,
        before_count as moved_count,
        null as gained_count,
        null as lost_count,
        null as gained_cents,
        null as lost_cents
    from events, spans
    group by measure, currency
),

final as (
    select * from mrr
    union all
    select * from members
    union all
    select * from counted
),

-- What pages that count the same people elsewhere call them.
named as (
    select
        *,
        case measure when 'net_revenue' then 'paid' when 'active_users' then 'active' else 'signup' end as word,
        nullif(currency, '') as of_currency
    from final
)

select
    measure,
    currency,
    case when measure in ('mrr', 'members') then same_on else first_on end as since_on,
    as_of_on as until_on,
    case
        when measure in ('mrr', 'members')
            then concat_ws(' ', 'members on', last_day(as_of_on), of_currency)
        else {{ people("first_on", "end_on") }}
    end as people,
    case
        when measure not in ('mrr', 'members') then {{ people("first_before_on", "end_before_on") }}
    end as before_people,
    case when measure not in ('mrr', 'members') then {{ month("first_on", "end_on") }} end as within,
    case
        when measure not in ('mrr', 'members') then {{ month("first_before_on", "end_before_on") }}
    end as before_within,
    now_count,
    before_count,
    case when measure in ('mrr', 'net_revenue') then coalesce(now_cents, 0) end::bigint as now_cents,
    case when measure in ('mrr', 'net_revenue') then coalesce(before_cents, 0) end::bigint as before_cents,
    moved_count,
    gained_count,
    lost_count,
    gained_cents::bigint as gained_cents,
    lost_cents::bigint as lost_cents
from named, spans
order by list_position(['mrr', 'members', 'net_revenue', 'active_users', 'signups'], measure), now_cents desc, currency
