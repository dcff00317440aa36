"""``sselfie doctor``: what works, what does not, and the remedy."""

import os
from typing import TYPE_CHECKING

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Warehouse
from sselfie_insights.cli.output import (
    FormatOption,
    Output,
    Table,
    TableFormat,
    choose_format,
)
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from sselfie_insights.query.header import Unit
    from sselfie_insights.setup.doctor import Finding

_MARKS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "failed": typer.colors.RED}


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(doctor)


def doctor(form: FormatOption = None, output: Output = None, warehouse: Warehouse = None) -> None:
    """Check the installation and say how to fix what is wrong.

    The exit code is that of the first failure; warnings leave it 0.

    Example: sselfie doctor --format json
    """
    from sselfie_insights.settings import load_settings
    from sselfie_insights.setup.doctor import diagnose

    settings = load_settings(warehouse=warehouse)
    chosen = choose_format(form, output)
    if chosen is TableFormat.TABLE and output is None:
        findings = []
        for finding in diagnose(settings):
            findings.append(finding)
            _print(finding)
    else:
        findings = list(diagnose(settings))
        _write(findings, chosen, output)
    failures = [finding.exit_code for finding in findings if finding.state == "failed"]
    if failures:
        raise typer.Exit(failures[0])


def _print(finding: "Finding") -> None:
    state = typer.style(f"{finding.state:<7}", fg=_MARKS[finding.state])
    remedy = f": {finding.remedy}" if finding.remedy else ""
    line = f"{state}  {finding.part:<12}  {clean(finding.detail + remedy)}"
    # Off a terminal the style is dropped anyway.
    typer.echo(line, color=False if os.environ.get("NO_COLOR") else None)


def _write(findings: "list[Finding]", form: TableFormat, output: Output) -> None:
    columns: dict[str, Unit] = {
        "part": "text", "state": "text", "detail": "text", "remedy": "text", "exit_code": "number"
    }  # fmt: skip
    rows = [tuple(getattr(finding, name) for name in columns) for finding in findings]
    Table(form, output).show_rows("doctor", columns, rows)
