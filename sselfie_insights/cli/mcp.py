"""``sselfie mcp``: let an assistant ask the warehouse."""

from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(mcp)


def mcp(
    seconds: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="How long an answer may take.")
    ] = 30,
    warehouse: Warehouse = None,
) -> None:
    """Serve the numbers to an assistant, over stdin and stdout.

    It speaks the Model Context Protocol, reads only, and gives no personal data and no small group.

    Example: sselfie mcp --warehouse out/demo.duckdb
    """
    from sselfie_insights.mcp import Assistant, build_server
    from sselfie_insights.settings import load_settings

    build_server(Assistant(load_settings(warehouse=warehouse).warehouse, seconds)).run()
