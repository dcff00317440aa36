-- One row per balance transaction of Stripe's, each column as the latest file that has it says.
with files as (

    select * from {{ ref('stg_stripe__files') }}

),

source as (

    {{ conformed('balance_rows', 'stripe') }}

),

renamed as (

    select
        source.id as balance_transaction_id,
        files.file_number,
        source.line,
        {{ stripe_instant('source.created_at', 'source.created_local') }} as created_at,
        source.currency,
        source.gross as gross_cents,
        source.fee as fee_cents,
        case
            when files.kind = 'itemized' then lower(source.category)
            when lower(source.category) = 'payment' then 'charge'
            when lower(source.category) = 'payment_refund' then 'refund'
            when lower(source.category) = 'payment_failure_refund' then 'charge_failure'
            when lower(source.category) in ('stripe_fee', 'tax_fee') then 'fee'
            when lower(source.category) <> 'adjustment' then lower(source.category)
            when source.source_id like 're!_%' escape '!' or source.source_id like 'pyr!_%' escape '!'
                then case when source.gross > 0 then 'refund_failure' else 'adjustment' end
            when source.source_id like 'du!_%' escape '!' or source.source_id like 'dp!_%' escape '!'
                then case when source.gross > 0 then 'dispute_reversal' else 'dispute' end
            when source.source_id is not null then 'adjustment'
        end as category,
        source.source_id,
        case when {{ stripe_id_kind('source.source_id') }} = 'ch' then source.source_id else source.charge_id end as charge_id,
        source.payment_intent_id,
        source.invoice_id,
        source.subscription_id,
        source.customer_id,
        source.facing as facing_cents,
        case when source.facing is not null then source.facing_currency end as facing_currency
    from source
    inner join files on source.file_id = files.file_id

),

merged as (

    select
        balance_transaction_id,
        {%- for column in [
            'created_at', 'currency', 'gross_cents', 'fee_cents', 'category', 'source_id', 'charge_id', 'payment_intent_id',
            'invoice_id', 'subscription_id', 'customer_id', 'facing_cents', 'facing_currency',
        ] %}
        {{ of_latest_file(column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from renamed
    group by balance_transaction_id

)

select * from merged
