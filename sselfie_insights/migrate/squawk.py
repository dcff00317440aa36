"""Run squawk over migrations: the rules that need no knowledge of the database."""

import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.rules import RULES
from sselfie_insights.migrate.statements import Statement

_OPT_IN = ("require-table-schema", "ban-drop-trigger")


@dataclass(frozen=True)
class Report:
    """What squawk says of one statement of one migration, and in which line of the file."""

    rule: str
    migration: Migration
    statement: Statement
    line: int
    message: str


def find_squawk() -> str | None:
    """Return the path of the squawk program, or None if it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("squawk")


def require_squawk() -> str:
    """Return the path of the squawk program.

    Raises:
        UsageError: It is not installed.
    """
    program = find_squawk()
    if program is None:
        raise UsageError(
            "squawk, which checks migrations, is not installed",
            remedy="pip install 'sselfie-insights[lint]'",
        )
    return program


def run_squawk(migrations: Sequence[Migration], server_version: int | None) -> list[Report]:
    """Return what squawk finds in ``migrations``, by the rules that we know.

    Raises:
        UsageError: squawk is not installed.
        MigrationError: squawk cannot be run, or says what we do not understand.
    """
    program = require_squawk()
    reports = []
    for in_transaction in (True, False):
        chosen = [m for m in migrations if m.in_transaction == in_transaction]
        if chosen:
            reports += _run(program, chosen, server_version, in_transaction)
    return reports


def _run(
    program: str,
    migrations: Sequence[Migration],
    server_version: int | None,
    in_transaction: bool,
) -> list[Report]:
    places: dict[tuple[str, int], tuple[Migration, Statement, int]] = {}
    # A folder of its own: no configuration of the user's; statements only, so that a place in
    # squawk's report is a statement, and a comment cannot silence it without being recorded.
    with tempfile.TemporaryDirectory() as folder:
        for migration in migrations:
            name = f"{migration.version}.sql"
            text = ""
            for statement in migration.statements:
                first = text.count("\n")
                text += statement.sql.replace("squawk-ignore", "squawk_ignore") + ";\n"
                for line in range(first, text.count("\n")):
                    places[name, line] = (migration, statement, statement.line + line - first)
            Path(folder, name).write_text(text, encoding="utf-8")
        command = [program, "--reporter", "json", *(f"--include={rule}" for rule in _OPT_IN)]
        if in_transaction:
            command.append("--assume-in-transaction")
        if server_version is not None:
            command += ["--pg-version", f"{server_version // 10000}.{server_version % 10000}"]
        command += [f"{migration.version}.sql" for migration in migrations]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
        return [
            Report(item["rule_name"], *places[item["file"], item["line"]], item["message"])
            for item in found
            if item["rule_name"] in RULES
        ]
    except (ValueError, KeyError, TypeError):
        told = (done.stderr or done.stdout).strip().splitlines()
        raise MigrationError(
            f"squawk failed with exit {done.returncode}: {told[0] if told else 'nothing said'}",
            remedy="reinstall 'sselfie-insights[lint]'",
        ) from None
