-- One row per stored subscription and span of syncs in which it stayed the same; none where no sync was kept.
{%- set columns = {
    'subscription_row_id': 'bigint',
    'user_id': dbt.type_string(),
    'stripe_subscription_id': dbt.type_string(),
    'product_type': dbt.type_string(),
    'current_period_start_at': 'timestamp',
    'current_period_end_at': 'timestamp',
    'is_cancelling': 'boolean',
    'dbt_valid_from': 'timestamp',
    'dbt_valid_to': 'timestamp',
} %}
{%- set history = ref('subscriptions_history') %}
{%- set relation = stored(builtins.ref('subscriptions_history')) if execute else none %}
{%- set there = adapter.get_columns_in_relation(relation) | map(attribute='name') | list if relation is not none else [] %}
with history as (

    select
        {%- for name, type in columns.items() %}
        cast({{ name if name in there else 'null' }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ history if relation is not none else '(select 1 as missing) as missing_table where false' }}

),

subscriptions as (

    select * from {{ ref('stg_app__subscriptions') }}

),

final as (

    select
        history.user_id,
        history.stripe_subscription_id,
        history.product_type,
        history.current_period_start_at,
        history.current_period_end_at,
        history.is_cancelling,
        history.dbt_valid_from as seen_from_at,
        history.dbt_valid_to as seen_until_at
    from history
    left join subscriptions on history.subscription_row_id = subscriptions.subscription_row_id
    where not coalesce(subscriptions.is_test, false)

)

select * from final
