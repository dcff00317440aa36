"""The tables of schema ``forecast`` for the made-up business, by simple rules."""

import duckdb


def write_forecasts(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tables that the forecast page reads; ``forecast.churn_risk`` is there already.

    USD has numbers everywhere, GBP is refused everywhere.
    """
    connection.execute(_TABLES)


_TABLES = """
insert into forecast.mrr_projection by name
select
    (date '2026-10-01' + k * interval 1 month)::date as month, 'usd' as currency,
    k as months_ahead, date '2026-10-01' as origin_month, 138 as n,
    800000 as origin_mrr_cents,
    800000 - 40000 * k as existing_low_cents, 800000 - 30000 * k as existing_mid_cents,
    800000 - 20000 * k as existing_high_cents, 800000 - 5000 * k as total_low_cents,
    800000 + 5000 * k as total_p25_cents, 800000 + 15000 * k as total_mid_cents,
    800000 + 25000 * k as total_p75_cents, 800000 + 40000 * k as total_high_cents,
    'sBG' as model, '' as note
from range(1, 13) as t (k)
union all
select
    (date '2026-10-01' + k * interval 1 month)::date, 'gbp', k, date '2026-10-01', 7, 34300,
    null, null, null, null, null, null, null, null, null, 'too few: n = 7, needs 20'
from range(1, 13) as t (k);

insert into forecast.projection_backtest by name
select
    (date '2025-12-01' + o * interval 1 month)::date as origin_month,
    (origin_month + k * interval 1 month)::date as month, 'usd' as currency, scope,
    k as months_ahead, 40 + 5 * o as n, 90000 + 1000 * k as predicted_low_cents,
    100000 + 1000 * k as predicted_mid_cents, 110000 + 1000 * k as predicted_high_cents,
    100000 + 1000 * k + 1000 * (o - k) as actual_cents, 100000 as last_value_cents,
    100000 - 2000 * k as constant_churn_cents, false as is_repriced,
    actual_cents between predicted_low_cents and predicted_high_cents as is_inside
from range(10) as t (o), range(1, 10) as u (k), (values ('total'), ('existing')) as v (scope)
where o + k <= 10;

insert into forecast.survival_by_cohort by name
select
    cohort, k as tenure_months, n - n // 10 as person_count, n,
    case when k <= last then n - 4 * k end as at_risk_count,
    case when k between 1 and last then 4 end as lost_count,
    case when k <= last then 0.85 ** k end as survival_rate,
    case when k <= last then 0.8 ** k end as low, case when k <= last then 0.9 ** k end as high,
    'sBG' as model, 0.86 ** k as model_survival_rate, 0.82 ** k as model_low,
    0.89 ** k as model_high, '' as note
from (values ('all', 200, 12), ('2026-03', 13, 6)) as t (cohort, n, last),
    range(19) as u (k)
where k <= last or cohort = 'all';

insert into forecast.survival_models by name
select * from (values
    ('all', 180, 200, 62, 0.081, 'sBG', 0.9, 0.6, 1.5, 7.1, 4.2, 13.8, null::double, null::double,
        null::double, null::double, null::double, null::double, null::double, null::double, ''),
    ('pro', 110, 120, 40, 0.083, 'sBG', 0.8, 0.4, 2.1, 6.5, 2.9, 20.3, null, null, null, null, null,
        null, null, 0.412, ''),
    ('starter', 12, 12, 3, 0.07, null, null, null, null, null, null, null, null, null, null, null,
        null, null, null, null, 'too few: n = 12, needs 50')
) as t (scope, person_count, n, lost_count, monthly_churn_rate, model, alpha, alpha_low,
    alpha_high, beta, beta_low, beta_high, shape, shape_low, shape_high, first_renewal_rate,
    first_renewal_low, first_renewal_high, cohort_trend_rate, log_rank_p, note);

insert into forecast.value_backtest by name
select
    (date '2025-12-01' + k * interval 1 month)::date as cohort_period,
    10 - k as months_ahead, 12 + k as n, 9.0 - 0.7 * k as predicted_months,
    7.0 - 0.6 * k as predicted_low, 10.0 - 0.7 * k as predicted_high, 8.5 - 0.7 * k as paid_months,
    true as is_inside
from range(9) as t (k);

insert into forecast.ltv_by_product by name
select * from (values
    ('all', 'usd', 180, 200, 62, 138, 5797, 5610, 5990,
        0.081, 16.2, 13.1, 20.9, 93911, 75200, 121800, 12.35, 71568,
        0.01, 'sBG', ''),
    ('pro', 'usd', 110, 120, 40, 90, 6200, 6000, 6400, 0.083, 15.4, 11.2, 23.7, 95480, 69000,
        147200, 12.05, 74699, 0.01, 'sBG', ''),
    ('starter', 'usd', 12, 12, 3, 48, 4900, 4900, 4900, 0.07, 16.2, 13.1, 20.9, 79380, 64190,
        102410, 14.29, 70000, 0.01, 'sBG', 'survival of all products: too few: n = 12, needs 50'),
    ('all', 'gbp', 180, 200, 62, 7, null, null, null, null, null, null, null, null, null, null,
        null, null, 0.01, null, 'too few: n = 7, needs 20')
) as t (product_type, currency, person_count, n, lost_count, member_count, arpa_cents,
    arpa_low_cents, arpa_high_cents, monthly_churn_rate, expected_months, months_low, months_high,
    expected_value_cents, value_low_cents, value_high_cents, naive_months, naive_value_cents,
    discount_rate, model, note);

insert into forecast.ltv_by_cohort by name
select
    month as cohort_period, 'usd' as currency, (2 + i)::bigint as n,
    ((2 + i) * (30 + 2 * i) // 70)::bigint as member_count, 4900 as arpa_cents,
    (90000 - 4000 * i)::bigint as collected_cents, 4.0 + i / 4 as expected_months,
    1.0 + i / 8 as months_low, 9.0 + i / 4 as months_high,
    (20000 + 1500 * i)::bigint as expected_value_cents, (6000 + 700 * i)::bigint as value_low_cents,
    (41000 + 2000 * i)::bigint as value_high_cents,
    collected_cents + expected_value_cents as lifetime_value_cents,
    collected_cents + value_low_cents as lifetime_low_cents,
    collected_cents + value_high_cents as lifetime_high_cents, 60494 as naive_value_cents,
    0.01 as discount_rate, 'sBG' as model, '' as note
from (
    select month, row_number() over (order by month) as i from marts.dim_months where is_complete
);

insert into forecast.ltv_by_member by name
select
    customer_key, user_id, 'usd' as currency, 'pro' as product_type, tenure_months,
    4900 as mrr_cents, 4900 * (tenure_months + 1) as collected_cents,
    14.0 + tenure_months as expected_months, 0.0 as months_low, 70.0 as months_high,
    4900 * (14 + tenure_months) as expected_value_cents, 0 as value_low_cents,
    343000 as value_high_cents, 60494 as naive_value_cents, 0.01 as discount_rate,
    200 as n, 'sBG' as model, '' as note
from forecast.churn_risk;

insert into forecast.churn_drivers by name
select * from (values
    ('tenure', 'Renewals made (logarithm)', 0.62, 0.55, 0.7, true, 1200, 150, 98, ''),
    ('recency', 'Days since the last activity, up to 90 (logarithm)', 1.41, 1.2, 1.66, true, 1200,
        150, 98, ''),
    ('usage_trend', 'Active days in the last 30 against the 30 before (logarithm of the ratio)',
        0.97, 0.85, 1.11, false, 1200, 150, 98, '')
) as t (feature, meaning, odds_ratio, low, high, is_clear, n, person_count, lost_count, note);

insert into forecast.churn_risk_backtest by name
select
    (date '2026-05-01' + k * interval 1 month)::date as month, 90 + 8 * k as n, 7 + k as lost_count,
    7.5 + k as predicted_count, (7 + k) / (90 + 8 * k) as lost_rate,
    (7.5 + k) / (90 + 8 * k) as predicted_rate, 0.07 + k / 1000 as brier,
    0.072 + k / 1000 as tenure_brier, 1 - brier / tenure_brier as skill_rate,
    0.2 + k / 100 as top_tenth_share, 0.15 as tenure_top_tenth_share, '' as note
from range(6) as t (k);

insert into forecast.calibration by name
select
    k as bin, 120 as n, 60 + k as person_count, 0.02 * k as predicted_rate, 3 * k - 1 as lost_count,
    (3 * k - 1) / 120 as lost_rate, lost_rate * 0.5 as low, lost_rate * 1.8 as high, '' as note
from range(1, 11) as t (k);
"""
