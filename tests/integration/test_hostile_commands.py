"""Databases that nobody made for us, from a real server through the real commands.

``--commands N`` tries N of them; each costs a whole run.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import ExitCode
from sselfie_insights.sql import quote
from tests.conftest import temporary_database
from tests.support.hostile import DAMAGES, MARK, Hostile, every_column
from tests.support.models import AS_OF

FIRST_SEED = 40_000


def fill_database(url: str, hostile: Hostile) -> None:
    """Create the documented tables, without constraints, and write the rows."""
    with psycopg.connect(url) as connection:
        for table in load_contract().values():
            columns = every_column(table)
            listed = ", ".join(
                f"{quote(column.name)} {column.data_type.replace('serial', 'integer')}"
                for column in columns
            )
            name = quote(table.name)
            connection.execute(f"create table {name} ({listed})".encode())
            with connection.cursor().copy(f"copy {name} from stdin".encode()) as copy:
                for row in hostile.rows(table):
                    copy.write_row(row)


def lose(url: str, hostile: Hostile) -> None:
    """Drop what is gone after the first sync, and everything in a table that is renamed."""
    with psycopg.connect(url) as connection:
        for table in hostile.gone:
            connection.execute(f"drop table {quote(table.name)}".encode())
        for table_name, column in hostile.gone_columns:
            connection.execute(f"alter table {quote(table_name)} drop {quote(column)}".encode())


def sselfie(folder: Path, url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(folder),
            "SSELFIE_DATABASE_URL": url,
            "SSELFIE_AS_OF": AS_OF.isoformat(),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_commands_come_through_whatever_the_schema_allows(
    server: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + pytestconfig.getoption("commands")):
        hostile = Hostile(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        with temporary_database(server) as url:
            fill_database(url, hostile)
            runs = [run_once(folder, url)]
            if hostile.gone or hostile.gone_columns:
                lose(url, hostile)
                runs.append(run_once(folder, url))
        for done in runs:
            said = f"seed {seed}, {hostile.damage}: {done.stdout}{done.stderr}"
            assert "Traceback" not in said and "unforeseen" not in said, said
            assert done.returncode in allowed_codes(done), said
        print(f"{seed} {hostile.damage}: exit {[done.returncode for done in runs]}")


def run_once(folder: Path, url: str) -> "subprocess.CompletedProcess[str]":
    """Run everything; what was published is shown, and no page holds the hostile markup."""
    done = sselfie(folder, url, "run")
    if done.returncode == ExitCode.DONE:
        overview = sselfie(folder, url, "report", "show", "overview")
        assert overview.returncode == 0, overview.stderr
        pages = list((folder / "out" / "site").glob("*.html"))
        assert pages
        for page in pages:
            assert not re.search(rf"<(?:script|img)[^>]*>?{MARK}", page.read_text())
    return done


def allowed_codes(done: "subprocess.CompletedProcess[str]") -> set[ExitCode]:
    """Exit 4 is right where a status of a payment is one that no rule knows."""
    refuses = "accepted_values.stripe_payments.status" in done.stderr or "null" in done.stderr
    return {ExitCode.DONE, ExitCode.CHECKS_FAILED} if refuses else {ExitCode.DONE}


def test_every_kind_of_damage_is_among_the_first() -> None:
    assert {Hostile(FIRST_SEED + n).damage for n in range(len(DAMAGES))} == set(DAMAGES)
