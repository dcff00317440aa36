-- One row per currency: paid credits not used yet, what was paid for them, and two estimates of what never will be.
with lots as (

    select * from {{ ref('credit_lots') }}

),

summed as (

    select
        currency,
        sum(outstanding_credits) as paid_credits_outstanding,
        sum(case when price_cents is null then outstanding_credits else 0 end) as unpriced_credits_outstanding,
        sum(coalesce(outstanding_cents, 0)) as liability_cents,
        -- Remote: nobody has touched the account for so long that use has become unlikely.
        sum(case when is_idle then coalesce(outstanding_cents, 0) else 0 end) as remote_cents,
        -- Proportional: young lots will be left as unused as old ones were.
        sum(case when is_old then coalesce(outstanding_cents, 0) else 0 end) as old_cents,
        {{ ratio('sum(case when is_old then outstanding_credits else 0 end)', 'sum(case when is_old then credits else 0 end)') }} as unused_rate
    from lots
    group by currency

),

final as (

    select
        currency,
        cast(paid_credits_outstanding as bigint) as paid_credits_outstanding,
        cast(unpriced_credits_outstanding as bigint) as unpriced_credits_outstanding,
        cast(liability_cents as bigint) as liability_cents,
        unused_rate as breakage_rate,
        cast(round(old_cents + (liability_cents - old_cents) * unused_rate) as bigint) as breakage_proportional_cents,
        cast(remote_cents as bigint) as breakage_remote_cents
    from summed

)

select * from final
