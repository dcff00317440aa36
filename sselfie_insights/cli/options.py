"""Options that override a setting; each means the same in every command that has it."""

from pathlib import Path
from typing import Annotated

import typer

Warehouse = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The warehouse; default from the settings.")
]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="INSTANT", help="Speak for this instant; a date is the end of that day."),
]
Timezone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The reporting zone, e.g. Europe/Oslo.")
]
