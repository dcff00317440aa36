-- One row per person, with or without an account: what a segment asks about them at as_of.
with build as (

    select * from {{ ref('core_build') }}

),

users as (

    select * from {{ ref('dim_users') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

people as (

    select
        customer_key,
        user_id
    from users

    union all

    select
        customer_key,
        user_id
    from customers
    where user_id is null

),

refunded as (

    select
        payment_key,
        sum(refunded_cents) as refunded_cents
    from {{ ref('payments') }}
    where kind = 'refund'
    group by payment_key

),

bought as (

    select
        payments.customer_key,
        payments.product_type,
        payments.moved_on,
        coalesce(refunded.refunded_cents, 0) >= payments.gross_cents as is_refunded,
        row_number() over (
            partition by payments.customer_key order by payments.moved_on desc nulls last, payments.payment_key desc nulls last
        ) as recency
    from {{ ref('payments') }} as payments
    left join refunded on payments.payment_key = refunded.payment_key
    where payments.kind = 'payment'

),

-- A purchase given back in full was none.
purchases as (

    select
        customer_key,
        max(case when recency = 1 then product_type end) as last_product,
        max(case when recency = 1 and is_refunded then 1 else 0 end) = 1 as is_refunded,
        max(case when product_type = 'one_time_session' and not is_refunded then moved_on end) as session_bought_on,
        max(case when product_type = 'credit_topup' and not is_refunded then moved_on end) as topup_bought_on,
        max(case when product_type = 'paid_blueprint' and not is_refunded then moved_on end) as blueprint_bought_on
    from bought
    group by customer_key

),

renewals as (

    select
        customer_key,
        min(case when state = 'active' then paid_until_on end) as renews_on
    from {{ ref('members_now') }}
    group by customer_key

),

spans as (

    select
        membership_spans.*,
        row_number() over (partition by customer_key order by began_at desc nulls last) as recency
    from {{ ref('membership_spans') }} as membership_spans

),

endings as (

    select
        customer_key,
        churned_at,
        kind
    from {{ ref('churn_by_member') }}

),

activity as (

    select
        fct_activity.user_id,
        count(distinct fct_activity.activity_on) as active_days
    from {{ ref('fct_activity') }} as fct_activity
    cross join build
    where
        fct_activity.activity_on >= build.complete_until_on - 28
        and fct_activity.activity_on < build.complete_until_on
    group by fct_activity.user_id

),

credited as (

    select
        user_id,
        max(transacted_on) as last_credited_on
    from {{ ref('credit_entries') }}
    where kind in ('purchased', 'granted', 'bonus') and credits > 0
    group by user_id

),

sends as (

    select
        sends.user_id,
        max(sends.sent_at) as last_sent_at
    from {{ ref('stg_app__email_sends') }} as sends
    cross join build
    where sends.sent_at <= build.as_of and coalesce(sends.status, 'sent') not in ('bounced', 'failed')
    group by sends.user_id

),

final as (

    select
        people.customer_key,
        people.user_id,
        coalesce(users.product, purchases.last_product) as product,
        cast(coalesce(customers.membership_state, 'never_member') as {{ dbt.type_string() }}) as membership_state,
        renewals.renews_on,
        spans.ended_on,
        endings.kind as end_kind,
        coalesce(purchases.is_refunded, false) as is_refunded,
        purchases.session_bought_on,
        purchases.topup_bought_on,
        purchases.blueprint_bought_on,
        users.signed_up_on,
        {{ local_date('users.first_trained_at') }} as first_trained_on,
        users.last_activity_on,
        cast(coalesce(activity.active_days, 0) as bigint) as active_days,
        runway.balance,
        runway.runway_days,
        runway.last_used_on,
        credited.last_credited_on,
        sends.last_sent_at,
        {{ local_date('sends.last_sent_at') }} as last_sent_on
    from people
    left join users on people.user_id = users.user_id
    left join customers on people.customer_key = customers.customer_key
    left join purchases on people.customer_key = purchases.customer_key
    left join renewals on people.customer_key = renewals.customer_key
    left join spans on people.customer_key = spans.customer_key and spans.recency = 1
    left join endings on spans.customer_key = endings.customer_key and spans.ended_at = endings.churned_at
    left join activity on people.user_id = activity.user_id
    left join {{ ref('runway') }} as runway on people.user_id = runway.user_id
    left join credited on people.user_id = credited.user_id
    left join sends on people.user_id = sends.user_id

)

select * from final
