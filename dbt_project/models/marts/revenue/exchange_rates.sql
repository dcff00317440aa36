-- One row per currency and day from which a rate of the owner's to the reporting currency is in force.
with given as (

    {% for rate in var('exchange_rates') %}
    select
        '{{ rate.currency }}' as currency,
        cast({{ rate.rate }} as numeric(20, 11)) as minor_rate,
        cast({{ "'" ~ rate.valid_from ~ "'" if rate.valid_from else "'1970-01-01'" }} as date) as valid_from_on
    union all
    {% endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as currency,
        cast(null as numeric(20, 11)) as minor_rate,
        cast(null as date) as valid_from_on
    from {{ ref('core_build') }}
    where false

),

final as (

    select
        cast(currency as {{ dbt.type_string() }}) as currency,
        cast('{{ var('reporting_currency') }}' as {{ dbt.type_string() }}) as reporting_currency,
        minor_rate,
        valid_from_on,
        lead(valid_from_on, 1, date '9999-12-31') over (partition by currency order by valid_from_on nulls last) as valid_until_on
    from given

)

select * from final
