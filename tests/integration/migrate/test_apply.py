"""`apply` on PostgreSQL 15 and 18: order, records, locks, retries, crashes."""

import os
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.errors import LockedError, MigrationError, SourceError, UsageError
from sselfie_insights.migrate import Limits, apply, execution, load_migrations, plan
from sselfie_insights.migrate.session import refuse_what_cannot_migrate
from sselfie_insights.postgres import advisory_lock, connect
from tests.integration.migrate.conftest import Cluster, Folder

QUICK = Limits(lock_timeout_ms=50, deadline_s=1, wait_s=10)


def rows(url: str, query: str) -> list[tuple]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def history(url: str) -> list[tuple]:
    return rows(
        url, "select version, state, statements_done from sselfie_migrations.history order by 1"
    )


def tables(url: str) -> list[str]:
    found = rows(
        url,
        "select tablename from pg_tables where schemaname = 'public'",
    )
    return sorted(name for (name,) in found)


def test_empty_to_all_and_half_to_rest(target: str) -> None:
    notes: list[str] = []
    first = apply(target, to=8, note=notes.append)
    assert [migration.version for migration in first] == list(range(1, 9))
    assert notes == [f"applied {migration.label}" for migration in first]
    rest = apply(target)
    assert [migration.version for migration in rest] == list(range(9, 18))
    assert apply(target) == []
    expected = [(m.version, "applied", len(m.statements)) for m in load_migrations()]
    assert history(target) == expected
    assert len(tables(target)) == 66


def test_a_failing_file_leaves_nothing(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);",
        "create table public.two (id integer);\n\ninsert into public.two values ('x');",
    )
    with pytest.raises(MigrationError, match=r"0002_make_step2\.sql:3: invalid input syntax"):
        apply(target, folder=path)
    assert tables(target) == ["one"]
    assert history(target) == [(1, "applied", 1)]


def test_a_file_cannot_end_the_transaction_or_lift_the_timeouts(
    target: str, folder: Folder
) -> None:
    path = folder(
        """
        set lock_timeout = 0;
        set statement_timeout = 0;
        create table public.seen as
        select current_setting('lock_timeout') as lock_timeout,
            current_setting('statement_timeout') as statement_timeout;
        set search_path = pg_catalog;
        """,
        "create table kept (id integer);",
    )
    apply(target, folder=path)
    assert rows(target, "select * from public.seen") == [("200ms", "1min")]
    assert tables(target) == ["kept", "seen"]

    for word in ("commit", "rollback", "begin"):
        (path / "0003_make_mischief.sql").write_text(f"create table public.sly ();\n{word};")
        with pytest.raises(MigrationError, match="transaction-control"):
            apply(target, folder=path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("edit", "0001_make_step1.sql was edited after it was applied"),
        ("delete", "migration 0001 is missing"),
        ("delete last", "0002_make_step2 was applied, and its file is missing"),
        ("renumber", "0002_make_step2 was applied, and its file is now 0003_make_step2"),
        ("rename", "0002_make_step2 was applied, and its file is now called 0002_make_other"),
    ],
)
def test_tampered_files_are_refused(
    database: str, folder: Folder, change: str, message: str
) -> None:
    path = folder("create table public.one (id integer);", "create table public.two (id integer);")
    apply(database, folder=path)
    first, second = path / "0001_make_step1.sql", path / "0002_make_step2.sql"
    if change == "edit":
        first.write_text("create table public.one (id bigint);")
    elif change == "delete":
        first.unlink()
    elif change == "delete last":
        second.unlink()
    elif change == "renumber":
        second.rename(path / "0003_make_step2.sql")
        second.write_text("create table public.three (id integer);")
    else:
        second.rename(path / "0002_make_other.sql")
    with pytest.raises(MigrationError) as caught:
        apply(database, folder=path)
    assert message in caught.value.message
    assert tables(database) == ["one", "two"]


def test_an_older_file_cannot_come_late(database: str, folder: Folder) -> None:
    path = folder("create table public.one ();", "create table public.two ();")
    apply(database, folder=path)
    with psycopg.connect(database) as connection:
        connection.execute("delete from sselfie_migrations.history where version = 1")
    with pytest.raises(MigrationError, match="0001_make_step1 is pending, but 0002 was applied"):
        apply(database, folder=path)


@pytest.mark.parametrize("text", ["hello world", "create tabel public.one ();", "<html></html>"])
def test_what_is_no_sql(database: str, folder: Folder, text: str) -> None:
    with pytest.raises(MigrationError, match=r"0001_make_step1\.sql:1"):
        apply(database, folder=folder(text))
    assert tables(database) == []


def test_line_ends_and_byte_order_marks_change_nothing(database: str, folder: Folder) -> None:
    path = folder("create table public.one (\n    id integer\n);\n")
    apply(database, folder=path)
    file = path / "0001_make_step1.sql"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert apply(database, folder=path) == []


def test_semicolons_in_strings_and_bodies(target: str, folder: Folder) -> None:
    path = folder(
        """
        create table public.said (words text);
        insert into public.said select 'a;b' || $$;c$$ || E'\\';' || $tag$ $$;$$ $tag$;
        create function public.f() returns integer language plpgsql as $body$
        begin
            perform 1; /* ; /* nested; */ ; */ -- ;
            return 2;
        end;
        $body$;
        create function public.g() returns integer begin atomic
            select case when true then 1; end;
        """.replace("then 1; end;", "then 1 end; end;")
    )
    (migration,) = load_migrations(path)
    assert len(migration.statements) == 4
    apply(target, folder=path)
    assert rows(target, "select words, public.f(), public.g() from public.said") == [
        ("a;b;c'; $$;$$ ", 2, 1)
    ]


def test_two_runners(target: str, folder: Folder) -> None:
    path = folder("select pg_sleep(1);\ncreate table public.one (id integer);")
    outcomes: list[object] = []

    def run(wait: float) -> None:
        try:
            outcomes.append(len(apply(target, folder=path, limits=Limits(wait_s=wait))))
        except LockedError as error:
            outcomes.append(error)

    first = threading.Thread(target=run, args=(10,))
    first.start()
    while not rows(target, "select 1 from pg_locks where locktype = 'advisory' and granted"):
        pass
    with pytest.raises(LockedError, match=r"process \d+ \(sselfie migrate, role postgres"):
        apply(target, folder=path, limits=Limits(wait_s=0))
    second = threading.Thread(target=run, args=(10,))
    second.start()
    first.join()
    second.join()
    assert sorted(outcomes, key=str) == [0, 1]


def test_a_sync_and_a_migration_exclude_each_other(database: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);")
    with (
        connect(database, autocommit=True) as sync,
        connect(database, autocommit=True) as other_sync,
        advisory_lock(sync, shared=True),
        advisory_lock(other_sync, shared=True),
        pytest.raises(LockedError),
    ):
        apply(database, folder=path, limits=Limits(wait_s=0))
    assert len(apply(database, folder=path, limits=Limits(wait_s=0))) == 1


STEPS = """-- migrate: no-transaction
create table public.one (id integer);
create index concurrently one_id_idx on public.one (id);
do $$ begin insert into public.one values (1); commit; insert into public.one values (2); end $$;
insert into public.one values (3);
drop index concurrently public.one_id_idx;
"""
WHOLE = """
create table public.one (id integer);
insert into public.one values (1);
insert into public.one values (2);
"""


def die_at(url: str, path: Path, boundary: int) -> bool:
    """Apply in a child that is killed before or after a statement; say whether it was."""
    child = os.fork()
    if child == 0:
        send = execution.Executor._send
        seen = 0

        def counted(self: execution.Executor, *arguments: object) -> None:
            nonlocal seen
            for step in (lambda: None, lambda: send(self, *arguments)):
                step()
                if seen == boundary:
                    os.kill(os.getpid(), signal.SIGKILL)
                seen += 1

        execution.Executor._send = counted  # type: ignore[method-assign]
        try:
            apply(url, folder=path)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("text", [STEPS, WHOLE], ids=["no-transaction", "transaction"])
def test_killed_at_every_statement_boundary(target: str, folder: Folder, text: str) -> None:
    path = folder(text)
    with psycopg.connect(target, autocommit=True) as admin:
        for boundary in range(100):
            killed = die_at(target, path, boundary)
            apply(target, folder=path, limits=QUICK)
            (migration,) = load_migrations(path)
            assert history(target) == [(1, "applied", len(migration.statements))]
            ids = [number for (number,) in rows(target, "select id from public.one order by 1")]
            if text == WHOLE:
                assert ids == [1, 2]
            else:
                # The block that commits by itself can run twice, as its author must expect.
                assert ids in ([1, 2, 3], [1, 1, 2, 2, 3]), boundary
                assert (
                    rows(target, "select from pg_index where indrelid = 'public.one'::regclass")
                    == []
                )
            if not killed:
                break
            admin.execute("drop schema public, sselfie_migrations cascade")
            admin.execute("create schema public")
    # Two boundaries a statement; one that manages its own transactions is sent twice.
    assert boundary >= 2 * len(load_migrations(path)[0].statements)


def test_a_failed_step_is_told_mended_and_resumed(target: str, folder: Folder) -> None:
    path = folder(
        "-- migrate: no-transaction\n"
        "create table public.one (id integer);\n"
        "create index concurrently one_idx on public.one (wrong);\n"
        "create table public.two (id integer);\n"
    )
    with pytest.raises(MigrationError, match=r'step1\.sql:3: column "wrong" does not exist'):
        apply(target, folder=path)
    assert history(target) == [(1, "failed", 1)]
    file = path / "0001_make_step1.sql"
    text = file.read_text()

    file.write_text(text.replace("public.one (id integer)", "public.one (id bigint)"))
    with pytest.raises(MigrationError, match="statements that are done were edited"):
        apply(target, folder=path)

    file.write_text(text.replace("wrong", "id"))
    apply(target, folder=path)
    assert history(target) == [(1, "applied", 3)]
    assert tables(target) == ["one", "two"]


def test_the_invalid_index_trap(target: str, folder: Folder) -> None:
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("create table public.one (id integer)")
        connection.execute("insert into public.one values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("create unique index concurrently one_idx on public.one (id)")
    notes: list[str] = []
    path = folder(
        "-- migrate: no-transaction\n"
        "create index concurrently if not exists one_idx on public.one (id);"
    )
    apply(target, folder=path, note=notes.append)
    assert any("public.one_idx is invalid" in note for note in notes)
    found = rows(
        target,
        "select indisvalid, indisunique from pg_index where indrelid::regclass ="
        " 'public.one'::regclass",
    )
    assert found == [(True, False)]


def test_an_index_that_somebody_else_is_building_is_left_alone(target: str, folder: Folder) -> None:
    build = "create index concurrently one_idx on public.one (id)"
    path = folder("create table public.one (id integer);", f"-- migrate: no-transaction\n{build};")
    apply(target, folder=path, to=1)

    def somebody_else() -> None:
        with psycopg.connect(target, autocommit=True) as connection:
            connection.execute(build)

    other = threading.Thread(target=somebody_else)
    with psycopg.connect(target) as writer:
        writer.execute("insert into public.one values (1)")
        other.start()
        while not rows(target, "select from pg_stat_progress_create_index where index_relid > 0"):
            pass
        with pytest.raises(MigrationError, match=r"public\.one_idx is being built by process \d+"):
            apply(target, folder=path)
    other.join()
    assert len(apply(target, folder=path)) == 1


def test_an_index_build_has_a_deadline_of_its_own(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\ncreate index concurrently one_idx on public.one (id);",
    )
    apply(target, folder=path, to=1)
    validity = "select indisvalid from pg_index where indrelid = 'public.one'::regclass"
    limits = Limits(lock_timeout_ms=50, statement_timeout_s=0.2, concurrent_deadline_s=2)
    with psycopg.connect(target) as writer:
        writer.execute("insert into public.one values (1)")
        begun = time.monotonic()
        with pytest.raises(MigrationError, match="statement timeout") as caught:
            apply(target, folder=path, limits=limits)
        assert time.monotonic() - begun > 2, "neither of the shorter timeouts applied"
    assert "--concurrent-deadline" in caught.value.remedy
    assert rows(target, validity) == [(False,)]
    notes: list[str] = []
    apply(target, folder=path, limits=limits, note=notes.append)
    assert any("left by an attempt that failed" in note for note in notes)
    assert rows(target, validity) == [(True,)]


def test_skip_missing_passes_over_what_this_database_lacks(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\n-- migrate: skip-missing\n"
        "create index concurrently one_x_idx on public.one (nowhere);\n"
        "create index concurrently none_idx on public.none (id);\n"
        "create index concurrently one_id_idx on public.one (id);\n",
    )
    notes: list[str] = []
    apply(target, folder=path, note=notes.append)
    assert sum("skipped" in note for note in notes) == 2
    assert history(target)[1] == (2, "applied", 3)


def test_lock_timeout_names_who_blocks(target: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "alter table public.one add x integer;")
    apply(target, folder=path, to=1)
    notes: list[str] = []
    with psycopg.connect(target, application_name="nightly export") as reader:
        reader.execute("select count(*) from public.one")
        with pytest.raises(MigrationError) as caught:
            apply(target, folder=path, limits=QUICK, note=notes.append)
    assert "blocked by process" in caught.value.message
    assert "nightly export, role postgres, idle in transaction" in caught.value.message
    assert "select count(*) from public.one" in caught.value.message
    assert notes, "it was tried again"
    assert history(target) == [(1, "applied", 1)]
    assert len(apply(target, folder=path)) == 1


def test_statement_timeout(database: str, folder: Folder) -> None:
    with pytest.raises(MigrationError, match="statement timeout"):
        apply(
            database, folder=folder("select pg_sleep(5);"), limits=Limits(statement_timeout_s=0.1)
        )


def test_a_broken_connection(database: str, folder: Folder) -> None:
    path = folder("create table public.one ();\nselect pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(SourceError, match="the connection broke"):
        apply(database, folder=path)
    assert tables(database) == []


def test_a_role_without_rights(target: str, folder: Folder) -> None:
    name = psycopg.conninfo.conninfo_to_dict(target)["dbname"]
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role r_{name} login password 'p'")
    try:
        weak = psycopg.conninfo.make_conninfo(target, user=f"r_{name}", password="p")
        with pytest.raises(MigrationError, match="permission denied") as caught:
            apply(weak, folder=folder("create table public.one (id integer);"))
        assert "sselfie_migrations" in caught.value.remedy
        assert tables(target) == []
    finally:
        with psycopg.connect(target, autocommit=True) as admin:
            admin.execute(f"drop role r_{name}")


def test_a_standby_is_refused_and_can_be_looked_at(cluster15: Cluster, folder: Folder) -> None:
    path = folder("create table public.one (id integer);")
    standby = cluster15.create_standby()
    with pytest.raises(MigrationError, match="is a standby"):
        apply(standby, folder=path)
    assert [migration.version for migration in plan(standby, folder=path).pending] == [1]


def test_drift_warns_and_refuses_only_in_the_way(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);\ncreate table public.two (id integer);",
        "alter table public.two add x integer;",
        "alter table public.one add x integer;",
    )
    apply(target, folder=path, to=1)
    with psycopg.connect(target) as connection:
        connection.execute("alter table public.one alter id type bigint")
        connection.execute("create index by_hand on public.one (id)")
    notes: list[str] = []
    apply(target, folder=path, to=2, note=notes.append)
    assert "drift: column public.one.id: integer → bigint" in notes
    assert "drift: index public.by_hand: extra" in notes
    with psycopg.connect(target) as connection:
        connection.execute("create index by_hand_too on public.one (id)")
    with pytest.raises(MigrationError, match="touch what was changed by hand"):
        apply(target, folder=path)


def test_destructive_steps_want_the_flag(target: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "drop table public.one;")
    apply(target, folder=path, to=1)
    with pytest.raises(MigrationError, match="ban-drop-table") as caught:
        apply(target, folder=path)
    assert "--allow-destructive" in caught.value.remedy
    waived = folder(
        "create table public.one (id integer);",
        "-- lint: ignore ban-drop-table nobody reads it\ndrop table public.one;",
    )
    with pytest.raises(MigrationError, match="--allow-destructive"):
        apply(target, folder=waived)
    apply(target, folder=waived, allow_destructive=True)
    assert tables(target) == []
    ignored = rows(target, "select ignored from sselfie_migrations.history where version = 2")
    assert ignored == [([{"rule": "ban-drop-table", "reason": "nobody reads it", "line": 1}],)]


def test_lint_blocks_by_size(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);\ninsert into public.one values (1);",
        "create index one_idx on public.one (id);",
    )
    apply(target, folder=path, to=1)
    with pytest.raises(MigrationError, match="require-concurrent-index-creation"):
        apply(target, folder=path, large_table_bytes=1)
    assert len(apply(target, folder=path)) == 1


def test_squawk_is_wanted_where_there_is_something_to_hurt(
    database: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sselfie_insights.migrate.squawk.find_squawk", lambda: None)
    monkeypatch.setattr("sselfie_insights.migrate.planning.find_squawk", lambda: None)
    path = folder("create table public.one (id integer);", "create table public.two (id integer);")
    notes: list[str] = []
    apply(database, folder=path, to=1, note=notes.append)
    assert any("squawk is not installed" in note for note in notes)
    with pytest.raises(Exception, match=r"sselfie-insights\[lint\]"):
        apply(database, folder=path)


def test_the_runner_names_itself(database: str, folder: Folder) -> None:
    path = folder("create table public.who as select current_setting('application_name') as name;")
    apply(database, folder=path)
    assert rows(database, "select name from public.who") == [("sselfie migrate",)]


def test_a_pooler_is_refused(database: str) -> None:
    with (
        connect(database, autocommit=True) as connection,
        pytest.raises(UsageError, match="direct"),
    ):
        refuse_what_cannot_migrate(connection, "postgresql://me@ep-cool-pooler.eu.neon.tech/db")


def test_looking_does_not_wait_for_a_lock(database: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "select 1;")
    apply(database, folder=path, to=1)
    with psycopg.connect(database) as holder:
        holder.execute("lock table sselfie_migrations.history")
        with pytest.raises(SourceError, match="lock timeout"):
            plan(database, folder=path)
