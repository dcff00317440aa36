-- One row per cohort cell that retains more than were at risk, whose interval misses its rate, or that tells of the future.
select cohorts.*
from {{ ref('subscriber_cohorts') }} as cohorts
cross join {{ ref('core_build') }} as build
where
    cohorts.retained_count > cohorts.at_risk_count
    or cohorts.at_risk_count <> cohorts.cohort_size
    or (cohorts.retention_rate is null) <> (cohorts.low is null)
    or (cohorts.retention_rate is null) <> (cohorts.high is null)
    or cohorts.retention_rate not between cohorts.low - 1e-9 and cohorts.high + 1e-9
    or ({{ add_periods('cohorts.cohort_period', 'cohorts.period_index', 'month') }} > build.as_of_month)
    <> (cohorts.at_risk_count is null)
    or (cohorts.at_risk_count is null) <> (cohorts.retained_count is null)
    or cohorts.is_complete
    <> ({{ add_periods('cohorts.cohort_period', 'cohorts.period_index + 1', 'month') }} <= build.complete_until_on)
