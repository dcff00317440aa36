-- One row per reason, source table and currency: stored rows up to as_of that count in no metric.
with dropped as (

    select * from {{ ref('dropped_row_list') }}

),

final as (

    select
        reason,
        source_table,
        currency,
        cast(count(*) as bigint) as row_count,
        cast(sum(amount_cents) as bigint) as amount_cents
    from dropped
    group by reason, source_table, currency

)

select * from final
