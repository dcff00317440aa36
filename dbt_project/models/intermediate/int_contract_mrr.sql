-- One row per invoice that covers, in order within its subscription: what it is worth a month, by contract and as billed.
with recursive build as (

    select * from {{ ref('core_build') }}

),

periods as (

    select
        periods.*,
        row_number() over (partition by subscription_key order by invoice_number) as link
    from {{ ref('int_billing_periods') }} as periods
    where role in ('start', 'renewal', 'restart', 'proration')

),

prices as (

    select * from {{ ref('core_products') }}
    where is_recurring

),

-- The invoice whose period it is, the invoices before and after it, and the next that says whether a free month is paid.
chain as (

    select
        periods.*,
        billed.currency as billed_currency,
        billed.amount_cents as billed_cents,
        billed.rhythm as period_rhythm,
        billed.cycle_days as period_cycle_days,
        billed.step_months as period_step_months,
        billed.grace_hours as period_grace_hours,
        billed.monthly_numerator as period_numerator,
        billed.monthly_denominator as period_denominator,
        lag(periods.product_type) over in_chain as previous_product_type,
        lead(periods.is_regular and periods.role <> 'start') over in_chain as is_followed,
        lead(periods.product_type) over in_chain as next_product_type,
        lead(periods.currency) over in_chain as next_currency,
        lead(periods.amount_cents) over in_chain as next_cents,
        lead(periods.rhythm) over in_chain as next_rhythm,
        lag(periods.product_type) over in_regular as regular_product_type,
        lag(periods.currency) over in_regular as regular_currency,
        lag(periods.amount_cents) over in_regular as regular_cents,
        min(case when periods.is_regular or periods.amount_cents > 0 then periods.link end) over (
            partition by periods.subscription_key order by periods.link rows between 1 following and unbounded following
        ) as telling_link
    from periods
    inner join periods as billed
        on periods.subscription_key = billed.subscription_key and periods.period_number = billed.invoice_number
    window
        in_chain as (partition by periods.subscription_key order by periods.link),
        in_regular as (partition by periods.subscription_key, periods.is_regular order by periods.link)

),

listed as (

    select
        chain.payment_key,
        max(prices.price_cents) as highest_cents,
        max(case when mod(chain.amount_cents, prices.price_cents) = 0 then 1 else 0 end) as is_multiple,
        max(case when chain.next_cents > 0 and mod(chain.next_cents, prices.price_cents) = 0 then 1 else 0 end) as is_next_multiple
    from chain
    inner join prices
        on
            chain.product_type = prices.product_type
            and chain.currency = prices.currency
            and prices.interval_months = case when chain.cycle_days = 30 then 1 else chain.step_months end
            and cast(chain.charged_at as date) >= prices.valid_from_on
            and cast(chain.charged_at as date) < prices.valid_until_on
    where chain.is_regular and chain.amount_cents > 0
    group by chain.payment_key

),

recurring as (

    select
        chain.*,
        case
            -- Once off: no price, not repeated, and the very next invoice is at a price.
            when
                listed.is_multiple = 0
                and listed.is_next_multiple = 1
                and chain.is_followed
                and chain.next_product_type = chain.product_type
                and chain.next_currency = chain.currency
                and chain.next_rhythm = chain.rhythm
                and not coalesce(
                    chain.regular_product_type = chain.product_type
                    and chain.regular_currency = chain.currency
                    and chain.regular_cents = chain.amount_cents,
                    false
                )
                then chain.next_cents
            -- An upgrade whose proration is in the renewal's invoice.
            when
                chain.role = 'renewal'
                and chain.amount_cents > listed.highest_cents
                and chain.product_type <> chain.previous_product_type
                and not coalesce(
                    chain.is_followed
                    and chain.next_product_type = chain.product_type
                    and chain.next_currency = chain.currency
                    and chain.next_cents = chain.amount_cents,
                    false
                )
                then listed.highest_cents
            else chain.amount_cents
        end as recurring_cents
    from chain
    left join listed on chain.payment_key = listed.payment_key

),

monthly as (

    select
        recurring.*,
        case when is_regular and amount_cents > 0 then {{ round_half_up('recurring_cents * monthly_numerator', 'monthly_denominator') }} end as own_mrr_cents,
        {{ round_half_up('billed_cents * period_numerator', 'period_denominator') }} as billed_mrr_cents
    from recurring

),

-- What the next regular invoice says of a proration, and of a month paid with what was left of the old period.
told_by_next as (

    select
        monthly.*,
        case
            when own_mrr_cents is not null then own_mrr_cents
            when
                role in ('proration', 'restart')
                and is_followed
                and next_cents > 0
                and next_product_type = product_type
                and next_currency = currency
                and next_rhythm = period_rhythm
                then lead(own_mrr_cents) over (partition by subscription_key order by link)
        end as known_mrr_cents
    from monthly

),

facts as (

    select
        told.*,
        told.is_regular and told.amount_cents = 0 as is_free,
        -- A free month is paid by the charge that follows without a gap, or may still follow.
        case
            when telling.payment_key is not null then telling.amount_cents > 0 and telling.role <> 'start'
            else build.as_of <= told.period_end_at + told.period_grace_hours * interval '1 hour'
        end as is_charged_next,
        -- An estimate is money a month over the share of the period that is left, in whole numbers: added / scale.
        {{ exact('told.period_denominator') }} * {{ microseconds_between('told.covered_from_at', 'told.period_end_at') }} as scale,
        {{ exact('told.amount_cents * told.period_numerator') }} * {{ microseconds_between('told.period_start_at', 'told.period_end_at') }} as added
    from told_by_next as told
    cross join build
    left join told_by_next as telling
        on told.subscription_key = telling.subscription_key and told.telling_link = telling.link

),

-- List prices a month at the date of a proration, in the scale of its estimate.
prices_at_proration as (

    select
        facts.payment_key,
        prices.currency,
        {{ exact('prices.price_cents * facts.period_numerator') }} * {{ microseconds_between('facts.covered_from_at', 'facts.period_end_at') }} as scaled
    from facts
    inner join prices
        on
            facts.product_type = prices.product_type
            and prices.interval_months = case when facts.period_cycle_days = 30 then 1 else facts.period_step_months end
            and cast(facts.charged_at as date) >= prices.valid_from_on
            and cast(facts.charged_at as date) < prices.valid_until_on
    where facts.role = 'proration' and facts.known_mrr_cents is null

),

-- A free month keeps the MRR before it, an estimate builds on it: a fold over the few invoices that do.
valued as (

    select
        subscription_key,
        link,
        payment_key,
        is_free,
        currency,
        known_mrr_cents as mrr_cents
    from facts
    where known_mrr_cents is not null

    union all

    select
        subscription_key,
        link,
        payment_key,
        is_free,
        currency,
        case
            when is_free and is_charged_next and not is_after_free then previous_mrr_cents
            when is_free then 0
            -- Taken to the list price when within a tenth of it.
            when 10 * abs(estimate - nearest_price) <= nearest_price then {{ round_half_up('nearest_price', 'scale') }}
            else {{ round_half_up('estimate', 'scale') }}
        end as mrr_cents
    from (
        select
            built_on.*,
            (
                select prices_at_proration.scaled
                from prices_at_proration
                where
                    prices_at_proration.payment_key = built_on.payment_key
                    and prices_at_proration.currency = built_on.currency
                order by abs(prices_at_proration.scaled - built_on.estimate), prices_at_proration.scaled
                limit 1
            ) as nearest_price
        from (
            select
                facts.subscription_key,
                facts.link,
                facts.payment_key,
                facts.is_free,
                facts.is_charged_next,
                facts.scale,
                valued.is_free as is_after_free,
                valued.mrr_cents as previous_mrr_cents,
                -- Nothing paid switches no currency.
                case when facts.amount_cents > 0 then facts.currency else valued.currency end as currency,
                case when facts.amount_cents = 0 or facts.currency = valued.currency then valued.mrr_cents * facts.scale else 0 end
                + facts.added as estimate
            from valued
            inner join facts on valued.subscription_key = facts.subscription_key and valued.link + 1 = facts.link
            where facts.known_mrr_cents is null
        ) as built_on
    ) as priced

),

final as (

    select
        facts.payment_key,
        facts.subscription_key,
        facts.whole_key,
        facts.stripe_subscription_id,
        facts.customer_key,
        facts.user_id,
        facts.invoice_number,
        facts.role,
        facts.is_regular,
        facts.product_type,
        valued.currency,
        facts.amount_cents,
        valued.mrr_cents,
        facts.billed_currency,
        facts.billed_mrr_cents,
        facts.charged_at,
        facts.period_start_at,
        facts.period_end_at,
        facts.covered_from_at,
        facts.period_rhythm as rhythm,
        cast(facts.period_step_months as bigint) as interval_months,
        facts.period_grace_hours as grace_hours
    from facts
    inner join valued on facts.payment_key = valued.payment_key

)

select * from final
