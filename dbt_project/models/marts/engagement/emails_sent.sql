-- One row per e-mail to a user who counts, up to as_of, and whether it was the last one before the first payment.
with build as (

    select * from {{ ref('core_build') }}

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
        email_send_id,
        row_number() over (partition by user_id order by sent_at desc nulls last, email_send_id desc nulls last) as recency
    from sends
    where sent_at < first_payment_at and status in ('sent', 'delivered')

),

final as (

    select
        cast(sends.email_send_id as bigint) as email_send_id,
        sends.user_id,
        cast(sends.email_type as {{ dbt.type_string() }}) as email_type,
        cast(sends.status as {{ dbt.type_string() }}) as status,
        sends.sent_at,
        sends.first_payment_at is null or sends.sent_at < sends.first_payment_at as is_before_payment,
        touches.email_send_id is not null as is_last_touch,
        case
            when touches.email_send_id is not null
                then cast({{ seconds_between('sends.sent_at', 'sends.first_payment_at') }} / 86400.0 as {{ double_type() }})
        end as days_to_payment
    from sends
    left join touches on sends.email_send_id = touches.email_send_id and touches.recency = 1

)

select * from final
