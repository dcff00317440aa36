"""Segments, alerts and explanations on simulated businesses, against the other public numbers."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from sselfie_insights.alerts import evaluate, load_watches
from sselfie_insights.cli import app
from sselfie_insights.errors import ExitCode, StaleError, UsageError
from sselfie_insights.explain import build_explanation_page, explain, list_measures
from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.segment import find_segment, list_segments, read_segment
from tests.integration.conftest import AS_OF, Business

TODAY = AS_OF.date()
RUNNER = CliRunner()
# One business suffices: what must hold on several is in test_answers.py.
pytestmark = pytest.mark.parametrize("business", [1], indirect=True)


@pytest.mark.parametrize("measure", list_measures())
def test_a_page_names_no_customer_and_no_small_group(business: Business, measure: str) -> None:
    with OpenWarehouse(business.settings.warehouse) as opened:
        explanation = explain(opened, measure, least=5, first=10)
        html = render_html(build_explanation_page(opened, explanation, is_shared=True))
        people = opened.connection.execute(
            "select user_id from marts.dim_users union select customer_key from marts.dim_customers"
        ).fetchall()
    assert not [key for (key,) in people if key in html]
    small = explanation.parts.filter(
        pl.col("person_count").is_between(1, 4) & (pl.col("dimension") != "whole")
    )
    # Where all parts together are too few there is one of them, which the page hides.
    parts = explanation.parts.group_by("dimension", "currency").len()
    assert small.join(parts, on=["dimension", "currency"]).filter(pl.col("len") > 1).is_empty()
    assert f"sselfie explain {measure} --month" in html


def test_an_incomplete_month_says_so(business: Business) -> None:
    with OpenWarehouse(business.settings.warehouse) as opened:
        explanation = explain(opened, "mrr", f"{TODAY:%Y-%m}")
        page = build_explanation_page(opened, explanation, is_shared=False)
        assert not explanation.is_complete
        assert page.warnings == ("Nov 2026 is still running: its numbers are those up to now.",)
        assert explain(opened, "mrr").month == date(2026, 10, 1)
        with pytest.raises(UsageError, match="no data for 1999-01"):
            explain(opened, "mrr", "1999-01")


def test_renewals_due_are_the_members_now_of_the_answer_key(business: Business) -> None:
    members = business.answers.frames["churn/members_now"]
    due = members.filter(
        (pl.col("state") == "active")
        & pl.col("paid_until_on").is_between(TODAY, TODAY + timedelta(days=7))
    )
    rows = segment(business, "renewal_due")
    assert {row["customer_key"]: row["renews_on"] for row in rows} == dict(
        due.group_by("customer_key").agg(pl.col("paid_until_on").min()).rows()
    )


def test_former_members_are_those_whose_churn_the_answer_key_knows(business: Business) -> None:
    """Who is won back was a member by the key, is none now, and is not in grace."""
    members = set(business.answers.frames["churn/members_now"]["customer_key"])
    movements = business.answers.frames["revenue/mrr_by_member"]
    were = set(movements.filter(pl.col("movement") == "churn")["customer_key"])
    found = {row["customer_key"] for row in segment(business, "win_back")}
    assert found
    assert found <= were - members


def test_nobody_who_does_not_count_is_in_a_segment(business: Business) -> None:
    with duckdb.connect(str(business.settings.warehouse), read_only=True) as connection:
        excluded = {
            user_id
            for (user_id,) in connection.execute(
                "select user_id from intermediate.int_accounts where exclusion is not null"
            ).fetchall()
        }
    assert excluded
    for name in list_segments():
        rows = segment(business, name)
        assert not excluded & {row["user_id"] for row in rows}
        assert len({row["customer_key"] for row in rows}) == len(rows)


def test_every_watched_number_is_judged_in_its_last_complete_month(business: Business) -> None:
    with OpenWarehouse(business.settings.warehouse) as opened:
        watches = load_watches()
        rows = evaluate(opened, watches)
        printed = run_query(opened, find_query("growth/alerts_now", load_library()))
    assert {row["alert"] for row in rows} == {watch.name for watch in watches}
    assert {row["period_on"] for row in rows} <= {date(2026, 10, 1), None}
    assert printed.frame.height == len(rows)
    assert all(row["detail"] for row in rows)


def test_the_commands(business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = business.settings.warehouse
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSELFIE_WAREHOUSE", str(warehouse))

    listed = RUNNER.invoke(app, ["segment", "list", "--format", "json"])
    assert {row["segment"] for row in json.loads(listed.stdout)} == set(list_segments())
    matrix = RUNNER.invoke(app, ["segment", "list", "--overlaps"])
    assert matrix.exit_code == 0 and matrix.stdout.startswith("segment")

    shown = RUNNER.invoke(app, ["segment", "show", "win_back", "--format", "csv"])
    assert shown.stdout.startswith("customer_key,user_id,product,reason,goal,send_by_on")
    assert "@" not in shown.stdout
    personal = RUNNER.invoke(
        app, ["segment", "show", "win_back", "--format", "csv", "--with-personal-data"]
    )
    assert "@" in personal.stdout

    exported = RUNNER.invoke(app, ["segment", "export", "trained_idle", "-o", "idle.csv"])
    assert exported.exit_code == 0, exported.stderr
    first = Path("idle.csv").read_bytes()
    again = RUNNER.invoke(app, ["segment", "export", "trained_idle", "-o", "again.csv"])
    assert "made before for 2026-11-15" in again.stderr
    assert Path("again.csv").read_bytes() == first
    assert Path("idle.csv").stat().st_mode & 0o777 == 0o600

    Path("alerts.yml").write_text(
        "alerts: [{name: members, query: churn/churn_by_month,"
        " column: closing_member_count, above: 0}]"
    )
    fired = RUNNER.invoke(app, ["alerts", "--format", "json"])
    assert fired.exit_code == ExitCode.ALERT == 8
    assert [(row["alert"], row["state"]) for row in json.loads(fired.stdout)] == [
        ("members", "fired")
    ]
    Path("alerts.yml").write_text(
        "alerts: [{name: members, query: churn/churn_by_month,"
        " column: closing_member_count, below: 0}]"
    )
    quiet = RUNNER.invoke(app, ["alerts", "--format", "json"])
    assert (quiet.exit_code, json.loads(quiet.stdout)) == (0, [])
    stale = RUNNER.invoke(app, ["alerts", "--format", "json"], env={"SSELFIE_MAX_AGE": "0m"})
    assert isinstance(stale.exception, StaleError)

    printed = RUNNER.invoke(app, ["explain", "churn", "--format", "json"])
    assert {row["dimension"] for row in json.loads(printed.stdout)} >= {
        "whole",
        "product",
        "cohort",
    }
    assert RUNNER.invoke(app, ["explain", "credits", "-o", "credits.html"]).exit_code == 0
    assert Path("credits.html").read_text().startswith("<!doctype html>")


def segment(business: Business, name: str) -> list[dict[str, Any]]:
    with OpenWarehouse(business.settings.warehouse) as opened:
        query = find_segment(name)
        return read_segment(opened, query, record=[]).frame.to_dicts()
