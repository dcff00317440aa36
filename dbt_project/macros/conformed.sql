{#-
    Select every documented column of a source table, in its documented type, whatever the live
    table looks like: from the column, else from one of its aliases, else a typed NULL; a value of the
    setting ``values`` is the documented one that it stands for; a table that is missing has no rows; a value that does not convert is NULL, and so is a day or an instant
    outside of the years 2000 to 2199. Instants come out as timestamps in UTC, integers as bigint, amounts in minor units.
    A documented value is it in any case and between blanks; an instant may be counted from 1970, in seconds or less; an
    id that is no number becomes one, the same wherever it stands. Of exact copies one counts; a row without an id gets
    one made from what it holds, or does not count where the id is no number.
-#}
{% macro conformed(table_name, source_name='app') -%}
    {%- if execute -%}
        {%- set contract = source_contract(table_name, source_name) -%}
        {%- set relation = stored(builtins.source(source_name, table_name), source_name, table_name) -%}
        {%- set live = live_columns(relation) -%}
        {%- set mapped = var('mapped_values').get(table_name, {}) if source_name == 'app' else {} -%}
        {%- set id = keys_of(table_name) | first | default(none) if source_name == 'app' else none -%}
        {%- if id is none or relation is none or is_keyed(relation, contract, id, live) -%}
        {{ typed_rows(contract, live, mapped, relation) }}
        {%- else -%}
        {%- set names = [] -%}
        {%- for column in contract -%}{%- do names.append(adapter.quote(column.name)) -%}{%- endfor -%}
        {%- set texts = [] -%}
        {%- for name in names -%}{%- do texts.append('cast(' ~ name ~ ' as ' ~ dbt.type_string() ~ ')') -%}{%- endfor -%}
        {%- set own = adapter.quote(id) -%}
        {%- set is_number = (contract | selectattr('name', 'equalto', id) | first).type == 'id' -%}
        {%- set made = "md5(concat_ws('|', " ~ texts | join(', ') ~ ', cast(copy_number as ' ~ dbt.type_string() ~ ')))' -%}
        select
        {%- for name in names %}
            {% if name == own and is_number %}coalesce({{ own }}, {{ number_of(made) }}) as {{ own }}{% else %}{{ name }}{% endif %}{{ ',' if not loop.last }}
        {%- endfor %}
        from (
            select
                *,
                row_number() over (partition by {{ names | join(', ') }} order by {{ own }} nulls last) as copy_number
            from (
                {{ typed_rows(contract, live, mapped, relation) }}
            ) as typed
        ) as numbered
        where {{ own ~ ' is null or ' if is_number else own ~ ' is not null and ' }}copy_number = 1
        {%- endif -%}
    {%- else -%}
        select * from {{ source(source_name, table_name) }}
    {%- endif -%}
{%- endmacro %}


{#- The rows of a relation, or none, with documented names and types. -#}
{% macro typed_rows(contract, live, mapped, relation) -%}
        select
        {%- for column in contract %}
            {{ conformed_column(column, live, mapped.get(column.name, {}), contract) }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- if relation is none %}
        from (select 1 as missing) as missing_table
        where false
        {%- else %}
        from {{ relation.include(database=false) }}
        {%- endif -%}
{%- endmacro %}


{#- The documented primary key of a table, in a list. -#}
{% macro keys_of(table_name) -%}
    {%- set node = graph.sources.values() | selectattr('source_name', 'equalto', 'app') | selectattr('name', 'equalto', table_name) | first -%}
    {%- set keys = [] -%}
    {%- for column in node.columns.values() if column.config.meta.get('key') == 'primary' -%}
        {%- do keys.append(column.name) -%}
    {%- endfor -%}
    {{ return(keys) }}
{%- endmacro %}


{#- Whether no two rows of a relation have the same key, and none has none. -#}
{% macro is_keyed(relation, contract, id, live) -%}
    {%- set column = contract | selectattr('name', 'equalto', id) | first -%}
    {%- set found = column.names | select('in', live) | first | default(none) -%}
    {%- if found is none -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set counted = 'select case when count(*) = count(distinct ' ~ adapter.quote(found) ~ ') then 1 else 0 end from ' ~ relation.include(database=false) -%}
    {{ return(run_query(counted).columns[0].values()[0] == 1) }}
{%- endmacro %}


{#- The documented columns of a table, and those that only live databases have. -#}
{% macro source_contract(table_name, source_name='app') -%}
    {%- set node = graph.sources.values() | selectattr('source_name', 'equalto', source_name) | selectattr('name', 'equalto', table_name) | first -%}
    {%- set columns = [] -%}
    {%- set renamed = var('renamed_columns').get(table_name, {}) if source_name == 'app' else {} -%}
    {%- set in_major = var('major_units').get(table_name, []) if source_name == 'app' else [] -%}
    {%- for column in node.columns.values() -%}
        {%- set meta = column.config.meta -%}
        {%- set names = [renamed[column.name]] if column.name in renamed else [column.name] + meta.get('aliases', []) -%}
        {%- set is_id = column.data_type | lower == 'integer' and meta.get('key') in ('primary', 'foreign') -%}
        {%- set type = 'major' if column.name in in_major else 'id' if is_id else column.data_type -%}
        {%- do columns.append({'name': column.name, 'type': type, 'documented': column.data_type, 'names': names, 'values': meta.get('values', []) + meta.get('live_values', [])}) -%}
    {%- endfor -%}
    {%- for column in node.config.meta.get('live_columns', []) -%}
        {%- do columns.append({'name': column.name, 'type': column.data_type, 'names': [renamed.get(column.name, column.name)]}) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}


{#- Whether a source table has a documented column, under whatever name. -#}
{% macro has_column(table_name, column_name) -%}
    {%- if not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set live = live_columns(stored(builtins.source('app', table_name), 'app', table_name)) -%}
    {%- set column = source_contract(table_name) | selectattr('name', 'equalto', column_name) | first -%}
    {{ return((column.names | select('in', live) | list | length) > 0) }}
{%- endmacro %}


{#- Name → data type of the columns that a relation has, all text as `text`; empty for a missing relation. -#}
{% macro live_columns(relation) -%}
    {%- set types = {} -%}
    {%- set spark_types = {
        'string': 'text', 'int': 'integer', 'double': 'double precision', 'timestamp': 'timestamp with time zone',
        'timestamp_ntz': 'timestamp', 'array<string>': 'text[]', 'array<int>': 'integer[]',
    } if target.type == 'spark' else {} -%}
    {%- if relation is not none -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- set data_type = modules.re.sub('character varying(\(\d+\))?|varchar', 'text', column.data_type | lower) -%}
            {%- do types.update({column.name: spark_types.get(data_type, data_type)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(types) }}
{%- endmacro %}


{% macro conformed_column(column, live, mapped, contract) -%}
    {%- set found = column.names | select('in', live) | first | default(none) -%}
    {%- if found is none -%}
        cast(null as {{ conformed_type(column.type) }})
    {%- else -%}
        {%- set converted = convert(adapter.quote(found), live[found], column.type) -%}
        {%- set words = [] -%}
        {%- for value in column.get('values', []) if value == value | lower -%}
            {%- do words.append(text_literal(value)) -%}
        {%- endfor -%}
        {%- if column.type == 'major' -%}
        {%- set currency = contract | selectattr('name', 'equalto', 'currency') | map(attribute='names') | first | default([]) | select('in', live) | first | default(none) -%}
        cast(round({{ converted }} * {{ minor_factor(currency) }}) as bigint)
        {%- elif mapped or words -%}
        case
            {%- for value, documented in mapped.items() %}
            when {{ converted }} = {{ text_literal(value) }} then {{ text_literal(documented) }}
            {%- endfor %}
            {%- if words %}
            when lower(trim({{ converted }})) in ({{ words | join(', ') }}) then lower(trim({{ converted }}))
            {%- endif %}
            else {{ converted }}
        end
        {%- else -%}
        {{ converted }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- The type in which a documented type is modelled. -#}
{% macro conformed_type(documented) -%}
    {%- set types = {'timestamptz': 'timestamp', 'integer': 'bigint', 'serial': 'bigint', 'id': 'bigint', 'major': 'decimal(38, 6)', 'jsonb': 'jsonb'} -%}
    {%- if target.type == 'duckdb' -%}
        {%- do types.update({'jsonb': 'json'}) -%}
    {%- elif target.type == 'spark' -%}
        {%- do types.update({'text': 'string', 'jsonb': 'string', 'timestamptz': 'timestamp_ntz', 'text[]': 'array<string>', 'integer[]': 'array<int>'}) -%}
    {%- endif -%}
    {{ return(types.get(documented | lower, documented | lower)) }}
{%- endmacro %}


{#-
    An expression that turns a column of a live type into its documented type, or NULL. So are days and
    instants that no event of this application can have: the clock's zero, infinity, the year 9999.
-#}
{% macro convert(expression, live_type, documented) -%}
    {%- set converted = adapter.dispatch('convert')(expression, live_type, documented | lower) -%}
    {{ return(plausible(converted) if documented | lower in ('timestamptz', 'date') else converted) }}
{%- endmacro %}


{#- The first 60 bits of a digest in hexadecimal digits, as a number. -#}
{% macro number_of(digest) -%}
    {%- if target.type == 'spark' -%}
    cast(conv(substr({{ digest }}, 1, 15), 16, 10) as bigint)
    {%- elif target.type == 'duckdb' -%}
    cast('0x' || substr({{ digest }}, 1, 15) as bigint)
    {%- else -%}
    cast(cast('x' || substr({{ digest }}, 1, 15) as bit(60)) as bigint)
    {%- endif -%}
{%- endmacro %}


{#- Microseconds since 1970 from seconds, milli- or microseconds, which in our years are of different lengths; else NULL. -#}
{% macro since_1970(counted) -%}
    case
        when {{ counted }} between 946684800 and 7258118399 then {{ counted }} * 1000000
        when {{ counted }} between 946684800000 and 7258118399999 then {{ counted }} * 1000
        when {{ counted }} between 946684800000000 and 7258118399999999 then {{ counted }}
    end
{%- endmacro %}


{#- The text of an amount as Postgres writes `money`, without its sign and commas: of $1,234.50 the number. -#}
{% macro plain_number(text_value) -%}
    replace(replace({{ text_value }}, '$', ''), ',', '')
{%- endmacro %}


{#- How many minor units a major one has in the currency that a column names; without one, 100. -#}
{% macro minor_factor(currency) -%}
    {%- if currency is none -%}
    100
    {%- else -%}
    case upper(trim({{ adapter.quote(currency) }}))
        {%- for code, digits in var('minor_digits').items() %}
        when '{{ code }}' then {{ 10 ** digits }}
        {%- endfor %}
        else 100
    end
    {%- endif -%}
{%- endmacro %}


{#- A day or an instant of this century and the next, else NULL; a month of each would be counted. -#}
{% macro plausible(moment) -%}
    case when {{ moment }} >= '2000-01-01' and {{ moment }} < '2200-01-01' then {{ moment }} end
{%- endmacro %}


{% macro duckdb__convert(expression, live_type, documented) -%}
    {%- set wanted = conformed_type(documented) -%}
    {%- if documented == 'timestamptz' and live_type == 'timestamp with time zone' -%}
        {#- What timezone('UTC', …) gives, a dozen times as fast. -#}
        make_timestamp(epoch_us({{ expression }}))
    {%- elif documented == 'timestamptz' and live_type not in ('timestamp', 'date') -%}
        {%- set counted = 'try_cast(cast(' ~ expression ~ ' as varchar) as double)' -%}
        coalesce(
            timezone('UTC', try_cast(cast({{ expression }} as varchar) as timestamptz)),
            make_timestamp(try_cast({{ since_1970(counted) }} as bigint))
        )
    {%- elif documented == 'id' and live_type not in ('bigint', 'integer', 'smallint') -%}
        {%- set text_value = 'cast(' ~ expression ~ ' as varchar)' -%}
        coalesce(try_cast({{ text_value }} as bigint), {{ number_of('md5(' ~ text_value ~ ')') }})
    {%- elif documented == 'major' -%}
        try_cast({{ plain_number('cast(' ~ expression ~ ' as varchar)') }} as {{ wanted }})
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


{#- The lake holds JSON as text, and instants as timestamps of Spark's, which a session in UTC reads as such. -#}
{% macro spark__convert(expression, live_type, documented) -%}
    {%- set wanted = conformed_type(documented) -%}
    {%- set text_value = 'cast(' ~ expression ~ ' as string)' -%}
    {%- if documented == 'timestamptz' and live_type in ('timestamp with time zone', 'timestamp', 'date') -%}
        cast({{ expression }} as timestamp_ntz)
    {%- elif documented == 'timestamptz' -%}
        {%- set counted = 'try_cast(' ~ text_value ~ ' as double)' -%}
        cast(coalesce(
            try_cast({{ text_value }} as timestamp_ltz), timestamp_micros(cast({{ since_1970(counted) }} as bigint))
        ) as timestamp_ntz)
    {%- elif documented == 'id' and live_type not in ('bigint', 'integer', 'smallint') -%}
        coalesce(try_cast({{ text_value }} as bigint), {{ number_of('md5(' ~ text_value ~ ')') }})
    {%- elif documented == 'major' -%}
        try_cast({{ plain_number(text_value) }} as {{ wanted }})
    {%- elif documented.endswith('[]') and not live_type.endswith('[]') -%}
        coalesce(from_json({{ text_value }}, '{{ wanted }}'), array(try_cast({{ text_value }} as {{ wanted[6:-1] }})))
    {%- elif live_type == documented or documented in ('text', 'jsonb') or (wanted == 'bigint' and live_type in ('integer', 'smallint')) -%}
        cast({{ expression }} as {{ wanted }})
    {%- else -%}
        try_cast({{ text_value }} as {{ wanted }})
    {%- endif -%}
{%- endmacro %}


{% macro postgres__convert(expression, live_type, documented) -%}
    {%- set wanted = conformed_type(documented) -%}
    {%- set text_value = 'cast(' ~ expression ~ ' as text)' -%}
    {%- if documented == 'timestamptz' and live_type == 'timestamp with time zone' -%}
        timezone('UTC', {{ expression }})
    {%- elif documented == 'timestamptz' and live_type in ('timestamp without time zone', 'date') -%}
        cast({{ expression }} as timestamp)
    {%- elif documented == 'timestamptz' -%}
        {%- set counted = safe_cast_text(text_value, 'double precision') -%}
        coalesce(
            timezone('UTC', {{ safe_cast_text(text_value, 'timestamptz') }}),
            timestamp '1970-01-01' + {{ since_1970('(' ~ counted ~ ')') }} * interval '1 microsecond'
        )
    {%- elif documented == 'id' and live_type not in ('bigint', 'integer', 'smallint') -%}
        coalesce({{ safe_cast_text(text_value, 'bigint') }}, {{ number_of('md5(' ~ text_value ~ ')') }})
    {%- elif documented == 'major' -%}
        {{ safe_cast_text(plain_number(text_value), 'numeric') }}
    {%- elif documented.endswith('[]') and live_type != 'array' -%}
        {#- A list kept as text: JSON, or the value itself as the only element. -#}
        case
            when jsonb_typeof({{ safe_cast_text(text_value, 'jsonb') }}) = 'array'
                then (select array_agg(element) from jsonb_array_elements_text({{ safe_cast_text(text_value, 'jsonb') }}) as elements (element))
            when {{ text_value }} is not null then array[{{ text_value }}]
        end
    {%- elif documented == 'text' or live_type == wanted or (wanted == 'bigint' and live_type in ('integer', 'smallint')) or (wanted == 'jsonb' and live_type == 'json') or documented.endswith('[]') -%}
        cast({{ expression }} as {{ wanted }})
    {%- elif wanted == 'bigint' and live_type in ('numeric', 'double precision', 'real') -%}
        case when {{ expression }} between -9e18 and 9e18 then cast({{ expression }} as bigint) end
    {%- else -%}
        {{ safe_cast_text(text_value, wanted) }}
    {%- endif -%}
{%- endmacro %}


{#- Text as a type, or NULL; before PostgreSQL 16, which can ask first, as far as a pattern can tell. -#}
{% macro safe_cast_text(text_value, wanted) -%}
    {%- if run_query('show server_version_num').columns[0].values()[0] | int >= 160000 -%}
        case when pg_input_is_valid({{ text_value }}, '{{ wanted }}') then cast({{ text_value }} as {{ wanted }}) end
    {%- else -%}
        {%- set day = '\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|[12]\\d))' -%}
        {%- set patterns = {
            'bigint': '^\\s*[+-]?\\d{1,18}\\s*$',
            'numeric': '^\\s*[+-]?\\d{1,15}(\\.\\d{1,10})?\\s*$',
            'double precision': '^\\s*[+-]?\\d{1,18}(\\.\\d{1,10})?\\s*$',
            'boolean': '^\\s*(t|true|f|false|1|0|y|yes|n|no|on|off)\\s*$',
            'jsonb': '^\\s*(\\[.*\\]|\\{.*\\})\\s*$',
            'date': '^' ~ day ~ '$',
            'timestamptz': '^' ~ day ~ '([ T]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d+)?)?(Z|[+-]\\d{2}(:?\\d{2})?)?)?$',
        } -%}
        case when {{ text_value }} ~* '{{ patterns[wanted] }}' then cast({{ text_value }} as {{ wanted }}) end
    {%- endif -%}
{%- endmacro %}


{#- Whether no value of a live type can be lost on its way into the documented one. -#}
{% macro keeps_every_value(live_type, documented) -%}
    {%- set same = {
        'text': ['text'],
        'integer': ['integer', 'bigint', 'smallint'],
        'serial': ['integer', 'bigint', 'smallint'],
        'id': [live_type],
        'boolean': ['boolean'],
        'jsonb': ['jsonb', 'json'],
        'text[]': ['array', 'text[]'],
        'integer[]': ['array', 'integer[]', 'bigint[]'],
    } -%}
    {{ return(live_type in same.get(documented | lower, [])) }}
{%- endmacro %}
