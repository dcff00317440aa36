-- One row per column with values that cannot be read in the documented type, or are no possible day or instant, and so
-- count as missing.
{%- set columns = [] %}
{%- if execute %}
{%- for node in graph.sources.values() | selectattr('source_name', 'equalto', 'app') | sort(attribute='name') %}
{%- set relation = stored(builtins.source('app', node.name), 'app', node.name) %}
{%- set live = live_columns(relation) %}
{%- for column in source_contract(node.name) %}
{%- set found = column.names | select('in', live) | first | default(none) %}
{%- if found is not none and not keeps_every_value(live[found], column.type) %}
{%- do columns.append({'table': node.name, 'relation': relation.include(database=false), 'name': column.name, 'live_name': found, 'live_type': live[found], 'type': column.type, 'documented': column.documented | default(column.type)}) %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{%- endif %}
with
{% for table, of_table in columns | groupby('table') %}
-- One scan a table.
lost_of_{{ table }} as (

    select
        {%- for column in of_table %}
        sum(case when {{ adapter.quote(column.live_name) }} is not null and {{ convert(adapter.quote(column.live_name), column.live_type, column.type) }} is null then 1 else 0 end)
            as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ of_table[0].relation }}

),
{% endfor %}
counted as (
    {% for column in columns %}
    select
        '{{ column.table }}' as source_table,
        '{{ column.name }}' as column_name,
        '{{ column.documented }}' as documented_type,
        '{{ column.live_type }}' as live_type,
        {{ adapter.quote(column.name) }} as value_count
    from lost_of_{{ column.table }}
    union all
    {%- endfor %}
    select
        cast(null as {{ dbt.type_string() }}) as source_table,
        cast(null as {{ dbt.type_string() }}) as column_name,
        cast(null as {{ dbt.type_string() }}) as documented_type,
        cast(null as {{ dbt.type_string() }}) as live_type,
        cast(null as bigint) as value_count
    from {{ ref('core_build') }}
    where false

),

final as (

    select
        source_table,
        column_name,
        documented_type,
        live_type,
        cast(value_count as bigint) as value_count
    from counted
    where value_count > 0

)

select * from final
