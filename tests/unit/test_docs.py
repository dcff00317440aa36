"""The documents name every command, option, setting and exit code, and none that is not there."""

import re
import runpy
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from sselfie_insights.alerts.definition import Anomaly, Watch
from sselfie_insights.build.plans import Event, Target
from sselfie_insights.errors import ExitCode
from sselfie_insights.query.header import Column, Explains, Header, Parameter
from sselfie_insights.report import definition
from sselfie_insights.report.definition import HeadlineItem, Section
from sselfie_insights.resources import resource_dir
from sselfie_insights.settings import ENV_PREFIX, FILE_ONLY, Settings
from tests.support.docs import (
    BLOCKS,
    PAGES,
    REFERENCE,
    ROOT,
    Block,
    find_command,
    read_calls,
    walk_commands,
)

SECTIONS = get_args(get_args(Section)[0])
COMMANDS = dict(walk_commands())
OPTIONS = {option for command in COMMANDS.values() for p in command.params for option in p.opts}
VARIABLES = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields.keys() - FILE_ONLY} | {
    p.envvar for command in COMMANDS.values() for p in command.params if getattr(p, "envvar", None)
}
INTERNAL = f"{ENV_PREFIX}DBT_"
"""What begins the variables by which a build speaks to its dbt."""

OTHERS = ("make", "pip", "pytest", "python", "systemctl")
"""Programs of others that pages name, with options of their own."""

BY_HAND = {name: text for name, text in PAGES.items() if not name.startswith(REFERENCE)}
CALLS = [(block, call) for block in BLOCKS for call in read_calls(block)]


def inline_code(text: str) -> list[str]:
    """Return what stands in backquotes outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))


SPANS = [(page, span) for page, text in BY_HAND.items() for span in inline_code(text)]


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.S | re.M)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_fits_and_shows_three_small_pictures() -> None:
    readme = PAGES["README.md"]
    pictures = re.findall(r"!\[[^]]+\]\((.+)\)", readme)
    assert len(readme.splitlines()) <= 200
    assert len(pictures) == 3
    for picture in pictures:
        content = (ROOT / picture).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) <= 250 * 1024


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_a_file_and_a_heading(page: str) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGES[page]):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT).as_posix()), link


def test_every_page_is_linked_from_another() -> None:
    linked = {
        ((ROOT / page).parent / link.partition("#")[0]).resolve()
        for page, text in PAGES.items()
        for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", text)
    }
    assert [page for page in PAGES if page != "README.md" and ROOT / page not in linked] == []


@pytest.mark.parametrize(("block", "call"), CALLS, ids=str)
def test_every_example_is_a_call_that_the_command_line_takes(block: Block, call: list[str]) -> None:
    command, path, words = find_command(call)
    assert path in COMMANDS or not call, f"'sselfie {path}' is no command"
    command.make_context(path, list(words))


def test_examples_are_found_where_they_are() -> None:
    """The reader of examples sees a pipe's end, a crontab, a unit and an image."""
    shown = {(block.language, " ".join(call)) for block, call in CALLS}
    assert ("sh", "query run -") in shown
    assert {("", "run --quiet --timeout 2h"), ("ini", "run --quiet --timeout 2h")} <= shown
    assert ("dockerfile", "run --timeout 2h") in shown


def test_inline_commands_and_options_exist() -> None:
    wrong = []
    for page, span in SPANS:
        words = span.split()
        if words[0] == "sselfie" and len(words) > 1:
            command, path, rest = find_command(words[1:])
            known = {option for p in command.params for option in p.opts}
            is_named = path in COMMANDS or not rest or (not path and rest[0].startswith("-"))
            if not is_named or not {w for w in rest if re.match("--?[a-z]", w)} <= known:
                wrong.append((page, span))
        elif (
            words[0] not in ("make", "pip", "pytest", "python", "systemctl") and "=" not in words[0]
        ):
            options = {word for word in words if re.match("--?[a-z]", word)}
            if not options <= OPTIONS | {"--help"}:
                wrong.append((page, span))
    assert wrong == []


def test_every_command_is_in_a_page_written_by_hand() -> None:
    named = {find_command(call)[1] for _, call in CALLS}
    named |= {find_command(s.split()[1:])[1] for _, s in SPANS if s.startswith("sselfie ")}
    assert set(COMMANDS) - named == set()


def test_the_commands_that_read_a_publication_are_listed() -> None:
    have = {
        path for path, c in COMMANDS.items() if any("--publication" in p.opts for p in c.params)
    }
    text = " ".join(PAGES["docs/operations.md"].split())
    sentence = text.partition("The commands that have it:")[2].partition(". ")[0]
    assert set(re.findall(r"`([^`]+)`", sentence)) == have


def test_variables_exist_and_all_are_documented() -> None:
    """The package reads no variable that the documents leave out, and they name no other."""
    package = ROOT / "sselfie_insights"
    code = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    pattern = rf"(?<![\w}}]){ENV_PREFIX}[A-Z_]+[A-Z]\b"
    read = {name for name in re.findall(pattern, code) if not name.startswith(INTERNAL)}
    documented = set(re.findall(pattern, "\n".join(PAGES.values())))
    assert documented == VARIABLES
    assert read - VARIABLES == set()


def test_exit_codes_are_those_of_the_program() -> None:
    codes = {code.value for code in ExitCode}
    table = PAGES["docs/operations.md"].partition("\n## Exit codes\n")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes
    for page, text in PAGES.items():
        named = re.findall(r"\bexit(?:s|ed)?(?: code)?(?: with| is)? (\d+)\b", text, re.IGNORECASE)
        assert {int(code) for code in named} <= codes, page


@pytest.mark.parametrize("name", ["cli", "settings"])
def test_the_reference_is_what_make_docs_writes(name: str) -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "write_reference.py"))
    assert PAGES[f"{REFERENCE}{name}.md"] == generator[f"write_{name}"](), "run 'make docs'"


def test_make_targets_exist_and_are_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = {
        name for text in BY_HAND.values() for name in re.findall(r"\bmake ([a-z][\w-]*)", text)
    }
    shown = "\n".join(block.text for block in BLOCKS if block.language == "sh")
    in_blocks = set(re.findall(r"^make ([\w-]+)", shown, re.MULTILINE))
    in_spans = {s.split()[1] for _, s in SPANS if s.startswith("make ")}
    assert in_blocks | in_spans <= targets
    assert targets - {"help"} <= named
    assert set(re.findall(r'@echo "make ([\w-]+)', makefile)) == targets - {"help", "clean"}


def test_files_and_folders_that_pages_name_exist() -> None:
    """What looks like a path of the project is one."""
    roots = ("dbt_project/", "docs/", "queries/", "reports/", "sselfie_insights/", "tests/")
    made_up = {block.file for block in BLOCKS if block.file}
    missing = [
        (page, span)
        for page, span in SPANS
        if span.startswith(roots)
        and " " not in span
        and not re.search(r"[<…{]", span)
        and span not in made_up
        and not list(ROOT.glob(span.partition("::")[0].rstrip("/")))
    ]
    assert missing == []


def test_every_promise_names_a_test_that_is_there() -> None:
    lines = re.findall(r"^\| (?!promise|output).*", PAGES["docs/privacy.md"], re.MULTILINE)
    rows = re.findall(r"\| `([^`|]+)` \|$", "\n".join(lines), re.MULTILINE)
    assert len(rows) == len(lines) > 50
    for row in rows:
        path, _, name = row.partition("::")
        assert f"\ndef {name}(" in (ROOT / path).read_text(), row


def test_queries_marts_and_reports_that_pages_name_exist() -> None:
    queries = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in (resource_dir("queries"),)
        for path in folder.glob("**/*.sql")
    }
    own = {Path(b.file).relative_to("queries").with_suffix("").as_posix()
           for b in BLOCKS if b.file and b.file.startswith("queries/")}  # fmt: skip
    domains = {name.partition("/")[0] for name in queries}
    wrong = [
        (page, span)
        for page, span in SPANS
        if re.fullmatch(r"\w+/\w+", span)
        and span.partition("/")[0] in domains
        and span not in queries | own
    ]
    assert wrong == []


def keys_of(model: type[BaseModel]) -> set[str]:
    """Return the keys that a file of this model may have."""
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("page", "models"),
    [
        ("docs/queries.md", [Header, Column, Explains, *get_args(get_args(Parameter)[0])]),
        ("docs/reports.md", [definition._Report, HeadlineItem, *SECTIONS]),
        ("docs/segments-and-alerts.md", [Watch, Anomaly, Event, Target]),
    ],
)
def test_every_key_of_a_file_is_documented(page: str, models: list[type[BaseModel]]) -> None:
    """What queries, reports and alerts.yml may say is in a block or in backquotes of its page."""
    words = set(re.findall(r"[a-z_]+", " ".join(inline_code(PAGES[page]))))
    words |= {key for b in BLOCKS if b.page == page for key in re.findall(r"([a-z_]+):", b.text)}
    assert {key for model in models for key in keys_of(model)} - words == set()


def test_every_room_of_the_package_is_described() -> None:
    package = ROOT / "sselfie_insights"
    rooms = {
        path.stem
        for path in package.iterdir()
        if ((path.is_dir() and list(path.glob("*.py"))) or path.suffix == ".py")
        and not path.name.startswith("_")
    }
    section = PAGES["docs/architecture.md"].partition("| room |")[2].partition("\n\n")[0]
    first_cells = re.findall(r"^\|([^|]+)\|", section, re.MULTILINE)[1:]
    assert {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)} == rooms
