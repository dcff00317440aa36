"""``sselfie migrate``: bring the application's database up to its migrations, without harm."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sselfie_insights.cli.group import Group
from sselfie_insights.cli.output import FormatOption, Output, Table, choose_format
from sselfie_insights.errors import ExitCode
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from sselfie_insights.migrate.planning import Plan
    from sselfie_insights.settings import Settings

app = typer.Typer(
    name="migrate",
    help="Change the application's database with numbered SQL files.",
    no_args_is_help=True,
    cls=Group,
)

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
    form: FormatOption = None,
    output: Output = None,
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
    rows: list[tuple[Any, ...]] = [
        (
            step.label,
            step.state,
            step.finished_at.isoformat() if step.finished_at else "",
            step.detail,
        )
        for step in found.steps
    ]
    rows += [(str(each.identity), "drift", "", str(each)) for each in found.drift]
    rows += [
        (
            str(each.identity),
            "differs",
            "",
            "; ".join(
                f"{side} {text or 'none'}"
                for side, text in zip(
                    ("contract", "migrations", "database"), each.texts, strict=True
                )
            ),
        )
        for each in found.differences
    ]
    _show("status", ("object", "state", "applied_at", "detail"), rows, form, output)


@app.command()
def plan(
    to: To = None,
    scratch_url: Scratch = None,
    large_table: LargeTable = 10,
    form: FormatOption = None,
    output: Output = None,
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
        scratch_url=scratch_url,
        large_table_bytes=large_table * 1_000_000,
    )
    for note in found.notes:
        _note(note)
    _show("plan", ("item", "place", "rule", "detail"), _plan_rows(found), form, output)


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
    scratch_url: Scratch = None,
    large_table: LargeTable = 10,
    form: FormatOption = None,
    output: Output = None,
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
        "scratch_url": scratch_url,
        "large_table_bytes": large_table * 1_000_000,
    }
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        found = make_plan(url, **common)
        for row in _plan_rows(found):
            _note(" ".join(part for part in row if part))
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
    if not applied:
        _note("nothing to apply")
    if form is not None or output is not None:
        rows = [(each.version, each.name, len(each.statements)) for each in applied]
        _show("applied", ("version", "name", "statement_count"), rows, form, output)


@app.command()
def lint(
    everything: Annotated[
        bool, typer.Option("--all", help="Check applied files too, not only pending ones.")
    ] = False,
    scratch_url: Scratch = None,
    large_table: LargeTable = 10,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Check the pending files; exit 6 if a finding blocks.

    Works without a database, and is strict then.

    Example: sselfie migrate lint --all --format json
    """
    from sselfie_insights.migrate import lint_folder

    settings = _settings()
    judgement = lint_folder(
        _folder(settings),
        settings.require_database_url() if settings.database_url else None,
        scratch_url=scratch_url,
        large_table_bytes=large_table * 1_000_000,
        everything=everything,
    )
    for note in judgement.notes:
        _note(note)
    columns = ("file", "line", "severity", "rule", "message", "safer_form", "table", "hazard",
               "reason")  # fmt: skip
    findings = judgement.findings
    rows = [tuple(getattr(each, column) for column in columns) for each in findings]
    _show("findings", columns, rows, form, output)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(ExitCode.MIGRATION)


@app.command()
def trace(
    to: To = None,
    scratch_url: Scratch = None,
    form: FormatOption = None,
    output: Output = None,
) -> None:
    """Report the locks that the pending files take.

    Runs them on a copy of the schema.

    Example: sselfie migrate trace
    """
    from sselfie_insights.migrate import plan as make_plan

    settings = _settings()
    found = make_plan(
        settings.require_database_url(),
        folder=_folder(settings),
        to=to,
        schemas=settings.source_schemas,
        scratch_url=scratch_url,
    )
    for note in found.notes:
        _note(note)
    rows = [
        (
            each.migration.path.name,
            each.statement.line,
            each.statement.beginning,
            ", ".join(sorted(str(lock) for lock in each.locks if not lock.is_on_index)),
            ", ".join(each.rewritten),
            "skipped" if each.is_skipped else str(each.error or "").partition("\n")[0],
        )
        for each in found.traced
    ]
    columns = ("file", "line", "statement", "locks", "rewritten", "error")
    _show("trace", columns, rows, form, output)
    if any(each.error and not each.is_skipped for each in found.traced):
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
    form: FormatOption = None,
    output: Output = None,
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
    rows = [
        (*each.identity, each.change, *(text or "" for text in each.texts)) for each in differences
    ]
    _show("differences", ("kind", "name", "change", "before", "after"), rows, form, output)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it does, e.g. add_plans.")],
    no_transaction: Annotated[
        bool,
        typer.Option("--no-transaction", help="For statements such as CREATE INDEX CONCURRENTLY."),
    ] = False,
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
    typer.echo(create_migration(folder, name, in_transaction=not no_transaction))


def _settings() -> "Settings":
    from sselfie_insights.settings import load_settings

    settings = load_settings()
    if note := settings.describe_foreign_parameters():
        _note(note)
    return settings


def _folder(settings: "Settings") -> Path:
    from sselfie_insights.migrate import PACKAGED

    return settings.migrations or PACKAGED


def _plan_rows(found: "Plan") -> list[tuple[str, str, str, str]]:
    """Return what a plan shows: item, place, rule, detail."""
    rows = [("drift", str(each.identity), "", str(each)) for each in found.drift]
    for migration in found.pending:
        mode = "" if migration.in_transaction else ", one by one"
        detail = f"statements: {len(migration.statements)}{mode}"
        rows.append(("apply", migration.label, "", detail))
    for each in found.findings:
        reason = f"ignored: {each.reason}" if each.reason else f"instead: {each.safer_form}"
        place = f"{each.file}:{each.line}"
        rows.append((each.severity, place, each.rule, f"{each.message}; {reason}"))
    return rows


def _show(
    name: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
    form: FormatOption,
    output: Output,
) -> None:
    numbers = ("version", "line", "statement_count")
    units: dict[str, Any] = {each: "count" if each in numbers else "text" for each in columns}
    Table(choose_format(form, output), output).show_rows(name, units, list(rows))


def _agrees(question: str) -> bool:
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _note(message: str) -> None:
    typer.echo(clean(message), err=True)
