"""Stripe's exports of a simulated business, against the answer key that knows all of them."""

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from sselfie_insights.build import build
from sselfie_insights.cli import app
from sselfie_insights.migrate import apply
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from sselfie_insights.settings import load_settings
from sselfie_insights.simulate import simulate
from sselfie_insights.sync import sync
from tests.conftest import temporary_database
from tests.support.answers import list_differences
from tests.support.models import AS_OF

KINDS = {"matched", "only_database", "only_stripe", "amount_differs", "month_differs", "duplicate"}
SEEDS = (
    pytest.param(11, "UTC", marks=pytest.mark.slow),
    pytest.param(12, "America/Los_Angeles", marks=pytest.mark.slow),
    *(pytest.param(seed, "Europe/Oslo", marks=pytest.mark.slow) for seed in range(13, 21)),
)


@pytest.mark.parametrize(("seed", "zone"), SEEDS)
def test_exports_make_every_number_that_the_key_knows(
    server: str, tmp_path: Path, seed: int, zone: str
) -> None:
    exports = tmp_path / "exports"
    with temporary_database(server) as url:
        settings = load_settings(
            database_url=url,
            warehouse=tmp_path / "w.duckdb",
            as_of=AS_OF.isoformat(),
            timezone=zone,
            stripe_exports=exports,
        )
        apply(url)
        answers = simulate(
            url, users=200, seed=seed, as_of=AS_OF, timezone=zone, stripe_exports=exports
        )
        report = sync(settings)
    assert (len(report.exports.added), report.exports.refused) == (5, ())
    done = build(settings)
    assert list_differences(answers, settings.warehouse) == []
    planted = answers["revenue/stripe_reconciliation"]
    assert set(planted["kind"]) == KINDS
    assert {"usd", "eur", "jpy"} <= set(planted["currency"])
    assert answers["revenue/stripe_fees"]["currency"].n_unique() == 2
    assert any("missed webhook" in remark for remark in done.remarks)
    with OpenWarehouse(settings.warehouse) as opened:
        rows = run_query(opened, load_query("revenue/stripe_reconciliation_rows"), {}).frame
    sums = rows.group_by("month", "currency", "kind").agg(
        pl.col("row_count", "database_cents", "stripe_cents", "difference_cents").sum()
    )
    keys = ["month", "currency", "kind"]
    assert sums.sort(keys).equals(planted.select(sums.columns).sort(keys))
    told = CliRunner().invoke(
        app, ["reconcile", "--rows", "--format", "csv", "--warehouse", str(settings.warehouse)]
    )
    assert told.exit_code == 0, told.stderr
    different = rows.filter(pl.col("kind") != "matched")
    assert len(told.stdout.splitlines()) == 1 + different.height
    assert "revenue is too low by them" in told.stderr
