"""Migrations of which others have written down whether they are dangerous: tests/fixtures/lint.yml.

``block`` means that a finding stops ``apply`` without a waiver, ``pass`` that none does.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.migrate import load_migrations
from sselfie_insights.migrate.lint import judge_files
from sselfie_insights.migrate.scratch import copy_schema
from sselfie_insights.migrate.watch import Watcher
from tests.conftest import temporary_database
from tests.integration.migrate.conftest import Folder
from tests.integration.sync.servers import Server

CASES = yaml.load(
    Path(__file__).parents[2].joinpath("fixtures/lint.yml").read_text(encoding="utf-8"),
    yaml.CSafeLoader,
)

DIFFERS = {
    "sm-const-default-23 timestamp now() at time zone 'ut": "a syntax error: DEFAULT takes no AT"
    " TIME ZONE without parentheses, on any version",
    "sm-type-safe-17 chk->varchar(9)": "PostgreSQL reads the table to verify the check again",
    "pg-revoke": "taken for access loss there, where to pass is said to be right, too",
}
"""Cases in which PostgreSQL does something else than what is written of it, and what it does."""


@pytest.fixture(scope="module")
def copy(each_server: Server) -> Iterator[str]:
    """A database with the tables of the cases, made as a copy is made."""
    with temporary_database(each_server.url) as target, temporary_database(each_server.url) as url:
        with psycopg.connect(target, autocommit=True) as connection:
            for statement in CASES["setup"]:
                connection.execute(statement.encode())
        assert copy_schema(target, url) == []
        yield url


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"], marks=[pytest.mark.slow] if number % 6 else [])
        for number, case in enumerate(CASES["cases"])
    ],
)
def test_case(copy: str, each_server: Server, folder: Folder, case: dict) -> None:
    with psycopg.connect(each_server.url, autocommit=True) as admin:
        if admin.info.server_version < 10000 * case.get("from_postgres", 0):
            pytest.skip("of a later version")
        # A case before may have dropped or renamed it: roles belong to the whole server.
        admin.execute("drop role if exists rol2")
        if not admin.execute("select 1 from pg_roles where rolname = 'rol1'").fetchone():
            admin.execute("create role rol1")
        admin.execute("alter role rol1 reset all; alter role rol3 login")
        name = f"t_{secrets.token_hex(6)}"
        template = conninfo_to_dict(copy)["dbname"]
        admin.execute(f'create database {name} template "{template}"'.encode())
        try:
            path = folder(*(text.replace("{db}", name) for text in case["files"]))
            watcher = Watcher(make_conninfo(each_server.url, dbname=name))
            findings = judge_files(watcher, load_migrations(path)).findings
        finally:
            admin.execute(f"drop database {name} with (force)".encode())
            admin.execute("alter role all reset all")
    blocks = any(finding.severity == "error" for finding in findings)
    expected = (case["expect"] == "block") != (case["id"] in DIFFERS)
    assert blocks == expected, [str(finding) for finding in findings]
