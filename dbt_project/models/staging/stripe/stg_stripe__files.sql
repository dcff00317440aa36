-- One row per file of Stripe's exports: the days that it covers, and which of two is the later version.
with source as (

    {{ conformed('files', 'stripe') }}

),

renamed as (

    select
        file_id,
        file_name,
        kind,
        has_charge,
        added_at,
        -- A payout reconciliation has the columns of a balance report, and only the rows of its payouts.
        row_count > 0 and not coalesce({{ is_in_list("'payout_id'", 'column_names') }}, false) as covers_days,
        least(first_at, {{ stripe_instant('null', 'first_local') }}) as first_at,
        greatest(last_at, {{ stripe_instant('null', 'last_local') }}) as last_at
    from source

),

final as (

    select
        renamed.*,
        row_number() over (
            order by last_at nulls last, added_at nulls last, file_name nulls last, file_id nulls last
        ) as file_number
    from renamed

)

select * from final
