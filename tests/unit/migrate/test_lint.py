"""Every rule has a case that fires and one that must not."""

from pathlib import Path

import pytest

from sselfie_insights.errors import MigrationError
from sselfie_insights.migrate import load_migrations
from sselfie_insights.migrate.lint import Finding, lint
from sselfie_insights.migrate.rules import RULES, Hazard
from sselfie_insights.migrate.tables import LiveTables

BIG = LiveTables(
    server_version=150018,
    bytes_of={
        ("public", "users"): 50_000_000,
        ("public", "parent"): 50_000_000,
        ("public", "view"): 50_000_000,
        ("public", "small"): 8192,
    },
    table_of_index={("public", "i"): ("public", "users"), ("public", "s"): ("public", "small")},
    type_of={
        ("public", "users", "plan"): "character varying(10)",
        ("public", "users", "visits"): "integer",
        ("public", "users", "price"): "numeric(10,2)",
    },
    not_null_checks=frozenset({("public", "users", "proven")}),
    checked_tables=frozenset({("public", "checked")}),
)
NEW = "create table public.users (id integer, email text);\n"
ALONE = "-- migrate: no-transaction\n"

# rule: a text that fires, a text that must not
CASES: dict[str, tuple[str, str]] = {
    "require-concurrent-index-creation": (
        "create index i2 on public.users (email);",
        NEW + "create index i2 on public.users (email);",
    ),
    "require-concurrent-index-deletion": (
        "drop index public.i;",
        ALONE + "drop index concurrently public.i;",
    ),
    "require-concurrent-reindex": (
        "reindex table public.users;",
        ALONE + "reindex table concurrently public.users;",
    ),
    "adding-field-with-default": (
        "alter table public.users add column a uuid default gen_random_uuid();",
        "alter table public.users add column a timestamptz default now();",
    ),
    "adding-required-field": (
        "alter table public.users add column a text not null;",
        "alter table public.users add column a text not null default '';",
    ),
    "adding-not-nullable-field": (
        "alter table public.users alter column email set not null;",
        "alter table public.users alter column proven set not null;",
    ),
    "adding-foreign-key-constraint": (
        "alter table public.users add constraint f foreign key (id) references public.p (id);",
        "alter table public.users add constraint f foreign key (id) references public.p (id)"
        " not valid;",
    ),
    "constraint-missing-not-valid": (
        "alter table public.users add constraint c check (visits > 0);",
        "alter table public.users add constraint c check (visits > 0) not valid;",
    ),
    "disallowed-unique-constraint": (
        "alter table public.users add constraint u unique (email);",
        "alter table public.users add constraint u unique using index i;",
    ),
    "adding-serial-primary-key-field": (
        "alter table public.users add constraint u primary key (id);",
        "alter table public.users add constraint u primary key using index i;",
    ),
    "changing-column-type": (
        "alter table public.users alter column visits type bigint;",
        "alter table public.users alter column plan type text;",
    ),
    "ban-drop-table": ("drop table public.small;", NEW + "drop table public.users;"),
    "ban-drop-column": (
        "alter table public.small drop column a;",
        "alter table public.small add column a text;",
    ),
    "ban-drop-schema": ("drop schema old;", "create schema new;"),
    "ban-drop-database": ("drop database old;", "select 'drop database old';"),
    "ban-truncate-cascade": (
        "truncate public.small cascade;",
        "delete from public.small where true;",
    ),
    "renaming-table": (
        "alter table public.small rename to tiny;",
        "alter table public.small rename constraint a to b;",
    ),
    "renaming-column": (
        "alter table public.small rename column a to b;",
        "alter index public.s rename to t;",
    ),
    "ban-drop-not-null": (
        "alter table public.small alter column a drop not null;",
        "alter table public.small alter column a drop default;",
    ),
    **{
        f"ban-drop-{kind}": (f"drop {kind} public.v;", f"create {kind} public.v{rest};")
        for kind, rest in {
            "view": " as select 1",
            "type": " as (a integer)",
            "domain": " as integer",
            "sequence": "",
        }.items()
    },
    "ban-drop-function": ("drop function public.f();", "select 'drop function public.f()';"),
    "ban-drop-extension": ("drop extension citext;", "create extension if not exists citext;"),
    "ban-drop-trigger": (
        "drop trigger t on public.small;",
        "create trigger t after insert on public.small execute function public.f();",
    ),
    "ban-set-schema": (
        "alter table public.small set schema other;",
        "alter table public.small set (fillfactor = 90);",
    ),
    "ban-drop-constraint": (
        "alter table public.small drop constraint c;",
        "alter table public.small add constraint c check (a > 0) not valid;",
    ),
    "ban-alter-domain-with-add-constraint": (
        "alter domain public.d add constraint c check (value > 0);",
        "alter domain public.d drop constraint c;",
    ),
    "ban-create-domain-with-constraint": (
        "create domain public.d as integer check (value > 0);",
        "create domain public.d as integer;",
    ),
    "identifier-too-long": (
        f"create table public.{'a' * 64} (id integer);",
        f"create table public.{'a' * 63} (id integer);",
    ),
    "syntax-error": ("create table public.x (a integer,,);", "create table public.x (a integer);"),
    "require-table-schema": ("create table x (id integer);", "create table public.x (id integer);"),
    "concurrently-in-transaction": (
        "create index concurrently i2 on public.users (email);",
        ALONE + "create index concurrently i2 on public.users (email);",
    ),
    "transaction-control": ("begin;\nselect 1;\ncommit;", "select 'begin'; /* commit; */"),
    "adding-serial-field": (
        "alter table public.users add column n bigserial;",
        "alter table public.users add column n bigint;",
    ),
    "narrowing-column-type": (
        "alter table public.users alter column plan type varchar(5);",
        "alter table public.users alter column price type numeric(12,2);",
    ),
    "vacuum-full": (ALONE + "vacuum full public.users;", ALONE + "vacuum public.users;"),
    "clustering-table": ("cluster public.users using i;", "cluster public.small using s;"),
    "setting-logged": (
        "alter table public.users set unlogged;",
        "alter table public.users set (fillfactor = 90);",
    ),
    "attaching-partition": (
        "alter table public.parent attach partition public.users for values in (1);",
        "alter table public.parent attach partition public.checked for values in (1);",
    ),
    "detaching-partition": (
        "alter table public.parent detach partition public.users;",
        ALONE + "alter table public.parent detach partition public.users concurrently;",
    ),
    "refreshing-view": (
        "refresh materialized view public.view;",
        "refresh materialized view concurrently public.view;",
    ),
    "creating-trigger": (
        "create trigger t after insert on public.users execute function public.f();",
        NEW + "create trigger t after insert on public.users execute function public.f();",
    ),
    "locking-table": ("lock table public.users;", "select 1 from public.users for update;"),
    "truncating-table": ("truncate public.small;", "delete from public.small where id = 1;"),
    "dropping-object": ("drop owned by somebody;", "reassign owned by somebody to another;"),
    "cascading": ("drop view public.v cascade;", "drop view public.v restrict;"),
    "renaming-object": (
        "alter view public.v rename to w;",
        "alter index public.s rename to t;",
    ),
    "changing-every-row": (
        "update public.small set a = 1;",
        "update public.small set a = 1 where a = 2;",
    ),
    "backfill-beside-ddl": (
        "alter table public.users add column a integer;\n"
        "update public.users set a = 1 where a is null;",
        ALONE + "alter table public.users add column a integer;\n"
        "update public.users set a = 1 where a is null;",
    ),
    "enum-value-used-at-once": (
        "alter type public.mood add value 'calm';\ninsert into public.small values ('calm');",
        "alter type public.mood add value 'calm';\ninsert into public.small values ('glad');",
    ),
    "locking-several-tables": (
        "alter table public.users add column a text;\nalter table public.small add column b text;",
        ALONE + "alter table public.users add column a integer;\n"
        "alter table public.small add column b text;",
    ),
    "unused-ignore": (
        "-- lint: ignore ban-drop-table we do not drop\nselect 1;",
        "-- lint: ignore ban-drop-table nobody reads it\ndrop table public.small;",
    ),
}  # fmt: skip


def findings(tmp_path: Path, *texts: str, live: LiveTables | None = BIG) -> list[Finding]:
    for number, text in enumerate(texts, start=1):
        (tmp_path / f"{number:04d}_change_things.sql").write_text(text)
    return lint(load_migrations(tmp_path), live)


def test_every_rule_has_its_cases() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_fires(tmp_path: Path, rule: str) -> None:
    found = [finding for finding in findings(tmp_path, CASES[rule][0]) if finding.rule == rule]
    assert found, f"{rule} did not fire"
    finding = found[0]
    expected = "warning" if RULES[rule].hazard is Hazard.STYLE else "error"
    assert finding.severity == expected
    assert finding.message
    assert finding.safer_form
    assert finding.file == "0001_change_things.sql"
    assert finding.line >= 1


@pytest.mark.parametrize("rule", RULES)
def test_does_not_fire(tmp_path: Path, rule: str) -> None:
    found = findings(tmp_path, CASES[rule][1])
    assert [
        finding for finding in found if finding.rule == rule and finding.severity == "error"
    ] == []
    if rule != "clustering-table":  # on a small table it is told, and does not block
        assert rule not in {finding.rule for finding in found}


def test_the_line_is_that_of_the_statement(tmp_path: Path) -> None:
    text = "-- why\n\nselect 1; select 2;\n\n/* ; */\ndrop table\n    public.small;\n"
    assert [(f.rule, f.line) for f in findings(tmp_path, text)] == [("ban-drop-table", 6)]


def test_locks_block_only_on_big_tables(tmp_path: Path) -> None:
    text = "create index i2 on public.small (a);\ncreate index i3 on public.users (email);"
    severities = [(finding.table, finding.severity) for finding in findings(tmp_path, text)]
    assert ("public.small", "warning") in severities
    assert ("public.users", "error") in severities


def test_without_a_database_every_table_may_be_big(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "create index i2 on public.small (a);", live=None)
    assert finding.severity == "error"


def test_a_table_of_an_earlier_pending_file_is_empty(tmp_path: Path) -> None:
    found = findings(
        tmp_path, "create table public.fresh (a integer);", "create index i2 on public.fresh (a);"
    )
    assert [(finding.rule, finding.severity) for finding in found] == [
        ("require-concurrent-index-creation", "warning")
    ]


def test_an_ignore_needs_a_reason_and_waives_one_statement(tmp_path: Path) -> None:
    waiver = "-- lint: ignore require-concurrent-index-creation it is three in the morning\n"
    text = (
        f"{waiver}create index i2 on public.users (email);\n"
        "create index i3 on public.users (email);"
    )
    first, second = findings(tmp_path, text)
    assert (first.severity, first.reason) == ("ignored", "it is three in the morning")
    assert second.severity == "error"


def test_transaction_control_cannot_be_waived(tmp_path: Path) -> None:
    text = "-- lint: ignore transaction-control I know better\ncommit;"
    assert "error" in {f.severity for f in findings(tmp_path, text)}


def test_squawks_own_waivers_do_not_count(tmp_path: Path) -> None:
    text = "drop table /* squawk-ignore ban-drop-table */ public.small;"
    assert [finding.rule for finding in findings(tmp_path, text)] == ["ban-drop-table"]
    text = "-- squawk-ignore-file\n-- squawk-ignore ban-drop-table\ndrop table public.small;"
    assert [finding.rule for finding in findings(tmp_path, text)] == ["ban-drop-table"]


@pytest.mark.parametrize("program", ["true", "false"])
def test_a_squawk_that_says_nothing_has_not_looked(
    tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sselfie_insights.migrate.squawk.find_squawk", lambda: program)
    with pytest.raises(MigrationError, match=r"squawk failed with exit \d: nothing said"):
        findings(tmp_path, "drop table public.small;")


def test_not_null_after_a_check_validated_in_an_earlier_file(tmp_path: Path) -> None:
    add = "alter table public.users add constraint c check (email is not null) not valid;"
    validate = "alter table public.users validate constraint c;"
    require = "alter table public.users alter column email set not null;"
    assert [finding.rule for finding in findings(tmp_path, add, validate, require)] == []
    assert "adding-not-nullable-field" in {
        finding.rule
        for finding in findings(tmp_path, add, validate, require.replace("email", "visits"))
    }


def test_validate_in_the_same_transaction(tmp_path: Path) -> None:
    text = (
        "alter table public.users add constraint c check (visits > 0) not valid;\n"
        "alter table public.users validate constraint c;"
    )
    assert ("constraint-missing-not-valid", 2) in {
        (finding.rule, finding.line) for finding in findings(tmp_path, text)
    }


def test_the_packaged_migrations_are_clean() -> None:
    assert lint(load_migrations(), None) == []


def test_every_form_of_concurrently_wants_no_transaction(tmp_path: Path) -> None:
    text = (
        "create index concurrently i2 on public.users (email);\n"
        "drop index concurrently public.i;\n"
        "reindex table concurrently public.users;\n"
        "alter table public.parent detach partition public.users concurrently;\n"
        "refresh materialized view concurrently public.view;\n"
    )
    found = [f.line for f in findings(tmp_path, text) if f.rule == "concurrently-in-transaction"]
    assert found == [1, 2, 3, 4], "a refresh may run in a transaction"


def test_names_are_counted_in_bytes(tmp_path: Path) -> None:
    found = findings(tmp_path, f"create table public.{'é' * 32} (id integer);")
    assert "identifier-too-long" in {finding.rule for finding in found}
