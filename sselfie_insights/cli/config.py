"""``sselfie config``: the settings in force, and where each came from."""

import typer

from sselfie_insights.cli.output import FormatOption, Output, choose_format, show_rows


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(config)


def config(form: FormatOption = None, output: Output = None) -> None:
    """Show every setting, its source and its value.

    And which price list is in force. Secrets are not shown.

    Example: sselfie config
    """
    from sselfie_insights.price_list import FILE, describe_price_list
    from sselfie_insights.settings import describe_settings

    chosen = choose_format(form, output)
    rows = [(name, source, value) for name, value, source in describe_settings()]
    rows.append(("price list", str(FILE) if FILE.exists() else "default", describe_price_list()))
    show_rows(
        "config", {"setting": "text", "source": "text", "value": "text"}, rows, chosen, output
    )
