"""``sselfie`` alone: where the business stands, and what to do next."""

import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from sselfie_insights import __version__
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from sselfie_insights.report.blocks import Page
    from sselfie_insights.settings import Settings

_REPORT = "overview"
_HELP = ("sselfie --help", "Every command.")

Steps = list[tuple[str, str]]
"""Commands, and what each does."""


def show_home() -> None:
    """Print the trust line, the headline numbers, what changed and the next commands.

    Where there is nothing to show yet, say what comes first.

    Raises:
        SselfieError: A setting is wrong, or the warehouse cannot be read.
    """
    from sselfie_insights.settings import load_settings

    settings = load_settings()
    if not settings.warehouse.is_file():
        _say_first_steps(f"There is no warehouse yet at {settings.warehouse}.", _begin(settings))
        return
    from sselfie_insights.cli.options import open_chosen
    from sselfie_insights.warehouse.reading import count_rows

    with open_chosen(None) as opened:
        built = "information_schema.tables where table_name = 'build_info'"
        if not count_rows(opened.connection, built):
            steps = [("sselfie build", "Build the numbers and check them.")]
            _say_first_steps("The source is mirrored, but no number was built from it yet.", steps)
            return
        page = opened.page(_REPORT)
    _print_page(page, settings)


def _begin(settings: "Settings") -> Steps:
    if settings.database_url is not None:
        return [
            ("sselfie doctor", "Check the connection and the settings."),
            ("sselfie run", "Mirror the database, build the numbers, check and publish them."),
        ]
    return [
        ("sselfie demo", "Run everything once on a simulated business; no database is needed."),
        ("sselfie init", "Connect your own database."),
    ]


def _say_first_steps(state: str, steps: Steps) -> None:
    typer.echo(f"SSELFIE Insights {__version__}: revenue, retention and growth reports")
    typer.echo(f"\n{clean(state)} Begin with:\n")
    typer.echo("\n".join(_write_steps([*steps, _HELP])))


def _print_page(page: "Page", settings: "Settings") -> None:
    from rich.text import Text

    from sselfie_insights.cli.report import print_lines
    from sselfie_insights.report.draw.terminal import draw_brief

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = draw_brief(page, width)
    steps = ["", "Next", *_write_steps(_choose_next(page, settings))]
    print_lines([*lines, *map(Text, steps)])


def _choose_next(page: "Page", settings: "Settings") -> Steps:
    """What is out of order, then the most urgent task of the week, then where to read on."""
    from sselfie_insights.digest.content import list_tasks
    from sselfie_insights.report.notices import describe_age

    steps: Steps = []
    if describe_age(settings, page.stamp):
        steps.append(("sselfie run", "Bring the numbers up to date."))
    elif page.warnings:
        steps.append(("sselfie status", "What is out of order, and since when."))
    fired = page.data["alerts"].result.height if "alerts" in page.data else 0
    if fired:
        steps.append(("sselfie alerts", f"Metrics out of range: {fired}."))
    steps += [(task.command, task.text) for task in list_tasks(page)[:1]]
    steps += [
        ("sselfie explain mrr", "Why MRR changed in the last complete month."),
        (f"sselfie report show {_REPORT}", "More of this; 'sselfie report list' has the others."),
        _HELP,
    ]
    return steps


def _write_steps(steps: Steps) -> Iterator[str]:
    from textwrap import wrap

    wide = max(len(command) for command, _ in steps)
    width = shutil.get_terminal_size().columns
    for command, words in steps:
        room = width - wide - 4
        if room < len("and what it does for whom"):
            yield f"  {clean(command)}"
            yield from (f"      {line}" for line in wrap(clean(words), max(width - 6, 20)))
            continue
        first, *others = wrap(clean(words), min(room, 76))
        yield f"  {clean(command):<{wide}}  {first}"
        yield from (f"  {'':<{wide}}  {line}" for line in others)
