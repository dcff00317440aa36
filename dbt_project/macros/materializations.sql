{#-
    DuckDB replaces a table or a view in one statement, all or nothing. dbt's own way is to make it
    under another name, to rename twice, to drop what was there, and to ask the catalog each time
    what depends on it.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] -%}
    {{ return(replaced_relation('table')) }}
{%- endmaterialization %}


{% materialization view, adapter='duckdb', supported_languages=['sql'] -%}
    {{ return(replaced_relation('view')) }}
{%- endmaterialization %}


{% macro replaced_relation(kind) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.type != kind -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {%- set replaced = this.incorporate(type=kind) -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        create or replace {{ kind }} {{ replaced }} as (
            {{ sql }}
        )
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [replaced]}) }}
{%- endmacro %}
