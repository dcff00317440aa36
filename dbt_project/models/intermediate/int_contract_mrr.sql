-- One row per invoice that covers, in order within its subscription: what it is worth a month, by contract and as billed.
with recursive build as (

    select * from {{ ref('core_build') }}

),

periods as (

    select * from {{ ref('int_billing_periods') }}
    where role in ('start', 'renewal', 'restart', 'proration')

),

prices as (

    select * from {{ ref('core_products') }}
    where is_recurring

),

-- The invoice whose period it is, the invoices before and after it, and the next that says whether a free month is paid.
chain as {{ kept() }} (

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
        row_number() over in_chain as link,
        lag(periods.product_type) over in_chain as previous_product_type,
        lead(periods.is_regular and periods.role <> 'start') over in_chain as is_followed,
        lead(periods.product_type) over in_chain as next_product_type,
        lead(periods.currency) over in_chain as next_currency,
        lead(periods.amount_cents) over in_chain as next_cents,
        lead(periods.rhythm) over in_chain as next_rhythm,
        -- The period before is that of the last regular invoice before.
        lag(billed.product_type) over in_chain as regular_product_type,
        lag(billed.currency) over in_chain as regular_currency,
        lag(billed.amount_cents) over in_chain as regular_cents,
        min(case when periods.is_regular or periods.amount_cents > 0 then periods.invoice_number end) over (
            partition by periods.subscription_key order by periods.invoice_number nulls last rows between 1 following and unbounded following
        ) as telling_number
    from periods
    inner join periods as billed
        on periods.subscription_key = billed.subscription_key and periods.period_number = billed.invoice_number
    window in_chain as (partition by periods.subscription_key order by periods.invoice_number nulls last)

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

monthly as {{ kept() }} (

    select
        recurring.*,
        case when is_regular and amount_cents > 0 then {{ round_half_up('recurring_cents * monthly_numerator', 'monthly_denominator') }} end as own_mrr_cents,
        {{ round_half_up('billed_cents * period_numerator', 'period_denominator') }} as billed_mrr_cents
    from recurring

),

-- What the next regular invoice says of a proration, and of a month paid with what was left of the old period.
told_by_next as {{ kept() }} (

    select
        told.subscription_key,
        told.link,
        told.payment_key,
        told.is_regular and told.amount_cents = 0 as is_free,
        told.currency,
        following.own_mrr_cents as mrr_cents
    from monthly as told
    inner join monthly as following on told.subscription_key = following.subscription_key and told.link + 1 = following.link
    where
        told.own_mrr_cents is null
        and following.own_mrr_cents is not null
        and told.role in ('proration', 'restart')
        and told.is_followed
        and told.next_cents > 0
        and told.next_product_type = told.product_type
        and told.next_currency = told.currency
        and told.next_rhythm = told.period_rhythm

),

known as (

    select
        subscription_key,
        link,
        payment_key,
        false as is_free,
        currency,
        own_mrr_cents as mrr_cents
    from monthly
    where own_mrr_cents is not null

    union all

    select * from told_by_next

),

-- The few invoices that neither says anything of.
facts as (

    select
        told.*,
        told.is_regular and told.amount_cents = 0 as is_free,
        -- A free month is paid by the charge that follows without a gap, or may still follow.
        case
            when telling.payment_key is not null then telling.amount_cents > 0 and telling.role <> 'start'
            else build.as_of <= {{ hours_later('told.period_end_at', 'told.period_grace_hours') }}
        end as is_charged_next,
        -- An estimate is money a month over the share of the period that is left, in whole numbers: added / scale.
        {{ exact('told.period_denominator') }} * {{ microseconds_between('told.covered_from_at', 'told.period_end_at') }} as scale,
        {{ exact('told.amount_cents * told.period_numerator') }} * {{ microseconds_between('told.period_start_at', 'told.period_end_at') }} as added
    from monthly as told
    cross join build
    left join told_by_next on told.payment_key = told_by_next.payment_key
    left join periods as telling
        on told.subscription_key = telling.subscription_key and told.telling_number = telling.invoice_number
    where told.own_mrr_cents is null and told_by_next.payment_key is null

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
    where facts.role = 'proration'

),

-- A free month keeps the MRR before it, an estimate builds on it: a fold that begins where one follows.
estimated as (

    select known.*
    from known
    inner join facts on known.subscription_key = facts.subscription_key and known.link + 1 = facts.link

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
            prices_at_proration.scaled as nearest_price,
            row_number() over (
                partition by built_on.payment_key
                order by abs(prices_at_proration.scaled - built_on.estimate) nulls last, prices_at_proration.scaled nulls last
            ) as choice
        from (
            select
                facts.subscription_key,
                facts.link,
                facts.payment_key,
                facts.is_free,
                facts.is_charged_next,
                facts.scale,
                estimated.is_free as is_after_free,
                estimated.mrr_cents as previous_mrr_cents,
                -- Nothing paid switches no currency.
                case when facts.amount_cents > 0 then facts.currency else estimated.currency end as currency,
                case when facts.amount_cents = 0 or facts.currency = estimated.currency then estimated.mrr_cents * facts.scale else 0 end
                + facts.added as estimate
            from estimated
            inner join facts on estimated.subscription_key = facts.subscription_key and estimated.link + 1 = facts.link
        ) as built_on
        left join prices_at_proration
            on built_on.payment_key = prices_at_proration.payment_key and built_on.currency = prices_at_proration.currency
    ) as priced
    where choice = 1

),

valued as (

    select
        payment_key,
        currency,
        mrr_cents
    from told_by_next

    union all

    select
        estimated.payment_key,
        estimated.currency,
        estimated.mrr_cents
    from estimated
    inner join facts on estimated.payment_key = facts.payment_key

),

final as (

    select
        monthly.payment_key,
        monthly.subscription_key,
        monthly.whole_key,
        monthly.stripe_subscription_id,
        monthly.customer_key,
        monthly.user_id,
        monthly.invoice_number,
        monthly.role,
        monthly.is_regular,
        monthly.product_type,
        coalesce(valued.currency, monthly.currency) as currency,
        monthly.amount_cents,
        coalesce(monthly.own_mrr_cents, valued.mrr_cents) as mrr_cents,
        monthly.billed_currency,
        monthly.billed_mrr_cents,
        monthly.charged_at,
        monthly.period_start_at,
        monthly.period_end_at,
        monthly.covered_from_at,
        monthly.period_rhythm as rhythm,
        cast(monthly.period_step_months as bigint) as interval_months,
        monthly.period_grace_hours as grace_hours
    from monthly
    left join valued on monthly.payment_key = valued.payment_key
    where monthly.own_mrr_cents is not null or valued.payment_key is not null

)

select * from final
