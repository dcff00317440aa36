{#- What engines call or write differently: types, lists, JSON and text. -#}

{#- A floating-point number of eight bytes. -#}
{% macro double_type() -%}
    {{ return('double' if target.type == 'spark' else 'double precision') }}
{%- endmacro %}


{#- A member of a JSON object, as text. -#}
{% macro json_text(document, name) -%}
    {{ return(adapter.dispatch('json_text')(document, name)) }}
{%- endmacro %}


{% macro default__json_text(document, name) -%}
    {{ document }} ->> '{{ name }}'
{%- endmacro %}


{% macro spark__json_text(document, name) -%}
    get_json_object({{ document }}, '$.{{ name }}')
{%- endmacro %}


{#- A row an element of a list. -#}
{% macro unnested(list) -%}
    {{ 'explode' if target.type == 'spark' else 'unnest' }}({{ list }})
{%- endmacro %}


{#- An element of a list, counted from 1; NULL where the place is. -#}
{% macro element_of(list, place) -%}
    {{ return(adapter.dispatch('element_of')(list, place)) }}
{%- endmacro %}


{% macro default__element_of(list, place) -%}
    {{ list }}[{{ place }}]
{%- endmacro %}


{% macro spark__element_of(list, place) -%}
    element_at({{ list }}, cast({{ place }} as int))
{%- endmacro %}


{#- Whether a list has an element. -#}
{% macro is_in_list(element, list) -%}
    {{ return(adapter.dispatch('is_in_list')(element, list)) }}
{%- endmacro %}


{% macro default__is_in_list(element, list) -%}
    {{ element }} = any({{ list }})
{%- endmacro %}


{% macro spark__is_in_list(element, list) -%}
    array_contains({{ list }}, {{ element }})
{%- endmacro %}


{#- Text as a literal; Spark reads a backslash as the beginning of an escape, and two quotes as none. -#}
{% macro text_literal(text) -%}
    {%- if target.type == 'spark' -%}
        '{{ text | string | replace('\\', '\\\\') | replace("'", "\\'") }}'
    {%- else -%}
        '{{ text | string | replace("'", "''") }}'
    {%- endif -%}
{%- endmacro %}


{#- After `as`, for an expression that is read more than once: DuckDB and Postgres see by themselves whether to keep it. -#}
{% macro kept() -%}
    {{ 'materialized' if target.type == 'spark' }}
{%- endmacro %}
