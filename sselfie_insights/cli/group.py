"""Commands in panels, beside those that the same reader needs, and examples below their help."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from typer.core import TyperGroup


class Panel(StrEnum):
    """What commands are for; ``--help`` lists them under it, in this order."""

    READ = "Read the numbers"
    ACT = "Act on them"
    UPDATE = "Bring the numbers up to date"
    BOOKS = "Keep the books"
    SET_UP = "Set up and look after"


class Group(TyperGroup):
    """Commands that are listed by panel; an unlikely name that is a report's or a query's helps."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands panel by panel, sorted; those without a panel first."""
        commands = {name: self.commands[name] for name in sorted(self.list_commands(ctx))}
        wide = max(map(len, commands), default=0)
        for panel in (None, *Panel):
            rows = [
                (name.ljust(wide), command.get_short_help_str(formatter.width - wide - 6))
                for name, command in commands.items()
                if getattr(command, "rich_help_panel", None) == panel and not command.hidden
            ]
            if rows:
                with formatter.section(panel or "Commands"):
                    formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that ``args`` begins with; the name of what it shows is no command."""
        name, list_names = args[0], _NAMED.get(str(self.name))
        is_unknown = name not in self.commands and not ctx.resilient_parsing
        if list_names is not None and is_unknown and name in list_names():
            verb = "show" if self.name == "report" else "run"
            ctx.fail(f"No such command {name!r}. Did you mean 'sselfie {self.name} {verb} {name}'?")
        return super().resolve_command(ctx, args)


def _list_reports() -> list[str]:
    from sselfie_insights.report.definition import list_names

    return list_names()


def _list_queries() -> list[str]:
    from sselfie_insights.query.library import list_names

    names = list_names()
    return [*names, *(name.rpartition("/")[2] for name in names)]


_NAMED: dict[str, Callable[[], list[str]]] = {"query": _list_queries, "report": _list_reports}


def examples(*calls: str) -> str:
    r"""Return the end of a command's help: ``calls`` under a heading, a line each (``\b``)."""
    return "\n".join(["\b", "Examples:", *(f"  sselfie {call}" for call in calls)])
