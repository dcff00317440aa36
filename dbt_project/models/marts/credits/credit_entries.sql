-- One row per ledger entry: the credits behind the flow, the use by feature and the gaps.
with entries as (

    select * from {{ ref('int_credit_entries') }}

),

final as (

    select
        credit_transaction_id,
        user_id,
        {{ local_month('transacted_at') }} as month,
        {{ local_date('transacted_at') }} as transacted_on,
        cast(kind as {{ dbt.type_string() }}) as kind,
        cast(case when kind = 'used' then feature end as {{ dbt.type_string() }}) as feature,
        credits
    from entries

)

select * from final
