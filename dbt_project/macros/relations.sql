{#-
    Relations are named without their database: DuckDB names a database after its file, and a view
    that spelled the file's name would break when the file is renamed or attached under another.
-#}
{% macro ref() -%}
    {{ return(builtins.ref(*varargs, **kwargs).include(database=false)) }}
{%- endmacro %}


{% macro source() -%}
    {{ return(builtins.source(*varargs).include(database=false)) }}
{%- endmacro %}
