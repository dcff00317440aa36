"""A measure of one's own is two queries: the public number, and the rows that explain it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights import Warehouse
from sselfie_insights.cli import app
from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.explain import build_explanation_page, explain, list_measures
from sselfie_insights.explain.measures import list_causes
from sselfie_insights.explain.page import hide_small_parts
from sselfie_insights.explain.summary import summarize
from sselfie_insights.query.library import load_library

MEMBERS = """/*
grain: One row per month.
title: Members at the end
description: Customers with MRR at the month's end.
key: [month]
columns:
  month: {unit: month, description: M.}
  member_count: {unit: count, description: N.}
*/
select month, count(*) as member_count from marts.member_months group by month
"""
ROWS = """/*
grain: One row per customer.
title: Why the number of members changed
description: Who was a member before, and who is.
key: [customer_key]
explains:
  title: Members
  query: mine/members
  column: member_count
  by: {cohort: Cohorts, customer_key: Customers}
parameters:
  month: {type: date, description: The month.}
columns:
  customer_key: {unit: text, description: C.}
  cohort: {unit: text, description: First month.}
  before: {unit: count, description: B.}
  after: {unit: count, description: A.}
*/
select
    customer_key,
    strftime(any_value(cohort_period), '%Y-%m') as cohort,
    count(*) filter (month < cast($month as date)) as before,
    count(*) filter (month = cast($month as date)) as after
from marts.member_months
where month between cast($month as date) - interval 1 month and cast($month as date)
group by customer_key
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


@pytest.fixture
def warehouse(business: Path, folder: Path) -> Iterator[Warehouse]:
    with Warehouse(business) as opened:
        yield opened


def write(folder: Path, rows: str = ROWS, members: str = MEMBERS) -> None:
    for name, text in (("explain/members", rows), ("mine/members", members)):
        path = folder / "queries" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_measure_of_ones_own_is_taken_apart(warehouse: Warehouse, business: Path) -> None:
    """3 customers joined in June 2025, and one more in each month than in the one before."""
    assert {"members", "mrr"} <= set(list_measures())
    found = explain(warehouse, "members", "2026-10")
    # 0.35 + 0.65 * 0.75 ^ k of each cohort are there in its month k: 98 in September, 106 in
    # October, when 19 join and 11 leave.
    rows = found.parts.filter(dimension="whole")
    (whole,) = rows.select("before", "after", "change", "person_count").rows()
    assert whole == (98, 106, 8, 117)
    cohorts = found.parts.filter(dimension="cohort", change=19)
    assert cohorts["part"].to_list() == ["2026-10"]
    page = build_explanation_page(warehouse, found, is_shared=False)
    assert [block.title for block in page.data.values()] == ["The whole", "Cohorts", "Customers"]
    assert page.report.title == "Members: Oct 2026"
    done = CliRunner().invoke(
        app, ["explain", "members", "--month", "2026-10", "--warehouse", str(business)]
    )
    assert done.exit_code == 0
    assert "Members: Oct 2026" in done.stdout


def test_parts_that_do_not_add_up_are_an_error(warehouse: Warehouse, folder: Path) -> None:
    write(folder, ROWS.replace("as after", "+ 1 as after"))
    with pytest.raises(SselfieError, match=r"the whole parts of members in 2026-10 .* add up to"):
        explain(warehouse, "members", "2026-10")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS.replace("cohort: Cohorts", "cohor: Cohorts"), "explains: 'cohor' is not one of its"),
        (ROWS.replace("  before:", "  earlier:"), "explains: 'before' is not one of its columns"),
        (
            ROWS.replace("  month: {type", "  day: {type"),
            "explains: it needs the parameter 'month'",
        ),
        (ROWS.replace("mine/members", "mine/member"), "explains: there is no query 'mine/member'"),
        (
            ROWS.replace("column: member_count", "column: members"),
            "no column 'members' of a period",
        ),
        (ROWS[: ROWS.index("explains")] + ROWS[ROWS.index("parameters") :], "cannot explain 'mem"),
    ],
)
def test_a_measure_that_makes_no_sense_is_refused(
    warehouse: Warehouse, folder: Path, rows: str, message: str
) -> None:
    write(folder, rows)
    with pytest.raises(UsageError, match=message):
        explain(warehouse, "members", "2026-10")


def test_an_unknown_measure_brings_the_known_ones(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match="cannot explain 'nothing': measures: active_users, churn"):
        explain(warehouse, "nothing")


def test_every_packaged_measure_is_of_a_public_number() -> None:
    library = load_library()
    for name in list_measures():
        explains = library[f"explain/{name}"].explains
        assert explains is not None
        assert explains.column in library[explains.query].columns


def test_a_summary_says_the_change_and_its_largest_parts(
    warehouse: Warehouse, business: Path
) -> None:
    """98 members in September, 106 in October, of whom 19 joined in it (see above)."""
    command = ["explain", "members", "--month", "2026-10", "--summary", "--warehouse"]
    done = CliRunner().invoke(app, [*command, str(business)])
    assert done.exit_code == 0, done.output
    whole, cohorts = done.stdout.splitlines()
    assert whole == "Members: 106 in Oct 2026, 8 (8.2%) more than the month before."
    assert cohorts.startswith("By cohorts: 2026-10 +19, ")
    assert "customer" not in done.stdout.lower()


def test_where_nobody_ever_paid_there_is_nothing_to_explain(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = tmp_path / "empty.duckdb"
    shutil.copy(business, empty)
    with duckdb.connect(str(empty)) as db:
        db.execute("delete from marts.mrr_movements")
        db.execute("delete from marts.mrr_by_member")
    for arguments in ([], ["-o", "mrr.html"], ["--format", "csv"]):
        done = CliRunner().invoke(app, ["explain", "mrr", *arguments, "--warehouse", str(empty)])
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["explain", "mrr", "--summary", "--warehouse", str(empty)])
    assert done.stdout == "MRR: nothing in Oct 2026, nor in the month before.\n"
    with Warehouse(empty) as opened:
        assert list_causes(opened, "mrr") == []


FEW = """/*
grain: One row per person.
title: T
description: D
key: [customer_key]
parameters:
  month: {type: date, description: M.}
explains: {title: Members, query: mine/members, column: member_count, by: {part: Parts}}
columns:
  customer_key: {unit: text, description: C.}
  part: {unit: text, description: P.}
  before: {unit: count, description: B.}
  after: {unit: count, description: A.}
*/
select 'user:' || n as customer_key, 'p' as part, (n < BEFORE)::int as before, 1 as after
from range(9) as t (n) where $month is not null
"""


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (4, "Members: too few people to show in Oct 2026."),
        (0, "Members: 9 in Oct 2026, 9 more than the month before."),
        (5, "Members: 9 in Oct 2026, 4 (80.0%) more than the month before."),
    ],
)
def test_a_summary_for_others_is_of_no_few_people_of_either_month(
    warehouse: Warehouse, folder: Path, before: int, text: str
) -> None:
    write(
        folder,
        FEW.replace("BEFORE", str(before)),
        f"{MEMBERS.split('select')[0]} from (values (date '2026-09-01', {before}),"
        " (date '2026-10-01', 9)) as t (month, member_count)",
    )
    found = explain(warehouse, "members", "2026-10", least=5)
    sentences = summarize(hide_small_parts(warehouse, found))
    assert sentences[0] == text
    # Of the last, four have come: no part says so.
    assert not any("+4" in sentence for sentence in sentences)
