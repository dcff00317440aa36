{#- What a stored payment row tells of: a refund, money received, or nothing settled. -#}
{% macro payment_role(payment_type, status) -%}
    case
        when {{ payment_type }} = 'refund' then 'refund'
        when {{ status }} in ('succeeded', 'paid', 'refunded') then 'received'
        when {{ status }} like '%\_resolution' escape '\' then 'received'
        else 'unsettled'
    end
{%- endmacro %}
