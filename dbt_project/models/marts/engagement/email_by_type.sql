-- One row per type of e-mail: sends, and first payments for which it was the last one sent before.
with build as (

    select * from {{ ref('build_info') }}

),

users as (

    select * from {{ ref('dim_users') }}

),

sends as (

    select
        sends.email_send_id,
        sends.user_id,
        coalesce(sends.email_type, 'unknown') as email_type,
        coalesce(sends.status, 'unknown') as status,
        sends.sent_at,
        users.first_payment_at
    from {{ ref('stg_app__email_sends') }} as sends
    cross join build
    inner join users on sends.user_id = users.user_id
    where sends.sent_at <= build.as_of

),

touches as (

    select
        sends.*,
        row_number() over (partition by user_id order by sent_at desc, email_send_id desc) as recency
    from sends
    where sent_at < first_payment_at and status in ('sent', 'delivered')

),

last_touches as (

    select
        email_type,
        count(*) as first_payment_count,
        percentile_cont(0.5) within group (
            order by extract(epoch from (first_payment_at - sent_at)) / 86400.0
        ) as median_days_to_payment
    from touches
    where recency = 1
    group by email_type

),

counted as (

    select
        email_type,
        count(*) as send_count,
        sum(case when status = 'delivered' then 1 else 0 end) as delivered_count,
        sum(case when status = 'bounced' then 1 else 0 end) as bounced_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count,
        count(distinct user_id) as recipient_count,
        -- Who had paid before the e-mail went out could not make a first payment after it.
        count(distinct case when first_payment_at is null or sent_at < first_payment_at then user_id end) as unpaid_recipient_count
    from sends
    group by email_type

),

final as (

    select
        counted.email_type,
        cast(counted.send_count as bigint) as send_count,
        cast(counted.delivered_count as bigint) as delivered_count,
        cast(counted.bounced_count as bigint) as bounced_count,
        cast(counted.failed_count as bigint) as failed_count,
        cast(counted.recipient_count as bigint) as recipient_count,
        cast(counted.unpaid_recipient_count as bigint) as unpaid_recipient_count,
        cast(coalesce(last_touches.first_payment_count, 0) as bigint) as first_payment_count,
        {{ ratio('coalesce(last_touches.first_payment_count, 0)', 'counted.unpaid_recipient_count') }} as first_payment_rate,
        {{ wilson('coalesce(last_touches.first_payment_count, 0)', 'counted.unpaid_recipient_count', -1) }} as low,
        {{ wilson('coalesce(last_touches.first_payment_count, 0)', 'counted.unpaid_recipient_count', 1) }} as high,
        cast(last_touches.median_days_to_payment as double precision) as median_days_to_payment
    from counted
    left join last_touches on counted.email_type = last_touches.email_type

)

select * from final
