"""``sselfie init``: from a connection to settings that work."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Timezone, Warehouse
from sselfie_insights.printable import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from sselfie_insights.settings import Settings
    from sselfie_insights.setup.doctor import Finding


# What the findings about the role's rights are called.
_RIGHTS = frozenset({"rights", "row security", "least rights"})


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(init)


def init(
    warehouse: Warehouse = None,
    timezone: Timezone = None,
    source_schemas: Annotated[
        str | None,
        typer.Option(metavar="NAME,…", help="The schemas to mirror; default: public."),
    ] = None,
) -> None:
    """Ask for the connection, test it, and write sselfie.toml.

    Takes the connection from SSELFIE_DATABASE_URL if that is set, else asks, again after an answer
    that does not work. The password goes to ~/.pgpass, if you want to keep it. If the role can do
    more than read, or less, the SQL for exactly the needed rights goes to stdout, for the owner of
    the tables to run as it is.

    Example: sselfie init --timezone Europe/Oslo
    """
    from sselfie_insights.settings import CONFIG_FILE, load_settings
    from sselfie_insights.setup.doctor.source import check_source, reader_statements
    from sselfie_insights.setup.init import (
        find_password,
        keep_password,
        pgpass_file,
        pgpass_line,
        refuse_existing,
        write_config,
    )

    refuse_existing()
    settings = load_settings(warehouse=warehouse, timezone=timezone, source_schemas=source_schemas)
    asked = ""
    is_asked = settings.database_url is None and sys.stdin.isatty()
    while True:
        if asked:  # with what did not work
            os.environ.pop("PGPASSWORD", None)
        if is_asked:
            settings, asked = _ask(settings)
        findings = list(check_source(settings))
        for finding in findings:
            _print_finding(finding)
        if not is_asked or not _list_useless(findings):
            break
        typer.echo("nothing was written; once more:", err=True)
    _refuse_useless(findings)
    url = settings.require_database_url()
    write_config(settings)
    typer.echo(f"wrote {CONFIG_FILE}, without a password", err=True)
    if asked and typer.confirm(f"Keep the password in {pgpass_file()}?", True, err=True):
        keep_password(url, asked)
    elif asked or find_password(url):
        typer.echo(f"it belongs in {pgpass_file()}: {pgpass_line(url, 'PASSWORD')}", err=True)
    if any(finding.part in _RIGHTS and finding.state != "ok" for finding in findings):
        typer.echo("the owner of the tables gives a role the rights to read them with:", err=True)
        typer.echo("\n".join(map(clean, reader_statements(settings))))
    typer.echo("next: sselfie run", err=True)


def _ask(settings: "Settings") -> tuple["Settings", str]:
    """Ask on the terminal for what was not given, and for the password, which is not shown.

    An answer that cannot be understood is asked for again.
    """
    from sselfie_insights.clock import parse_zone
    from sselfie_insights.settings import load_settings
    from sselfie_insights.setup.init import find_password

    url = _ask_until("Database, postgresql://user@host:5432/name", None, find_password)
    password = find_password(url)
    if not password:
        password = typer.prompt(
            "Password; empty if it needs none, or ~/.pgpass has it",
            default="",
            hide_input=True,
            show_default=False,
            err=True,
        )
        if password:
            os.environ["PGPASSWORD"] = password
    zone = _ask_until("Reporting time zone", settings.timezone, parse_zone)
    settings = load_settings(
        database_url=url,
        timezone=zone,
        warehouse=settings.warehouse,
        source_schemas=settings.source_schemas,
    )
    return settings, password


def _ask_until(question: str, default: str | None, check: "Callable[[str], object]") -> str:
    """Ask until ``check`` does not refuse the answer."""
    from sselfie_insights.errors import UsageError

    while True:
        answer: str = typer.prompt(question, default=default, err=True)
        try:
            check(answer)
        except (UsageError, ValueError) as error:
            typer.echo(f"that does not work: {clean(str(error))}", err=True)
        else:
            return answer


def _print_finding(finding: "Finding") -> None:
    remedy = f": {finding.remedy}" if finding.remedy else ""
    typer.echo(
        f"{finding.state:<8}  {finding.part:<12}  {clean(finding.detail + remedy)}", err=True
    )


def _refuse_useless(findings: "list[Finding]") -> None:
    """End here where there is no database, or nothing in it: such settings help nobody."""
    if lost := _list_useless(findings):
        raise typer.Exit(lost[0].exit_code)


def _list_useless(findings: "list[Finding]") -> "list[Finding]":
    return [f for f in findings if f.part in {"database", "tables"} and f.state == "failed"]
