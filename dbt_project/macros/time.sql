{#- All instants are timestamps in UTC; only these macros know the reporting zone. -#}

{#- The day, in the reporting zone, of an instant. -#}
{% macro local_date(instant) -%}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ instant }} as date)
    {%- else -%}
        cast(timezone('{{ var('timezone') }}', timezone('UTC', {{ instant }})) as date)
    {%- endif -%}
{%- endmacro %}


{#- The first day of the month, in the reporting zone, of an instant. -#}
{% macro local_month(instant) -%}
    cast(date_trunc('month', {{ local_date(instant) }}) as date)
{%- endmacro %}


{#- How many days after Monday a week begins. -#}
{% macro week_offset() -%}
    {{- ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].index(var('week_start')) -}}
{%- endmacro %}


{#- The first day of the year 1 on which a week begins; its January 1st is a Monday. -#}
{% macro first_week() -%}
    cast('0001-01-0{{ week_offset() | int + 1 }}' as date)
{%- endmacro %}


{#- The first day of the period (day, week, month) of a day. -#}
{% macro period_start(day, grain) -%}
    {%- if grain == 'week' and week_offset() | int > 0 -%}
        cast(date_trunc('week', {{ day }} - {{ week_offset() }}) as date) + {{ week_offset() }}
    {%- else -%}
        cast(date_trunc('{{ grain }}', {{ day }}) as date)
    {%- endif -%}
{%- endmacro %}


{#- The instant at which a day begins in the reporting zone. -#}
{% macro day_start(day) -%}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ day }} as timestamp)
    {%- else -%}
        timezone('UTC', timezone('{{ var('timezone') }}', cast({{ day }} as timestamp)))
    {%- endif -%}
{%- endmacro %}


{#- A date some periods (day, week, month) later; the count may be an expression. -#}
{% macro add_periods(day, count, grain) -%}
    cast({{ day }} + ({{ count }}) * interval '1 {{ grain }}' as date)
{%- endmacro %}


{#- Whole months from one month to another. -#}
{% macro months_between(earlier, later) -%}
    cast((extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12 + extract(month from {{ later }}) - extract(month from {{ earlier }}) as integer)
{%- endmacro %}


{#- A row a number, from 0 up to a scalar expression. -#}
{% macro numbers_up_to(limit) -%}
    select cast(n as integer) as n from generate_series(0, {{ limit }}) as series (n)
{%- endmacro %}


{#- Cents, from an exact division, half away from zero; the same on every engine. -#}
{% macro divide_cents(amount, divisor) -%}
    cast(round(cast({{ amount }} as numeric(20, 4)) / {{ divisor }}) as bigint)
{%- endmacro %}


{#- A ratio as a double, NULL where the divisor is 0. -#}
{% macro ratio(dividend, divisor) -%}
    cast({{ dividend }} as double precision) / nullif(cast({{ divisor }} as double precision), 0)
{%- endmacro %}
