-- One row per product and list price, with the days on which that price was in force.
with prices as (

    select * from {{ ref('products') }}

),

final as (

    select
        product_type,
        cast(is_recurring as boolean) as is_recurring,
        cast(interval_months as bigint) as interval_months,
        cast(price_cents as bigint) as price_cents,
        cast(credits as bigint) as credits,
        -- What a product cost before its first documented price is taken to be that price.
        case
            when cast(valid_from as date) = min(cast(valid_from as date)) over (partition by product_type)
                then date '1970-01-01'
            else cast(valid_from as date)
        end as valid_from_on,
        coalesce(cast(valid_until as date), date '9999-12-31') as valid_until_on
    from prices

)

select * from final
