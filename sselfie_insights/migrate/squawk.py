"""Judge migrations by their text, where there is no server to try them on: squawk, and doubts."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from sselfie_insights.errors import MigrationError, UsageError
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.system import child_environment

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

_READABLE = re.compile(
    r"create (or replace |unique |unlogged |temp |temporary )*(table (?!.* (partition of|as) )"
    r"|(schema|index|sequence|type|domain|view|function|procedure|policy|role|extension) )"
    r"|alter table (?!.* (disable|enable|force|attach|inherit|(small|big)?serial"
    r"|check\b(?!.* not valid)|set (tablespace|access|logged|unlogged|expression))\b)"
    r"|alter (index|domain) (?!.* set )"
    r"|alter (type|sequence|view|materialized|function|schema) "
    r"|drop (table|index|view|materialized|function|type|domain|sequence|trigger|schema|extension) "
    r"|(comment|grant|revoke|analyze|notify|listen|reset)\b|set (?!role |session )"
    r"|reindex (?!\()|vacuum (?!.*\bfull\b)|refresh materialized view concurrently "
    r"|insert into [^()]+(\([^()]*\) )?values (?:[(),?+ -]++|null|true|false|default)++$"
    r"|(update|delete) (?!.* (?!in |any |and |or |not |where )\w+ \().* where "
)
"""What squawk has rules for, or what does no harm; the rest runs other code or is unknown to it."""

_KINDS = " table| view| materialized| index| sequence| type| domain| function"
_UNQUALIFIED = re.compile(
    rf"((alter|drop)(?={_KINDS})|reindex|refresh|truncate|cluster|lock|vacuum|update|delete|insert"
    r"|create( unique)? index .*\bon)"
    rf"({_KINDS}| concurrently| if| exists| not| only| full| verbose| analyze| into| from)*+"
    r' (?P<name>\w+|"[^"]*")(?! \.)( |$)'
)
"""What names something in use without its schema."""


def find_squawk() -> str | None:
    """Return the path of the squawk program, or None if it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("squawk")


def run_squawk(migration: Migration, server_version: int | None) -> list[Place]:
    """Return what squawk finds in ``migration``, and what no text can tell.

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
    command = [program, "--reporter", "json", "--include=ban-drop-trigger", "file.sql"]
    if migration.in_transaction:
        command.append("--assume-in-transaction")
    if server_version is not None:
        command += ["--pg-version", f"{server_version // 10000}.{server_version % 10000}"]
    lines: list[int] = []
    # A folder of its own: no configuration of the user's; statements only, so that a place in
    # squawk's report is a statement, and a comment cannot silence it without being recorded.
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "file.sql").open("w", encoding="utf-8") as file:
            for statement in migration.statements:
                text = statement.sql.replace("squawk-ignore", "squawk_ignore") + ";\n"
                lines += [statement.line] * text.count("\n")
                file.write(text)
        done = subprocess.run(
            command,
            cwd=folder,
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        found = [
            (lines[item["line"]], item["rule_name"], item["message"], "")
            for item in json.loads(done.stdout)
            if item["rule_name"] not in _TASTE
        ]
    except (ValueError, LookupError, TypeError):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise MigrationError(
            f"squawk failed with exit {done.returncode}: {said[0] if said else 'nothing said'}",
            remedy="reinstall 'sselfie-insights[lint]'",
        ) from None
    doubts = [(each.line, "unjudged", _doubt(each), "") for each in migration.statements]
    return [doubt for doubt in doubts if doubt[2]] + found


def _doubt(statement: Statement) -> str:
    """Return why nobody can judge ``statement`` by its text; nothing if one can."""
    if not _READABLE.match(f"{statement.words} "):
        return f"no text tells what this {statement.command.upper()} does"
    if found := _UNQUALIFIED.match(statement.words):
        return f"{found['name']} may be in any schema of the search path"
    return ""
