-- One row per pro photoshoot session.
with source as (

    {{ conformed('pro_photoshoot_sessions') }}

),

renamed as (

    select
        id as pro_photoshoot_session_id,
        user_id,
        lower(session_status) as session_status,
        created_at as started_at,
        completed_at
    from source

)

select * from renamed
