-- One row per invoice of a membership, in order within its subscription: what it does to the period that runs, and
-- the period that runs after it.
with recursive attempts as (

    select * from {{ ref('int_billing_rhythms') }}

),

prices as (

    select
        product_type,
        currency,
        interval_months,
        price_cents,
        valid_from_on,
        valid_until_on
    from {{ ref('core_products') }}
    where is_recurring

),

numbered as (

    select
        attempts.*,
        row_number() over (
            partition by subscription_key order by charged_at nulls last, amount_cents nulls last, attempt_key nulls last
        ) as invoice_number,
        min(charged_at) over (partition by subscription_key) as first_charged_at
    from attempts
    where is_paid

),

-- Where every period has one length and every renewal comes at its end or within grace, months are counted from the first.
invoices as (

    select
        numbered.*,
        {{ later('first_charged_at', '(invoice_number - 1) * step_months', '(invoice_number - 1) * step_days') }} as counted_start_at,
        {{ later('first_charged_at', 'invoice_number * step_months', 'invoice_number * step_days') }} as counted_end_at
    from numbered

),

irregular as (

    select subscription_key
    from invoices
    group by subscription_key
    having
        min(step_months) <> max(step_months)
        or min(step_days) <> max(step_days)
        or max(case
            when invoice_number = 1 and amount_cents > 0 then 0
            when
                invoice_number > 1
                and charged_at >= counted_start_at
                and charged_at <= {{ hours_later('counted_start_at', 'grace_hours') }}
                then 0
            else 1
        end) = 1

),

irregular_attempts as (

    select
        attempts.subscription_key,
        attempts.due_at
    from attempts
    inner join irregular on attempts.subscription_key = irregular.subscription_key

),

-- What can be said of an invoice without the period that runs: whether its amount is a price in force for its
-- rhythm, and whether an attempt lies at its distance.
facts as (

    select
        invoices.*,
        min(invoices.charged_at) over (
            partition by invoices.subscription_key order by invoices.charged_at nulls last
            range between interval '1 microsecond' following and unbounded following
        ) as next_charged_at,
        exists (
            select 1 from prices
            where
                prices.product_type = invoices.product_type
                and prices.currency = invoices.currency
                and prices.interval_months = case when invoices.cycle_days = 30 then 1 else invoices.step_months end
                and prices.price_cents = invoices.amount_cents
                and prices.valid_from_on <= cast(invoices.charged_at as date)
                and prices.valid_until_on > cast(invoices.charged_at as date)
        ) as is_price_in_force,
        {{ later('invoices.charged_at', 'invoices.step_months', 'invoices.step_days') }} as own_end_at
    from invoices
    inner join irregular on invoices.subscription_key = irregular.subscription_key

),

-- Elsewhere the period after each invoice follows from the one before it, which no window can say: a fold over the
-- invoices of all these subscriptions at once. Months are counted from the anchor: Jan 31, Feb 28, Mar 31.
periods as (

    select
        attempt_key,
        subscription_key,
        invoice_number,
        case when amount_cents > 0 then 'start' else 'trial' end as role,
        case when amount_cents > 0 then invoice_number end as period_number,
        case when amount_cents > 0 then charged_at end as anchor_at,
        cast(step_months as bigint) as months_from_anchor,
        cast(step_days as bigint) as days_from_anchor,
        case when amount_cents > 0 then charged_at end as period_start_at,
        case when amount_cents > 0 then own_end_at end as period_end_at,
        case when amount_cents > 0 then {{ hours_later('own_end_at', 'grace_hours') }} end as renewable_until_at,
        product_type as period_product_type,
        currency as period_currency,
        amount_cents as period_amount_cents,
        cast(step_months as bigint) as period_step_months,
        cast(cycle_days as bigint) as period_cycle_days,
        case when amount_cents > 0 then invoice_number end as last_number,
        product_type as last_product_type,
        currency as last_currency,
        amount_cents as last_amount_cents,
        charged_at as last_charged_at
    from facts
    where invoice_number = 1

    union all

    select
        attempt_key,
        subscription_key,
        invoice_number,
        role,
        case when is_regular then invoice_number else period_number end as period_number,
        new_anchor_at as anchor_at,
        new_months as months_from_anchor,
        new_days as days_from_anchor,
        case when role = 'renewal' then period_end_at when is_regular then charged_at else period_start_at end as period_start_at,
        case when is_regular then {{ later('new_anchor_at', 'new_months', 'new_days') }} else period_end_at end as period_end_at,
        case
            when is_regular then {{ hours_later(later('new_anchor_at', 'new_months', 'new_days'), 'grace_hours') }}
            else renewable_until_at
        end as renewable_until_at,
        case when is_regular then product_type else period_product_type end as period_product_type,
        case when is_regular then currency else period_currency end as period_currency,
        case when is_regular then amount_cents else period_amount_cents end as period_amount_cents,
        case when is_regular then step_months else period_step_months end as period_step_months,
        case when is_regular then cycle_days else period_cycle_days end as period_cycle_days,
        case when is_read then invoice_number else last_number end as last_number,
        case when is_read then product_type else last_product_type end as last_product_type,
        case when is_read then currency else last_currency end as last_currency,
        case when is_read then amount_cents else last_amount_cents end as last_amount_cents,
        case when is_read then charged_at else last_charged_at end as last_charged_at
    from (
        select
            read_against_period.*,
            role in ('start', 'renewal', 'restart') as is_regular,
            role in ('start', 'renewal', 'restart', 'proration') as is_read,
            case
                when role = 'renewal' and step_months > 0 and period_step_months > 0 then anchor_at
                when role = 'renewal' then period_end_at
                when role in ('start', 'restart') then charged_at
                else anchor_at
            end as new_anchor_at,
            case
                when role = 'renewal' and step_months > 0 and period_step_months > 0 then months_from_anchor + step_months
                when role in ('start', 'renewal', 'restart') then step_months
                else months_from_anchor
            end as new_months,
            case when role in ('start', 'renewal', 'restart') then step_days else days_from_anchor end as new_days
        from (
            select
                facts.*,
                periods.period_number,
                periods.anchor_at,
                periods.months_from_anchor,
                periods.days_from_anchor,
                periods.period_start_at,
                periods.period_end_at,
                periods.renewable_until_at,
                periods.period_product_type,
                periods.period_currency,
                periods.period_amount_cents,
                periods.period_step_months,
                periods.period_cycle_days,
                periods.last_number,
                periods.last_product_type,
                periods.last_currency,
                periods.last_amount_cents,
                periods.last_charged_at,
                case
                    when periods.period_end_at is null or facts.charged_at > periods.renewable_until_at
                        then case when facts.amount_cents > 0 then 'start' else 'trial' end
                    -- Early only when none up to the end of the grace lies nearer.
                    when
                        facts.charged_at >= periods.period_end_at
                        or (
                            facts.charged_at >= periods.period_end_at - interval '3 days'
                            and not coalesce(
                                facts.next_charged_at < periods.period_end_at + (periods.period_end_at - facts.charged_at)
                                and facts.next_charged_at <= periods.renewable_until_at,
                                false
                            )
                        )
                        then 'renewal'
                    -- A renewal for the period's invoice plus this one, and never a listed price.
                    when
                        facts.amount_cents > 0
                        and periods.period_amount_cents > 0
                        and periods.period_product_type = facts.product_type
                        and exists (
                            select 1 from facts as sums
                            where
                                sums.subscription_key = facts.subscription_key
                                and sums.invoice_number > facts.invoice_number
                                and sums.product_type = facts.product_type
                                and sums.currency = facts.currency
                                and sums.amount_cents = periods.period_amount_cents + facts.amount_cents
                                and not sums.is_list_price
                                and sums.charged_at >= periods.period_end_at - interval '3 days'
                                and sums.charged_at <= periods.renewable_until_at
                        )
                        then 'proration'
                    when
                        facts.amount_cents > 0
                        and facts.amount_cents = periods.last_amount_cents
                        and facts.product_type = periods.last_product_type
                        and facts.currency = periods.last_currency
                        and facts.charged_at <= periods.last_charged_at + interval '1 day'
                        then 'duplicate'
                    -- The product and amount of the period again.
                    when
                        facts.amount_cents > 0
                        and facts.amount_cents = periods.period_amount_cents
                        and facts.product_type = periods.period_product_type
                        and facts.currency = periods.period_currency
                        then 'restart'
                    -- A row shows that its own period ends elsewhere.
                    when not {{ is_near('facts.shown_until_at', 'periods.period_end_at') }} then 'restart'
                    -- Its rhythm is another.
                    when
                        facts.amount_cents > 0
                        and facts.cycle_days <> periods.period_cycle_days
                        and (
                            facts.rhythm_rule = 'a'
                            or (facts.cycle_days > periods.period_cycle_days and facts.rhythm_rule in ('b', 'e'))
                        )
                        then 'restart'
                    when facts.product_type <> periods.period_product_type and facts.is_price_in_force then 'restart'
                    -- An attempt lies at its distance, and none at the end of the period.
                    when
                        facts.cycle_days = periods.period_cycle_days
                        and exists (
                            select 1 from irregular_attempts
                            where
                                irregular_attempts.subscription_key = facts.subscription_key
                                and irregular_attempts.due_at > facts.charged_at
                                and {{ is_near('irregular_attempts.due_at', 'facts.own_end_at') }}
                        )
                        and not exists (
                            select 1 from irregular_attempts
                            where
                                irregular_attempts.subscription_key = facts.subscription_key
                                and irregular_attempts.due_at > facts.charged_at
                                and {{ is_near('irregular_attempts.due_at', 'periods.period_end_at') }}
                        )
                        then 'restart'
                    else 'proration'
                end as role
            from periods
            inner join facts
                on periods.subscription_key = facts.subscription_key and periods.invoice_number + 1 = facts.invoice_number
        ) as read_against_period
    ) as read

),

placed as (

    select
        attempt_key,
        role,
        period_number,
        last_number,
        period_start_at,
        period_end_at
    from periods

    union all

    select
        invoices.attempt_key,
        case when invoices.invoice_number = 1 then 'start' else 'renewal' end as role,
        invoices.invoice_number as period_number,
        cast(null as bigint) as last_number,
        invoices.counted_start_at as period_start_at,
        invoices.counted_end_at as period_end_at
    from invoices
    left join irregular on invoices.subscription_key = irregular.subscription_key
    where irregular.subscription_key is null

),

final as (

    select
        invoices.attempt_key as payment_key,
        invoices.subscription_key,
        invoices.whole_key,
        invoices.stripe_subscription_id,
        invoices.customer_key,
        invoices.user_id,
        invoices.invoice_number,
        invoices.product_type,
        invoices.currency,
        invoices.amount_cents,
        invoices.charged_at,
        invoices.rhythm,
        invoices.rhythm_rule,
        invoices.step_months,
        invoices.cycle_days,
        invoices.monthly_numerator,
        invoices.monthly_denominator,
        invoices.grace_hours,
        placed.role,
        placed.role in ('start', 'renewal', 'restart') as is_regular,
        placed.period_number,
        -- What a duplicate charge repeats.
        case when placed.role = 'duplicate' then placed.last_number end as repeated_number,
        case when placed.role <> 'trial' then placed.period_start_at end as period_start_at,
        case when placed.role <> 'trial' then placed.period_end_at end as period_end_at,
        case
            when placed.role in ('start', 'renewal', 'restart') then placed.period_start_at
            when placed.role = 'proration' then greatest(invoices.charged_at, placed.period_start_at)
        end as covered_from_at
    from invoices
    inner join placed on invoices.attempt_key = placed.attempt_key

)

select * from final
