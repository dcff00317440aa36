"""The schema growth: what the files beside a run said when it was built, and nothing later."""

import json
import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.build.derived import require_derivable, write_derived
from sselfie_insights.cli import app
from sselfie_insights.errors import ExitCode, UsageError
from sselfie_insights.query import OpenWarehouse, load_library, run_query
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.segment.record import PastExport, append_export
from sselfie_insights.warehouse.paths import exports_record_path

FIRES = (
    "alerts: [{name: mine, query: churn/churn_by_month, column: closing_member_count, above: 0}]"
)
OWN = """/*
grain: One row in all.
title: Own
description: A query of the user's own.
key: []
no_people: A number of nobody.
columns:
  value: {unit: number, description: The number.}
*/
select value from marts.nowhere
"""


@pytest.fixture
def warehouse(business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse of one's own, beside which a run stands."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(business, tmp_path / "w.duckdb"))


def read(warehouse: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(warehouse, read_only=True) as connection:
        cursor = connection.execute(f"from growth.{table}")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def write_own(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_same_warehouse_gives_the_same_page_whatever_lies_beside_it(
    warehouse: Path, tmp_path: Path
) -> None:
    def page() -> str:
        with OpenWarehouse(warehouse) as opened:
            return render_html(build_page(opened, load_reports()["growth"], load_library()))

    before = page()
    assert "mine" not in before
    write_own(tmp_path, {"alerts.yml": FIRES})
    people = [f"user:u{n}" for n in range(200)]
    rows = tuple({"customer_key": p, "goal": "paid", "group": "sent"} for p in people)
    append_export(warehouse, PastExport("win_back", date(2026, 11, 15), {}, 0, rows))
    assert page() == before
    write_derived(warehouse, warehouse)
    after = page()
    assert "mine" in after and "No two segments" not in after and after != before


def test_segments_and_alerts_are_those_of_the_files_at_the_build(
    warehouse: Path, tmp_path: Path
) -> None:
    write_own(tmp_path, {"alerts.yml": FIRES})
    people = [{"customer_key": "user:u2", "user_id": "u2", "goal": "paid", "group": "sent"}]
    append_export(
        warehouse,
        PastExport("ladder_next", date(2026, 11, 15) - timedelta(days=2), {}, 0, tuple(people)),
    )
    with duckdb.connect(warehouse) as connection:
        connection.execute("update marts.people_now set last_sent_at = null, last_sent_on = null")
    write_derived(warehouse, warehouse)
    # The business has 207 people in rounds of 4: two members, a former one, one who never was.
    [row] = read(warehouse, "alerts")
    assert (row["alert"], row["kind"], row["state"]) == ("mine", "above", "fired")
    sizes = [row for row in read(warehouse, "segment_sizes") if row["segment"] == "win_back"]
    assert sum(row["person_count"] for row in sizes) == 52
    assert sum(row["cooling_count"] for row in sizes) == 1
    assert sum(row["ready_count"] for row in sizes) == 51
    effect = {row["within_days"]: row["waiting_count"] for row in read(warehouse, "segment_effect")}
    assert effect == {7: 1, 14: 1, 30: 1, 60: 1, 90: 1}


@pytest.mark.parametrize("text", [OWN, "no header", "/* title: [ */ select 1"])
def test_a_segment_that_is_wrong_says_so_and_the_others_are_counted(
    warehouse: Path, tmp_path: Path, text: str
) -> None:
    write_derived(warehouse, warehouse)
    others = read(warehouse, "segment_sizes")
    write_own(tmp_path, {"queries/segments/mine.sql": text})
    write_derived(warehouse, warehouse)
    rows = read(warehouse, "segment_sizes")
    assert [row for row in rows if row["segment"] != "mine"] == others
    assert [
        (row["reason"], row["person_count"], row["ready_count"])
        for row in rows
        if row["segment"] == "mine"
    ] == [("cannot be computed; see sselfie segment show mine", None, None)]


def test_an_alert_whose_query_fails_says_so_and_the_others_are_judged(
    warehouse: Path, tmp_path: Path
) -> None:
    mine = "{name: broken, query: mine/own, column: value, above: 1, below: 0}"
    write_own(
        tmp_path,
        {"alerts.yml": FIRES.replace("[{", f"[{mine}, {{"), "queries/mine/own.sql": OWN},
    )
    require_derivable(warehouse)
    write_derived(warehouse, warehouse)
    found = [
        (row["alert"], row["kind"], row["state"], row["detail"])
        for row in read(warehouse, "alerts")
    ]
    reason = "cannot be judged; see sselfie alerts"
    assert found[0][:3] == ("mine", "above", "fired")
    assert found[1:] == [
        ("broken", "above", "not judged", reason),
        ("broken", "below", "not judged", reason),
    ]
    asked = CliRunner().invoke(app, ["alerts", "--warehouse", str(warehouse)])
    assert isinstance(asked.exception, UsageError) and "nowhere does not exist" in str(
        asked.exception
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("alerts: [{name: a}]", r"alerts\.yml: alerts\.0\.query: Field required"),
        (FIRES.replace("churn_by_month", "churn_by_mont"), "unknown query 'churn/churn_by_mont'"),
        (FIRES.replace("closing_member_count", "nobody"), "has no column 'nobody'"),
        (FIRES.replace("above: 0", "above: 0, with: {grain: week}"), "has no parameter 'grain'"),
    ],
)
def test_a_wrong_alerts_file_is_named_beforehand(
    warehouse: Path, tmp_path: Path, content: str, message: str
) -> None:
    write_own(tmp_path, {"alerts.yml": content})
    with pytest.raises(UsageError, match=message):
        require_derivable(warehouse)


def test_a_damaged_record_of_exports_is_named_beforehand(warehouse: Path) -> None:
    exports_record_path(warehouse).write_text("{}\n")
    with pytest.raises(UsageError, match=r"segments\.jsonl:1 is no export"):
        require_derivable(warehouse)


def test_the_commands_look_at_the_files_of_now(warehouse: Path, tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, list[dict[str, Any]]]:
        result = CliRunner().invoke(
            app, [*words, "--format", "json", "--warehouse", str(warehouse)]
        )
        return result.exit_code, json.loads(result.stdout)

    write_own(
        tmp_path,
        {
            "alerts.yml": FIRES,
            "queries/segments/mine.sql": load_library()["segments/win_back"].path.read_text(),
        },
    )
    code, fired = run("alerts")
    assert (code, [row["alert"] for row in fired]) == (ExitCode.ALERT, ["mine"])
    _, judged = run("query", "run", "growth/alerts_now")
    assert "mine" not in {row["alert"] for row in judged}
    assert "mine" in {row["segment"] for row in run("segment", "list")[1]}
    assert "mine" not in {row["segment"] for row in run("query", "run", "growth/segment_sizes")[1]}


def test_the_causes_of_a_month_add_up_to_its_movements(warehouse: Path) -> None:
    write_derived(warehouse, warehouse)
    # By the rule of the business: in October 19 join, 3 return and 10 leave at 49 dollars, with
    # 80 of expansion and 24 of contraction; in November 20, 3 and 11, with 85 and 25.50.
    changes = {True: 12 * 4900 + 8000 - 2400, False: 12 * 4900 + 8500 - 2550}
    sums: dict[tuple[bool, str], int] = {}
    for row in read(warehouse, "mrr_causes"):
        key = (row["is_complete"], row["dimension"])
        sums[key] = sums.get(key, 0) + row["change"]
        assert row["person_count"] >= 5 and row["dimension"] != "customer_key"
    kinds = ("whole", "movement", "product", "cohort", "acquisition", "brand_style")
    assert sums == {(state, kind): changes[state] for state in (True, False) for kind in kinds}


def test_a_segment_says_what_a_message_is_for_and_until_when(
    warehouse: Path, tmp_path: Path
) -> None:
    # Of four people one is cooling down, whose day does not count; the others' first is the 18th.
    segment = """/*
grain: One row per person in the segment.
title: My people
description: Mine.
interface: segment
*/
select
    'c' || n as customer_key, 'u' || n as user_id, null as email, 'pro' as product,
    'due' as reason, 'paid' as goal, date '2026-11-16' + n::integer as send_by_on,
    case when n = 1 then timestamp '2026-11-14' end as last_sent_at,
    case when n = 1 then date '2026-11-21' end as cooldown_until_on, n = 1 as is_cooling
from range(1, 5) as t (n)
"""
    write_own(tmp_path, {"queries/segments/mine.sql": segment})
    write_derived(warehouse, warehouse)
    [row] = [row for row in read(warehouse, "segment_sizes") if row["segment"] == "mine"]
    assert row == {
        "segment": "mine", "title": "My people", "goal": "paid", "send_by_on": date(2026, 11, 18),
        "reason": "due", "person_count": 4, "cooling_count": 1, "ready_count": 3,
    }  # fmt: skip
    with OpenWarehouse(warehouse) as opened:
        weeks = run_query(opened, load_library()["growth/this_week"]).frame.to_dicts()
    [week] = [week for week in weeks if week["segment"] == "mine"]
    assert (week["ready_count"], week["send_by_on"]) == (3, date(2026, 11, 18))
    assert (week["purpose"], week["command"]) == ("buy", "sselfie segment export mine")
