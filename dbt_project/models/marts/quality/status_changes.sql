-- One row per stored row, column and change of state that two syncs saw, up to as_of.
{%- set histories = [
    ('subscriptions_history', 'subscriptions', 'subscription_row_id', ['product_type', 'status', 'is_cancelling']),
    ('user_credits_history', 'user_credits', 'user_credit_id', ['balance']),
    ('users_history', 'users', 'user_id', ['role', 'is_onboarded']),
    ('feed_posts_history', 'feed_posts', 'feed_post_id', ['generation_status']),
    ('ai_images_history', 'ai_images', 'ai_image_id', ['generation_status']),
] %}
with build as (

    select * from {{ ref('core_build') }}

),

observed as (
    {% for snapshot, table_name, key, columns in histories %}
    {%- set relation = ref(snapshot) %}
    {%- set exists = execute and stored(builtins.ref(snapshot)) is not none %}
    {%- for column in columns %}
    {%- if exists %}
    select
        '{{ table_name }}' as source_table,
        '{{ column }}' as column_name,
        cast({{ key }} as {{ dbt.type_string() }}) as row_key,
        cast(user_id as {{ dbt.type_string() }}) as user_id,
        cast({{ column }} as {{ dbt.type_string() }}) as state,
        dbt_valid_from as observed_at
    from {{ relation }}
    -- What the next build of the same sync read otherwise was no state of the source.
    where dbt_valid_to is null or dbt_valid_from < dbt_valid_to
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as source_table,
        cast(null as {{ dbt.type_string() }}) as column_name,
        cast(null as {{ dbt.type_string() }}) as row_key,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as state,
        cast(null as timestamp) as observed_at
    from build
    where false

),

ordered as (

    select
        observed.*,
        lag(state) over (partition by source_table, column_name, row_key order by observed_at nulls last) as previous_state,
        row_number() over (partition by source_table, column_name, row_key order by observed_at nulls last) as observation
    from observed

),

final as (

    select
        ordered.source_table,
        ordered.column_name,
        ordered.row_key,
        ordered.user_id,
        ordered.previous_state,
        ordered.state,
        ordered.observed_at
    from ordered
    cross join build
    where
        ordered.observation > 1
        and coalesce(ordered.previous_state, '') <> coalesce(ordered.state, '')
        and ordered.observed_at <= build.as_of

)

select * from final
