-- One row per live payment of a payments export, each column as the latest file that has it says.
with files as (

    select * from {{ ref('stg_stripe__files') }}

),

source as (

    {{ conformed('payment_rows', 'stripe') }}

),

renamed as (

    select
        source.id as payment_id,
        files.file_number,
        source.line,
        case when {{ stripe_id_kind('source.id') }} = 'ch' then source.id end as charge_id,
        coalesce(source.payment_intent_id, case when {{ stripe_id_kind('source.id') }} = 'pi' then source.id end)
            as payment_intent_id,
        source.invoice_id,
        source.customer_id,
        source.created_at,
        source.amount as amount_cents,
        source.currency,
        source.refunded as refunded_cents,
        source.refunded_at,
        source.disputed as disputed_cents,
        source.disputed_at,
        lower(source.dispute_status) as dispute_status,
        coalesce(source.converted, source.amount) as settled_cents,
        coalesce(source.converted_currency, source.currency) as settled_currency,
        source.fee as fee_cents,
        lower(replace(source.status, '_', ' ')) as status,
        source.is_captured,
        lower(source.mode) as mode
    from source
    inner join files on source.file_id = files.file_id

),

merged as (

    select
        payment_id,
        {%- for column in [
            'charge_id', 'payment_intent_id', 'invoice_id', 'customer_id', 'created_at', 'amount_cents', 'currency',
            'refunded_cents', 'refunded_at', 'disputed_cents', 'disputed_at', 'dispute_status', 'settled_cents',
            'settled_currency', 'fee_cents', 'status', 'is_captured', 'mode',
        ] %}
        {{ of_latest_file(column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from renamed
    group by payment_id

),

final as (

    select
        merged.*,
        status in ('paid', 'refunded', 'partially refunded', 'disputed') and coalesce(is_captured, true) as is_charge
    from merged
    where coalesce(mode, 'live') <> 'test'

)

select * from final
