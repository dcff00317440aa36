-- One row per day, in the reporting zone, that a file of Stripe's exports covers, and for what.
with files as (

    select
        file_id,
        kind <> 'payments' as is_balance,
        has_charge,
        {{ local_date('first_at') }} as first_on,
        {{ local_date('last_at') }} as last_on
    from {{ ref('stg_stripe__files') }}
    where covers_days

),

numbers as (

    {{ numbers_up_to('(select coalesce(max(' ~ days_between('first_on', 'last_on') ~ '), 0) from files)') }}

),

days as (

    select
        {{ add_periods('files.first_on', 'numbers.n', 'day') }} as day,
        files.is_balance,
        files.has_charge
    from files
    inner join numbers on numbers.n <= {{ days_between('files.first_on', 'files.last_on') }}

),

final as (

    select
        day,
        max(case when has_charge then 1 else 0 end) = 1 as has_charges,
        max(case when is_balance and has_charge then 1 else 0 end) = 1 as has_balance_charges,
        max(case when is_balance then 1 else 0 end) = 1 as has_balance
    from days
    group by day

)

select * from final
