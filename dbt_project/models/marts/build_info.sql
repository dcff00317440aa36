-- One row: what this build speaks for.
{{ config(materialized='view') }}
select * from {{ ref('core_build') }}
