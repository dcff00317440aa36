-- One row per type of e-mail: sends, and first payments for which it was the last one sent before.
with sends as (

    select
        *,
        status in ('sent', 'delivered') as is_reached
    from {{ ref('emails_sent') }}

),

counted as (

    select
        email_type,
        count(*) as send_count,
        sum(case when status = 'delivered' then 1 else 0 end) as delivered_count,
        sum(case when status = 'bounced' then 1 else 0 end) as bounced_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count,
        count(distinct user_id) as recipient_count,
        count(distinct case when is_reached then user_id end) as reached_count,
        -- Who had paid before the e-mail came could not make a first payment after it.
        count(distinct case when is_reached and is_before_payment then user_id end) as unpaid_recipient_count,
        sum(case when is_last_touch then 1 else 0 end) as first_payment_count,
        percentile_cont(0.5) within group (order by days_to_payment) as median_days_to_payment
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
        cast(counted.reached_count as bigint) as reached_count,
        cast(counted.unpaid_recipient_count as bigint) as unpaid_recipient_count,
        cast(counted.first_payment_count as bigint) as first_payment_count,
        {{ ratio('counted.first_payment_count', 'counted.unpaid_recipient_count') }} as first_payment_rate,
        {{ wilson('counted.first_payment_count', 'counted.unpaid_recipient_count', -1) }} as low,
        {{ wilson('counted.first_payment_count', 'counted.unpaid_recipient_count', 1) }} as high,
        cast(counted.median_days_to_payment as {{ double_type() }}) as median_days_to_payment
    from counted

)

select * from final
