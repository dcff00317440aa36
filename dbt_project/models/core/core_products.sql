-- One row per product and list price, with the days on which that price was in force.
with prices as (

    {{ price_list() }}

),

final as (

    select
        cast(product_type as {{ dbt.type_string() }}) as product_type,
        cast(is_recurring as boolean) as is_recurring,
        cast(interval_months as bigint) as interval_months,
        cast(price_cents as bigint) as price_cents,
        cast(currency as {{ dbt.type_string() }}) as currency,
        cast(credits as bigint) as credits,
        coalesce(cast(valid_from as date), date '1970-01-01') as valid_from_on,
        coalesce(cast(valid_until as date), date '9999-12-31') as valid_until_on,
        cast(list_position as bigint) as list_position
    from prices

)

select * from final
