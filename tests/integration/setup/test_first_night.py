"""Four commands, typed: a database that nobody made for us, from ``init`` to the first report.

It is the live-like shape of ``simulate`` with what that lacks: row-level security, values and
columns that no document has, months without anything, products that are NULL, hostile texts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.migrate import apply
from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.simulate import Answers, simulate
from tests.conftest import temporary_database
from tests.support.answers import list_differences
from tests.support.hostile import MARK, TEXTS
from tests.support.models import AS_OF

ROLE = "insights_analyst"
SECURED = 12

STRANGE = f"""
alter table subscriptions rename column status to state;
update stripe_payments set payment_type = 'mystery_box' where payment_type = 'one_time_session';
update stripe_payments set product_type = null
    where payment_type = 'mystery_box' and id % 3 = 0;
alter table users add column favourite_colour text, add column "Odd Name" text;
create table audit_log (id bigint primary key, body text);
insert into audit_log values (1, 'nothing of ours');
delete from email_sends where sent_at >= '2026-03-01' and sent_at < '2026-06-01';
create role {ROLE} login;
grant usage on schema public to {ROLE};
grant select on users to {ROLE};
do $$
declare name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public'
        order by tablename limit {SECURED}
    loop
        execute format('alter table %I enable row level security', name);
    end loop;
end $$;
"""
"""As the application's owner has it. Row-level security shows the analyst nothing."""


@dataclass(frozen=True)
class Night:
    """A database, its owner's and its analyst's URLs, and what is known of it."""

    owner: str
    analyst: str
    answers: Answers
    folder: Path

    def type(self, line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Type a line at the prompt, in the folder of the settings."""
        return subprocess.run(
            [sys.executable, "-m", "sselfie_insights", *line.split()[1:]],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "SSELFIE_AS_OF": AS_OF.isoformat(),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def night(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with temporary_database(server) as owner:
        apply(owner)
        answers = simulate(owner, users=300, seed=11, as_of=AS_OF, shape="live")
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(STRANGE.encode())
            for number, text in enumerate(TEXTS):
                connection.execute(
                    "update maya_chats set chat_title = %s where id = %s",
                    [text.replace("\0", ""), number + 1],
                )
            connection.execute("update academy_courses set title = %s", [TEXTS[5]])
        try:
            yield Night(
                owner,
                make_conninfo(owner, user=ROLE),
                answers,
                tmp_path_factory.mktemp("night"),
            )
        finally:
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute(f"drop owned by {ROLE}; drop role {ROLE}".encode())


def proposed(text: str) -> list[str]:
    """Return the lines that ``doctor`` prints to be put on top of sselfie.toml."""
    return [
        part.split("put on top of sselfie.toml: ")[1].split("; ")[0]
        for part in text.splitlines()
        if "put on top of sselfie.toml: " in part
    ]


def monthly_revenue(warehouse: Path) -> dict[tuple[date, str], int]:
    with OpenWarehouse(warehouse) as opened:
        frame = run_query(opened, find_query("revenue/revenue_by_month", load_library())).frame
    sums = frame.group_by("month", "currency").agg(pl.col("net_cents").sum())
    return {(month, currency): cents for month, currency, cents in sums.rows() if cents}


@pytest.mark.slow
def test_four_commands_lead_to_the_first_report(night: Night) -> None:
    first = night.type("sselfie init", SSELFIE_DATABASE_URL=night.analyst)
    assert first.returncode == 0, first.stderr
    assert "are going to be read: " in first.stderr, "it says what it is about to read"
    assert "row-level security may hide rows of" in first.stderr
    refused = night.type("sselfie run --dry-run")
    assert refused.returncode == 3 and "may not read" in refused.stderr
    assert night.type("sselfie run").stderr.splitlines()[-1] == refused.stderr.splitlines()[-1]

    # The owner pastes what init printed, literally.
    assert "password" not in first.stdout
    with psycopg.connect(night.owner, autocommit=True) as connection:
        connection.execute(first.stdout.encode())
        secured = connection.execute(
            "select count(*) from pg_class where relrowsecurity and relname <> 'audit_log'"
        ).fetchone()
    assert secured is not None and secured[0] >= SECURED

    second = night.type("sselfie doctor")
    assert second.returncode in (0, 2), second.stdout + second.stderr
    lines = proposed(second.stdout)
    assert any(line == 'columns.subscriptions.status = "state"' for line in lines)
    assert "of mystery_box say in sselfie.toml which of subscription, " in second.stdout
    last = next(line for line in second.stdout.splitlines() if "last run" in line)
    assert "grant" in last, "the remedy of the run that failed is still open"

    # What doctor printed goes on top of the settings, and a person says what a mystery box is.
    settings = night.folder / "sselfie.toml"
    kept = [
        'columns.subscriptions.status = "state"',
        'values.stripe_payments.payment_type = {"mystery_box" = "one_time_session"}',
        'tables.leave_out = ["audit_*"]',
    ]
    settings.write_text("\n".join([*kept, settings.read_text()]))

    third = night.type("sselfie run")
    assert third.returncode == 0, third.stdout + third.stderr
    assert "Traceback" not in third.stderr
    again = night.type("sselfie run --dry-run")
    [good] = [line for line in third.stderr.splitlines() if line.startswith("done in ")]
    assert good.split("synced ")[1].split()[0] == again.stdout.split("\t")[2].split()[0], (
        "the same counts"
    )

    fourth = night.type("sselfie report show overview")
    assert fourth.returncode == 0 and "MRR" in fourth.stdout, fourth.stderr

    warehouse = night.folder / "warehouse.duckdb"
    known = dict(night.answers.frames)
    by_product = known.pop("revenue/revenue_by_month")
    assert list_differences(Answers(known), warehouse) == []
    # Of some payments the product is NULL: their money counts all the same.
    assert monthly_revenue(warehouse) == {
        (month, currency): cents
        for month, currency, cents in by_product.group_by("month", "currency")
        .agg(pl.col("net_cents").sum())
        .rows()
        if cents
    }
    for page in (night.folder / "out" / "site").glob("*.html"):
        assert f"<script>{MARK}" not in page.read_text()
    manifest = json.loads((night.folder / "out" / "site" / "manifest.json").read_text())
    assert manifest
