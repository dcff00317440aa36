"""``sselfie run``: everything in order, published only when all is well."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel, examples
from sselfie_insights.cli.options import Warehouse
from sselfie_insights.cli.progress import progress_bar
from sselfie_insights.printable import clean
from sselfie_insights.run.steps import STEPS, choose_steps


class LogFormat(StrEnum):
    """How the log on stderr is written."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        rich_help_panel=Panel.UPDATE,
        epilog=examples(
            "run --quiet --timeout 2h",
            "run --until publish -v",
            "run --dry-run",
        ),
    )(run)


def run(
    steps: Annotated[
        str | None,
        typer.Option(metavar="STEP,…", help=f"Run only these steps: {', '.join(STEPS)}."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STEP", help="Stop after this step.")] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop the run after this long, e.g. 2h.")
    ] = None,
    digest: Annotated[
        bool, typer.Option("--digest", help="Send the week's digest, from its day on, once a week.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print nothing unless something is wrong.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Report each step.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="How the log is written.")] = LogFormat.TEXT,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output-dir", metavar="DIR", help="Where reports and exports are written."
        ),
    ] = None,
    warehouse: Warehouse = None,
) -> None:
    """Sync, check, build, publish, render and export.

    Nothing is published unless every check passes.
    """
    from sselfie_insights.clock import parse_duration
    from sselfie_insights.errors import ExitCode, SselfieError, UsageError
    from sselfie_insights.run import pipeline
    from sselfie_insights.run.logs import open_log
    from sselfie_insights.settings import load_settings

    log = open_log(log_format.value, quiet=quiet, verbose=verbose)
    try:
        settings = load_settings(warehouse=warehouse, output_dir=output_dir)
        chosen = choose_steps(steps, until)
        limit = None if timeout is None else parse_duration(timeout)
        if limit is not None and not limit:
            raise UsageError("--timeout 0 leaves no time", remedy="leave it out for no limit")
        if dry_run:
            from sselfie_insights.run.plan import describe_run

            for row in describe_run(settings, chosen):
                typer.echo("\t".join(map(clean, row)))
            return
        with progress_bar("run", is_wanted=not quiet) as on_progress:
            report = pipeline.run(
                settings, log, steps=chosen, timeout=limit, digest=digest, on_progress=on_progress
            )
    except SselfieError as error:
        if log_format is LogFormat.TEXT:
            raise
        log.error(str(error), exit_code=int(error.exit_code))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)  # the log says so, in its format
    log.info(f"done in {report.seconds:.1f} s: {'; '.join(report.done)}", **report.steps)
