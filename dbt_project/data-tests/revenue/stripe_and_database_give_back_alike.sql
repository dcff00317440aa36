-- Money given back that is reported and not counted, or that only the database tells of days that an export covers.
select * from {{ ref('stripe_findings') }}
