{#- All instants are timestamps in UTC; only these macros know the reporting zone. -#}

{#- The day, in the reporting zone, of an instant. -#}
{% macro local_date(instant) -%}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ instant }} as date)
    {%- else -%}
        cast({{ in_zone('UTC', var('timezone'), instant) }} as date)
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
        {{ in_zone(var('timezone'), 'UTC', 'cast(' ~ day ~ ' as timestamp)') }}
    {%- endif -%}
{%- endmacro %}


{#- A date some periods (day, week, month) later; the count may be an expression. -#}
{% macro add_periods(day, count, grain) -%}
    {{ return(adapter.dispatch('add_periods')(day, count, grain)) }}
{%- endmacro %}


{% macro default__add_periods(day, count, grain) -%}
    cast({{ day }} + ({{ count }}) * interval '1 {{ grain }}' as date)
{%- endmacro %}


{% macro spark__add_periods(day, count, grain) -%}
    {%- if grain == 'month' -%}
        add_months({{ day }}, cast({{ count }} as int))
    {%- else -%}
        date_add({{ day }}, cast({{ count }} as int) * {{ 7 if grain == 'week' else 1 }})
    {%- endif -%}
{%- endmacro %}


{#- The clock of one zone, read at the moment at which another zone's shows `local_time`. -#}
{% macro in_zone(of, zone, local_time) -%}
    {{ return(adapter.dispatch('in_zone')(of, zone, local_time)) }}
{%- endmacro %}


{% macro default__in_zone(of, zone, local_time) -%}
    timezone('{{ zone }}', timezone('{{ of }}', {{ local_time }}))
{%- endmacro %}


{% macro spark__in_zone(of, zone, local_time) -%}
    convert_timezone('{{ of }}', '{{ zone }}', {{ local_time }})
{%- endmacro %}


{#- Whole days from one day to another. -#}
{% macro days_between(earlier, later_one) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later_one)) }}
{%- endmacro %}


{% macro default__days_between(earlier, later_one) -%}
    {{ later_one }} - {{ earlier }}
{%- endmacro %}


{% macro spark__days_between(earlier, later_one) -%}
    datediff({{ later_one }}, {{ earlier }})
{%- endmacro %}


{#- An instant some hours later; the count may be an expression. -#}
{% macro hours_later(instant, hours) -%}
    {{ return(adapter.dispatch('hours_later')(instant, hours)) }}
{%- endmacro %}


{% macro default__hours_later(instant, hours) -%}
    {{ instant }} + {{ hours }} * interval '1 hour'
{%- endmacro %}


{% macro spark__hours_later(instant, hours) -%}
    {{ instant }} + make_dt_interval(0, cast({{ hours }} as int))
{%- endmacro %}


{#- Seconds, with their fraction, from one instant to another. -#}
{% macro seconds_between(earlier, later_one) -%}
    {{ return(adapter.dispatch('seconds_between')(earlier, later_one)) }}
{%- endmacro %}


{% macro default__seconds_between(earlier, later_one) -%}
    extract(epoch from ({{ later_one }} - {{ earlier }}))
{%- endmacro %}


{% macro spark__seconds_between(earlier, later_one) -%}
    ({{ microseconds_between(earlier, later_one) }} / 1000000)
{%- endmacro %}


{#- Whole months from one month to another. -#}
{% macro months_between(earlier, later) -%}
    cast((extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12 + extract(month from {{ later }}) - extract(month from {{ earlier }}) as integer)
{%- endmacro %}


{#- A row a number, from 0 up to a scalar expression. -#}
{% macro numbers_up_to(limit) -%}
    {{ return(adapter.dispatch('numbers_up_to')(limit)) }}
{%- endmacro %}


{% macro default__numbers_up_to(limit) -%}
    select cast(n as integer) as n from generate_series(0, {{ limit }}) as series (n)
{%- endmacro %}


{% macro spark__numbers_up_to(limit) -%}
    select explode(sequence(0, cast({{ limit }} as int))) as n
{%- endmacro %}


{#- Cents, from an exact division, half away from zero; the same on every engine. -#}
{% macro divide_cents(amount, divisor) -%}
    cast(round(cast({{ amount }} as numeric(20, 4)) / {{ divisor }}) as bigint)
{%- endmacro %}


{#- A ratio as a double, NULL where the divisor is 0. -#}
{% macro ratio(dividend, divisor) -%}
    cast({{ dividend }} as {{ double_type() }}) / nullif(cast({{ divisor }} as {{ double_type() }}), 0)
{%- endmacro %}
