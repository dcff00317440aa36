"""How often past bands held, by hand."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from scipy import optimize, stats

from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from tests.support.warehouses import write_warehouse

_PAST = """
create or replace table forecast.projection_backtest as
-- 17 projections one month ahead, of which one did not hold, and one that prices broke.
select
    'usd' as currency, 'total' as scope, 1 as months_ahead, 100 as predicted_mid_cents,
    100 as actual_cents, 100 as last_value_cents, 100 as constant_churn_cents,
    k = 17 as is_repriced, k not in (3, 17) as is_inside
from range(18) as t (k)
union all
-- 15 of them three months ahead, each of which shares months with four others.
select 'usd', 'total', 3, 100, 100, 100, 100, false, k > 3 from range(15) as t (k)
"""


def test_overlapping_projections_of_one_model_are_worth_few(tmp_path: Path) -> None:
    path = write_warehouse(tmp_path / "w.duckdb", [], datetime(2026, 10, 8, tzinfo=UTC))
    with duckdb.connect(str(path)) as connection:
        connection.execute(_PAST)
    query = find_query("forecast/projection_accuracy", load_library())
    with OpenWarehouse(path) as opened:
        one, three = run_query(opened, query, {}).frame.rows(named=True)
    # 17 that do not overlap, correlated by 0.2: 17 / (1 + 0.2 * 16).
    assert (one["n"], one["independent_count"]) == (17, pytest.approx(17 / 4.2))
    # 17 months hold 5 2/3 spans of three: (17 / 3) / (1 + 0.2 * 14 / 3).
    assert (three["n"], three["independent_count"]) == (15, pytest.approx(85 / 29))
    for row, share in ((one, 16 / 17), (three, 11 / 15)):
        assert row["coverage_rate"] == pytest.approx(share)
        low, high = _solve(share, row["independent_count"])
        assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))


def _solve(share: float, n: float) -> tuple[float, float]:
    """Where a share is 1.96 standard errors from the truth, by the roots of that equation."""
    z = stats.norm.ppf(0.975)

    def far(truth: float) -> float:
        return float((share - truth) ** 2 - z**2 * truth * (1 - truth) / n)

    return (
        float(optimize.brentq(far, 1e-9, share)),
        float(optimize.brentq(far, share, 1 - 1e-9)),
    )
