{#-
    A bound of the 95 % Wilson score interval of a proportion (Wilson 1927, eq. for p̂ ± z); side is
    -1 for the lower and 1 for the upper. NULL where nobody was at risk.
-#}
{% macro wilson(successes, trials, side) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set z2 = z * z -%}
    {%- set p = '(cast(' ~ successes ~ ' as ' ~ double_type() ~ ') / nullif(' ~ trials ~ ', 0))' -%}
    {%- set n = 'nullif(cast(' ~ trials ~ ' as ' ~ double_type() ~ '), 0)' -%}
    -- greatest and least skip NULLs, which would make an unknown bound a 0.
    case when {{ trials }} > 0 then least(cast(1 as {{ double_type() }}), greatest(cast(0 as {{ double_type() }}),
        ({{ p }} + {{ z2 }} / (2 * {{ n }}) + ({{ side }}) * {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z2 }} / (4 * {{ n }} * {{ n }})))
        / (1 + {{ z2 }} / {{ n }})
    )) end
{%- endmacro %}
