"""``sselfie config``: the settings in force, and where each came from."""

from typing import TYPE_CHECKING

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.output import FormatOption, Output, Table, choose_format

if TYPE_CHECKING:
    from sselfie_insights.query.header import Unit


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(config)


def config(form: FormatOption = None, output: Output = None) -> None:
    """Show every setting, its source and its value.

    And which price list and exchange rates are in force. Secrets are not shown.

    Example: sselfie config
    """
    from sselfie_insights import price_list, rates
    from sselfie_insights.settings import describe_settings

    chosen = choose_format(form, output)
    rows = [(name, source, value) for name, value, source in describe_settings()]
    reporting = next(value for name, _, value in rows if name == "reporting_currency")
    for name, file, described in (
        ("price list", price_list.FILE, price_list.describe_price_list()),
        ("exchange rates", rates.FILE, rates.describe_rates(reporting or None)),
    ):
        rows.append((name, str(file) if file.exists() else "default", described))
    columns: dict[str, Unit] = {"setting": "text", "source": "text", "value": "text"}
    Table(chosen, output).show_rows("config", columns, rows)
