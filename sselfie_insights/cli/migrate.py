"""``sselfie migrate``: bring the application's database up to its migrations, without harm."""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sselfie_insights.errors import ExitCode

if TYPE_CHECKING:
    from sselfie_insights.migrate.planning import Plan
    from sselfie_insights.settings import Settings

app = typer.Typer(
    name="migrate",
    help="Change the application's database with numbered SQL files.",
    no_args_is_help=True,
)


class ListFormat(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"


Format = Annotated[ListFormat, typer.Option("--format", help="How to write the answer.")]
To = Annotated[
    int | None, typer.Option(metavar="N", help="Stop at this version; default: the latest.")
]
Scratch = Annotated[
    str | None,
    typer.Option(
        "--scratch-url",
        metavar="URL",
        envvar="SSELFIE_SCRATCH_URL",
        help="A server to try things on, never the target's; default: an embedded one.",
    ),
]
LargeTable = Annotated[
    int,
    typer.Option(metavar="MB", min=0, help="Block locks and rewrites of tables from this size on."),
]


@app.command()
def status(
    on_scratch: Annotated[
        bool, typer.Option("--on-scratch", help="Compare with what the files build from nothing.")
    ] = False,
    scratch_url: Scratch = None,
    output_format: Format = ListFormat.TABLE,
) -> None:
    """Show each file's state, drift, and what disagrees.

    Compares contract, files and database.

    Example: sselfie migrate status
    """
    from sselfie_insights.migrate import read_status

    settings = _settings()
    found = read_status(
        settings.require_database_url(),
        folder=_folder(settings),
        schemas=settings.source_schemas,
        on_scratch=on_scratch,
        scratch_url=scratch_url,
    )
    if output_format is ListFormat.JSON:
        _print_json(
            {
                "migrations": [asdict(step) for step in found.steps],
                "drift": [_difference(difference) for difference in found.drift],
                "differences": [asdict(row) for row in found.differences],
            }
        )
        return
    for step in found.steps:
        line = f"{step.version:04d}_{step.name:<36}  {step.state:<9}  {step.applied_at}"
        typer.echo(f"{line.rstrip()}  {step.detail}".rstrip())
    for difference in found.drift:
        typer.echo(f"drift: {difference}")
    for row in found.differences:
        typer.echo(
            f"differs: {row.object}: contract {row.contract or 'none'}; "
            f"migrations {row.migrations or 'none'}; database {row.database or 'none'}"
        )


@app.command()
def plan(
    to: To = None, output_format: Format = ListFormat.TABLE, large_table: LargeTable = 10
) -> None:
    """Show what apply would do, and what blocks it.

    Nothing is changed.

    Example: sselfie migrate plan --to 15
    """
    from sselfie_insights.migrate import plan as make_plan

    settings = _settings()
    found = make_plan(
        settings.require_database_url(),
        folder=_folder(settings),
        to=to,
        schemas=settings.source_schemas,
        large_table_bytes=large_table * 1_000_000,
    )
    if output_format is ListFormat.JSON:
        _print_json(
            {
                "pending": [_migration(migration) for migration in found.pending],
                "findings": [asdict(finding) for finding in found.findings],
                "drift": [_difference(difference) for difference in found.drift],
                "notes": found.notes,
            }
        )
    else:
        for line in _plan_lines(found):
            typer.echo(line)


@app.command()
def apply(
    to: To = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    allow_destructive: Annotated[
        bool,
        typer.Option("--allow-destructive", help="Allow steps that lose data, or names in use."),
    ] = False,
    lock_timeout: Annotated[
        int, typer.Option(metavar="MS", min=1, help="How long to wait for a lock.")
    ] = 200,
    statement_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.001, help="How long a statement may take.")
    ] = 60,
    deadline: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="How long to retry after a lock timeout."),
    ] = 300,
    concurrent_deadline: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long CONCURRENTLY may take.")
    ] = 3600,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for another run.")
    ] = 30,
    large_table: LargeTable = 10,
    output_format: Format = ListFormat.TABLE,
) -> None:
    """Apply the pending files.

    Each in one transaction with its record.

    Example: sselfie migrate apply --to 15 --yes
    """
    from sselfie_insights.migrate import Limits
    from sselfie_insights.migrate import apply as apply_migrations
    from sselfie_insights.migrate import plan as make_plan

    settings = _settings()
    url = settings.require_database_url()
    common: dict[str, Any] = {
        "folder": _folder(settings),
        "to": to,
        "schemas": settings.source_schemas,
        "large_table_bytes": large_table * 1_000_000,
    }
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        found = make_plan(url, **common)
        for line in _plan_lines(found):
            _note(line)
        if found.pending:
            if not _agrees("Apply this?"):
                _note("nothing was applied")
                raise typer.Exit(ExitCode.INTERRUPTED)
            common["to"] = found.pending[-1].version  # no file that has come since
    applied = apply_migrations(
        url,
        allow_destructive=allow_destructive,
        limits=Limits(lock_timeout, statement_timeout, deadline, concurrent_deadline, wait),
        note=_note,
        **common,
    )
    if output_format is ListFormat.JSON:
        _print_json([_migration(migration) for migration in applied])
    elif not applied:
        _note("nothing to apply")


@app.command()
def lint(
    everything: Annotated[
        bool, typer.Option("--all", help="Check applied files too, not only pending ones.")
    ] = False,
    output_format: Format = ListFormat.TABLE,
    large_table: LargeTable = 10,
) -> None:
    """Check the pending files; exit 6 if a finding blocks.

    Works without a database, and is strict then.

    Example: sselfie migrate lint --all --format json
    """
    from sselfie_insights.migrate.checkup import lint_folder

    settings = _settings()
    url = settings.database_url
    findings = lint_folder(
        _folder(settings),
        None if url is None else url.get_secret_value(),
        schemas=settings.source_schemas,
        large_table_bytes=large_table * 1_000_000,
        everything=everything,
    )
    if output_format is ListFormat.JSON:
        _print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            typer.echo(str(finding))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(ExitCode.MIGRATION)


@app.command()
def trace(
    to: To = None, scratch_url: Scratch = None, output_format: Format = ListFormat.TABLE
) -> None:
    """Report the locks that the pending files take.

    Runs them on a copy of the schema.

    Example: sselfie migrate trace
    """
    from sselfie_insights.migrate import trace as trace_pending

    settings = _settings()
    found = trace_pending(
        settings.require_database_url(),
        folder=_folder(settings),
        to=to,
        scratch_url=scratch_url,
    )
    for failure in found.not_copied:
        _note(f"not copied: {failure}")
    if output_format is ListFormat.JSON:
        _print_json([asdict(traced) for traced in found.statements])
    else:
        for traced in found.statements:
            typer.echo(f"{traced.file}:{traced.line}: {traced.statement}")
            for lock in traced.locks:
                typer.echo(f"    locks {lock.table} in {lock.mode}")
            for table in traced.rewritten:
                typer.echo(f"    rewrites {table}")
            if traced.error:
                typer.echo(f"    {'skipped' if traced.is_skipped else 'fails'}: {traced.error}")
    if any(traced.error and not traced.is_skipped for traced in found.statements):
        raise typer.Exit(ExitCode.MIGRATION)


@app.command()
def baseline(
    version: Annotated[int, typer.Argument(metavar="N", help="The last version it has.")],
    accept_differences: Annotated[
        bool,
        typer.Option(
            "--accept-differences", help="Adopt it even if tables or columns are missing."
        ),
    ] = False,
    scratch_url: Scratch = None,
    output_format: Format = ListFormat.TABLE,
) -> None:
    """Adopt a database that somebody else created.

    Lists how it differs.

    Example: sselfie migrate baseline 15
    """
    from sselfie_insights.migrate import baseline as adopt

    settings = _settings()
    differences = adopt(
        settings.require_database_url(),
        version,
        folder=_folder(settings),
        schemas=settings.source_schemas,
        scratch_url=scratch_url,
        accept_differences=accept_differences,
    )
    _note(f"adopted at {version:04d}; differences: {len(differences)}")
    if output_format is ListFormat.JSON:
        _print_json([_difference(difference) for difference in differences])
    else:
        for difference in differences:
            typer.echo(str(difference))


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What it does: <verb>_<noun>, e.g. add_plans.")
    ],
    no_transaction: Annotated[
        bool,
        typer.Option("--no-transaction", help="For statements such as CREATE INDEX CONCURRENTLY."),
    ] = False,
    output_format: Format = ListFormat.TABLE,
) -> None:
    """Write an empty file with the next number.

    In the folder that SSELFIE_MIGRATIONS names.

    Example: sselfie migrate new add_plans
    """
    from sselfie_insights.errors import UsageError
    from sselfie_insights.migrate.files import create_migration

    folder = _settings().migrations
    if folder is None:
        raise UsageError(
            "no folder of your own to write to", remedy="set SSELFIE_MIGRATIONS to a folder"
        )
    path = create_migration(folder, name, in_transaction=not no_transaction)
    if output_format is ListFormat.JSON:
        _print_json({"path": str(path)})
    else:
        typer.echo(path)


def _settings() -> "Settings":
    from sselfie_insights.settings import load_settings

    return load_settings()


def _folder(settings: "Settings") -> Path:
    from sselfie_insights.migrate import PACKAGED

    return settings.migrations or PACKAGED


def _plan_lines(found: "Plan") -> list[str]:
    lines = [f"note: {note}" for note in found.notes]
    lines += [f"drift: {difference}" for difference in found.drift]
    for migration in found.pending:
        mode = "" if migration.in_transaction else ", one by one"
        lines.append(f"apply {migration.label} (statements: {len(migration.statements)}{mode})")
    lines += [str(finding) for finding in found.findings]
    return lines or ["nothing to apply"]


def _migration(migration: Any) -> dict[str, Any]:
    return {
        "version": migration.version,
        "name": migration.name,
        "sha256": migration.sha256,
        "in_transaction": migration.in_transaction,
        "statement_count": len(migration.statements),
    }


def _difference(difference: Any) -> dict[str, Any]:
    return {
        "kind": difference.identity.kind,
        "name": difference.identity.name,
        "change": difference.change,
        "before": difference.before,
        "after": difference.after,
    }


def _agrees(question: str) -> bool:
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _note(message: str) -> None:
    typer.echo(message, err=True)
