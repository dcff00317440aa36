"""`apply` on PostgreSQL 15 and 18: which files it takes, what it records, what it refuses."""

import psycopg
import pytest

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate import apply, load_migrations
from tests.integration.migrate.conftest import Folder
from tests.integration.migrate.databases import history, keep, rows, tables


def test_empty_to_all_and_half_to_rest(target: str) -> None:
    notes: list[str] = []
    migrations = load_migrations()
    first = apply(target, to=8, note=keep(notes))
    assert first == migrations[:8]
    assert notes == [f"applied {migration.label}" for migration in first]
    assert apply(target) == migrations[8:]
    assert apply(target) == []
    expected = [(m.version, "applied", len(m.statements)) for m in migrations]
    assert history(target) == expected
    assert tables(target) == sorted(load_contract())


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
def test_tampered_files_are_refused(target: str, folder: Folder, change: str, message: str) -> None:
    path = folder("create table public.one (id integer);", "create table public.two (id integer);")
    apply(target, folder=path)
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
        apply(target, folder=path)
    assert message in caught.value.message
    assert tables(target) == ["one", "two"]


def test_an_older_file_cannot_come_late(target: str, folder: Folder) -> None:
    path = folder("create table public.one ();", "create table public.two ();")
    apply(target, folder=path)
    with psycopg.connect(target) as connection:
        connection.execute("delete from sselfie_migrations.history where version = 1")
    with pytest.raises(MigrationError, match="0001_make_step1 is pending, but 0002 was applied"):
        apply(target, folder=path)


@pytest.mark.parametrize("text", ["hello world", "create tabel public.one ();", "<html></html>"])
def test_what_is_no_sql(target: str, folder: Folder, text: str) -> None:
    with pytest.raises(MigrationError, match=r"0001_make_step1\.sql:1"):
        apply(target, folder=folder(text))
    assert tables(target) == []


def test_line_ends_and_byte_order_marks_change_nothing(target: str, folder: Folder) -> None:
    path = folder("create table public.one (\n    id integer\n);\n")
    apply(target, folder=path)
    file = path / "0001_make_step1.sql"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert apply(target, folder=path) == []


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
    apply(target, folder=path, to=2, note=keep(notes))
    assert "drift: column public.one.id: integer → bigint" in notes
    assert "drift: index public.by_hand: extra" in notes
    with psycopg.connect(target) as connection:
        connection.execute("create index by_hand_too on public.one (id)")
    with pytest.raises(MigrationError, match="touch what was changed by hand"):
        apply(target, folder=path)


def test_destructive_steps_want_the_flag(target: str, folder: Folder) -> None:
    path = folder("create table public.one (id integer);", "drop table public.one;")
    apply(target, folder=path, to=1)
    with pytest.raises(MigrationError, match="dropping-object") as caught:
        apply(target, folder=path)
    assert "--allow-destructive" in caught.value.remedy
    waived = folder(
        "create table public.one (id integer);",
        "-- lint: ignore dropping-object nobody reads it\ndrop table public.one;",
    )
    with pytest.raises(MigrationError, match="--allow-destructive"):
        apply(target, folder=waived)
    apply(target, folder=waived, allow_destructive=True)
    assert tables(target) == []
    ignored = rows(target, "select ignored from sselfie_migrations.history where version = 2")
    assert ignored == [([{"rule": "dropping-object", "reason": "nobody reads it", "line": 1}],)]


def test_lint_blocks_by_size(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);\ninsert into public.one values (1);",
        "create index one_idx on public.one (id);",
    )
    apply(target, folder=path, to=1)
    with pytest.raises(MigrationError, match="require-concurrent-index-creation"):
        apply(target, folder=path, large_table_bytes=1)
    assert len(apply(target, folder=path)) == 1


def test_a_way_to_judge_is_wanted_where_there_is_something_to_hurt(
    database: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sselfie_insights.migrate.squawk.find_squawk", lambda: None)
    monkeypatch.setattr("sselfie_insights.migrate.lint.has_scratch", lambda _: False)
    path = folder("create table public.one (id integer);", "create table public.two (id integer);")
    notes: list[str] = []
    apply(database, folder=path, to=1, note=notes.append)
    assert "the database has no tables yet: nothing was judged" in notes
    with pytest.raises(UsageError, match="no server to try migrations on"):
        apply(database, folder=path)


def test_nothing_of_a_file_reaches_the_next(target: str, folder: Folder) -> None:
    path = folder(
        "create temp table mine (id integer); prepare stored as select 1;"
        " set work_mem = '1MB'; set role pg_monitor; select set_config('my.own', 'x', false);"
        " reset role; create table public.kept ();",
        "create table public.found as select"
        " current_setting('work_mem') as work_mem, current_user as role,"
        " current_setting('my.own', true) as own, to_regclass('mine') as temporary,"
        " (select count(*) from pg_prepared_statements) as prepared;",
    )
    apply(target, folder=path)
    found = rows(target, "select work_mem, role, own, temporary, prepared from public.found")
    assert found == [("4MB", "postgres", None, None, 0)]


def test_files_look_for_names_where_their_role_does(target: str, folder: Folder) -> None:
    name = psycopg.conninfo.conninfo_to_dict(target)["dbname"]
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute("create schema app")
        admin.execute(f'alter database "{name}" set search_path = app, public')
    path = folder(
        "create table one (id integer); set search_path = pg_catalog;",
        "-- migrate: no-transaction\ncreate index concurrently on one (id);\n"
        "set search_path = pg_catalog;\ncreate table app.two (id integer);",
    )
    apply(target, folder=path)
    found = rows(target, "select tablename from pg_tables where schemaname = 'app' order by 1")
    assert found == [("one",), ("two",)]
