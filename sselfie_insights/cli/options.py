"""Options that override a setting; each means the same in every command that has it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.complete import complete_publication
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from sselfie_insights import notebook
    from sselfie_insights.settings import Settings
    from sselfie_insights.warehouse.gaps import Gap

Warehouse = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The warehouse file; default: SSELFIE_WAREHOUSE."),
]
Publication = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="Read a kept publication: the last one of DATE, its name, or latest.",
        autocompletion=complete_publication,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="INSTANT", help="Leave out what is later; a date is the end of that day."),
]
Timezone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The reporting time zone, e.g. Europe/Oslo.")
]


def open_chosen(warehouse: Path | None, publication: str | None = None) -> "notebook.Warehouse":
    """Open the warehouse, or the publication, that the options name.

    Raises:
        UsageError: There is none.
        StorageError: It cannot be read.
    """
    from sselfie_insights.notebook import Warehouse

    return Warehouse(warehouse, publication=publication, on_note=say_note)


def choose_settings(warehouse: Path | None, publication: str | None = None) -> "Settings":
    """Return the settings whose warehouse is the one, or the publication, that the options name.

    Raises:
        UsageError: There is no such publication.
    """
    from sselfie_insights.settings import load_settings
    from sselfie_insights.warehouse.publications import use_publication

    return use_publication(load_settings(warehouse=warehouse), publication, say_note)


def say_replaced(name: str, pattern: str) -> None:
    """Print which files of the user's stand in for packaged ones, since their numbers differ."""
    from sselfie_insights.resources import find_replaced

    for path in find_replaced(name, pattern):
        say_note(f"{path} replaces the packaged file of that name")


def say_gap(gap: "Gap") -> None:
    """Print what could not be made, while the rest was; what is not known the page says itself."""
    if not gap.is_unknown:
        say_note(str(gap))


def say_note(note: str) -> None:
    """Print a note about something odd that did not stop the work."""
    typer.echo(f"note: {clean(note)}", err=True)
