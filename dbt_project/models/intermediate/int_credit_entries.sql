-- One row per ledger entry up to as_of of a user who counts: credits moved, their kind and the feature that used them.
with entries as (

    select * from {{ ref('stg_app__credit_transactions') }}

),

accounts as (

    {{ counted_users() }}

),

final as (

    select
        entries.credit_transaction_id,
        entries.user_id,
        entries.transacted_at,
        entries.credits,
        entries.transaction_type,
        case entries.transaction_type
            when 'purchase' then 'purchased'
            when 'subscription_grant' then 'granted'
            when 'bonus' then 'bonus'
            when 'refund' then 'adjusted'
            when 'expiration' then 'expired'
            when 'expiry' then 'expired'
            else 'used'
        end as kind,
        -- Chats, feeds and photoshoots are logged as images; the description tells.
        case
            when entries.transaction_type = 'training' then 'training'
            when entries.transaction_type = 'animation' then 'video'
            when entries.transaction_type <> 'image' or entries.transaction_type is null then 'other'
            when entries.description like '%conversation%' then 'chat'
            when entries.description like '%feed%' then 'feed'
            when entries.description like '%photoshoot%' then 'photoshoot'
            else 'image'
        end as feature,
        entries.stripe_payment_id,
        entries.payment_amount_cents
    from entries
    inner join accounts on entries.user_id = accounts.user_id and entries.transacted_at <= accounts.as_of
    where not entries.is_test

)

select * from final
