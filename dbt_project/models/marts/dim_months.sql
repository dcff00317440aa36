-- One row per month, from the first with any event of someone who counts to as_of's.
with build as (

    select * from {{ ref('core_build') }}

),

first_events as (

    select min(paid_at) as first_at from {{ ref('int_payments') }}
    where coalesce(dropped_reason, '') not in ('test', 'internal')
    union all
    select min(signed_up_at) as first_at from {{ ref('int_accounts') }}
    where exclusion is null
    union all
    select min(transacted_at) as first_at from {{ ref('int_credit_entries') }}
    union all
    select min(given_back_at) as first_at from {{ ref('int_reversals') }}

),

bounds as (

    select
        {{ local_month('coalesce(min(first_events.first_at), min(build.as_of))') }} as first_month,
        min(build.as_of_month) as last_month
    from build
    left join first_events on first_events.first_at <= build.as_of

),

numbers as (

    {{ numbers_up_to('(select ' ~ months_between('first_month', 'last_month') ~ ' from bounds)') }}

),

months as (

    select {{ add_periods('bounds.first_month', 'numbers.n', 'month') }} as month
    from bounds
    cross join numbers

),

final as (

    select
        months.month,
        {{ add_periods('months.month', '1', 'month') }} as next_month,
        {{ day_start(add_periods('months.month', '1', 'month')) }} as ends_at,
        {{ add_periods('months.month', '1', 'month') }} <= build.complete_until_on as is_complete
    from months
    cross join build

)

select * from final
