"""The ``sselfie`` command: one module a command, each parses, calls and prints.

stdout carries data and nothing else; notes, progress and errors go to stderr.
"""

import atexit
import gc
import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from sselfie_insights import __version__
from sselfie_insights.cli import (
    alerts,
    backup,
    build,
    check,
    close,
    config,
    demo,
    diff,
    digest,
    doctor,
    explain,
    export,
    forget,
    home,
    init,
    lake,
    mcp,
    migrate,
    query,
    reconcile,
    report,
    rollback,
    run,
    segment,
    simulate,
    status,
    stripe,
    sync,
)
from sselfie_insights.cli.complete import join_words
from sselfie_insights.cli.group import Group, Panel, examples
from sselfie_insights.definitions import DEFINITIONS
from sselfie_insights.errors import ExitCode, SselfieError
from sselfie_insights.interrupt import graceful_shutdown
from sselfie_insights.printable import clean, clean_lines

app = typer.Typer(
    name="sselfie",
    help="Revenue, retention and growth reports for SSELFIE Studio.",
    cls=Group,
    invoke_without_command=True,
    epilog=examples(
        "                                        where the business stands",
        "report show overview                    a report in the terminal",
        "query run churn_by_month -o churn.xlsx  a table as a file",
        "run --quiet                             everything, every night",
    ),
    pretty_exceptions_enable=False,
    # Plain help: Rich takes longer to load than all the rest, and cannot draw into a pipe.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
alerts.register(app)
backup.register(app)
build.register(app)
check.register(app)
close.register(app)
config.register(app)
demo.register(app)
diff.register(app)
digest.register(app)
doctor.register(app)
explain.register(app)
export.register(app)
forget.register(app)
init.register(app)
mcp.register(app)
simulate.register(app)
app.add_typer(lake.app, rich_help_panel=Panel.SET_UP)
app.add_typer(migrate.app, rich_help_panel=Panel.SET_UP)
app.add_typer(query.app, rich_help_panel=Panel.READ)
app.add_typer(report.app, rich_help_panel=Panel.READ)
app.add_typer(segment.app, rich_help_panel=Panel.ACT)
app.add_typer(stripe.app, rich_help_panel=Panel.BOOKS)
reconcile.register(app)
rollback.register(app)
run.register(app)
status.register(app)
sync.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{__version__}, definitions {DEFINITIONS}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the versions."
        ),
    ] = False,
) -> None:
    """Revenue, retention and growth reports for SSELFIE Studio.

    Without a command: where the business stands, and what to do next.
    """
    if ctx.invoked_subcommand is None:
        home.show_home()


def _open_streams() -> None:
    """Speak UTF-8 in every locale, and let no file take the place of a stream that is closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - to the very end
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):  # a caller's own stand-in speaks as it likes
            stream.reconfigure(encoding="utf-8")


def _hide_libraries() -> None:
    """Let no library find pyarrow and PySpark, which none needs here.

    A pyarrow that lies about in the environment, built for another NumPy, writes dozens of lines to
    stderr when pandas looks for it. Great Expectations loads whatever engine it finds.
    """
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]  # None: not to be found
    modules.setdefault("pyarrow", None)
    modules.setdefault("pyspark", None)


def main() -> None:
    """Run the command and exit with the code that ``errors.ExitCode`` lists."""
    # Looking for plugins reads the metadata of every installed package; none is wanted.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Imports make a hundred thousand objects and no garbage: looking for some among them, time and
    # again and once more at the end, would take a tenth of a short command's time.
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)
    _hide_libraries()
    _open_streams()
    join_words()
    try:
        with graceful_shutdown():
            app()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except SselfieError as error:
        typer.echo(f"error: {clean_lines(str(error))}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk, say, below whatever stdout was sent to
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {clean(place)}{error.strerror or error}", err=True)
        sys.exit(ExitCode.USAGE)
    except SystemExit as end:
        # Typer ends a command by itself, with a code of its own, ...
        if isinstance(end.__context__, BrokenPipeError):  # ... whose reader (head, less) has gone,
            sys.exit(ExitCode.DONE)
        if isinstance(end.__context__, typer.Abort):  # ... or whose question was not answered
            sys.exit(ExitCode.INTERRUPTED)
        raise
