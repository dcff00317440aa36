"""What the pages show, done as they say: files are written, commands run, Python executed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner, Result

from sselfie_insights.cli import app
from sselfie_insights.errors import ExitCode
from sselfie_insights.warehouse.paths import artifacts_dir, publications_dir
from tests.integration.conftest import AS_OF, ZONE, Walk
from tests.support.docs import BLOCKS, REFERENCE, Block, read_calls

ELSEWHERE = (
    *("demo", "init", "run", "build", "check", "forget", "restore", "migrate baseline"),
    *("reconcile --mrr", "simulate", "mcp"),
)
"""Calls that only tests of their own make: they take a minute, ask, or want another database or a
file of somebody else's."""

REPEATED = {
    "close 2026-10": "close 2026-10 --by Ann Lee",
    "diff --closed 2026-10 --format csv --rows": "diff --closed 2026-10",
    "diff 2026-11-01 --format csv --rows": "diff 2026-11-01",
    "diff 2026-11-01 2026-11-22 --format json -o restated.json": "diff 2026-11-01 --summary",
    "digest -o out/digest": "digest",
    "report show retention -p grain=week -o retention.html": "report show retention -p grain=week",
    "report show retention -p value=retained_count -p breakdown=acquisition": (
        "report show retention -p grain=week"
    ),
    "report site -o out/november --publication 20261101T030500Z": "report site -o out/site",
}
"""Calls that take seconds and are slow, each with one like it that is always made."""

ENDS = {"alerts": {ExitCode.DONE, ExitCode.ALERT}}
"""What commands may end with, where it is not only 0."""

DAYS = ("20261101T030500Z", "20261121T030500Z", "20261122T030500Z")
"""The publications that the pages speak of."""

EXPORT = """\
balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category
txn_1,2026-02-05 10:00:02,usd,97.00,3.11,93.89,charge
"""
"""A file of Stripe's, under the name that the pages give it."""

FOLLOWED = [block for block in BLOCKS if not block.page.startswith(REFERENCE)]
FIRST = {tuple(call): block for block in reversed(FOLLOWED) for call in read_calls(block)}
"""Where each call is shown first; only there it is made."""


@pytest.fixture
def folder(walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's working directory: the warehouse, its past, and the files that pages show."""
    settings = walk.business.settings
    warehouse = tmp_path / "warehouse.duckdb"
    (tmp_path / "out").mkdir()
    (tmp_path / "exports").mkdir()
    (tmp_path / "balance_history.csv").write_text(EXPORT)
    publications_dir(warehouse).mkdir()
    shutil.copytree(artifacts_dir(settings.warehouse), artifacts_dir(warehouse))
    for name in (warehouse, tmp_path / "out" / "demo.duckdb"):
        name.hardlink_to(settings.warehouse)  # nobody writes a published file
    earlier = tmp_path / "earlier.duckdb"  # a file of its own: another publication
    shutil.copy(settings.warehouse, earlier)
    for day in DAYS:
        (publications_dir(warehouse) / f"{day}.duckdb").hardlink_to(earlier)
    for block in BLOCKS:
        if block.file:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSELFIE_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("SSELFIE_AS_OF", AS_OF.isoformat())
    monkeypatch.setenv("SSELFIE_TIMEZONE", ZONE)  # as it was built, or dbt parses it all again
    return tmp_path


def follow(
    block: Block, names: dict[str, Any], is_slow: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[str], Result]]:
    """Do what a block shows, and yield its calls with how they ended."""
    if block.language == "python":
        exec(compile(block.text, str(block), "exec"), names)  # noqa: S102
    if block.language != "sh":
        return
    for name, value in re.findall(r"^export (\w+)=(\S+)", block.text, re.MULTILINE):
        if name != "SSELFIE_DATABASE_URL":
            monkeypatch.setenv(name, value)
    for piped in re.findall(r'^echo "(.+)" \| sselfie query run -$', block.text, re.MULTILINE):
        own = ["query", "run", "-"]
        yield own, CliRunner().invoke(app, own, input=piped)
    for call in read_calls(block):
        line = " ".join(call)
        is_elsewhere = f"{line} ".startswith(tuple(f"{name} " for name in ELSEWHERE))
        is_left_out = is_elsewhere or (line in REPEATED and not is_slow)
        if not is_left_out and call[-1:] != ["-"] and FIRST[tuple(call)] is block:
            yield call, CliRunner().invoke(app, call)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("page", dict.fromkeys(block.page for block in FOLLOWED))
def test_a_page_works_from_top_to_bottom(
    page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {}
    is_slow: bool = request.config.getoption("slow")
    for block in (block for block in FOLLOWED if block.page == page):
        for call, done in follow(block, names, is_slow, monkeypatch):
            wanted = ENDS.get(" ".join(call[:1]), {ExitCode.DONE})
            assert done.exit_code in wanted, (str(block), call, done.output, done.exception)


def test_what_is_slow_is_like_another_call() -> None:
    lines = {" ".join(call) for call in FIRST}
    assert REPEATED.keys() | set(REPEATED.values()) <= lines
    assert REPEATED.keys().isdisjoint(REPEATED.values())


def test_what_the_pages_give_to_evidence_is_answered(folder: Path) -> None:
    """Its source, read as Evidence does: the path counts from the folder of the connection."""
    source = folder / "sources" / "sselfie"
    connection = yaml.safe_load((source / "connection.yaml").read_text())
    file = source / connection["options"]["filename"]
    (query,) = source.glob("*.sql")
    with duckdb.connect(str(file.resolve()), read_only=True) as db:
        assert db.execute(query.read_text()).fetchall()
