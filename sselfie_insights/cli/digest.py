"""``sselfie digest``: the week in one message."""

from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Publication, Warehouse, open_chosen, say_note
from sselfie_insights.cli.output import print_text, refuse_stale


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.READ)(digest)


def digest(
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output-dir", metavar="DIR", help="Write mail, page, text and JSON there."
        ),
    ] = None,
    send: Annotated[
        bool,
        typer.Option(
            "--send", help="Send it to the recipients in the settings, unless it was sent."
        ),
    ] = False,
    warehouse: Warehouse = None,
    publication: Publication = None,
) -> None:
    """Write the week in one message, or send it.

    What changed since last week, what to do this week, and two charts. Only what pages may show.

    Example: sselfie digest -o out/digest
    """
    from functools import cache, partial

    from sselfie_insights.digest import make_digest, send_once, write_files
    from sselfie_insights.digest.write import write_text
    from sselfie_insights.errors import SselfieError

    with open_chosen(warehouse, publication) as opened:
        make = cache(partial(make_digest, opened))
        if output_dir is not None:
            write_files(make(), output_dir)
        elif not send:
            print_text(write_text(make()).rstrip("\n"))
        outcome = send_once(opened.settings, make) if send else {}
        stamp = opened.stamp
    if send:
        for channel, words in outcome.items():
            say_note(f"{channel}: {words}")
        if failed := {name for name, words in outcome.items() if not words.startswith("sent")}:
            raise SselfieError(
                f"the digest was not sent by {' and '.join(sorted(failed))}",
                remedy="run it again: what was sent is not sent twice",
            )
    refuse_stale(opened.settings, stamp)
