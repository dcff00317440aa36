import hashlib
import json
import stat
import zipfile
from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import load_library, open_warehouse
from sselfie_insights.query.export import MANIFEST, WORKBOOK, ExportFile, export_warehouse


def export(business: Path, folder: Path, *marts: str, **options: int) -> list[ExportFile]:
    with open_warehouse(business) as connection:
        return export_warehouse(connection, folder, load_library(), marts, **options)  # type: ignore[arg-type]


def test_the_manifest_tells_of_every_file(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    files = export(business, folder, "fct_activity")
    manifest = json.loads((folder / MANIFEST).read_text())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == {file["path"] for file in manifest["files"]} | {MANIFEST}
    assert len(files) == len(manifest["files"]) == 2 * len(load_library()) + 2
    for file in manifest["files"]:
        content = (folder / file["path"]).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        if file["path"].endswith(".parquet"):
            frame = pl.read_parquet(folder / file["path"])
            source = manifest["sources"][file["source"]]
            assert frame.height == file["rows"] == source["rows"]
            assert {n: str(t) for n, t in frame.schema.items()} == {
                name: column["type"] for name, column in source["columns"].items()
            }
    assert manifest["stamp"]["timezone"] == "UTC"
    assert manifest["sources"]["revenue/mrr_movements"]["columns"]["arr_cents"]["unit"] == "cents"


def test_the_workbook_has_a_frozen_sheet_a_query(business: Path, tmp_path: Path) -> None:
    export(business, tmp_path / "e")
    book = zipfile.ZipFile(tmp_path / "e" / WORKBOOK)
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == len(load_library())
    assert all(b'state="frozen"' in book.read(name) for name in sheets)


def test_an_earlier_export_is_replaced_whole(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    export(business, folder, "fct_activity")
    export(business, folder)
    assert not (folder / "parquet" / "marts").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["e"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_another_folder_is_left_alone(business: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="holds something that is no export"):
        export(business, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_leaves_the_earlier_export(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "e"
    export(business, folder)
    before = (folder / MANIFEST).read_bytes()

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sselfie_insights.query.export.to_workbook", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        export(business, folder)
    assert (folder / MANIFEST).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_large_table_is_cut_by_month(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    export(business, folder, "fct_activity", large_rows=1000)
    parts = sorted((folder / "parquet/marts/fct_activity").glob("month=*/part.parquet"))
    assert len(parts) > 12
    whole = pl.read_parquet(folder / "parquet/marts/fct_activity/**/*.parquet")
    with open_warehouse(business) as connection:
        rows = connection.execute("select count(*) from marts.fct_activity").fetchone()
    assert rows == (whole.height,)
    january = pl.read_parquet(folder / "parquet/marts/fct_activity/month=2026-01-01/part.parquet")
    assert {day.month for day in january["activity_on"]} == {1}


def test_exports_name_no_person(business: Path, tmp_path: Path) -> None:
    export(business, tmp_path / "e")
    for path in (tmp_path / "e" / "csv").rglob("*.csv"):
        assert "@" not in path.read_text(), path
