"""The marts of the made-up business that are plain SQL: use, people, quality and the like."""

import duckdb


def write_other_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the marts that follow from those of money, cohorts and credits, or stand alone."""
    connection.execute(_TABLES)


_TABLES = """
insert into marts.refund_capture by name
select distinct month, 31 as day_count, 0 as covered_day_count, true as is_captured
from marts.revenue_by_month;

insert into marts.payers_by_month by name
select
    month, currency, sum(net_cents)::bigint as net_cents, max(payer_count) as payer_count,
    (sum(net_cents) // max(payer_count))::bigint as arppu_cents,
    bool_and(is_complete) as is_complete
from marts.revenue_by_month group by month, currency;

insert into marts.churn_by_member by name
select
    date '2026-10-01' as month, 'user:u' || n as customer_key,
    timestamp '2026-10-02 10:00' + n * interval 1 day as churned_at,
    date '2026-10-02' + n::integer as churned_on, 'voluntary' as kind, false as is_in_grace,
    'usd' as currency, 4900 as lost_mrr_cents, true as was_member_at_opening
from range(3) as t (n);

insert into marts.liability by name
select
    'usd' as currency, 1200 as paid_credits_outstanding,
    0 as unpriced_credits_outstanding, 54000 as liability_cents,
    0.25 as breakage_rate, 13500 as breakage_proportional_cents,
    2700 as breakage_remote_cents;

insert into marts.runway by name
select 'u1' as user_id, 120 as balance, 4.0 as daily_use, 30.0 as runway_days,
    date '2026-11-10' as last_used_on;

insert into marts.product_ladder by name
select * from (values
    ('one_time_session', 'pro', 40, 12, 0.3, 21.5),
    ('credit_topup', 'pro', 4, 1, 0.25, 3.0),
    ('pro', 'one_time_session', 80, 2, 0.025, 60.0)
) as t (from_product, to_product, from_customer_count, customer_count, rate, median_days);

insert into marts.power_curve by name
select
    n as active_days, greatest(0, 40 - 3 * n) as user_count,
    greatest(0, 40 - 3 * n) / 247 as share
from range(1, 29) as t (n);

insert into marts.academy_by_course by name
select * from (values
    (1, 'Brand basics', 'Beginner', 'foundation', 60, 52, 15, 0.25, 0.158,
        0.372, 31.0),
    (2, 'A secret course', 'Advanced', 'enterprise', 3, 2, 1, 0.333, 0.061,
        0.792, 12.0)
) as t (course_id, title, level, tier, enrolled_count, started_count, completed_count,
    completion_rate, low, high, median_days_to_complete);

insert into marts.feed_planner_by_month by name
select
    month, 6 as layout_count, 4 as published_count, 5 as user_count,
    54 as post_count, 50 as completed_post_count, 50 / 54 as completed_post_rate,
    is_complete
from marts.credit_flow_by_month;

insert into marts.generation_success by name
select
    month, 'image' as kind, 100 as requested_count, 96 as completed_count,
    4 as failed_count, 20 as user_count, 0.96 as success_rate, is_complete
from marts.credit_flow_by_month;

insert into marts.maya_by_month by name
select
    month, 'maya' as chat_type, 30 as chat_count, 75 as message_count,
    12 as user_count, 2.5 as messages_per_chat, is_complete
from marts.credit_flow_by_month;

insert into marts.training_by_month by name
select
    month, 9 as requested_count, 8 as completed_count, 1 as failed_count,
    8 as user_count, 8 / 9 as success_rate, 38.5 as median_minutes, is_complete
from marts.credit_flow_by_month;

insert into marts.source_tables by name
select * from (values ('users', true, 340, true), ('email_sends', true, 0, false))
as t (source_table, is_present, row_count, is_captured);

insert into marts.unconverted_values by name
select 'users' as source_table, 'created_at' as column_name, 'timestamptz' as documented_type,
    'text' as live_type, 2 as value_count;

insert into marts.dim_customers by name
select
    'user:u' || (row_number() over (order by number, place) - 1) as customer_key,
    customer_key[6:] as user_id,
    (date '2025-06-01' + number * interval 1 month)::date as subscriber_cohort_month,
    subscriber_cohort_month as first_paid_on, subscriber_cohort_month as first_subscription_on,
    'pro' as first_product, ['direct', 'freebie'][1 + place % 2] as acquisition
-- 3 in the first cohort, one more in each later one
from (select n as number, unnest(range(3 + n)) as place from range(18) as t (n));

insert into marts.mrr_by_member by name
select
    subscriber_cohort_month as month, customer_key, 'usd' as currency, 'new' as movement,
    4900 as movement_mrr_cents, 4900 as closing_mrr_cents, 0 as in_grace_mrr_cents,
    month < date '2026-11-01' as is_complete
from marts.dim_customers;

insert into marts.dim_months by name
select month, is_complete from marts.credit_flow_by_month;

insert into marts.member_months by name
select
    month, customer_key, 'usd' as currency, 4900 as mrr_cents,
    4900 as billed_mrr_cents, subscriber_cohort_month as cohort_period,
    date_diff('month', subscriber_cohort_month, month) as period_index, is_complete
from marts.dim_months
inner join (
    select
        *, count(*) over each_cohort as size,
        row_number() over (each_cohort order by customer_key) as place
    from marts.dim_customers window each_cohort as (partition by subscriber_cohort_month)
) on month >= subscriber_cohort_month
where place <= round(size * (0.35 + 0.65 * pow(0.75, period_index)));

insert into marts.payments by name
select
    'in_' || n as movement_key, date '2026-10-01' as month, date '2026-10-02' as moved_on,
    'payment' as kind, 'user:u' || n as customer_key, 'pro' as product_type, 'usd' as currency,
    4900 as gross_cents, 0 as refunded_cents, 0 as chargeback_cents
from range(6) as t (n);

insert into marts.dim_contacts by name
select 'user:u' || n as customer_key, 'u' || n as user_id, 'u' || n || '@example.org' as email
from range(20) as t (n);

create schema meta;
create table meta.check_results as
select
    'run-1' as run_id, timestamptz '2026-11-15 12:01:00+00' as checked_at, suite, check_name,
    table_name, column_name, severity, 'passed' as status, 0 as failed_rows, checked_rows,
    '' as detail
from (values
    ('mirror', 'users_email_is_an_address', 'users', 'email', 'warn', 340),
    ('marts', 'not_null_dim_users_user_id', 'dim_users', 'user_id', 'error', null)
) as t (suite, check_name, table_name, column_name, severity, checked_rows);

create table meta.contract_drift as
select 'subscriptions' as table_name, 'plan_name' as column_name, 'renamed' as kind,
    'read from plan' as detail;

insert into marts.member_month_products by name
select
    month, customer_key, currency, 'pro' as product_type, '1 month' as rhythm, mrr_cents,
    mrr_cents as committed_mrr_cents
from marts.member_months;

-- What is explained adds up: the rest of the last months is of one customer, in another product.
insert into marts.member_month_products by name
select
    month, 'user:u0' as customer_key, 'usd' as currency, 'starter' as product_type,
    '1 month' as rhythm, closing_mrr_cents - held_cents as mrr_cents,
    closing_mrr_cents - held_cents as committed_mrr_cents
from marts.mrr_movements
inner join (
    select month, sum(mrr_cents)::bigint as held_cents from marts.member_months group by month
) using (month)
where month >= date '2026-09-01';

insert into marts.mrr_by_member by name
select
    month, 'user:u0' as customer_key, 'usd' as currency,
    if(rest > 0, 'expansion', 'contraction') as movement, abs(rest) as movement_mrr_cents,
    abs(rest) as closing_mrr_cents, 0 as in_grace_mrr_cents, is_complete
from (
    select
        month, movements.is_complete, closing_mrr_cents - opening_mrr_cents
            - (select sum(movement_mrr_cents) from marts.mrr_by_member as members
               where members.month = movements.month)::bigint as rest
    from marts.mrr_movements as movements where month >= date '2026-10-01'
);

insert into marts.mrr_by_product by name
select
    'month' as grain, month as period, currency, product_type,
    case product_type when 'pro' then closing_mrr_cents - 4900 else 4900 end as mrr_cents,
    case product_type when 'pro' then member_count - 1 else 1 end as member_count, is_complete
from marts.mrr_movements
cross join (values ('pro'), ('starter')) as products (product_type);

insert into marts.billed_mrr_movements by name
select
    * exclude (billed_mrr_cents, committed_mrr_cents, arr_cents, arpa_cents)
    replace (billed_mrr_cents as closing_mrr_cents)
from marts.mrr_movements;

insert into marts.membership_spans by name
select
    customer_key, subscriber_cohort_month::timestamp as began_at,
    subscriber_cohort_month as began_on, null::timestamp as ended_at, null::date as ended_on,
    'pro' as product_type
from marts.dim_customers;

insert into marts.people_now by name
select
    customer_key, user_id, 'pro' as product,
    ['member', 'member', 'former_member', 'never_member'][1 + n % 4] as membership_state,
    case when n % 4 < 2 then date '2026-11-15' + (n % 30)::integer end as renews_on,
    case when n % 4 = 2 then date '2026-10-31' - (n % 90)::integer end as ended_on,
    case when n % 4 = 2 then ['voluntary', 'involuntary'][1 + n % 2] end as end_kind,
    false as is_refunded,
    case when n % 4 = 3 then date '2026-11-01' - (n % 60)::integer end as session_bought_on,
    case when n % 8 = 3 then date '2026-10-01' end as topup_bought_on,
    case when n % 8 = 7 then date '2026-10-01' end as blueprint_bought_on,
    date '2026-11-10' - n::integer as signed_up_on,
    case when n % 5 > 0 then date '2026-08-01' end as first_trained_on,
    date '2026-11-14' - (n % 50)::integer as last_activity_on,
    (n % 12)::bigint as active_days,
    (n * 7 % 90)::bigint as balance, (n % 40)::double as runway_days,
    date '2026-11-14' - (n % 50)::integer as last_used_on,
    date '2026-11-14' - (n % 40)::integer as last_credited_on,
    case when n % 3 = 0 then timestamp '2026-11-12 09:00' - n % 9 * interval 1 day end
        as last_sent_at,
    last_sent_at::date as last_sent_on
from (select *, substr(user_id, 2)::bigint as n from marts.dim_customers);

insert into marts.credit_entries by name
select
    row_number() over () as credit_transaction_id, 'u' || n as user_id, month,
    month + 3 as transacted_on, 'used' as kind, feature,
    -(used_credits // user_count + if(n = 0, used_credits % user_count, 0)) as credits,
    cost_cents // user_count + if(n = 0, cost_cents % user_count, 0) as cost_cents
from marts.usage_by_feature
inner join range(100) as users (n) on n < user_count;

insert into marts.credit_lots by name
select
    1 + n as credit_transaction_id, 'u' || n as user_id, date '2026-10-03' as bought_on,
    'usd' as currency, 9000 as price_cents, 200 as credits,
    false as is_given_back, 0 as used_credits, 200 as outstanding_credits,
    9000 as outstanding_cents, true as is_old, false as is_idle
from range(6) as t (n);

insert into marts.first_purchases by name
select
    customer_key, unnest(['one_time_session', 'pro']) as product_type,
    timestamp '2026-10-02 10:00' as first_paid_at, date '2026-10-02' as first_paid_on
from marts.payments;

insert into marts.dropped_row_list by name
select
    'users' as source_table, 'u' || n as row_key, 'internal' as reason, 'u' || n as customer_key,
    null::varchar as payment_key, null::varchar as currency, null::bigint as amount_cents
from range(3) as t (n)
union all
select
    'stripe_payments', n::varchar, 'duplicate', 'u' || n % 30, 'dup_' || n, 'usd', 4900
from range(41) as t (n);

insert into marts.generations by name
select
    'training' as kind, row_number() over () as row_id, 'u1' as user_id,
    month::timestamp as requested_at, month, 'completed' as status, 38.5 as minutes
from marts.dim_months;

insert into marts.feeds by name
select
    row_number() over () as feed_layout_id, 'u1' as user_id, month::timestamp as created_at, month,
    'published' as status, 9 as post_count, 8 as completed_post_count
from marts.dim_months;

insert into marts.chats_by_month by name
select month, 1 as maya_chat_id, 'maya' as chat_type, 'u1' as user_id, 3 as message_count
from marts.dim_months;

insert into marts.academy_enrollments by name
select
    1 as enrollment_id, 1 as course_id, 'u1' as user_id,
    timestamp '2026-10-02 10:00' as enrolled_at, true as is_started,
    null::timestamp as finished_at, null::double as days_to_complete;

insert into forecast.churn_risk by name
select
    customer_key, user_id, 0.05 + (n % 30) / 100 as risk, risk / 2 as lower, risk * 1.5 as upper,
    n % 20 = 0 as is_cancelling,
    case when is_cancelling then 'set_to_end' else 'no_recent_activity' end as main_reason,
    ['no_recent_activity', 'credits_run_out'] as reason_codes,
    'no activity for 31 days; credits last 3 more days' as reasons,
    renews_on as paid_until_on, (n % 9)::bigint as tenure_months, 'hazard' as model,
    1200 as n, '' as note
from (select *, substr(user_id, 2)::bigint as n from marts.people_now)
where membership_state = 'member';
"""
