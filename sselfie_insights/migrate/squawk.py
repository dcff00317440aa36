"""Judge migrations by their text, where there is no server to try them on: squawk, and doubts."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.statements import Statement

Place = tuple[int, str, str, str]
"""What is said of a line of a file: line, rule, message, and the table if one is known."""

_TASTE = frozenset(
    {"prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity",
     "prefer-robust-stmts", "prefer-text-field", "prefer-timestamp-tz", "ban-char-field",
     "require-timeout-settings", "require-lock-timeout", "require-statement-timeout",
     "ban-uncommitted-transaction", "transaction-nesting",
     "ban-create-domain-with-constraint", "require-enum-value-ordering"}
)  # fmt: skip
"""Rules of squawk about style, and about what the runner does."""

_DOUBTFUL = ("do", "execute", "call", "select", "with", "merge")
_FUNCTION = re.compile(r"^(select|with|insert|update|delete) .*\w \(")
_NAMING = frozenset(
    {"alter", "drop", "truncate", "cluster", "reindex", "lock", "vacuum", "refresh", "update",
     "delete", "insert"}
)  # fmt: skip
_BEFORE_NAME = frozenset(
    {"table", "view", "materialized", "index", "sequence", "type", "domain", "function",
     "concurrently", "if", "exists", "not", "only", "full", "verbose", "analyze", "into", "from"}
)  # fmt: skip


def find_squawk() -> str | None:
    """Return the path of the squawk program, or None if it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("squawk")


def run_squawk(
    migrations: Sequence[Migration], server_version: int | None
) -> dict[int, list[Place]]:
    """Return what squawk finds in each of ``migrations``, and what no text can tell, by version.

    Raises:
        UsageError: squawk is not installed.
        MigrationError: squawk cannot be run, or says what we do not understand.
    """
    program = find_squawk()
    if program is None:
        raise UsageError(
            "there is no server to try migrations on, and no squawk to read them",
            remedy="pip install 'sselfie-insights[demo]', or name a server with --scratch-url, or"
            " pip install 'sselfie-insights[lint]'",
        )
    found: dict[int, list[Place]] = {}
    for migration in migrations:
        doubts = [_doubt(statement) for statement in migration.statements]
        found[migration.version] = [doubt for doubt in doubts if doubt is not None]
    for in_transaction in (True, False):
        chosen = [m for m in migrations if m.in_transaction == in_transaction]
        if chosen:
            _run(program, chosen, server_version, in_transaction, found)
    return found


def _doubt(statement: Statement) -> Place | None:
    """Return that nobody can judge ``statement`` by its text, if that is so."""
    first = statement.tokens[0].text
    if first in _DOUBTFUL or _FUNCTION.match(statement.words):
        return statement.line, "unjudged", f"no text tells what {first.upper()} does", ""
    words = [token.text for token in statement.tokens]
    start = 1 if first in _NAMING else len(words)
    if first == "create" and "index" in words[:3] and "on" in words:
        start = words.index("on") + 1
    while start < len(words) and words[start] in _BEFORE_NAME:
        start += 1
    is_named_in_schemas = first not in ("alter", "drop") or start > 1
    if start < len(words) and is_named_in_schemas and words[start + 1 : start + 2] != ["."]:
        message = f"{words[start]} may be in any schema of the search path"
        return statement.line, "unjudged", message, ""
    return None


def _run(
    program: str,
    migrations: Sequence[Migration],
    server_version: int | None,
    in_transaction: bool,
    found: dict[int, list[Place]],
) -> None:
    places: dict[tuple[str, int], tuple[Migration, int]] = {}
    # A folder of its own: no configuration of the user's; statements only, so that a place in
    # squawk's report is a statement, and a comment cannot silence it without being recorded.
    with tempfile.TemporaryDirectory() as folder:
        for migration in migrations:
            name = f"{migration.version}.sql"
            lines = 0
            with Path(folder, name).open("w", encoding="utf-8") as file:
                for statement in migration.statements:
                    text = statement.sql.replace("squawk-ignore", "squawk_ignore") + ";\n"
                    for line in range(text.count("\n")):
                        places[name, lines + line] = (migration, statement.line + line)
                    lines += text.count("\n")
                    file.write(text)
        command = [program, "--reporter", "json", "--include=ban-drop-trigger"]
        if in_transaction:
            command.append("--assume-in-transaction")
        if server_version is not None:
            command += ["--pg-version", f"{server_version // 10000}.{server_version % 10000}"]
        command += [f"{migration.version}.sql" for migration in migrations]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        for item in json.loads(done.stdout):
            if item["rule_name"] not in _TASTE:
                migration, line = places[item["file"], item["line"]]
                place = (line, item["rule_name"], item["message"], "")
                found[migration.version].append(place)
    except (ValueError, KeyError, TypeError):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise MigrationError(
            f"squawk failed with exit {done.returncode}: {said[0] if said else 'nothing said'}",
            remedy="reinstall 'sselfie-insights[lint]'",
        ) from None
