{#- Snapshots speak of the sync's instant, not of the moment at which dbt runs. -#}
{% macro duckdb__snapshot_get_time() -%}
    cast('{{ env_var('SSELFIE_DBT_SYNCED_AT', '1970-01-01') }}' as timestamp)
{%- endmacro %}


{% macro postgres__snapshot_get_time() -%}
    cast('{{ env_var('SSELFIE_DBT_SYNCED_AT', '1970-01-01') }}' as timestamp)
{%- endmacro %}
