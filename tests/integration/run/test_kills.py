"""Runs that are killed at random instants: the file is never torn, and the next run goes on.

By default a few runs of the small source. ``RUN_KILLS=100`` kills that many of the real thing: a
migrated and simulated business, Great Expectations, dbt, forecasts, pages and exports.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
import psycopg
import pytest

from sselfie_insights.diff import compare
from sselfie_insights.warehouse.journal import read_journal, read_unended
from tests.integration.conftest import mirrored_business
from tests.integration.run.conftest import Nightly, last_step
from tests.support.waiting import wait_until

KILLS = int(os.environ.get("RUN_KILLS", "2"))
IS_REAL = "RUN_KILLS" in os.environ
UNINTERRUPTED = max(1, KILLS // 10)
"""After so many kills in a row, each of the run that had to make good the one before, one ends."""

USERS = 120
CENTS = 5_000
SEPTEMBER = date(2026, 9, 1)
PATIENCE_SECONDS = 1_800


class RealNightly(Nightly):
    """A simulated business; each round adds a late payment and somebody who waits."""

    PROGRAM = "sselfie_insights"

    def turn(self) -> int:
        self.round += 1
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into stripe_payments (stripe_payment_id, stripe_customer_id, amount_cents,"
                " currency, status, payment_type, product_type, payment_date, is_test_mode,"
                " created_at, updated_at) values (%s, %s, %s, 'usd', 'succeeded',"
                " 'one_time_session', 'one_time_session', '2026-09-20 10:00+00', false,"
                " '2026-09-20 10:00+00', '2026-09-20 10:00+00')",
                [f"pi_round_{self.round}", f"cus_round_{self.round}", CENTS],
            )
            connection.execute(
                "insert into waitlist (email, created_at) values (%s, '2026-09-20 10:00+00')",
                [f"round_{self.round}@mail.example"],
            )
        return self.round

    def rounds(self) -> set[int]:
        """Read every row of every table, and return the rounds that mirror and marts show."""
        with duckdb.connect(self.warehouse, read_only=True) as db:
            for schema, name in db.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall():
                db.execute(f'select bit_xor(hash(row)) from "{schema}"."{name}" as row')
            counts = db.execute(
                "select count(*) from raw.stripe_payments"
                " where starts_with(stripe_payment_id, 'pi_round')"
                " union select count(*) from raw.waitlist where starts_with(email, 'round_')"
                " union select count(*) from marts.payments"
                " where starts_with(payment_key, 'pi_round')"
            ).fetchall()
            # The sync, the checks of both suites, and the marts are of one run.
            runs = db.execute(
                "select arg_max(run_id, snapshot_at) from meta.sync_runs"
                " union select run_id from meta.check_results"
                " union select run_id from marts.build_info"
            ).fetchall()
        assert len(runs) == 1
        return {count for (count,) in counts}


@pytest.fixture
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nightly]:
    """What is killed: the small source, or the real thing."""
    if not IS_REAL:
        yield request.getfixturevalue("nightly")
        return
    server = request.getfixturevalue("server")
    with mirrored_business(
        server, tmp_path, seed=1, users=USERS, shape="documented", zone="UTC"
    ) as business:
        (tmp_path / "run").mkdir()
        url = business.settings.require_database_url()
        yield RealNightly(url, tmp_path / "run", tmp_path)


@pytest.mark.slow
def test_killed_at_random_instants(victim: Nightly) -> None:
    """After a kill the published file is the old one to the byte, or the new one whole."""
    seed = int(os.environ.get("RUN_KILLS_SEED", "1"))
    print(f"seed {seed}")
    pick = random.Random(seed)
    length = run_to_the_end(victim)
    assert victim.rounds() == {0}
    first = shutil.copy(victim.warehouse, victim.folder / "first.duckdb")
    outcomes: Counter[str] = Counter()
    killed = 0
    while killed < KILLS:
        before, known = victim.digest(), victim.rounds()
        number = victim.turn()
        assert number < 10 * KILLS, "most runs end before they are killed"
        run = victim.command("run", "-v", "--log-format", "json")
        is_killed = False
        try:
            run.wait(pick.uniform(0, length))
        except subprocess.TimeoutExpired:
            # Either it alone, so that its dbt lives on, or all that it started, as a machine dies.
            kill = os.kill if pick.random() < 0.5 else os.killpg
            kill(run.pid, signal.SIGKILL)
            is_killed = run.wait() < 0
        _, printed = run.communicate()
        # Up to there it made good what the run before it left.
        assert '"level": "error"' not in printed, printed
        assert is_killed or run.returncode == 0, printed
        is_old = victim.digest() == before
        assert victim.rounds() == (known if is_old else {number})
        killed += is_killed
        end = f"killed in {last_step(printed)}" if is_killed else "not killed"
        outcomes[f"{end}: {'old' if is_old else 'new'} publication"] += 1
        print(f"{killed} killed: {dict(sorted(outcomes.items()))}", flush=True)
        if is_killed and killed % UNINTERRUPTED == 0:
            length = run_to_the_end(victim)
            assert victim.rounds() == {number}
            assert victim.left_over() == set()
            assert read_unended(victim.warehouse) == []
    died = [entry for entry in read_journal(victim.warehouse) if entry["exit_code"]]
    assert len(died) <= killed
    assert all("without a final status" in entry["error"] for entry in died)
    if IS_REAL:
        found = compare(victim.settings(), first, victim.warehouse).restatements
        assert {
            (each.number.column, (each.number.after or 0) - (each.number.before or 0), each.causes)
            for each in found
            if each.number.query == "revenue/revenue_totals"
            and each.number.first_on == SEPTEMBER
            and each.number.unit == "cents"
        } == {(name, victim.round * CENTS, ("late row",)) for name in ("gross_cents", "net_cents")}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the kernel lists no processes")
@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("build", "sselfie_insights.build.dbt._read_events"),
        ("render", "sselfie_insights.report.site.build_pages"),
    ],
)
def test_no_process_outlives_a_killed_run(nightly: Nightly, step: str, place: str) -> None:
    """Killed when it has started dbt, or what draws the charts; nobody tells either of it."""
    nightly.run()
    run = nightly.command("run", "--steps", step, SMALL_DEATH=place)
    assert run.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    wait_until(lambda: not running(run.pid))
    run.communicate()


def running(group: int) -> list[str]:
    """Return the processes of ``group``, but for those that have ended and wait to be asked how."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ends meanwhile
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if its_group == str(group) and state != "Z":
                found.append(path.parent.name)
    return found


def run_to_the_end(victim: Nightly) -> float:
    """Run in a process of its own, insist on success, and return how many seconds it took."""
    started = time.monotonic()
    run = victim.command("run")
    _, printed = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, printed
    return time.monotonic() - started
