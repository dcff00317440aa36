-- One row per user, month and feature: how often the user did something with it.
with activity as (

    select * from {{ ref('fct_activity') }}

),

final as (

    select
        user_id,
        cast(date_trunc('month', activity_on) as date) as month,
        feature,
        cast(count(*) as bigint) as event_count
    from activity
    group by 1, 2, 3

)

select * from final
