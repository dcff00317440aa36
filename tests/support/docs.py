"""The documents as the tests read them: pages, their blocks of code, and the commands in those."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.main import get_command

from sselfie_insights.cli import app

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for pattern in ("*.md", "docs/**/*.md", "[!.]*/README.md")
    for path in sorted(ROOT.glob(pattern))
    if path.name != "CHANGELOG.md"
}
"""Every page that says what is, by its path, with its text."""

REFERENCE = "docs/reference/"
"""Where the pages that are generated are."""

COMMAND_LINE = get_command(app)

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"`([\w/.]+\.(?:sql|ya?ml))`")
_LANGUAGES_OF_SHELLS = ("", "sh", "ini")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: Its page.
        line: The line where it begins.
        language: As the page says; empty where it does not.
        text: The code.
        file: For SQL and YAML, the file that the page says it is, if it says one.
    """

    page: str
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read_blocks(page: str, section: str | None = None) -> list[Block]:
    """Return the blocks of code of a page, or of one section of it, in order."""
    text = PAGES[page]
    first, last = 0, len(text)
    if section is not None:
        heading = re.search(rf"^(#+) {re.escape(section)}$", text, re.MULTILINE)
        assert heading, f"{page} has no section {section!r}"
        first = heading.end()
        following = re.search(rf"^#{{1,{len(heading[1])}}} ", text[first:], re.MULTILINE)
        last = first + following.start() if following else last
    blocks = []
    for match in _FENCE.finditer(text, first, last):
        # The paragraph above it names the file: "This is `queries/growth/signups.sql`:".
        above = text[: match.start()].rstrip().rpartition("\n\n")[2]
        files = _FILE.findall(above) if match["language"] in ("sql", "yaml") else []
        line = text.count("\n", 0, match.start()) + 1
        file = files[0] if files else None
        blocks.append(Block(page, line, match["language"], match["text"], file))
    return blocks


BLOCKS = [block for page in PAGES for block in read_blocks(page)]
"""The blocks of code of every page."""


def read_calls(block: Block) -> list[list[str]]:
    """Return the calls of ``sselfie`` in a block of a shell, crontab, unit or image, as words."""
    if block.language == "dockerfile":
        return [json.loads(call) for call in re.findall(r"^CMD (.+)$", block.text, re.MULTILINE)]
    if block.language not in _LANGUAGES_OF_SHELLS:
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    return [call for line in lines for call in _split_calls(line)]


def _split_calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    call: list[str] | None = None
    is_first = True
    for word in lexer:
        if set(word) <= set("();<>|&"):
            if call is not None:
                yield call
            call, is_first = None, True
        elif call is not None:
            call.append(word)
        else:
            if (is_first and word == "sselfie") or word.endswith("bin/sselfie"):
                call = []
            is_first = False
    if call is not None:
        yield call


def find_command(words: list[str]) -> tuple[Any, str, list[str]]:
    """Return the command that ``words`` call, its path without ``sselfie``, and the words left."""
    command: Any = COMMAND_LINE
    path: list[str] = []
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
        path.append(words[0])
        words = words[1:]
    return command, " ".join(path), words


def walk_commands(command: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the command of everything that can be called, groups left out."""
    command = command or COMMAND_LINE
    commands = getattr(command, "commands", None)
    if commands is None:
        yield path, command
    for name, inner in (commands or {}).items():
        yield from walk_commands(inner, f"{path} {name}".strip())


def run_line(line: str, folder: Path, **environment: str) -> str:
    """Run a line of a shell in ``folder`` and return what it printed to stdout."""
    words = shlex.split(line, comments=True)
    assert words[0] == "sselfie"
    done = subprocess.run(
        [sys.executable, "-m", "sselfie_insights", *words[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


NEWCOMER = [
    line
    for line in read_blocks("README.md", "Use your own database")[0].text.splitlines()
    if line.startswith(("pip ", "sselfie "))
]
"""The commands from an installed Python to a report over an own database."""
