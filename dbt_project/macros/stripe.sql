{#- A column of the latest file that has it: of the rows that are one, by `file_number` and `line`. -#}
{% macro of_latest_file(column) -%}
    {{ return(adapter.dispatch('of_latest_file')(column)) }}
{%- endmacro %}


{% macro default__of_latest_file(column) -%}
    (array_agg({{ column }} order by file_number desc, line desc) filter (where {{ column }} is not null))[1]
{%- endmacro %}


{% macro spark__of_latest_file(column) -%}
    max_by({{ column }}, struct(file_number, line)) filter (where {{ column }} is not null)
{%- endmacro %}


{#- An instant in UTC: one that names its zone, else a time in the zone of Stripe's exports. -#}
{% macro stripe_instant(instant, local_time) -%}
    coalesce({{ instant }}, {{ in_zone(var('stripe_timezone') or var('timezone'), 'UTC', local_time) }})
{%- endmacro %}


{#- The kind of a Stripe id that both the database and the exports hold; NULL of any other. -#}
{% macro stripe_id_kind(id) -%}
    case
        when {{ id }} like 'pi!_%' escape '!' then 'pi'
        when {{ id }} like 'ch!_%' escape '!' or {{ id }} like 'py!_%' escape '!' then 'ch'
        when {{ id }} like 'in!_%' escape '!' then 'in'
    end
{%- endmacro %}


{#- Whether an id is Stripe's of a refund or dispute. -#}
{% macro is_reversal_id(id) -%}
    ({{ id }} like 're!_%' escape '!' or {{ id }} like 'pyr!_%' escape '!' or {{ id }} like 'du!_%' escape '!' or {{ id }} like 'dp!_%' escape '!')
{%- endmacro %}


{#-
    Pairs of what `candidates` compares, each side at most once: those that are each other's best, then, of those
    left, again. Common table expressions, the last of which is `name`, with the columns `one` and `other`.
-#}
{% macro pair_off(name, candidates, one, other, best_first, rounds=4) -%}
{%- set best = best_first | replace(',', ' nulls last,') ~ ' nulls last' %}
{%- for round in range(1, rounds + 1) %}
{%- set left = candidates if loop.first else name ~ '_left_' ~ (round - 1) %}
{{ name }}_ranked_{{ round }} as (

    select
        {{ left }}.*,
        row_number() over (partition by {{ one }} order by {{ best }}, {{ other }} nulls last) as choice_of_one,
        row_number() over (partition by {{ other }} order by {{ best }}, {{ one }} nulls last) as choice_of_other
    from {{ left }}

),

{{ name }}_pairs_{{ round }} as {{ kept() }} (

    select
        {{ one }} as one,
        {{ other }} as other
    from {{ name }}_ranked_{{ round }}
    where choice_of_one = 1 and choice_of_other = 1

),
{% if not loop.last %}
{{ name }}_left_{{ round }} as {{ kept() }} (

    select {{ left }}.*
    from {{ left }}
    left join {{ name }}_pairs_{{ round }} as taken on {{ left }}.{{ one }} = taken.one
    left join {{ name }}_pairs_{{ round }} as filled on {{ left }}.{{ other }} = filled.other
    where taken.one is null and filled.other is null

),
{% endif %}
{%- endfor %}
{{ name }} as (
    {% for round in range(1, rounds + 1) %}
    select * from {{ name }}_pairs_{{ round }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)
{%- endmacro %}
