{#- How a stored row gives money back, counted or not: `chargeback`, `refund`, or NULL for a payment. -#}
{% macro reversal_kind(payment_type, status, amount_cents) -%}
    case
        when {{ payment_type }} in ('dispute', 'chargeback') or ({{ amount_cents }} < 0 and {{ status }} = 'disputed') then 'chargeback'
        when {{ payment_type }} = 'refund' or {{ amount_cents }} < 0 then 'refund'
    end
{%- endmacro %}


{#- What a stored payment row counts as: money given back, money received, or nothing settled. -#}
{% macro payment_role(reversal_kind, status) -%}
    case
        when {{ reversal_kind }} is not null and {{ status }} in ('failed', 'canceled', 'cancelled', 'pending', 'requires_action')
            then 'unsettled'
        when {{ reversal_kind }} is not null and {{ status }} like 'warning!_%' escape '!' then 'unsettled'
        when {{ reversal_kind }} = 'chargeback' and {{ status }} = 'won' then 'unsettled'
        when {{ reversal_kind }} is not null then {{ reversal_kind }}
        when {{ status }} in ('succeeded', 'paid', 'refunded', 'partially_refunded', 'disputed') then 'received'
        when {{ status }} like '%!_resolution' escape '!' then 'received'
        else 'unsettled'
    end
{%- endmacro %}
