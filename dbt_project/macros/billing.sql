{#-
    The rhythms of billing: the step from one period to the next, in months or in days; about how many days that
    is, to compare them (28 and 30 days are a month here); and what an amount is a month, as a fraction.
-#}
{% macro rhythms() -%}
    select *
    from (
        values
        ('7 days', 0, 7, 7, 52, 12),
        ('14 days', 0, 14, 14, 26, 12),
        ('28 days', 0, 28, 30, 13, 12),
        ('30 days', 0, 30, 30, 365, 360),
        ('1 month', 1, 0, 30, 1, 1),
        ('2 months', 2, 0, 61, 1, 2),
        ('3 months', 3, 0, 91, 1, 3),
        ('6 months', 6, 0, 183, 1, 6),
        ('12 months', 12, 0, 365, 1, 12),
        ('24 months', 24, 0, 731, 1, 24),
        ('36 months', 36, 0, 1096, 1, 36)
    ) as known_rhythms (rhythm, step_months, step_days, cycle_days, monthly_numerator, monthly_denominator)
{%- endmacro %}


{#- An instant some months and days later; of a month without the day, its last day. -#}
{% macro later(instant, months, days) -%}
    {{ return(adapter.dispatch('later')(instant, months, days)) }}
{%- endmacro %}


{% macro default__later(instant, months, days) -%}
    {{ instant }} + {{ months }} * interval '1 month' + {{ days }} * interval '1 day'
{%- endmacro %}


{% macro spark__later(instant, months, days) -%}
    {{ instant }} + make_ym_interval(0, cast({{ months }} as int)) + make_dt_interval(cast({{ days }} as int))
{%- endmacro %}


{#- Whether an instant lies within three days, rounded, of another. -#}
{% macro is_near(instant, other) -%}
    ({{ instant }} >= {{ other }} - interval '84 hours' and {{ instant }} < {{ other }} + interval '84 hours')
{%- endmacro %}


{#- The rhythm that the distance of two instants is, to three days, rounded; NULL where it is none. -#}
{% macro rhythm_between(earlier, later_one) -%}
    case
        when {{ is_near(later_one, later(earlier, 0, 7)) }} then '7 days'
        when {{ is_near(later_one, later(earlier, 0, 14)) }} then '14 days'
        {%- for months in [1, 2, 3, 6, 12, 24, 36] %}
        when {{ is_near(later_one, later(earlier, months, 0)) }} then '{{ months }} month{{ 's' if months > 1 }}'
        {%- endfor %}
    end
{%- endmacro %}


{#- Days from one instant to another, rounded. -#}
{% macro whole_days(earlier, later_one) -%}
    floor(({{ seconds_between(earlier, later_one) }} + 43200) / 86400)
{%- endmacro %}


{#- Microseconds from one instant to another, exactly. -#}
{% macro microseconds_between(earlier, later_one) -%}
    {{ return(adapter.dispatch('microseconds_between')(earlier, later_one)) }}
{%- endmacro %}


{% macro default__microseconds_between(earlier, later_one) -%}
    cast(round({{ seconds_between(earlier, later_one) }} * 1000000) as bigint)
{%- endmacro %}


{% macro spark__microseconds_between(earlier, later_one) -%}
    (unix_micros(cast({{ later_one }} as timestamp_ltz)) - unix_micros(cast({{ earlier }} as timestamp_ltz)))
{%- endmacro %}


{#- An integer that products of money and time fit into. -#}
{% macro exact(expression) -%}
    cast({{ expression }} as {{ {'duckdb': 'hugeint', 'spark': 'decimal(38, 0)'}.get(target.type, 'numeric') }})
{%- endmacro %}


{#- A quotient of exact integers above 0, rounded half up. -#}
{% macro round_half_up(numerator, denominator) -%}
    {{ return(adapter.dispatch('round_half_up')(numerator, denominator)) }}
{%- endmacro %}


{% macro duckdb__round_half_up(numerator, denominator) -%}
    cast((2 * ({{ numerator }}) + ({{ denominator }})) // (2 * ({{ denominator }})) as bigint)
{%- endmacro %}


{% macro postgres__round_half_up(numerator, denominator) -%}
    cast(div(2 * cast({{ numerator }} as numeric) + ({{ denominator }}), 2 * ({{ denominator }})) as bigint)
{%- endmacro %}


{% macro spark__round_half_up(numerator, denominator) -%}
    cast((2 * ({{ numerator }}) + ({{ denominator }})) div (2 * ({{ denominator }})) as bigint)
{%- endmacro %}


{#-
    A query with a row per month and currency of `months` and `changes` (int_mrr_changes): how contract MRR, or
    with the prefix billed_ billed MRR, went from the month's opening to its close.
-#}
{% macro movements_by_month(prefix='') -%}
    {%- set movement, change, held = prefix ~ 'movement', prefix ~ 'change_cents', prefix ~ 'mrr_cents' -%}
    select
        spine.month,
        spine.currency,
        cast(sum(coalesce(moved.change_cents, 0)) over so_far - coalesce(moved.change_cents, 0) as bigint) as opening_mrr_cents,
        {%- for kind in ['new', 'reactivation', 'expansion', 'contraction', 'churn', 'in_grace'] %}
        cast(coalesce(moved.{{ kind }}_mrr_cents, 0) as bigint) as {{ kind }}_mrr_cents,
        {%- endfor %}
        cast(sum(coalesce(moved.change_cents, 0)) over so_far as bigint) as closing_mrr_cents,
        cast(sum(coalesce(moved.member_change, 0)) over so_far as bigint) as member_count,
        spine.is_complete
    from (
        select
            months.month,
            months.is_complete,
            currencies.currency
        from months
        cross join (select distinct currency from changes) as currencies
        where months.month >= (select min(month) from changes)
    ) as spine
    left join (
        select
            month,
            currency,
            {%- for kind, sign in [('new', ''), ('reactivation', ''), ('expansion', ''), ('contraction', '-'), ('churn', '-')] %}
            {{ sign }}sum(case when {{ movement }} = '{{ kind }}' then {{ change }} else 0 end) as {{ kind }}_mrr_cents,
            {%- endfor %}
            -sum(case when is_in_grace then {{ change }} else 0 end) as in_grace_mrr_cents,
            sum({{ change }}) as change_cents,
            sum(case when {{ held }} > 0 then 1 else 0 end)
            - sum(case when {{ held }} - {{ change }} > 0 then 1 else 0 end) as member_change
        from changes
        group by month, currency
    ) as moved
        on spine.month = moved.month and spine.currency = moved.currency
    window so_far as (partition by spine.currency order by spine.month nulls last)
{%- endmacro %}
