{#-
    Select every documented column of a source table, in its documented type, whatever the live
    table looks like: from the column, else from one of its aliases, else a typed NULL; a table
    that is missing has no rows; a value that does not convert is NULL. Instants come out as
    timestamps in UTC, integers as bigint.
-#}
{% macro conformed(table_name) -%}
    {%- if execute -%}
        {%- set contract = source_contract(table_name) -%}
        {%- set relation = load_relation(builtins.source('app', table_name)) -%}
        {%- set live = live_columns(relation) -%}
        select
        {%- for column in contract %}
            {{ conformed_column(column, live) }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- if relation is none %}
        from (select 1 as missing) as missing_table
        where false
        {%- else %}
        from {{ relation.include(database=false) }}
        {%- endif -%}
    {%- else -%}
        select * from {{ source('app', table_name) }}
    {%- endif -%}
{%- endmacro %}


{#- The documented columns of a table, and those that only live databases have. -#}
{% macro source_contract(table_name) -%}
    {%- set node = graph.sources.values() | selectattr('source_name', 'equalto', 'app') | selectattr('name', 'equalto', table_name) | first -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() -%}
        {%- do columns.append({'name': column.name, 'type': column.data_type, 'aliases': column.config.meta.get('aliases', [])}) -%}
    {%- endfor -%}
    {%- for column in node.config.meta.get('live_columns', []) -%}
        {%- do columns.append({'name': column.name, 'type': column.data_type, 'aliases': []}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}


{#- Name → data type of the columns that a relation has, all text as `text`; empty for a missing relation. -#}
{% macro live_columns(relation) -%}
    {%- set types = {} -%}
    {%- if relation is not none -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- set data_type = modules.re.sub('character varying(\(\d+\))?|varchar', 'text', column.data_type | lower) -%}
            {%- do types.update({column.name: data_type}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(types) }}
{%- endmacro %}


{% macro conformed_column(column, live) -%}
    {%- set found = ([column.name] + column.aliases) | select('in', live) | first | default(none) -%}
    {%- if found is none -%}
        cast(null as {{ conformed_type(column.type) }})
    {%- else -%}
        {{ convert(adapter.quote(found), live[found], column.type) }}
    {%- endif -%}
{%- endmacro %}


{#- The type in which a documented type is modelled. -#}
{% macro conformed_type(documented) -%}
    {%- set types = {'timestamptz': 'timestamp', 'integer': 'bigint', 'serial': 'bigint', 'jsonb': 'jsonb'} -%}
    {%- if target.type == 'duckdb' -%}
        {%- do types.update({'jsonb': 'json'}) -%}
    {%- endif -%}
    {{ return(types.get(documented | lower, documented | lower)) }}
{%- endmacro %}


{#- An expression that turns a column of a live type into its documented type, or NULL. -#}
{% macro convert(expression, live_type, documented) -%}
    {{ return(adapter.dispatch('convert')(expression, live_type, documented | lower)) }}
{%- endmacro %}


{% macro duckdb__convert(expression, live_type, documented) -%}
    {%- set wanted = conformed_type(documented) -%}
    {%- if documented == 'timestamptz' and live_type == 'timestamp with time zone' -%}
        timezone('UTC', {{ expression }})
    {%- elif documented == 'timestamptz' and live_type not in ('timestamp', 'date') -%}
        timezone('UTC', try_cast(cast({{ expression }} as varchar) as timestamptz))
    {%- elif documented.endswith('[]') and not live_type.endswith('[]') -%}
        {#- A list kept as text: JSON, or the value itself as the only element. -#}
        coalesce(try_cast(try_cast({{ expression }} as json) as {{ wanted }}), try_cast([{{ expression }}] as {{ wanted }}))
    {%- elif live_type == wanted -%}
        {{ expression }}
    {%- elif documented == 'text' or (wanted == 'bigint' and live_type in ('integer', 'smallint')) -%}
        cast({{ expression }} as {{ wanted }})
    {%- elif live_type == 'text' or documented == 'jsonb' -%}
        try_cast({{ expression }} as {{ wanted }})
    {%- else -%}
        try_cast(cast({{ expression }} as varchar) as {{ wanted }})
    {%- endif -%}
{%- endmacro %}


{#- PostgreSQL 14 and 15 have no safe cast, so a pattern guards the conversion of text. -#}
{% macro postgres__convert(expression, live_type, documented) -%}
    {%- set wanted = conformed_type(documented) -%}
    {%- set text_value = 'cast(' ~ expression ~ ' as text)' -%}
    {%- if documented == 'text' -%}
        {{ text_value }}
    {%- elif documented == 'timestamptz' and live_type == 'timestamp with time zone' -%}
        timezone('UTC', {{ expression }})
    {%- elif documented == 'timestamptz' and live_type in ('timestamp without time zone', 'date') -%}
        cast({{ expression }} as timestamp)
    {%- elif documented == 'timestamptz' -%}
        case when {{ text_value }} ~ '^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$' then timezone('UTC', cast({{ text_value }} as timestamptz)) end
    {%- elif documented.endswith('[]') and live_type != 'array' -%}
        case
            when {{ text_value }} ~ '^\s*\[.*\]\s*$' then (select array_agg(element) from jsonb_array_elements_text(cast({{ text_value }} as jsonb)) as elements (element))
            when {{ text_value }} is not null then array[{{ text_value }}]
        end
    {%- elif documented in ('integer', 'serial') and live_type in ('integer', 'bigint', 'smallint', 'numeric', 'double precision', 'real') -%}
        cast({{ expression }} as bigint)
    {%- elif documented in ('integer', 'serial') -%}
        case when {{ text_value }} ~ '^[+-]?\d{1,18}$' then cast({{ text_value }} as bigint) end
    {%- elif documented == 'boolean' -%}
        case when lower({{ text_value }}) in ('t', 'true', '1', 'yes') then true when lower({{ text_value }}) in ('f', 'false', '0', 'no') then false end
    {%- elif documented == 'jsonb' -%}
        case when {{ text_value }} ~ '^\s*[\[{]' then cast({{ text_value }} as jsonb) end
    {%- elif documented == 'date' -%}
        case when {{ text_value }} ~ '^\d{4}-\d{2}-\d{2}' then cast(left({{ text_value }}, 10) as date) end
    {%- else -%}
        cast({{ expression }} as {{ wanted }})
    {%- endif -%}
{%- endmacro %}


{#- Whether a live type is the documented one, so that no value can be lost. -#}
{% macro is_documented_type(live_type, documented) -%}
    {%- set same = {
        'text': ['text'],
        'integer': ['integer', 'bigint', 'smallint'],
        'serial': ['integer', 'bigint', 'smallint'],
        'boolean': ['boolean'],
        'timestamptz': ['timestamp with time zone', 'timestamp without time zone', 'timestamp'],
        'jsonb': ['jsonb', 'json'],
        'date': ['date'],
        'text[]': ['array', 'text[]'],
        'integer[]': ['array', 'integer[]', 'bigint[]'],
    } -%}
    {{ return(live_type in same.get(documented | lower, [documented | lower])) }}
{%- endmacro %}
