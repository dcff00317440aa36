{#-
    The users who count, with as_of beside each. What they did up to as_of is joined on both, so that DuckDB builds its
    hash table on these few rows: behind a filter against core_build it expects next to none of the larger table.
-#}
{% macro counted_users() -%}
    select
        accounts.user_id,
        build.as_of
    from {{ ref('int_accounts') }} as accounts
    cross join {{ ref('core_build') }} as build
    where accounts.exclusion is null
{%- endmacro %}
