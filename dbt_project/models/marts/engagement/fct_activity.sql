-- One row per user, instant and feature: everything that a user who counts did up to as_of.
with accounts as (

    {{ counted_users() }}

),

events as (

    select * from {{ ref('int_activity_events') }}

),

counted as (

    select distinct
        events.user_id,
        events.activity_at,
        events.feature
    from events
    inner join accounts on events.user_id = accounts.user_id and events.activity_at <= accounts.as_of

),

final as (

    select
        user_id,
        activity_at,
        {{ local_date('activity_at') }} as activity_on,
        cast(feature as {{ dbt.type_string() }}) as feature
    from counted

)

select * from final
