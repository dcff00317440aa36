-- One row per product and list price, with the days on which that price was in force.
{{ config(materialized='view') }}
select * from {{ ref('core_products') }}
