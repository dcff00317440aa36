-- One row per user and month with activity: days active and the last of them.
create or replace temp table activity_months as
select
    user_id,
    date_trunc('month', activity_on)::date as month,
    count(distinct activity_on) as active_days,
    max(activity_on) as last_on
from marts.fct_activity
group by all;

-- One row per user and month with ledger entries: credits used in it, and the balance at its end.
create or replace temp table credit_months as
select
    user_id,
    month,
    sum(case when kind = 'used' then -credits else 0 end)::bigint as used_credits,
    sum(sum(credits)) over (partition by user_id order by month)::bigint as balance
from marts.credit_entries
group by user_id, month;

-- One row per customer and month with a failed payment.
create or replace temp table failed_months as
select payments.customer_key, months.month, count(*) as failed_count
from marts.failed_payments as payments
inner join marts.dim_months as months
    on payments.failed_at >= months.ends_at - interval 31 day and payments.failed_at < months.ends_at
group by all;

-- One row per customer and month in which nothing is due: paid for longer than the month.
create or replace temp table paid_ahead as
select distinct coverage.customer_key, months.month
from marts.coverage as coverage
inner join marts.dim_months as months
    on
        coverage.covered_from_at < months.ends_at - interval 31 day
        and coverage.covered_until_at >= months.ends_at
where coverage.interval_months > 1 and coverage.mrr_cents > 0;

-- One row per member and month at risk, from the month after joining to the last settled one: what was known when
-- the month began, and whether the member was gone at its end.
create or replace temp table risk_rows as
with members as (

    select distinct
        member_rows.customer_key,
        dim_customers.user_id,
        (member_rows.month + interval 1 month)::date as month,
        (member_rows.month - interval 1 month)::date as month_before,
        member_rows.month as last_month,
        member_rows.month_number + 1 as month_number,
        member_rows.month_number - member_rows.start_number as tenure_months,
        member_rows.last_number = member_rows.month_number as is_lost
    from member_rows
    left join marts.dim_customers using (customer_key)
    where member_rows.month_number < getvariable('settled')

)

select
    members.customer_key,
    members.month_number,
    members.is_lost,
    members.tenure_months::double as tenure_months,
    case
        when members.user_id is not null
            then least(90, coalesce(date_diff('day', seen.last_on, members.month), 90))
    end::double as idle_days,
    case when members.user_id is not null then coalesce(last.active_days, 0) end::double as active_days,
    case when members.user_id is not null then coalesce(before.active_days, 0) end::double as active_days_before,
    case
        when members.user_id is null then null
        when coalesce(ledger.balance, 0) <= 0 then 0
        when coalesce(spent.used_credits, 0) <= 0 then 365
        else least(365, ledger.balance * 30.0 / spent.used_credits)
    end::double as runway_days,
    least(2, coalesce(failed.failed_count, 0))::double as failed_payments
from members
left join activity_months as last
    on members.user_id = last.user_id and members.last_month = last.month
left join activity_months as before
    on members.user_id = before.user_id and members.month_before = before.month
asof left join activity_months as seen
    on members.user_id = seen.user_id and members.month > seen.month
asof left join credit_months as ledger
    on members.user_id = ledger.user_id and members.month > ledger.month
left join credit_months as spent
    on members.user_id = spent.user_id and members.last_month = spent.month
left join failed_months as failed
    on members.customer_key = failed.customer_key and members.last_month = failed.month
anti join paid_ahead
    on members.customer_key = paid_ahead.customer_key and members.month = paid_ahead.month
order by members.month_number, members.customer_key;

-- One row per member now: the same, known at as_of, over the last thirty days.
create or replace temp table risk_now as
with here as (

    select
        ltv.customer_key,
        ltv.user_id,
        max(ltv.tenure_months)::double as tenure_months,
        max(members_now.paid_until_on) as paid_until_on,
        bool_and(members_now.state = 'cancelling') as is_cancelling,
        any_value(build_info.as_of_on) as as_of_on,
        any_value(build_info.as_of) as as_of
    from forecast.ltv_by_member as ltv
    inner join marts.members_now using (customer_key, currency)
    cross join marts.build_info
    group by ltv.customer_key, ltv.user_id

),

activity as (

    select
        user_id,
        max(activity_on) as last_on,
        count(distinct case when activity_on > as_of_on - 30 then activity_on end) as active_days,
        count(distinct case
            when activity_on > as_of_on - 60 and activity_on <= as_of_on - 30 then activity_on
        end) as active_days_before
    from marts.fct_activity
    cross join marts.build_info
    where user_id in (select user_id from here)
    group by user_id

),

credits as (

    select
        user_id,
        sum(credits)::bigint as balance,
        sum(case when kind = 'used' and transacted_on > as_of_on - 30 then -credits else 0 end)::bigint as used_credits
    from marts.credit_entries
    cross join marts.build_info
    where user_id in (select user_id from here)
    group by user_id

),

failed as (

    select payments.customer_key, count(*) as failed_count
    from marts.failed_payments as payments
    cross join marts.build_info
    where
        payments.failed_at > build_info.as_of - interval 31 day and payments.failed_at <= build_info.as_of
    group by payments.customer_key

)

select
    here.customer_key,
    here.user_id,
    here.paid_until_on,
    here.is_cancelling,
    here.tenure_months,
    case
        when here.user_id is not null then least(90, coalesce(here.as_of_on - activity.last_on, 90))
    end::double as idle_days,
    case when here.user_id is not null then coalesce(activity.active_days, 0) end::double as active_days,
    case when here.user_id is not null then coalesce(activity.active_days_before, 0) end::double as active_days_before,
    case
        when here.user_id is null then null
        when coalesce(credits.balance, 0) <= 0 then 0
        when coalesce(credits.used_credits, 0) <= 0 then 365
        else least(365, credits.balance * 30.0 / credits.used_credits)
    end::double as runway_days,
    least(2, coalesce(failed.failed_count, 0))::double as failed_payments,
    here.paid_until_on > here.as_of_on + 31 as is_paid_ahead
from here
left join activity using (user_id)
left join credits using (user_id)
left join failed using (customer_key)
order by here.customer_key
