"""Documented tables that are there and not read: ``doctor`` says why, and its remedies work."""

from pathlib import Path

import psycopg
import pytest

from sselfie_insights.query import OpenWarehouse
from sselfie_insights.settings import load_settings
from sselfie_insights.setup.doctor import Finding
from sselfie_insights.setup.doctor.source import check_source
from sselfie_insights.sync import sync
from tests.integration.setup.test_names import lines


def find(url: str, folder: Path, *own: str) -> dict[str, Finding]:
    """What ``doctor`` finds with lines of ``sselfie.toml``; the last of each part."""
    (folder / "sselfie.toml").write_text("\n".join([*own, f"database_url = '{url}'"]))
    return {finding.part: finding for finding in check_source(load_settings())}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("alter table subscriptions disable row level security")
        for statement in statements:
            connection.execute(statement)


def ask(folder: Path, sql: str) -> list[tuple[object, ...]]:
    settings = load_settings(warehouse=folder / "w.duckdb")
    sync(settings)
    with OpenWarehouse(settings.warehouse) as warehouse:
        return warehouse.connection.execute(sql).fetchall()


def test_the_table_behind_a_view_is_proposed(source: str, here: Path) -> None:
    execute(
        source,
        "alter table users rename to app_users",
        "create view users as select id, email from app_users",
    )
    found = find(source, here)
    assert lines(list(found.values())) == []  # by its columns nothing looks like users
    remedy = found["views"].remedy
    assert remedy.endswith(': tables.renamed.users = "app_users"')
    assert "not mirrored" not in found
    assert ask(here, "select kind from meta.contract_drift where table_name = 'users'") == [
        ("table not mirrored",)
    ]
    line = remedy.partition("sselfie.toml: ")[2]
    found = find(source, here, line)
    assert "views" not in found
    assert ask(here, "select id from raw.users order by id") == [("u1",), ("u2",)]


def test_a_view_of_several_tables_is_named_with_what_to_do(source: str, here: Path) -> None:
    execute(
        source,
        "alter table users rename to app_users",
        "create view users as select u.id, u.email from app_users u join subscriptions s"
        " on s.user_id = u.id",
    )
    found = find(source, here)
    assert "views" not in found
    assert found["not mirrored"].detail.startswith("users is a view")
    assert "materialized view" in found["not mirrored"].remedy
    execute(source, "drop view users", "create materialized view users as select * from app_users")
    assert "not mirrored" not in find(source, here)
    assert ask(here, "select id from raw.users order by id") == [("u1",), ("u2",)]


def test_a_table_that_the_settings_leave_out_is_said_to_be(source: str, here: Path) -> None:
    execute(source, 'create table "maya_chat_message" (id int)', "create table notes (id int)")
    left = 'tables.leave_out = ["users", "maya_*", "notes"]'
    found = find(source, here, left)
    assert found["left out"].detail == (
        "sselfie.toml leaves out maya_chat_messages, users: what is made from them is not known"
    )
    assert "users" not in found["lacking"].detail
    drift = "select table_name, kind from meta.contract_drift where kind = 'table left out'"
    assert ask(here, f"{drift} order by all") == [
        ("maya_chat_messages", "table left out"),
        ("users", "table left out"),
    ]
    assert "left out" not in find(source, here)


def test_users_of_supabase_are_read_through_a_view_of_their_owner(source: str, here: Path) -> None:
    execute(
        source,
        "drop table users",
        "create schema auth",
        "create table auth.users (id uuid primary key, email text, encrypted_password text,"
        " raw_user_meta_data jsonb, created_at timestamptz)",
        "insert into auth.users values ('00000000-0000-4000-8000-000000000001',"
        " 'ann@studio.no', '$2a$10$hash', '{}', '2026-10-01 00:00+00')",
    )
    remedy = find(source, here)["users"].remedy
    statement = remedy.removeprefix("as its owner: ").partition(";")[0]
    assert "password" not in statement
    execute(source, statement)
    assert "users" not in find(source, here)
    assert ask(here, "select id::text, email, created_at::date::text from raw.users") == [
        ("00000000-0000-4000-8000-000000000001", "ann@studio.no", "2026-10-01")
    ]
