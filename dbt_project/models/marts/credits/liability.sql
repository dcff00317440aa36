-- One row per currency: paid credits not used yet, what was paid for them, and two estimates of what never will be.
with lots as (

    select * from {{ ref('credit_lots') }}

),

rates as (

    select
        currency,
        {{ ratio('sum(case when is_idle then outstanding_credits else 0 end)', 'sum(credits)') }} as breakage_rate
    from lots
    where is_old and not is_given_back
    group by currency

),

-- Proportional: of a lot whose credits are expected to be used but for the rate, every used one recognises rate / (1 - rate).
estimated as (

    select
        lots.*,
        rates.breakage_rate,
        case
            when rates.breakage_rate < 1
                then least(
                    cast(lots.outstanding_credits as {{ double_type() }}),
                    lots.used_credits * rates.breakage_rate / (1 - rates.breakage_rate)
                )
            else lots.outstanding_credits
        end * lots.price_cents / lots.credits as proportional_cents
    from lots
    left join rates on lots.currency = rates.currency

),

summed as (

    select
        currency,
        max(breakage_rate) as breakage_rate,
        sum(outstanding_credits) as paid_credits_outstanding,
        sum(case when price_cents is null then outstanding_credits else 0 end) as unpriced_credits_outstanding,
        sum(coalesce(outstanding_cents, 0)) as liability_cents,
        sum(proportional_cents) as proportional_cents,
        -- Remote: nobody has used the account for so long that use has become unlikely.
        sum(case when is_idle then coalesce(outstanding_cents, 0) else 0 end) as remote_cents
    from estimated
    group by currency

),

final as (

    select
        currency,
        cast(paid_credits_outstanding as bigint) as paid_credits_outstanding,
        cast(unpriced_credits_outstanding as bigint) as unpriced_credits_outstanding,
        cast(liability_cents as bigint) as liability_cents,
        breakage_rate,
        case
            when breakage_rate is not null then cast(round(cast(coalesce(proportional_cents, 0) as numeric(20, 4))) as bigint)
        end as breakage_proportional_cents,
        cast(remote_cents as bigint) as breakage_remote_cents
    from summed

)

select * from final
