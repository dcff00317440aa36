import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.report import read_headlines, render_site
from sselfie_insights.settings import load_settings


@pytest.fixture(scope="module")
def folder(business: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    render_site(load_settings(warehouse=business), folder)
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
    assert tiles["MRR, USD"] == "7,150.50"


def test_a_folder_that_cannot_be_made_is_told(business: Path) -> None:
    with pytest.raises(UsageError, match="cannot be made"):
        render_site(load_settings(warehouse=business), Path("/proc/site"))
