"""Each fault that is put into a mirror is found by the check that is named for it, and no other."""

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from sselfie_insights import check
from sselfie_insights.check import CheckResult
from sselfie_insights.cli import main
from sselfie_insights.errors import ExitCode
from sselfie_insights.settings import Settings
from sselfie_insights.sql import literal
from tests.integration.conftest import AS_OF, mirrored_business

HOSTILE = "=cmd|' /C calc'!A0<script>ada@mail.example</script>\x1b[2J"


@dataclass(frozen=True)
class Fault:
    """Something wrong in the data, and what the checks must say of it.

    Attributes:
        statements: DuckDB SQL that puts it into the mirror.
        found: Severity, status and broken rows, by the name of every check that does not pass.
    """

    statements: str
    found: Mapping[str, tuple[str, str, int | None]]


# They meet in one mirror, each in columns of its own.
FAULTS = {
    "duplicate key": Fault(
        "insert into raw.waitlist select * from raw.waitlist order by id limit 3",
        {"copies.waitlist.id": ("warn", "failed", 3)},
    ),
    "key of a user twice": Fault(
        "insert into raw.users by name"
        " select id, email || '2' as email, created_at from raw.users limit 2",
        {"unique.users.id": ("error", "failed", 2)},
    ),
    "missing key": Fault(
        "update raw.freebie_subscribers set id = null where id = 2",
        {"not_null.freebie_subscribers.id": ("warn", "failed", 1)},
    ),
    "unknown status": Fault(
        f"update raw.subscriptions set status = {literal(HOSTILE)} where id in (3, 5)",
        {"accepted_values.subscriptions.status": ("warn", "failed", 2)},
    ),
    "unknown state of a payment": Fault(
        "update raw.stripe_payments set status = 'succeeeded' where id in (9, 11)",
        {"accepted_values.stripe_payments.status": ("error", "failed", 2)},
    ),
    "unknown kind of a payment": Fault(
        "update raw.stripe_payments set payment_type = 'brand_studio' where id in (9, 11)",
        {"accepted_values.stripe_payments.payment_type": ("warn", "failed", 2)},
    ),
    "unknown word": Fault(
        "update raw.academy_courses set level = 'Expert' where id = 1",
        {"accepted_values.academy_courses.level": ("warn", "failed", 1)},
    ),
    "orphan": Fault(
        f"update raw.brand_assets set user_id = {literal(HOSTILE)} where id = 1",
        {"foreign_key.brand_assets.user_id": ("warn", "failed", 1)},
    ),
    "future payment": Fault(
        "update raw.stripe_payments set payment_date = timestamptz '2999-01-01' where id = 4",
        {"future.stripe_payments.payment_date": ("warn", "failed", 1)},
    ),
    "future row": Fault(
        "update raw.prompt_guides set created_at = 'infinity' where id = 1",
        {"future.prompt_guides.created_at": ("warn", "failed", 1)},
    ),
    "negative price": Fault(
        "update raw.stripe_payments set amount_cents = -4900 where id ="
        " (select min(id) from raw.stripe_payments where status = 'succeeded'"
        " and payment_type <> 'refund' and amount_cents > 0)",
        {"range.stripe_payments.amount_cents": ("warn", "failed", 1)},
    ),
    "rating out of range": Fault(
        "update raw.feedback set rating = 9 where id in (1, 2)",
        {"range.feedback.rating": ("warn", "failed", 2)},
    ),
    "ledger jump": Fault(
        "update raw.credit_transactions set balance_after = balance_after + 1000 where id ="
        " (select min(id) from raw.credit_transactions where transaction_type = 'image')",
        {"ledger.credit_transactions.balance_after": ("warn", "failed", 1)},
    ),
    "wrong type": Fault(
        "alter table raw.user_credits alter total_used type varchar;"
        f"update raw.user_credits set total_used = {literal(HOSTILE)} where id = 1",
        {"type.user_credits.total_used": ("warn", "failed", 1)},
    ),
    "broken JSON": Fault(
        "alter table raw.feed_strategy alter content_pillars type varchar;"
        "update raw.feed_strategy set content_pillars = '{\"a\":' where id in (1, 2)",
        {"json.feed_strategy.content_pillars": ("warn", "failed", 2)},
    ),
    "JSON of another shape": Fault(
        "update raw.stripe_payments set metadata = '[1]' where id = 7",
        {"json.stripe_payments.metadata": ("warn", "failed", 1)},
    ),
    "array of arrays": Fault(
        "alter table raw.feed_posts alter hashtags type varchar using '[\"a\"]';"
        "update raw.feed_posts set hashtags = '{{a,b},{c,d}}' where id = 1",
        {"array.feed_posts.hashtags": ("warn", "failed", 1)},
    ),
    "array with gaps": Fault(
        "update raw.feed_layouts set hashtags = ['a', null] where id = 1",
        {"array.feed_layouts.hashtags": ("warn", "failed", 1)},
    ),
    "missing column": Fault(
        "alter table raw.stripe_payments drop currency",
        {"present.stripe_payments.currency": ("warn", "failed", None)},
    ),
    "volume drop of 40 %": Fault(
        "delete from raw.maya_chat_messages where id <="
        " (select 0.4 * count(*) from raw.maya_chat_messages)",
        {"volume.maya_chat_messages": ("warn", "failed", None)},
    ),
    "stale source": Fault(
        "update raw.maya_chats set created_at = created_at - interval 60 day",
        {"freshness.maya_chats": ("warn", "failed", None)},
    ),
    "table that cannot be read": Fault(
        "drop table raw.academy_templates;"
        f"create view raw.academy_templates as select error({literal(HOSTILE)})::int as id",
        {
            "copies.academy_templates.id": ("warn", "broken", None),
            "unique.academy_templates.id": ("warn", "broken", None),
            "not_null.academy_templates.id": ("warn", "broken", None),
            "type.academy_templates.id": ("warn", "broken", None),
        },
    ),
}


@pytest.fixture(scope="module")
def clean(
    server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Settings]]:
    """A mirrored business without a fault, in either shape of the database."""
    with ExitStack() as stack:
        yield {
            shape: stack.enter_context(
                mirrored_business(
                    server,
                    tmp_path_factory.mktemp(shape),
                    seed=11,
                    users=120,
                    shape=shape,
                    zone="UTC",
                )
            ).settings
            for shape in ("documented", "live")
        }


@pytest.fixture(scope="module")
def faulty(clean: Mapping[str, Settings], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A mirror with every fault."""
    warehouse = tmp_path_factory.mktemp("faulty") / "warehouse.duckdb"
    shutil.copyfile(clean["documented"].warehouse, warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        for fault in FAULTS.values():
            connection.execute(fault.statements)
    return clean["documented"].model_copy(update={"warehouse": warehouse})


@pytest.fixture(scope="module")
def results(faulty: Settings) -> Sequence[CheckResult]:
    return check.check_mirror(faulty.warehouse, faulty)


@pytest.fixture(scope="module")
def found(results: Sequence[CheckResult]) -> Mapping[str, tuple[str, str, int | None]]:
    """Severity, status and broken rows of every check that did not pass, by its name."""
    return {
        result.check_name: (result.severity, result.status, result.failed_rows)
        for result in results
        if result.status != "passed"
    }


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(found: Mapping[str, tuple[str, str, int | None]], name: str) -> None:
    for check_name, printed in FAULTS[name].found.items():
        severity, status, failed_rows = found.get(check_name, ("", "passed", 0))
        assert (severity, status) == printed[:2]
        assert printed[2] is None or failed_rows == printed[2]


def test_nothing_else_is_found(found: Mapping[str, tuple[str, str, int | None]]) -> None:
    assert found.keys() == {name for fault in FAULTS.values() for name in fault.found}


def test_a_code_word_that_is_not_documented_is_named(results: Sequence[CheckResult]) -> None:
    details = {result.check_name: result.detail for result in results}
    assert {
        name: details[f"accepted_values.{name}"]
        for name in (
            "stripe_payments.payment_type", "academy_courses.level", "subscriptions.status",
        )
    } == {
        "stripe_payments.payment_type": "2 rows have an undocumented value: brand_studio (2)",
        "academy_courses.level": "1 row has an undocumented value: Expert (1)",
        "subscriptions.status": "2 rows have an undocumented value: no code words or rarer (2)",
    }  # fmt: skip


def test_no_result_holds_a_value_of_somebodys(results: Sequence[CheckResult]) -> None:
    printed = repr(results)

    assert not [part for part in ("cmd", "calc", "<script", "ada@", "2999") if part in printed]


@pytest.mark.parametrize("shape", ["documented", "live"])
def test_a_clean_database_raises_nothing(clean: Mapping[str, Settings], shape: str) -> None:
    results = check.check_mirror(clean[shape].warehouse, clean[shape])

    assert [result for result in results if result.status != "passed"] == []
    assert {"unique", "foreign_key", "volume", "freshness", "json", "array", "ledger"} <= {
        result.check_name.split(".")[0] for result in results if result.checked_rows != 0
    }


def test_the_command_tells_of_faults_and_leaves_no_trace(faulty: Settings, tmp_path: Path) -> None:
    """Nothing is written but the table, nothing is sent, and the warehouse is only read."""
    home = tmp_path / "home"
    home.mkdir()
    before = faulty.warehouse.read_bytes()
    script = (
        "import socket, sys\n"
        "def refuse(*arguments):\n    raise SystemExit('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from sselfie_insights.cli import main\n"
        "sys.argv = ['sselfie', 'check', '--suite', 'mirror', '--format', 'csv']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "SSELFIE_WAREHOUSE": str(faulty.warehouse),
            "SSELFIE_AS_OF": AS_OF.isoformat(),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == ExitCode.CHECKS_FAILED, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["check_name"] for row in rows} == {
        name for fault in FAULTS.values() for name in fault.found
    }
    errors = [row["check_name"] for row in rows if row["severity"] == "error"]
    assert done.stderr.splitlines()[-1].startswith(f"error: {len(errors)} checks failed: ")
    assert not [part for part in ("calc", "<script", "ada@") if part in done.stdout + done.stderr]
    assert list(home.iterdir()) == []
    assert faulty.warehouse.read_bytes() == before
    assert {path.name for path in faulty.warehouse.parent.iterdir()} == {"warehouse.duckdb"}


def test_the_command_shows_all_where_nothing_is_built_yet(
    clean: Mapping[str, Settings],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setenv("SSELFIE_AS_OF", AS_OF.isoformat())
    warehouse = str(clean["live"].warehouse)
    monkeypatch.setattr(
        "sys.argv", ["sselfie", "check", "--all", "--format", "csv", "--warehouse", warehouse]
    )

    with pytest.raises(SystemExit) as ended:
        main()

    out, err = (text.decode() for text in capfdbinary.readouterr())
    rows = list(csv.DictReader(io.StringIO(out)))
    assert not ended.value.code
    assert {row["status"] for row in rows} == {"passed"}
    assert {row["suite"] for row in rows} == {"mirror"}
    assert "unique.users.id" in {row["check_name"] for row in rows}
    assert err.splitlines() == [
        "note: only the mirror is checked: the warehouse has no marts: run 'sselfie build'",
        f"{len(rows)} checks: {len(rows)} passed, 0 warned, 0 failed",
    ]


def test_the_command_refuses_an_unknown_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("mirror:\n  volume.user: warn\n")
    monkeypatch.setenv("SSELFIE_CHECKS", str(path))
    monkeypatch.setattr("sys.argv", ["sselfie", "check"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == ExitCode.USAGE
    assert "'volume.user': did you mean 'volume.users'?" in capsys.readouterr().err
