-- One row per attempt to charge for a membership, paid or not, in order within its subscription; a failed charge and
-- its retries are one.
with recursive build as (

    select * from {{ ref('core_build') }}

),

listed as (

    select
        product_type,
        max(case when is_recurring then 1 else 0 end) = 1 as is_recurring
    from {{ ref('core_products') }}
    group by product_type

),

-- What the price list does not know recurs when it is paid as a subscription.
charges as (

    select
        case
            when payments.is_payment then payments.payment_key
            else 'row:' || cast(payments.payment_row_id as {{ dbt.type_string() }})
        end as attempt_key,
        case
            when payments.is_payment then payments.payment_key
            else coalesce(payments.stripe_payment_id, payments.payment_key)
        end as sort_key,
        payments.is_payment as is_paid,
        payments.customer_key,
        payments.user_id,
        payments.stripe_subscription_id,
        coalesce(payments.stripe_subscription_id, 'none:' || payments.customer_key || ':' || payments.product_type) as whole_key,
        payments.product_type,
        payments.currency,
        payments.amount_cents,
        payments.paid_at as charged_at
    from {{ ref('int_payments') }} as payments
    left join listed on payments.product_type = listed.product_type
    where
        (payments.is_payment or (payments.dropped_reason = 'unsettled' and payments.reversal_kind is null and payments.paid_at is not null))
        and coalesce(listed.is_recurring, payments.is_subscribed and payments.stripe_subscription_id is not null)

    union all

    select
        'export:' || failures.payment_id as attempt_key,
        failures.payment_id as sort_key,
        false as is_paid,
        failures.customer_key,
        failures.user_id,
        failures.stripe_subscription_id,
        failures.stripe_subscription_id as whole_key,
        failures.product_type,
        failures.currency,
        failures.amount_cents,
        failures.failed_at as charged_at
    from {{ ref('int_exported_failures') }} as failures
    left join listed on failures.product_type = listed.product_type
    where coalesce(listed.is_recurring, true)

),

products as (

    select
        stripe_subscription_id,
        product_type,
        max(amount_cents) as top_cents
    from charges
    where is_paid and amount_cents > 0 and stripe_subscription_id is not null
    group by stripe_subscription_id, product_type

),

invoices_of_mixed as (

    select
        charges.stripe_subscription_id,
        charges.product_type,
        charges.charged_at
    from charges
    inner join (
        select stripe_subscription_id
        from products
        group by stripe_subscription_id
        having count(*) > 1
    ) as mixed on charges.stripe_subscription_id = mixed.stripe_subscription_id
    where charges.is_paid and charges.amount_cents > 0

),

-- Two products of one subscription, each invoiced beside the other more than once: the cheaper is read apart.
beside as (

    select
        one.stripe_subscription_id,
        one.product_type,
        other.product_type as other_product_type
    from invoices_of_mixed as one
    inner join invoices_of_mixed as other
        on
            one.stripe_subscription_id = other.stripe_subscription_id
            and one.product_type < other.product_type
            and other.charged_at between one.charged_at - interval '1 day' and one.charged_at + interval '1 day'
    group by one.stripe_subscription_id, one.product_type, other.product_type
    having
        max(one.charged_at) > min(one.charged_at) + interval '1 day'
        and max(other.charged_at) > min(other.charged_at) + interval '1 day'

),

add_ons as (

    select distinct
        beside.stripe_subscription_id,
        case when other.top_cents < one.top_cents then beside.other_product_type else beside.product_type end as product_type
    from beside
    inner join products as one
        on beside.stripe_subscription_id = one.stripe_subscription_id and beside.product_type = one.product_type
    inner join products as other
        on beside.stripe_subscription_id = other.stripe_subscription_id and beside.other_product_type = other.product_type

),

told_apart as (

    select
        charges.attempt_key,
        charges.sort_key,
        charges.is_paid,
        charges.customer_key,
        charges.user_id,
        charges.stripe_subscription_id,
        charges.whole_key,
        case
            when add_ons.product_type is not null then charges.whole_key || ':' || add_ons.product_type
            else charges.whole_key
        end as subscription_key,
        charges.product_type,
        charges.currency,
        charges.amount_cents,
        charges.charged_at
    from charges
    left join add_ons
        on charges.stripe_subscription_id = add_ons.stripe_subscription_id and charges.product_type = add_ons.product_type

),

-- Where no charge ever failed, or none was ever paid, no charge is a retry.
mixed as (

    select subscription_key
    from told_apart
    group by subscription_key
    having max(case when is_paid then 1 else 0 end) > min(case when is_paid then 1 else 0 end)

),

alike as (

    select
        told_apart.*,
        row_number() over (
            partition by told_apart.subscription_key, told_apart.product_type, told_apart.currency, told_apart.amount_cents
            order by
                told_apart.charged_at nulls last,
                told_apart.is_paid desc nulls last,
                told_apart.sort_key nulls last,
                told_apart.attempt_key nulls last
        ) as like_number,
        min(case when told_apart.is_paid then 1 else 0 end) over (
            partition by told_apart.subscription_key, told_apart.product_type, told_apart.currency, told_apart.amount_cents
        ) as are_all_paid
    from told_apart
    inner join mixed on told_apart.subscription_key = mixed.subscription_key

),

may_be_retried as (

    select * from alike
    where are_all_paid = 0

),

-- In order of date: up to the one that is paid, what is charged within the grace of a failed charge is a retry of it.
-- A fold, because each first attempt begins where the one before it ended.
retried as (

    select
        may_be_retried.*,
        charged_at as due_at,
        false as is_retry
    from may_be_retried
    where like_number = 1

    union all

    select
        next_charge.attempt_key,
        next_charge.sort_key,
        next_charge.is_paid,
        next_charge.customer_key,
        next_charge.user_id,
        next_charge.stripe_subscription_id,
        next_charge.whole_key,
        next_charge.subscription_key,
        next_charge.product_type,
        next_charge.currency,
        next_charge.amount_cents,
        next_charge.charged_at,
        next_charge.like_number,
        next_charge.are_all_paid,
        case
            when not retried.is_paid and next_charge.charged_at <= {{ hours_later('retried.due_at', '24 * build.grace_days') }} then retried.due_at
            else next_charge.charged_at
        end as due_at,
        not retried.is_paid and next_charge.charged_at <= {{ hours_later('retried.due_at', '24 * build.grace_days') }} as is_retry
    from retried
    cross join build
    inner join may_be_retried as next_charge
        on
            retried.subscription_key = next_charge.subscription_key
            and retried.product_type = next_charge.product_type
            and retried.currency = next_charge.currency
            and retried.amount_cents = next_charge.amount_cents
            and retried.like_number + 1 = next_charge.like_number

),

-- The paid one stands for its attempt, else the first.
settled as (

    select
        retried.*,
        max(case when is_paid and is_retry then 1 else 0 end)
            over (partition by subscription_key, product_type, currency, amount_cents, due_at) as is_recovered
    from retried

),

attempts as (

    select
        attempt_key,
        sort_key,
        is_paid,
        customer_key,
        user_id,
        stripe_subscription_id,
        whole_key,
        subscription_key,
        product_type,
        currency,
        amount_cents,
        charged_at,
        due_at
    from settled
    where is_paid or (not is_retry and is_recovered = 0)

    union all

    select
        told_apart.*,
        told_apart.charged_at as due_at
    from told_apart
    left join may_be_retried on told_apart.attempt_key = may_be_retried.attempt_key
    where told_apart.is_paid and may_be_retried.attempt_key is null

),

final as (

    select
        attempt_key,
        is_paid,
        subscription_key,
        whole_key,
        stripe_subscription_id,
        -- Whoever paid the first charge is the customer of all of them; a trial's invoice of 0 may name nobody.
        first_value(customer_key) over (
            partition by subscription_key
            order by
                case when is_paid and amount_cents > 0 then 0 when is_paid then 1 else 2 end nulls last,
                charged_at nulls last,
                sort_key nulls last,
                attempt_key nulls last
        ) as customer_key,
        first_value(user_id) over (
            partition by subscription_key order by charged_at nulls last, is_paid desc nulls last, sort_key nulls last, attempt_key nulls last
        ) as user_id,
        product_type,
        currency,
        amount_cents,
        charged_at,
        due_at,
        row_number() over (
            partition by subscription_key order by due_at nulls last, charged_at nulls last, is_paid desc nulls last, sort_key nulls last, attempt_key nulls last
        ) as attempt_number
    from attempts

)

select * from final
