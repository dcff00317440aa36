"""``sselfie`` over a source of two tables, with four models, one check and one report.

Whole runs take seconds: everything of the package is real but for what it reads from its folders
(``dbt_project``, ``queries``, ``reports``), the alerts, and the suite of Great Expectations, which
one check stands in for; nothing is forecast. Both tables of the source always show the same round,
so that a torn result shows.

As a program it takes the arguments of ``sselfie``, and its folders from ``SMALL_FOLDER``. Where it
calls the function that ``SMALL_DEATH`` names, it is killed.
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import psycopg

from sselfie_insights import check, forecast
from sselfie_insights.alerts import definition as definition_of_alerts
from sselfie_insights.build import BuildReport
from sselfie_insights.build import dbt as marts_dbt
from sselfie_insights.check import CheckResult, record
from sselfie_insights.query import library, needs
from sselfie_insights.report import definition
from sselfie_insights.resources import find_files, resource_dir
from sselfie_insights.settings import Settings
from tests.support.warehouses import write_build_info

PROJECT = {
    "dbt_project/models/marts/rounds.sql": """
        select 'a' as name, min(round) as first, max(round) as last, count(*) as row_count
        from raw.a
        union all
        select 'b', min(round), max(round), count(*) from raw.b
    """,
    "dbt_project/models/marts/dim_months.sql": """
select date '2026-01-01' as month, false as is_complete where false
""",
    "dbt_project/models/marts/pairs.sql": """
        select a.id, a.round, a.v, b.v as other from raw.a join raw.b using (id)
    """,
    "dbt_project/data-tests/rounds_agree.sql": """
        select * from {{ ref('rounds') }}
        where first <> last or first <> (select min(round) from {{ ref('pairs') }})
    """,
    "dbt_project/snapshots/a_history.sql": """
        {% snapshot a_history %}
        {{ config(schema='snapshots', unique_key='id', strategy='check', check_cols=['round']) }}
        select id, round from raw.a where id <= 50
        {% endsnapshot %}
    """,
    "queries/needs.json": "[]",
    "queries/rounds.sql": """/*
grain: One row per table.
title: Rounds
description: The round of each table.
key: [name]
no_people: A row is a table.
columns:
  name: {unit: text, description: The table.}
  last: {unit: count, description: Its round.}
*/
select name, last from marts.rounds order by name
""",
    "alerts.yml": "alerts: [{name: round, query: rounds, column: last, each: name, above: 9}]\n",
    "reports/rounds.yml": """
title: Rounds
description: What round it is.
sections:
  - {type: table, title: By table, query: rounds, columns: [name, last]}
""",
}
REAL = (
    "dbt_project.yml",
    "profiles.yml",
    "macros/generate_schema_name.sql",
    "macros/of_this_build.sql",
    "macros/snapshot_time.sql",
    "macros/time.sql",
    "models/core/core_build.sql",
    "models/marts/build_info.sql",
)


def write_folders(folder: Path) -> Path:
    """Write the small project, query and report into ``folder``."""
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in REAL:
        target = folder / "dbt_project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resource_dir("dbt_project") / name, target)
    return folder


def replacements(folder: Path) -> list[tuple[ModuleType, str, Any]]:
    """What makes ``sselfie`` small: module, name and value."""

    def find(name: str, pattern: str, folders: Iterable[Path] | None = None) -> dict[str, Path]:
        return find_files(name, pattern, folders or [folder / name])

    return [
        *((module, "resource_dir", lambda name: folder / name) for module in (marts_dbt, needs)),
        *((module, "find_files", find) for module in (library, definition)),
        (definition_of_alerts, "PACKAGED", folder / "alerts.yml"),
        (check, "start_import", lambda: None),
        (check, "check_mirror", check_rounds),
        (forecast, "write_forecasts", lambda *_, **__: None),
    ]


def check_rounds(warehouse: Path, settings: Settings) -> list[CheckResult]:
    """The one check of the mirror: both tables show one round, and no more rows than 1,000,000."""
    with duckdb.connect(warehouse, read_only=True) as db:
        row = db.execute(
            "select count(distinct round) from (select round from raw.a union select round from"
            " raw.b)"
        ).fetchone()
    assert row is not None
    passed = row[0] == 1
    return [
        CheckResult(
            run_id="", checked_at=datetime.now(UTC), suite="mirror", check_name="one_round",
            table_name="a", column_name="round", severity="error",
            status="passed" if passed else "failed", failed_rows=None, checked_rows=None,
            detail="" if passed else f"{row[0]} rounds",
        )
    ]  # fmt: skip


def build_quickly(private: Path, settings: Settings, **_: object) -> BuildReport:
    """What dbt makes of the small project, without dbt's seconds."""
    with duckdb.connect(private) as db:
        row = db.execute("select epoch_us(max(snapshot_at)) from meta.sync_runs").fetchone()
        assert row is not None
        as_of = datetime.fromtimestamp(row[0] / 1_000_000, UTC)
        db.execute("drop schema if exists marts cascade; create schema marts")
        write_build_info(db, as_of, settings.timezone)
        for name in ("rounds", "pairs"):
            model = PROJECT[f"dbt_project/models/marts/{name}.sql"]
            db.execute(f"create or replace table marts.{name} as {model}")
        record(db, [])
    return BuildReport(as_of, 3, 0, (), (), 0.0, 0.0)


def fill(url: str, rows: int) -> None:
    """Create the two tables, at round 0."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("a", "b"):
            connection.execute(
                f"create table {name} (id int primary key, round int, v text)".encode()
            )
            connection.execute(
                f"insert into {name} select i, 0, md5('{name}' || i)"
                f" from generate_series(1, {rows}) i".encode()
            )


def turn(url: str, number: int) -> None:
    """Let the next round begin."""
    with psycopg.connect(url) as connection:
        connection.execute("update a set round = %s", [number])
        connection.execute("update b set round = %s", [number])


def rounds_in(warehouse: Path) -> set[int]:
    """Read every row of mirror and marts, and return the rounds that they show."""
    with duckdb.connect(warehouse, read_only=True) as db:
        rows = db.execute(
            "select round from raw.a union select round from raw.b"
            " union select first from marts.rounds union select last from marts.rounds"
            " union select round from marts.pairs"
        ).fetchall()
        # Damaged blocks show when they are read.
        db.execute("select sum(hash(v)) from raw.a; select sum(hash(v, other)) from marts.pairs")
    return {number for (number,) in rows}


def die(*_: object) -> None:
    """Do as if somebody killed this process, and no other."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    for module, name, value in replacements(Path(os.environ["SMALL_FOLDER"])):
        setattr(module, name, value)
    if place := os.environ.get("SMALL_DEATH"):
        where, _, name = place.rpartition(".")
        module = import_module(where)
        assert callable(getattr(module, name))
        setattr(module, name, die)
    from sselfie_insights import interrupt
    from sselfie_insights.cli import main

    interrupt.GRACE_SECONDS = float(os.environ.get("SMALL_GRACE", interrupt.GRACE_SECONDS))

    sys.exit(main())
