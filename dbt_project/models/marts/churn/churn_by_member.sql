-- One row per customer and end of paid coverage: who is behind a month's churn.
with events as (

    select * from {{ ref('int_churn_events') }}

),

lost as (

    select
        customer_key,
        changed_at as churned_at,
        currency,
        -change_cents as lost_mrr_cents,
        row_number() over (partition by customer_key, changed_at order by change_cents nulls last, currency nulls last) as choice
    from {{ ref('int_mrr_changes') }}
    where movement = 'churn'

),

opening as (

    select distinct
        month,
        customer_key
    from {{ ref('int_member_months') }}

),

final as (

    select
        events.month,
        events.customer_key,
        events.churned_at,
        {{ local_date('events.churned_at') }} as churned_on,
        events.kind,
        coalesce(events.is_after_chargeback, false) as is_after_chargeback,
        events.is_in_grace,
        -- Of the largest currency, where a customer lost several at one instant.
        lost.currency,
        lost.lost_mrr_cents,
        opening.customer_key is not null as was_member_at_opening
    from events
    inner join lost on events.customer_key = lost.customer_key and events.churned_at = lost.churned_at and lost.choice = 1
    left join opening
        on events.customer_key = opening.customer_key and events.month = {{ add_periods('opening.month', '1', 'month') }}

)

select * from final
