-- One row per feed strategy.
with source as (

    {{ conformed('feed_strategy') }}

),

renamed as (

    select
        id as feed_strategy_id,
        user_id,
        feed_layout_id,
        created_at
    from source

)

select * from renamed
