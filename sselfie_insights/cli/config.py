"""``sselfie config``: the settings in force, and where each came from."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(config)


def config() -> None:
    """Show every setting, its value and its source.

    Secrets are not shown.

    Example: sselfie config
    """
    from sselfie_insights.settings import describe_settings

    rows = describe_settings()
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, value, source in rows:
        typer.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}")
