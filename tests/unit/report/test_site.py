import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.files import write_file
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import read_headlines, render_site
from sselfie_insights.report.definition import load_report
from sselfie_insights.report.page import build_page
from sselfie_insights.settings import Settings, load_settings

STEPS: list[tuple[int, int, str]] = []
"""What the rendering of ``folder`` said of its progress."""


@pytest.fixture(scope="module")
def folder(business: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    render_site(load_settings(warehouse=business), folder, lambda *step: STEPS.append(step))
    return folder


def test_every_file_is_listed_with_rows_and_checksum(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["stamp"]["publication"] is None
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == {file["path"] for file in manifest["files"]} | {"manifest.json"}
    for file in manifest["files"]:
        path = folder / file["path"]
        content = path.read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.suffix == ".json":
            assert len(json.loads(content)) == file["rows"]


def test_every_link_leads_somewhere(folder: Path) -> None:
    import re

    for page in folder.glob("*.html"):
        for target in re.findall(r'href="([^"#]+)"', page.read_text()):
            assert target.startswith("data:") or (folder / target).is_file(), (page.name, target)


def test_no_page_or_file_names_a_person(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "user:u" not in text and "@example.org" not in text, path


def test_the_same_warehouse_gives_the_same_bytes(
    business: Path, folder: Path, tmp_path: Path
) -> None:
    # An earlier site had a section that is gone, and somebody's file lies beside it.
    there = tmp_path / "again"
    shutil.copytree(folder, there)
    manifest = json.loads((there / "manifest.json").read_text())
    manifest["files"] += [{"path": "churn/gone.csv"}, {"path": "../kept.csv"}]
    (there / "manifest.json").write_text(json.dumps(manifest))
    for path in ("churn/gone.csv", "churn/mine.csv", "../kept.csv"):
        (there / path).write_text("a\n")

    # A process of its own, which draws every chart anew and puts sets in another order.
    subprocess.run(
        [sys.executable, "-m", "sselfie_insights", "report", "site", "-o", str(there)],
        env={"PATH": os.environ["PATH"], "SSELFIE_WAREHOUSE": str(business), "PYTHONHASHSEED": "0"},
        capture_output=True,
        check=True,
    )

    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert len(files) > 100
    for path in ("manifest.json", *(file["path"] for file in files)):
        assert (folder / path).read_bytes() == (there / path).read_bytes(), path
    assert not (there / "churn/gone.csv").exists()
    assert (there / "churn/mine.csv").exists() and (tmp_path / "kept.csv").exists()


def test_headlines_are_those_of_the_founders_page(business: Path) -> None:
    tiles = {tile.label: tile.value for tile in read_headlines(load_settings(warehouse=business))}
    assert tiles["Members"] == "135"
    assert tiles["MRR, USD"] == "$7,150.50"


@pytest.fixture
def one_page(business: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose site has one page, where only the folder matters."""
    with OpenWarehouse(business) as opened:
        page = build_page(opened, load_report("academy"), load_library())
    monkeypatch.setattr("sselfie_insights.report.site.build_pages", lambda *_: iter([page]))
    return load_settings(warehouse=business)


def test_a_folder_that_cannot_be_made_is_told(one_page: Settings) -> None:
    with pytest.raises(StorageError, match="cannot be created"):
        render_site(one_page, Path("/proc/site"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("academy/courses.csv", "mine"),
        ("manifest.json", '{"manifest_version": 3, "name": "mine"}'),
        ("manifest.json", '{"stamp": {}, "sources": {}, "files": [{"path": "thesis.txt"}]}'),
    ],
    ids=["table", "an app's manifest", "an export's manifest"],
)
def test_a_file_of_somebody_is_never_written_over(
    one_page: Settings, tmp_path: Path, name: str, content: str
) -> None:
    theirs = {name: content, "thesis.txt": "mine"}
    for path, text in theirs.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    with pytest.raises(UsageError, match=f"{name} is no part of an earlier site"):
        render_site(one_page, tmp_path)
    there = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {p.relative_to(tmp_path).as_posix(): p.read_text() for p in there} == theirs


def test_a_site_cut_short_is_taken_up_again(
    one_page: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def die(path: Path, content: bytes, *, is_durable: bool, mode: int) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        write_file(path, content, is_durable=is_durable, mode=mode)

    with monkeypatch.context() as patched:
        patched.setattr("sselfie_insights.report.site.write_file", die)
        with pytest.raises(KeyboardInterrupt):
            render_site(one_page, tmp_path)
    (tmp_path / "thesis.txt").write_text("mine")
    site = render_site(one_page, tmp_path)
    there = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {tmp_path / file.path for file in site.files} | {tmp_path / "thesis.txt"}


def test_a_site_for_a_web_server_can_be_read_by_others(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    render_site(load_settings(warehouse=business, site_mode="644"), folder)
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path
    with pytest.raises(UsageError, match="'site_mode' is wrong: write it as chmod does"):
        load_settings(site_mode="777")


def test_progress_names_each_report_for_its_queries_its_page_and_its_file(folder: Path) -> None:
    names = {"index" if path.stem == "overview" else path.stem for path in folder.glob("*.html")}
    count = len(names)
    assert [(done, total) for done, total, _ in STEPS] == [(n, 3 * count) for n in range(3 * count)]
    for part in (STEPS[:count], STEPS[count : 2 * count], STEPS[2 * count :]):
        assert {what.replace("overview", "index") for _, _, what in part} == names
