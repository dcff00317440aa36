-- One row per pair of products: customers who bought the first and later, for the first time, the second.
with first_purchases as (

    select * from {{ ref('first_purchases') }}

),

bought as (

    select
        product_type,
        is_recurring,
        count(*) as customer_count
    from first_purchases
    group by product_type, is_recurring

),

climbed as (

    select
        earlier.product_type as from_product,
        later.product_type as to_product,
        {{ seconds_between('earlier.first_paid_at', 'later.first_paid_at') }} / 86400.0 as days
    from first_purchases as earlier
    inner join first_purchases as later
        on earlier.customer_key = later.customer_key and earlier.first_paid_at < later.first_paid_at

),

counted as (

    select
        from_product,
        to_product,
        count(*) as customer_count,
        percentile_cont(0.5) within group (order by days) as median_days
    from climbed
    group by from_product, to_product

),

final as (

    select
        starts.product_type as from_product,
        ends.product_type as to_product,
        cast(starts.customer_count as bigint) as from_customer_count,
        cast(coalesce(counted.customer_count, 0) as bigint) as customer_count,
        {{ ratio('coalesce(counted.customer_count, 0)', 'starts.customer_count') }} as rate,
        cast(counted.median_days as {{ double_type() }}) as median_days
    from bought as starts
    inner join bought as ends on starts.product_type <> ends.product_type
    left join counted on starts.product_type = counted.from_product and ends.product_type = counted.to_product
    -- A membership is no step on the way to membership.
    where
        not (starts.is_recurring and ends.product_type = 'membership')
        and not (ends.is_recurring and starts.product_type = 'membership')

)

select * from final
