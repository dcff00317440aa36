-- One row per span of paid coverage that is empty or begins before the one before it in its subscription ends.
with spans as (

    select
        coverage.*,
        max(covered_until_at) over (
            partition by subscription_key order by covered_from_at nulls last, payment_key nulls last
            rows between unbounded preceding and 1 preceding
        ) as covered_before_until_at
    from {{ ref('int_coverage') }} as coverage

)

select *
from spans
where covered_from_at >= covered_until_at or covered_from_at < covered_before_until_at
