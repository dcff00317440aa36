{#-
    Relations are named without their database: DuckDB names a database after its file, and a view
    that spelled the file's name would break when the file is renamed or attached under another.
    On Spark they are views of the build's own session, which have no schema either, so that a build
    leaves nothing in a catalog that others share.
-#}
{% macro ref() -%}
    {{ return(in_session(builtins.ref(*varargs, **kwargs))) }}
{%- endmacro %}


{% macro source() -%}
    {{ return(in_session(builtins.source(*varargs), *varargs)) }}
{%- endmacro %}


{% macro in_session(relation, source_name=none, table_name=none) -%}
    {%- if target.type != 'spark' -%}
        {{ return(relation.include(database=false)) }}
    {%- endif -%}
    {#- An application may call a table as we call a model. -#}
    {%- set name = source_name ~ '__' ~ table_name if source_name else relation.identifier -%}
    {{ return(api.Relation.create(identifier=name, type='view')) }}
{%- endmacro %}


{#- A source or a snapshot as it is there, or none. -#}
{% macro stored(relation, source_name=none, table_name=none) -%}
    {%- if target.type != 'spark' -%}
        {%- set name = var('renamed_tables').get(table_name) if source_name == 'app' else none -%}
        {{ return(load_relation(relation.incorporate(path={'identifier': name}) if name else relation)) }}
    {%- endif -%}
    {%- set view = in_session(relation, source_name, table_name) -%}
    {{ return(view if adapter.get_columns_in_relation(view) else none) }}
{%- endmacro %}
