"""Files without a transaction: killed, failed, resumed; indexes that were left behind."""

import os
import signal
import threading
import time
import traceback
from pathlib import Path

import psycopg
import pytest

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate import Limits, apply, execution, load_migrations
from tests.integration.migrate.conftest import Folder
from tests.integration.migrate.databases import history, keep, rows, tables
from tests.support.waiting import PATIENCE_SECONDS, wait_for_row

STEPS = """-- migrate: no-transaction
create table public.one (id integer);
create index concurrently one_id_idx on public.one (id);
do $$ begin insert into public.one values (1); commit; insert into public.one values (2); end $$;
insert into public.one values (3);
drop index concurrently public.one_id_idx;
do $$ begin
    create table public.parts (id integer) partition by list (id);
    create table public.part partition of public.parts for values in (1);
end $$;
alter table public.parts detach partition public.part concurrently;
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
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, -signal.SIGKILL}
    return code != 0


@pytest.mark.parametrize("text", [STEPS, WHOLE], ids=["no-transaction", "transaction"])
def test_killed_at_every_statement_boundary(target: str, folder: Folder, text: str) -> None:
    path = folder(text)
    with psycopg.connect(target, autocommit=True) as admin:
        for boundary in range(100):
            killed = die_at(target, path, boundary)
            # The killed one's connection may live on for a moment.
            apply(target, folder=path, limits=Limits(wait_s=PATIENCE_SECONDS))
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
                assert rows(target, "select from pg_inherits") == []
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
    apply(target, folder=path, note=keep(notes))
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
        wait_for_row(
            target,
            "select from pg_stat_progress_create_index"
            " where index_relid > 0 and datname = current_database()",
        )
        with pytest.raises(MigrationError, match=r"public\.one_idx is being built by process \d+"):
            apply(target, folder=path)
    other.join()
    with pytest.raises(MigrationError, match=r"step2\.sql:2 failing"):
        apply(target, folder=path)
    file = path / "0002_make_step2.sql"
    file.write_text(file.read_text().replace("one_idx", "if not exists one_idx"))
    assert len(apply(target, folder=path)) == 1


def test_an_index_build_has_a_deadline_of_its_own(target: str, folder: Folder) -> None:
    path = folder(
        "create table public.one (id integer);",
        "-- migrate: no-transaction\ncreate index concurrently one_idx on public.one (id);",
    )
    apply(target, folder=path, to=1)
    validity = "select indisvalid from pg_index where indrelid = 'public.one'::regclass"
    limits = Limits(lock_timeout_ms=50, statement_timeout_s=3, concurrent_deadline_s=4)
    with psycopg.connect(target) as writer:
        writer.execute("insert into public.one values (1)")
        begun = time.monotonic()
        with pytest.raises(MigrationError, match="statement timeout") as caught:
            apply(target, folder=path, limits=limits)
        assert time.monotonic() - begun > 4, "neither of the shorter timeouts applied"
    assert "--concurrent-deadline" in caught.value.remedy
    assert rows(target, validity) == [(False,)]
    notes: list[str] = []
    apply(target, folder=path, note=keep(notes))
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
    apply(target, folder=path, note=keep(notes))
    assert sum("skipped" in note for note in notes) == 2
    assert history(target)[1] == (2, "applied", 3)


def test_an_index_of_that_name_is_not_taken_for_the_one_wanted(target: str, folder: Folder) -> None:
    with psycopg.connect(target) as connection:
        connection.execute("create table public.one (id integer, n integer)")
        connection.execute("create index one_idx on public.one (n)")
    path = folder(
        "-- migrate: no-transaction\ncreate index concurrently one_idx on public.one (id);"
    )
    with pytest.raises(MigrationError, match=r"step1\.sql:2 failing"):
        apply(target, folder=path)
    file = path / "0001_make_step1.sql"
    file.write_text(file.read_text().replace("create", "-- lint: ignore failing I know\ncreate", 1))
    for _ in range(2):
        with pytest.raises(MigrationError, match='"one_idx" already exists'):
            apply(target, folder=path)
    assert history(target) == [(1, "failed", 0)]


def test_after_a_kill_either_another_index_of_that_name_is_not_taken_for_it(
    target: str, folder: Folder
) -> None:
    with psycopg.connect(target) as connection:
        connection.execute('create table public.one (id integer, "N" text)')
    path = folder("-- migrate: no-transaction\ncreate index concurrently one_idx on one (id);")
    file = path / "0001_make_step1.sql"
    assert die_at(target, path, 0)
    with psycopg.connect(target) as connection:
        connection.execute("create index one_idx on public.one (id) where \"N\" > 'a'")
    with pytest.raises(MigrationError, match=r"public\.one_idx is there, and may not .* WHERE"):
        apply(target, folder=path, limits=Limits(wait_s=PATIENCE_SECONDS))
    with psycopg.connect(target) as connection:
        connection.execute("drop table sselfie_migrations.history cascade; drop index one_idx")
    file.write_text(file.read_text().replace("(id)", "using btree (id)\nwhere \"N\">'a'"))
    assert die_at(target, path, 0)
    with psycopg.connect(target) as connection:
        connection.execute("create index one_idx on public.one (id) where \"N\" > 'a'")
    assert len(apply(target, folder=path, limits=Limits(wait_s=PATIENCE_SECONDS))) == 1


def test_an_index_without_a_name_is_resumed_and_cleaned(target: str, folder: Folder) -> None:
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("create table public.one (id integer)")
        connection.execute("insert into public.one values (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("create unique index concurrently on public.one (id)")
        connection.execute("delete from public.one")
    notes: list[str] = []
    path = folder("-- migrate: no-transaction\ncreate unique index concurrently on one (id);")
    assert die_at(target, path, 1)  # built, and not recorded
    apply(target, folder=path, note=keep(notes), limits=Limits(wait_s=PATIENCE_SECONDS))
    valid = "select indisvalid from pg_index where indrelid = 'public.one'::regclass"
    assert rows(target, valid) == [(True,)]


def test_an_index_on_other_rows_is_not_taken_for_the_one_wanted(
    target: str, folder: Folder
) -> None:
    with psycopg.connect(target) as connection:
        connection.execute("create table public.one (id integer)")
    build = "create index concurrently on one (id asc) where id = {};\n"
    path = folder("-- migrate: no-transaction\n" + build.format(1) + build.format(2))
    assert die_at(target, path, 4)  # the first is built, the second about to be
    apply(target, folder=path, limits=Limits(wait_s=PATIENCE_SECONDS))
    found = rows(target, "select indexdef from pg_indexes where tablename = 'one'")
    assert sorted(text[-8:] for (text,) in found) == ["(id = 1)", "(id = 2)"]
    with psycopg.connect(target) as connection:
        connection.execute("drop schema sselfie_migrations cascade; drop index one_id_idx1")
    assert die_at(target, path, 2)  # the first is built and not recorded
    apply(target, folder=path, limits=Limits(wait_s=PATIENCE_SECONDS))
    assert len(rows(target, "select from pg_indexes where tablename = 'one'")) == 3


@pytest.mark.parametrize(
    "what",
    ["index concurrently public.one_idx", "table concurrently one", "(concurrently) table one"],
)
def test_what_a_failed_reindex_left_is_dropped(target: str, folder: Folder, what: str) -> None:
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("create table public.one (id integer)")
        connection.execute("create unique index one_idx on public.one (id)")
        # As when a session is killed amid REINDEX.
        connection.execute("create index one_idx_ccnew on public.one (id)")
        connection.execute("create index two_idx_ccnew1 on public.one (id)")
        connection.execute(
            "update pg_index set indisvalid = false where indexrelid::regclass::text ~ '_ccnew'"
        )
    notes: list[str] = []
    path = folder(f"-- migrate: no-transaction\nreindex {what};")
    apply(target, folder=path, note=keep(notes))
    names = "select relname from pg_class where relname ~ '_idx' order by 1"
    assert rows(target, names) == [("one_idx",)]
    assert len([note for note in notes if "is invalid, left by an attempt" in note]) == 2


@pytest.mark.parametrize("head", ["", "-- migrate: no-transaction\n"])
def test_a_file_may_set_another_role(target: str, folder: Folder, head: str) -> None:
    role = f"owner_{psycopg.conninfo.conninfo_to_dict(target)['dbname']}"
    with psycopg.connect(target, autocommit=True) as admin:
        admin.execute(f"create role {role}")
        try:
            admin.execute(f"grant all on schema public to {role}")
            index = "create index concurrently i on public.one (id);" if head else ""
            path = folder(
                f"{head}set role {role};\ncreate table public.one (id integer);\n{index}",
                "create table public.two (id integer);",
            )
            apply(target, folder=path)
            owners = rows(target, "select tableowner from pg_tables where schemaname = 'public'")
            assert sorted(owners) == sorted([(role,), ("postgres",)])
        finally:
            admin.execute(f"drop owned by {role}")
            admin.execute(f"drop role {role}")
