"""Migrations of which it is written down whether they are dangerous.

Others wrote tests/fixtures/lint.yml, we lint_own.yml. ``block`` means that a finding stops
``apply`` without a waiver, ``pass`` that none does.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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

SHARED, OWN = (
    yaml.load(
        Path(__file__).parents[2].joinpath("fixtures", name).read_text(encoding="utf-8"),
        yaml.CSafeLoader,
    )
    for name in ("lint.yml", "lint_own.yml")
)


class Case(NamedTuple):
    """Files, whether they block, and the first version of PostgreSQL that knows such statements."""

    name: str
    files: list[str]
    blocks: bool
    version: int
    is_slow: bool


DIFFERS = {
    "sm-const-default-23 timestamp now() at time zone 'ut": "a syntax error: DEFAULT takes no AT"
    " TIME ZONE without parentheses, on any version",
    "sm-type-safe-17 chk->varchar(9)": "PostgreSQL reads the table to verify the check again",
    "pg-revoke": "taken for access loss there, where to pass is said to be right, too",
}
"""Cases in which PostgreSQL does something else than what is written of it, and what it does."""

ALL_CASES = [
    Case(
        case["id"],
        case["files"],
        (case["expect"] == "block") != (case["id"] in DIFFERS),
        case.get("from_postgres", 0),
        number % 6 > 0,
    )
    for number, case in enumerate(SHARED["cases"])
] + [
    Case(
        f"{kind}: {expected.split()[0]} {name}",
        text.replace("{alone}", "-- migrate: no-transaction\n").split("{next}"),
        expected.startswith("block"),
        int(expected.partition(" from ")[2] or 0),
        number % 12 > 0,
    )
    for kind, groups in OWN["cases"].items()
    for expected, texts in groups.items()
    for number, (name, text) in enumerate(texts.items())
]


@pytest.fixture(scope="module")
def copy(each_server: Server) -> Iterator[str]:
    """A database with the tables of the cases, made as a copy is made."""
    with temporary_database(each_server.url) as target, temporary_database(each_server.url) as url:
        with psycopg.connect(target, autocommit=True) as connection:
            for statement in SHARED["setup"] + OWN["setup"]:
                connection.execute(statement.encode())
        assert copy_schema(target, url) == []
        yield url


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.is_slow else [])
        for case in ALL_CASES
    ],
)
def test_case(copy: str, each_server: Server, folder: Folder, case: Case) -> None:
    with psycopg.connect(each_server.url, autocommit=True) as admin:
        if admin.info.server_version < 10000 * case.version:
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
            path = folder(*(text.replace("{db}", name) for text in case.files))
            watcher = Watcher(make_conninfo(each_server.url, dbname=name))
            findings = judge_files(watcher, load_migrations(path)).findings
        finally:
            admin.execute(f"drop database {name} with (force)".encode())
            admin.execute("alter role all reset all")
    blocks = any(finding.severity == "error" for finding in findings)
    assert blocks == case.blocks, [str(finding) for finding in findings]
