-- One row per user who counts, up to as_of: when each thing first happened, and how the user is grouped.
with build as (

    select * from {{ ref('core_build') }}

),

accounts as (

    select * from {{ ref('int_accounts') }}
    where exclusion is null

),

payments as (

    select
        payments.*,
        row_number() over (partition by customer_key order by paid_at nulls last, payment_key nulls last) as purchase_number,
        row_number() over (partition by customer_key order by paid_at desc nulls last, payment_key desc nulls last) as recency
    from {{ ref('int_payments') }} as payments
    where is_payment and amount_cents > 0

),

purchases as (

    select
        customer_key,
        min(paid_at) as first_payment_at,
        max(case when purchase_number = 1 then product_type end) as first_product,
        max(case when recency = 1 then product_type end) as last_product
    from payments
    group by customer_key

),

memberships as (

    select
        customer_key,
        min(member_since_at) as first_subscription_at
    from {{ ref('int_mrr_changes') }}
    group by customer_key

),

running as (

    select
        coverage.customer_key,
        max(coverage.product_type) as product_type
    from {{ ref('int_coverage') }} as coverage
    cross join build
    where coverage.mrr_cents > 0 and coverage.covered_from_at <= build.as_of and coverage.covered_until_at > build.as_of
    group by coverage.customer_key

),

activity as (

    select
        user_id,
        min(activity_at) as first_activity_at,
        max(activity_at) as last_activity_at,
        min(case when feature = 'training' then activity_at end) as first_trained_at,
        min(case when feature in ('image', 'photoshoot') then activity_at end) as first_image_at
    from {{ ref('fct_activity') }}
    group by user_id

),

list_entries as (
    {% for list in ['blueprint', 'freebie', 'waitlist'] %}
    select
        email,
        '{{ list }}' as list_name,
        subscribed_at
    from {{ ref('stg_app__waitlist' if list == 'waitlist' else 'stg_app__' ~ list ~ '_subscribers') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- The list that had the address first, no later than the day of signup.
acquisitions as (

    select
        accounts.user_id,
        list_entries.list_name,
        row_number() over (
            partition by accounts.user_id order by list_entries.subscribed_at nulls last, list_entries.list_name nulls last
        ) as choice
    from accounts
    cross join build
    inner join list_entries on accounts.email = list_entries.email
    where list_entries.subscribed_at <= least(accounts.signed_up_at + interval '1 day', build.as_of)

),

final as (

    select
        accounts.user_id,
        accounts.user_id as customer_key,
        accounts.signed_up_at,
        {{ local_date('accounts.signed_up_at') }} as signed_up_on,
        activity.first_activity_at,
        {{ local_date('activity.first_activity_at') }} as first_activity_on,
        activity.last_activity_at,
        {{ local_date('activity.last_activity_at') }} as last_activity_on,
        purchases.first_payment_at,
        {{ local_date('purchases.first_payment_at') }} as first_payment_on,
        memberships.first_subscription_at,
        {{ local_date('memberships.first_subscription_at') }} as first_subscription_on,
        activity.first_trained_at,
        activity.first_image_at,
        accounts.is_onboarded,
        purchases.first_product,
        coalesce(running.product_type, purchases.last_product) as product,
        cast(coalesce(acquisitions.list_name, 'direct') as {{ dbt.type_string() }}) as acquisition,
        accounts.brand_style
    from accounts
    left join activity on accounts.user_id = activity.user_id
    left join purchases on accounts.user_id = purchases.customer_key
    left join memberships on accounts.user_id = memberships.customer_key
    left join running on accounts.user_id = running.customer_key
    left join acquisitions on accounts.user_id = acquisitions.user_id and acquisitions.choice = 1

)

select * from final
