-- One row per documented source table: whether it is there, and whether it holds anything.
{%- set tables = [] %}
{%- if execute %}
{%- for node in graph.sources.values() | selectattr('source_name', 'equalto', 'app') | sort(attribute='name') %}
{%- do tables.append(node.name) %}
{%- endfor %}
{%- endif %}
with counted as (
    {% for table_name in tables %}
    {%- set relation = stored(builtins.source('app', table_name), 'app', table_name) %}
    select
        '{{ table_name }}' as source_table,
        {{ 'false' if relation is none else 'true' }} as is_present,
        {{ '0' if relation is none else '(select count(*) from ' ~ relation.include(database=false) ~ ')' }} as row_count
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as source_table,
        false as is_present,
        0 as row_count
    {%- endfor %}

),

final as (

    select
        cast(source_table as {{ dbt.type_string() }}) as source_table,
        is_present,
        cast(row_count as bigint) as row_count,
        row_count > 0 as is_captured
    from counted

)

select * from final
