-- One row per invoice: the period that it opens, renews or changes, before anything cuts it short.
with recursive invoices as (

    select * from {{ ref('int_invoices') }}

),

-- Each invoice is read against the period that runs, or ran last, in its subscription. Months are
-- counted from the period's anchor, so that Jan 31 is followed by Feb 28 and Mar 31.
periods as (

    select
        payment_key,
        subscription_key,
        invoice_number,
        interval_months,
        'start' as role,
        invoiced_at as anchor_at,
        interval_months as months_from_anchor,
        invoiced_at as covered_from_at,
        invoiced_at + interval_months * interval '1 month' as period_end_at
    from invoices
    where invoice_number = 1

    union all

    select
        payment_key,
        subscription_key,
        invoice_number,
        interval_months,
        role,
        case when role in ('start', 'interval_change') then invoiced_at else anchor_at end as anchor_at,
        case
            when role in ('start', 'interval_change') then interval_months
            when role = 'renewal' then months_from_anchor + interval_months
            else months_from_anchor
        end as months_from_anchor,
        case when role = 'renewal' then period_end_at else greatest(invoiced_at, covered_from_at) end as covered_from_at,
        case
            when role in ('start', 'interval_change') then invoiced_at + interval_months * interval '1 month'
            when role = 'renewal' then anchor_at + (months_from_anchor + interval_months) * interval '1 month'
            else period_end_at
        end as period_end_at
    from (
        select
            invoices.payment_key,
            invoices.subscription_key,
            invoices.invoice_number,
            invoices.interval_months,
            invoices.invoiced_at,
            periods.anchor_at,
            periods.months_from_anchor,
            periods.covered_from_at,
            periods.period_end_at,
            case
                when invoices.invoiced_at > periods.period_end_at + {{ var('grace_days') }} * interval '1 day' then 'start'
                when invoices.invoiced_at >= periods.period_end_at - interval '3 days' then 'renewal'
                when invoices.interval_months <> periods.interval_months then 'interval_change'
                else 'proration'
            end as role
        from periods
        inner join invoices
            on
                periods.subscription_key = invoices.subscription_key
                and periods.invoice_number + 1 = invoices.invoice_number
    ) as read_against_running_period

),

final as (

    select
        payment_key,
        subscription_key,
        invoice_number,
        role,
        covered_from_at,
        period_end_at,
        case
            when lead(role) over in_subscription in ('proration', 'interval_change')
                then least(period_end_at, lead(covered_from_at) over in_subscription)
            else period_end_at
        end as covered_until_at,
        lead(role) over in_subscription is null as is_last
    from periods
    window in_subscription as (partition by subscription_key order by invoice_number)

)

select * from final
