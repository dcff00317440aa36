"""Write ``docs/reference/``: the command line as Typer knows it, the settings as their model does.

``make docs`` runs it; ``tests/unit/test_docs.py`` fails while the files differ from what it writes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from sselfie_insights.cli import app
from sselfie_insights.settings import CONFIG_FILE, ENV_PREFIX, FILE_ONLY, Settings

FOLDER = Path(__file__).parent / "reference"
WIDTH = 96
NOTE = "<!-- Written by `make docs`. Change the source, not this file. -->"


def walk(command: Any, path: str = "sselfie") -> Iterator[tuple[str, Any]]:
    """Yield ``command`` and every command below it, each with the words that call it."""
    yield path, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from walk(inner, f"{path} {name}")


def write_cli() -> str:
    """Return the page on the command line: every command's help, as it prints it."""
    lines = [
        NOTE,
        "# Command line",
        "Every command, as `--help` prints it. Data goes to stdout; notes, progress and errors go"
        " to stderr. What a command can end with is listed under"
        " [exit codes](../operations.md#exit-codes).",
    ]
    for path, command in walk(get_command(app)):
        context = command.make_context(path, [], resilient_parsing=True, terminal_width=WIDTH)
        lines += [
            f"{'#' * min(path.count(' ') + 2, 3)} {path}",
            f"```text\n{command.get_help(context)}\n```",
        ]
    return "\n\n".join(lines) + "\n"


def write_settings() -> str:
    """Return the page on the settings: name, default and meaning of each."""
    rows = [
        (f"{ENV_PREFIX}{name.upper()}", _write_default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
        if name not in FILE_ONLY
    ]
    options = [
        (option.envvar, ", ".join(f"`{path} {option.opts[0]}`" for path in paths))
        for option, paths in _find_options_with_variables().values()
    ]
    return (
        "\n\n".join(
            [
                NOTE,
                "# Settings",
                "A flag beats the environment, which beats"
                f" `{CONFIG_FILE}` in the working directory, which beats the default. In"
                f" `{CONFIG_FILE}` a setting has its name without the prefix, in lower case:"
                ' `timezone = "Europe/Oslo"`. `sselfie config` shows every value and where it came'
                " from.",
                "| variable | default | meaning |\n|---|---|---|\n"
                + "\n".join(f"| `{name}` | {default} | {text} |" for name, default, text in rows),
                "## Sections of `sselfie.toml`",
                "What they are for is in [the mirror](../mirror.md#names-that-differ).",
                "| section | meaning |\n|---|---|\n"
                + "\n".join(
                    f"| `[{name}]` | {Settings.model_fields[name].description} |"
                    for name in Settings.model_fields
                    if name in FILE_ONLY
                ),
                "## Options with a variable of their own",
                "| variable | option |\n|---|---|\n"
                + "\n".join(f"| `{name}` | {option} |" for name, option in options),
            ]
        )
        + "\n"
    )


def _write_default(default: object) -> str:
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    if isinstance(default, bool):
        text = text.lower()
    return f"`{text}`" if default is not None and text else ""


def _find_options_with_variables() -> dict[str, tuple[Any, list[str]]]:
    """Return the options that read a variable, by its name, and the commands that have them."""
    found: dict[str, tuple[Any, list[str]]] = {}
    for path, command in walk(get_command(app)):
        for option in command.params:
            if getattr(option, "envvar", None):
                found.setdefault(option.envvar, (option, []))[1].append(path)
    return found


def main() -> None:
    """Write both pages."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "cli.md").write_text(write_cli(), encoding="utf-8")
    (FOLDER / "settings.md").write_text(write_settings(), encoding="utf-8")


if __name__ == "__main__":
    main()
