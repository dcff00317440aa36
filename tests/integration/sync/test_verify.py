"""What ``verify`` finds in a mirror that differs from its source, and how it heals it."""

import duckdb
import pytest

from sselfie_insights.errors import ExitCode
from sselfie_insights.sync.digest import Comparison
from tests.integration.sync.conftest import Bench, run_command


def test_verify_finds_what_differs_heals_it_and_says_so(bench: Bench) -> None:
    bench.pg(
        "create table t (id int primary key, v text)",
        "insert into t values (1, 'a'), (2, null)",
        "create table same (id int)",
    )
    bench.sync()
    with duckdb.connect(bench.warehouse) as db:
        db.execute("update raw.t set v = '' where id = 2")
    assert bench.sync().mode == "unchanged"
    report = bench.sync(verify=True)
    assert [(t.label, t.detail) for t in report.different] == [
        ("public.t", "rows differ from the source")
    ]
    assert bench.ask("select v from raw.t where id = 2") == [(None,)]
    with duckdb.connect(bench.warehouse) as db:
        db.execute("delete from raw.t")
    assert bench.sync(verify=True).different[0].detail == "0 rows, the source has 2"
    assert not bench.sync(verify=True).different
    with duckdb.connect(bench.warehouse) as db:
        db.execute("drop table raw.t")
    assert bench.sync().tables[1].reason == "new"
    assert bench.ask("select count(*) from raw.t") == [(2,)]


def test_a_difference_that_does_not_heal_is_told_and_remembered(
    newest: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest.pg("create table t (id int primary key)", "insert into t values (1)")
    newest.sync()
    with monkeypatch.context() as patch:
        patch.setattr(
            "sselfie_insights.sync.apply.compare",
            lambda *_: Comparison("different", "rows differ from the source"),
        )
        (found,) = newest.sync(verify=True).different
    assert found.detail == "rows differ from the source, even after it was read again"
    (again,) = newest.sync().tables
    assert (again.mode, again.reason) == ("full", "it differed when last verified")
    assert newest.sync().mode == "unchanged"


def test_the_command_verify_tells_each_table_and_exits_7(newest: Bench) -> None:
    newest.pg("create table t (id int)", "insert into t values (1)", "create table same (id int)")
    newest.sync()
    with duckdb.connect(newest.warehouse) as db:
        db.execute("update raw.t set id = 2")
    code, out, err = run_command(newest, "verify")
    assert code == ExitCode.MIRROR_DIFFERS
    assert out == "public.same\t0\tequal\npublic.t\t1\tdifferent\trows differ from the source\n"
    assert "error: the mirror differed from the source in public.t" in err
    assert run_command(newest, "verify")[0] == 0
