{#-
    A model is a folder of Parquet files in the folder of the build, and a view of the session that has its name. The
    statement is Spark's own; the worker carries it out without the catalog that Spark would enter the table into.
-#}
{% materialization table, adapter='spark', supported_languages=['sql'] -%}
    {{ return(parquet_table()) }}
{%- endmaterialization %}


{#- A mart goes back to where the build was asked for: a view of it there would read what stays in the lake. -#}
{% materialization view, adapter='spark', supported_languages=['sql'] -%}
    {%- if this.schema == 'marts' -%}
        {{ return(parquet_table()) }}
    {%- endif -%}
    {%- call statement('main') -%}
        create or replace temporary view {{ this.identifier }} as
        {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmaterialization %}


{% macro parquet_table() -%}
    {%- if config.get('contract').enforced -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        create table {{ this.identifier }} using parquet location '{{ of_this_build('LAKE_RUN') }}/{{ this.schema }}/{{ this.identifier }}' as
        {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmacro %}


{% materialization seed, adapter='spark' -%}
    {%- set table = load_agate_table() -%}
    {%- do store_raw_result('agate_table', message='', code='', rows_affected='', agate_table=table) -%}
    {%- call statement('main') -%}
        create or replace temporary view {{ this.identifier }} as
        {%- for row in table.rows %}
        select
            {%- for name in table.column_names %}
            cast({{ 'null' if row[name] is none else text_literal(row[name]) }} as {{ adapter.convert_type(table, loop.index0) }}) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    {%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmaterialization %}


{#- A build enters nothing into a catalog, and asks none what is there. -#}
{% macro spark__create_schema(relation) -%}
{%- endmacro %}


{% macro spark__list_schemas(database) -%}
    {{ return(run_query("select 'marts' as name")) }}
{%- endmacro %}


{% macro spark__list_relations_without_caching(relation) -%}
    {{ return([]) }}
{%- endmacro %}


{#- Contracts are written in the types of Postgres and DuckDB. -#}
{% macro spark__get_empty_schema_sql(columns) -%}
    {%- set types = {'text': 'string', 'double precision': 'double', 'timestamp': 'timestamp_ntz'} -%}
    select
    {% for column in columns.values() %}
        cast(null as {{ types.get(column.data_type, column.data_type) }}) as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- endfor %}
    where false
{%- endmacro %}


{% macro spark__get_columns_in_relation_raw(relation) -%}
    {{ return(run_query('describe extended ' ~ relation.identifier)) }}
{%- endmacro %}
