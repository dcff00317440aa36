-- One row per month, customer and currency with MRR at its last instant, and the membership it belongs to: the
-- uninterrupted run of such months. A return begins a new membership.
create or replace temp table member_rows as
with counted as (

    select
        customer_key,
        currency,
        mrr_cents,
        month,
        date_diff('month', date '1970-01-01', month) as month_number
    from marts.member_months

),

islands as (

    select
        *,
        month_number - dense_rank() over (partition by customer_key order by month_number) as island
    from counted

)

select
    customer_key,
    currency,
    mrr_cents,
    month,
    month_number,
    min(month_number) over membership as start_number,
    max(month_number) over membership as last_number
from islands
window membership as (partition by customer_key, island);

-- One row per product of a membership, those that the price list does not know included.
create or replace temp table recurring_products as
select product_type from marts.dim_products where is_recurring
union
select product_type from marts.member_month_products;

-- One row per membership: when it began, and at which month's end it was gone (NULL while it runs).
create or replace temp table memberships as
with months as (

    select
        min(date_diff('month', date '1970-01-01', month)) as first_number,
        max(date_diff('month', date '1970-01-01', month)) as last_number
    from marts.dim_months

),

lasting as (

    select distinct
        customer_key,
        start_number,
        case when member_rows.last_number < months.last_number then member_rows.last_number + 1 end as lost_number
    from member_rows
    cross join months

),

-- Who joined and left between two month ends left before the first renewal.
fleeting as (

    select
        moves.customer_key,
        date_diff('month', date '1970-01-01', moves.month) as start_number,
        start_number + 1 as lost_number
    from marts.mrr_by_member as moves
    group by moves.customer_key, moves.month
    having bool_or(moves.movement in ('new', 'reactivation')) and bool_or(moves.movement = 'churn')

),

every as (

    select * from lasting

    union all

    select fleeting.*
    from fleeting
    where not exists (
        select 1 from member_rows
        where
            member_rows.customer_key = fleeting.customer_key
            and member_rows.month_number between fleeting.start_number - 1 and fleeting.start_number
    )

),

-- The product of the membership payment that began it.
bought as (

    select
        customer_key,
        date_diff('month', date '1970-01-01', month) as month_number,
        arg_max(product_type, gross_cents) as product_type
    from marts.payments
    where kind = 'payment' and product_type in (select product_type from recurring_products)
    group by customer_key, month

),

-- Months that the longest payment of its first month was for.
paid_for as (

    select
        member_rows.customer_key,
        member_rows.start_number,
        max(coverage.interval_months) as interval_months
    from member_rows
    inner join marts.coverage as coverage
        on
            member_rows.customer_key = coverage.customer_key
            and coverage.covered_from_at < member_rows.month + interval 1 month
            and coverage.covered_until_at >= member_rows.month + interval 1 month
    where member_rows.month_number = member_rows.start_number and coverage.mrr_cents > 0
    group by all

)

select
    every.customer_key,
    every.start_number,
    every.lost_number,
    greatest(1, coalesce(paid_for.interval_months, 1))::bigint as interval_months,
    coalesce(bought.product_type, 'unknown') as product_type
from every
left join paid_for using (customer_key, start_number)
asof left join bought
    on every.customer_key = bought.customer_key and every.start_number >= bought.month_number;

-- One row per member and currency now that is set to end, with the month in which it does.
create or replace temp table endings as
select
    customer_key,
    currency,
    date_diff('month', date '1970-01-01', paid_until_on) as ends_number
from marts.members_now
where state = 'cancelling';

-- One row per customer and currency: what memberships have paid, refunds and chargebacks taken off.
create or replace temp table collected as
select
    payments.customer_key,
    payments.currency,
    sum(payments.gross_cents - payments.refunded_cents - payments.chargeback_cents)::bigint as collected_cents
from marts.payments
where payments.product_type in (select product_type from recurring_products)
group by payments.customer_key, payments.currency
