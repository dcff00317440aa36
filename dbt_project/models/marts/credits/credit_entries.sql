-- One row per ledger entry: the credits behind the flow, the use by feature and the gaps.
with entries as (

    select * from {{ ref('int_credit_entries') }}

),

costs as (

    select * from {{ ref('feature_costs') }}

),

final as (

    select
        entries.credit_transaction_id,
        entries.user_id,
        {{ local_month('entries.transacted_at') }} as month,
        {{ local_date('entries.transacted_at') }} as transacted_on,
        cast(entries.kind as {{ dbt.type_string() }}) as kind,
        cast(case when entries.kind = 'used' then entries.feature end as {{ dbt.type_string() }}) as feature,
        entries.credits,
        cast(case when entries.kind = 'used' then -entries.credits * costs.cents_per_credit end as bigint) as cost_cents
    from entries
    left join costs on entries.feature = costs.feature

)

select * from final
