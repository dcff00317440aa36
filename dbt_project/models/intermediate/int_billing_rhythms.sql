-- One row per attempt to charge for a membership: the rhythm in which it is billed, and the rule that says so.
with build as (

    select * from {{ ref('core_build') }}

),

attempts as (

    select * from {{ ref('int_billing_attempts') }}

),

rhythms as (

    {{ rhythms() }}

),

prices as (

    select
        core_products.*,
        rhythms.rhythm,
        cast(core_products.price_cents as {{ double_type() }}) / core_products.interval_months as monthly_cents
    from {{ ref('core_products') }} as core_products
    inner join rhythms on core_products.interval_months = rhythms.step_months
    where core_products.is_recurring

),

product_rhythms as (

    select
        product_type,
        rhythm
    from (
        select
            product_type,
            rhythm,
            row_number() over (partition by product_type order by list_position nulls last) as choice
        from prices
    ) as ranked
    where choice = 1

),

-- What the price list says of an attempt: whose interval its amount is, and the product's price a month.
priced as (

    select
        attempts.attempt_key,
        min(case when attempts.amount_cents = prices.price_cents then prices.rhythm end) as listed_rhythm,
        coalesce(
            max(case
                when cast(attempts.charged_at as date) >= prices.valid_from_on and cast(attempts.charged_at as date) < prices.valid_until_on
                    then prices.monthly_cents
            end),
            max(case when prices.valid_from_on = prices.first_from_on then prices.monthly_cents end)
        ) as monthly_cents
    from attempts
    inner join (
        select
            prices.*,
            min(valid_from_on) over (partition by product_type, currency) as first_from_on
        from prices
    ) as prices
        on attempts.product_type = prices.product_type and attempts.currency = prices.currency
    group by attempts.attempt_key

),

-- Periods that rows of subscriptions show, now or when a sync saw them.
shown as (

    select
        stripe_subscription_id,
        user_id,
        product_type,
        current_period_start_at as starts_at,
        current_period_end_at as ends_at
    from {{ ref('stg_app__subscriptions') }}
    where not is_test and current_period_start_at is not null and current_period_end_at is not null

    union

    select
        stripe_subscription_id,
        user_id,
        product_type,
        current_period_start_at as starts_at,
        current_period_end_at as ends_at
    from {{ ref('int_subscription_history') }}
    where current_period_start_at is not null and current_period_end_at is not null

),

-- The invoice that began a period is the nearest within three days.
begun as (

    select
        attempts.attempt_key,
        attempts.subscription_key,
        attempts.due_at,
        shown.starts_at,
        shown.ends_at,
        abs({{ seconds_between('shown.starts_at', 'attempts.due_at') }}) as distance
    from attempts
    inner join shown on attempts.stripe_subscription_id = shown.stripe_subscription_id
    where attempts.is_paid and attempts.due_at between shown.starts_at - interval '3 days' and shown.starts_at + interval '3 days'

    union all

    select
        attempts.attempt_key,
        attempts.subscription_key,
        attempts.due_at,
        shown.starts_at,
        shown.ends_at,
        abs({{ seconds_between('shown.starts_at', 'attempts.due_at') }}) as distance
    from attempts
    inner join shown on attempts.user_id = shown.user_id and attempts.product_type = shown.product_type
    where
        attempts.stripe_subscription_id is null
        and shown.stripe_subscription_id is null
        and attempts.is_paid
        and attempts.due_at between shown.starts_at - interval '3 days' and shown.starts_at + interval '3 days'

),

periods as (

    select
        attempt_key,
        ends_at,
        {{ rhythm_between('starts_at', 'ends_at') }} as rhythm
    from (
        select
            nearest.*,
            row_number() over (
                partition by attempt_key order by ends_at desc nulls last, starts_at desc nulls last
            ) as choice_of_attempt
        from (
            select
                begun.*,
                row_number() over (
                    partition by subscription_key, starts_at, ends_at
                    order by distance nulls last, due_at nulls last, attempt_key nulls last
                ) as choice
            from begun
        ) as nearest
        where choice = 1
    ) as ranked
    where choice_of_attempt = 1

),

sequences as (

    select
        attempts.*,
        periods.ends_at as shown_until_at,
        periods.rhythm as shown_rhythm,
        priced.listed_rhythm,
        priced.monthly_cents,
        lead(attempts.due_at) over in_subscription as next_due_at,
        row_number() over in_product as product_number,
        lead(attempts.due_at) over in_product as next_of_product_due_at,
        lead(attempts.due_at, 2) over in_product as second_of_product_due_at,
        lead(attempts.due_at, 3) over in_product as third_of_product_due_at,
        -- A run is of one product, amount and currency.
        case
            when
                lag(attempts.product_type) over in_subscription = attempts.product_type
                and lag(attempts.amount_cents) over in_subscription = attempts.amount_cents
                and lag(attempts.currency) over in_subscription = attempts.currency
                then 0
            else 1
        end as begins_run
    from attempts
    left join periods on attempts.attempt_key = periods.attempt_key
    left join priced on attempts.attempt_key = priced.attempt_key
    window
        in_subscription as (partition by attempts.subscription_key order by attempts.attempt_number nulls last),
        in_product as (partition by attempts.subscription_key, attempts.product_type order by attempts.attempt_number nulls last)

),

runs as (

    select
        sequences.*,
        sum(begins_run) over (partition by subscription_key order by attempt_number nulls last) as run_number,
        lead(begins_run) over (partition by subscription_key order by attempt_number nulls last) as next_begins_run,
        {{ rhythm_between('due_at', 'next_of_product_due_at') }} as rhythm_to_next
    from sequences

),

votes as (

    select
        subscription_key,
        run_number,
        rhythm,
        count(*) as vote_count,
        max(is_shown) as is_shown
    from (
        select
            subscription_key,
            run_number,
            shown_rhythm as rhythm,
            1 as is_shown
        from runs

        union all

        -- Within a run the next attempt of the product is the next of the subscription.
        select
            subscription_key,
            run_number,
            rhythm_to_next as rhythm,
            0 as is_shown
        from runs
        where next_begins_run = 0
    ) as cast_votes
    where rhythm is not null
    group by subscription_key, run_number, rhythm

),

-- Ties go to months, then to the shorter.
elected as (

    select
        votes.subscription_key,
        votes.run_number,
        votes.rhythm,
        votes.vote_count,
        max(votes.is_shown) over (partition by votes.subscription_key, votes.run_number) as is_shown,
        rhythms.step_months,
        row_number() over (
            partition by votes.subscription_key, votes.run_number
            order by votes.vote_count desc nulls last, case when rhythms.step_months > 0 then 0 else 1 end nulls last, rhythms.cycle_days nulls last
        ) as choice
    from votes
    inner join rhythms on votes.rhythm = rhythms.rhythm

),

-- (a) what most say, (b) a listed price, (c) a single distance.
by_itself as (

    select
        runs.*,
        case
            when elected.is_shown = 1 or elected.vote_count >= 2 then elected.rhythm
            when runs.listed_rhythm is not null then runs.listed_rhythm
            when elected.step_months <= 1 or runs.monthly_cents is null or runs.amount_cents > runs.monthly_cents then elected.rhythm
        end as own_rhythm,
        case
            when elected.is_shown = 1 or elected.vote_count >= 2 then 'a'
            when runs.listed_rhythm is not null then 'b'
            else 'c'
        end as own_rule
    from runs
    left join elected
        on runs.subscription_key = elected.subscription_key and runs.run_number = elected.run_number and elected.choice = 1

),

-- What follows looks around an attempt, and is asked of the few subscriptions with one that says nothing by itself.
unknown as (

    select distinct subscription_key from by_itself
    where own_rhythm is null

),

-- (d) the next attempt that is known, when it and all between lie at just its distance from one to the next.
next_known as (

    select
        by_itself.*,
        min(case when by_itself.own_rhythm is not null then by_itself.product_number end) over (
            partition by by_itself.subscription_key, by_itself.product_type order by by_itself.product_number nulls last
            rows between current row and unbounded following
        ) as next_known_number,
        lag(by_itself.rhythm_to_next) over in_product as rhythm_from_previous,
        max(case when by_itself.is_paid then by_itself.amount_cents end) over (
            partition by by_itself.subscription_key, by_itself.currency order by by_itself.due_at nulls last
            range between unbounded preceding and interval '1 microsecond' preceding
        ) as most_paid_before_cents
    from by_itself
    inner join unknown on by_itself.subscription_key = unknown.subscription_key
    window in_product as (partition by by_itself.subscription_key, by_itself.product_type order by by_itself.product_number nulls last)

),

from_next as (

    select
        next_known.*,
        max(own_rhythm) over (partition by subscription_key, product_type, next_known_number) as next_rhythm
    from next_known

),

carried_back as (

    select
        from_next.*,
        next_rhythm is not null
        and sum(case when own_rhythm is not null or coalesce(rhythm_to_next = next_rhythm, false) then 0 else 1 end) over (
            partition by subscription_key, product_type, next_known_number order by product_number desc nulls last
            rows between unbounded preceding and current row
        ) = 0 as is_carried_back
    from from_next

),

-- (e) twelve months, for an amount that is large.
by_size as (

    select
        carried_back.*,
        case
            when own_rhythm is not null then own_rhythm
            when is_carried_back then next_rhythm
            when amount_cents > 0 and (amount_cents >= 5 * monthly_cents or (most_paid_before_cents > 0 and amount_cents >= 5 * most_paid_before_cents))
                then '12 months'
        end as sized_rhythm,
        case
            when own_rhythm is not null then own_rule
            when is_carried_back then 'd'
            else 'e'
        end as sized_rule
    from carried_back

),

-- (f) likewise the attempt before, (g) the product's interval, else a month.
previous_known as (

    select
        by_size.*,
        max(case when sized_rhythm is not null then product_number end) over (
            partition by subscription_key, product_type order by product_number nulls last rows between unbounded preceding and current row
        ) as previous_known_number
    from by_size

),

from_previous as (

    select
        previous_known.*,
        max(sized_rhythm) over (partition by subscription_key, product_type, previous_known_number) as previous_rhythm
    from previous_known

),

carried_on as (

    select
        from_previous.*,
        previous_rhythm is not null
        and sum(case when sized_rhythm is not null or coalesce(rhythm_from_previous = previous_rhythm, false) then 0 else 1 end) over (
            partition by subscription_key, product_type, previous_known_number order by product_number nulls last
            rows between unbounded preceding and current row
        ) = 0 as is_carried_on
    from from_previous

),

looked_around as (

    select
        carried_on.attempt_key,
        case
            when carried_on.sized_rhythm is not null then carried_on.sized_rhythm
            when carried_on.is_carried_on then carried_on.previous_rhythm
            else coalesce(product_rhythms.rhythm, '1 month')
        end as rhythm,
        case
            when carried_on.sized_rhythm is not null then carried_on.sized_rule
            when carried_on.is_carried_on then 'f'
            else 'g'
        end as rhythm_rule
    from carried_on
    left join product_rhythms on carried_on.product_type = product_rhythms.product_type

),

named as (

    select
        by_itself.*,
        coalesce(looked_around.rhythm, by_itself.own_rhythm) as named_rhythm,
        coalesce(looked_around.rhythm_rule, by_itself.own_rule) as rhythm_rule
    from by_itself
    left join looked_around on by_itself.attempt_key = looked_around.attempt_key

),

-- Three distances in a row of 28 or of 30 days make the product's months such.
day_months as (

    select
        subscription_key,
        product_type,
        min(days) as days
    from (
        select
            subscription_key,
            product_type,
            {{ whole_days('due_at', 'next_of_product_due_at') }} as days,
            {{ whole_days('next_of_product_due_at', 'second_of_product_due_at') }} as next_days,
            {{ whole_days('second_of_product_due_at', 'third_of_product_due_at') }} as days_after_next
        from sequences
    ) as apart
    where days in (28, 30) and days = next_days and days = days_after_next
    group by subscription_key, product_type

),

final as (

    select
        named.attempt_key,
        named.is_paid,
        named.subscription_key,
        named.whole_key,
        named.stripe_subscription_id,
        named.customer_key,
        named.user_id,
        named.product_type,
        named.currency,
        named.amount_cents,
        named.charged_at,
        named.due_at,
        rhythms.rhythm,
        named.rhythm_rule,
        rhythms.step_months,
        rhythms.step_days,
        rhythms.cycle_days,
        rhythms.monthly_numerator,
        rhythms.monthly_denominator,
        cast(case
            when rhythms.step_days in (7, 14) then rhythms.step_days * 12
            else build.grace_days * 24
        end as bigint) as grace_hours,
        named.listed_rhythm is not null as is_list_price,
        named.shown_until_at
    from named
    cross join build
    left join day_months
        on
            named.subscription_key = day_months.subscription_key
            and named.product_type = day_months.product_type
            and named.named_rhythm = '1 month'
    inner join rhythms
        on
            rhythms.rhythm = case
                when day_months.days = 28 then '28 days'
                when day_months.days = 30 then '30 days'
                else named.named_rhythm
            end

)

select * from final
