{#- The owner's price list, in the order of its lines, which the setting of this build holds; else the packaged one. -#}
{% macro price_list() -%}
    {%- set packaged = ref('products') -%}
    {%- set columns = ['product_type', 'is_recurring', 'interval_months', 'price_cents', 'currency', 'credits', 'valid_from', 'valid_until'] -%}
    {%- if var('price_list') -%}
    {%- for price in var('price_list') %}
    select
        {%- for column in columns %}
        {{ text_literal(price[column]) if price[column] is not none else 'null' }} as {{ column }},
        {%- endfor %}
        {{ loop.index }} as list_position
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- else -%}
    select
        {{ columns | join(',\n        ') }},
        row_number() over (order by product_type nulls last, valid_from nulls last, price_cents nulls last) as list_position
    from {{ packaged }}
    {%- endif -%}
{%- endmacro %}
