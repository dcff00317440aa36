-- One row: what this build speaks for.
with build as (

    select
        cast('{{ of_this_build('AS_OF', '1970-01-01') }}' as timestamp) as as_of,
        cast(nullif('{{ of_this_build('SYNCED_AT', '') }}', '') as timestamp) as synced_at,
        cast('{{ of_this_build('RUN_ID', '') }}' as {{ dbt.type_string() }}) as run_id,
        cast('{{ of_this_build('VERSION', '') }}' as {{ dbt.type_string() }}) as version,
        cast(nullif('{{ of_this_build('DEFINITIONS', '') }}', '') as bigint) as definitions,
        cast('{{ var('timezone') }}' as {{ dbt.type_string() }}) as timezone,
        {{ first_week() }} as first_week_on,
        cast({{ var('grace_days') }} as bigint) as grace_days,
        cast({{ var('spend_paid_credits_first') }} as boolean) as spends_paid_credits_first

),

final as (

    select
        as_of,
        {{ local_date('as_of') }} as as_of_on,
        {{ local_month('as_of') }} as as_of_month,
        -- A period is complete when its end is not after this day, the first that has not ended.
        {{ local_date("as_of + interval '1 microsecond'") }} as complete_until_on,
        timezone,
        first_week_on,
        grace_days,
        spends_paid_credits_first,
        synced_at,
        run_id,
        version,
        definitions
    from build

)

select * from final
