-- One row per customer and instant up to as_of at which the last paid coverage ran out.
with changes as (

    select * from {{ ref('int_mrr_changes') }}
    where movement = 'churn'

),

coverage as (

    select * from {{ ref('int_coverage') }}

),

failed_payments as (

    select
        customer_key,
        stripe_subscription_id,
        paid_at
    from {{ ref('int_payment_rows') }}
    where status = 'failed' and role = 'unsettled' and reversal_kind is null and not is_test

    union all

    select
        customer_key,
        stripe_subscription_id,
        failed_at as paid_at
    from {{ ref('int_exported_failures') }}

),

events as (

    select
        customer_key,
        changed_at as churned_at,
        month,
        max(case when is_in_grace then 1 else 0 end) = 1 as is_in_grace
    from changes
    group by customer_key, changed_at, month

),

ended as (

    select
        events.customer_key,
        events.churned_at,
        coverage.stripe_subscription_id,
        coverage.product_type,
        -- The stored row speaks of a subscription's last end only.
        case when coverage.is_last then coverage.status else 'overwritten' end as status,
        coverage.is_last and coverage.is_cancelling as is_cancelling,
        coverage.is_charged_back,
        coverage.grace_hours
    from events
    inner join coverage
        on events.customer_key = coverage.customer_key and events.churned_at = coverage.covered_until_at

),

attempted as (

    select
        ended.customer_key,
        ended.churned_at,
        max(case when ended.is_cancelling then 1 else 0 end) as is_cancelling,
        max(case when ended.status = 'canceled' then 1 else 0 end) as is_canceled,
        max(case when ended.status in ('past_due', 'unpaid', 'incomplete_expired') then 1 else 0 end) as is_unpaid,
        max(case when ended.is_charged_back then 1 else 0 end) as is_charged_back,
        max(case when failed_payments.customer_key is not null then 1 else 0 end) as has_failed
    from ended
    left join failed_payments
        on
            ended.customer_key = failed_payments.customer_key
            and failed_payments.paid_at between ended.churned_at - interval '3 days'
            and {{ hours_later('ended.churned_at', 'ended.grace_hours') }}
            and coalesce(failed_payments.stripe_subscription_id, ended.stripe_subscription_id, '')
            = coalesce(ended.stripe_subscription_id, '')
    group by ended.customer_key, ended.churned_at

),

final as (

    select
        events.customer_key,
        events.churned_at,
        events.month,
        events.is_in_grace,
        case
            when attempted.is_charged_back = 1 then 'involuntary'
            when attempted.is_cancelling = 1 or (attempted.is_canceled = 1 and attempted.has_failed = 0) then 'voluntary'
            when attempted.is_unpaid = 1 or attempted.has_failed = 1 then 'involuntary'
            else 'unknown'
        end as kind,
        coalesce(attempted.is_charged_back = 1, false) as is_after_chargeback
    from events
    left join attempted on events.customer_key = attempted.customer_key and events.churned_at = attempted.churned_at

)

select * from final
