-- One row per brand asset.
with source as (

    {{ conformed('brand_assets') }}

),

renamed as (

    select
        id as brand_asset_id,
        user_id,
        created_at
    from source

)

select * from renamed
