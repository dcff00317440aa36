{#-
    What the environment tells of this build. Only when it runs: dbt would parse a model again
    whenever a variable that it read while parsing has changed.
-#}
{% macro of_this_build(name, default='') -%}
    {{ env_var('SSELFIE_DBT_' ~ name, default) if execute else default }}
{%- endmacro %}
