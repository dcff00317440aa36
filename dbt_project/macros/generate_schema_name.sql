{#- On DuckDB, and in a lake, every layer has a schema of its own; on Postgres all of them share the target's one. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name and target.type in ('duckdb', 'spark') else target.schema }}
{%- endmacro %}
