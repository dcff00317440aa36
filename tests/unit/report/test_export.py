import hashlib
import json
import stat
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.query import OpenWarehouse, Result, load_library
from sselfie_insights.report import export as export_module
from sselfie_insights.report.export import (
    MANIFEST,
    WORKBOOK,
    ExportFile,
    export_warehouse,
)
from sselfie_insights.warehouse.gaps import Gap

FEW = ("churn/churn_by_month", "revenue/mrr_movements")
"""What suffices where only the folder matters."""


def export(
    business: Path, folder: Path, *marts: str, names: Collection[str] = FEW, **options: int
) -> list[ExportFile]:
    library = {name: query for name, query in load_library().items() if name in names}
    with OpenWarehouse(business) as opened:
        return export_warehouse(opened, folder, library, marts, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exported(
    business: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[ExportFile]]:
    """Every query and a mart."""
    folder = tmp_path_factory.mktemp("exported") / "export"
    return folder, export(business, folder, "fct_activity", names=load_library())


def test_the_manifest_tells_of_every_file(exported: tuple[Path, list[ExportFile]]) -> None:
    folder, files = exported
    manifest = json.loads((folder / MANIFEST).read_text())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == {file["path"] for file in manifest["files"]} | {MANIFEST}
    assert len(files) == len(manifest["files"]) == 2 * (len(load_library()) - 4) + 2
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


def test_the_workbook_has_a_frozen_sheet_a_query(exported: tuple[Path, list[ExportFile]]) -> None:
    book = zipfile.ZipFile(exported[0] / WORKBOOK)
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    # Without two of closed months and two comparisons; the contents, and what columns mean.
    assert len(sheets) == len(load_library()) - 4 + 2
    assert all(b'state="frozen"' in book.read(name) for name in sheets)


def test_the_workbook_holds_no_table_of_more_than_fifty_thousand_rows(
    business: Path, tmp_path: Path
) -> None:
    queries = tmp_path / "queries"
    queries.mkdir()
    for name, rows in (("long", 50_000), ("longer", 50_001)):
        (queries / f"{name}.sql").write_text(
            "/*\ntitle: Numbers\ndescription: Numbers.\ngrain: One row per number.\nkey: [n]\n"
            "no_people: They are numbers.\n"
            "columns:\n  n: {unit: count, description: A number.}\n*/\n"
            f"select range::bigint as n from range({rows})\n"
        )
    library = {n: q for n, q in load_library([queries]).items() if n in ("long", "longer")}
    with OpenWarehouse(business) as opened:
        files = export_warehouse(opened, tmp_path / "e", library)
    rows = {file.path: file.rows for file in files}
    assert rows["csv/long.csv"] == rows[WORKBOOK] == 50_000
    assert rows["csv/longer.csv"] == rows["parquet/longer.parquet"] == 50_001
    book = zipfile.ZipFile(tmp_path / "e" / WORKBOOK)
    assert "xl/worksheets/sheet4.xml" not in book.namelist()


def test_an_earlier_export_is_replaced_whole(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    export(business, folder, "fct_activity")
    export(business, folder)
    assert not (folder / "parquet" / "marts").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["e"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


FOREIGN = {
    "nothing of ours": None,
    "an app's manifest": {"manifest_version": 3, "name": "mine"},
    "one that lists files": {"files": [{"path": "thesis.txt"}]},
    "a list": ["sources", "files"],
    "a site's": {"stamp": "", "notices": [], "files": [{"path": "thesis.txt"}]},
}


@pytest.mark.parametrize("manifest", FOREIGN.values(), ids=FOREIGN)
def test_another_folder_is_left_alone(
    business: Path, tmp_path: Path, manifest: dict[str, object] | list[str] | None
) -> None:
    folder = tmp_path / "e"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    if manifest is not None:
        (folder / MANIFEST).write_text(json.dumps(manifest))
    before = sorted(folder.iterdir())
    with pytest.raises(UsageError, match=r"e/(manifest.json|thesis.txt) is no part of an earlier"):
        export(business, folder)
    assert sorted(folder.iterdir()) == before
    assert (folder / "thesis.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


@pytest.mark.parametrize("mine", ["thesis.txt", "csv/churn/thesis.txt", "notes/thesis.txt"])
def test_an_export_with_a_file_of_somebody_is_left_alone(
    business: Path, tmp_path: Path, mine: str
) -> None:
    folder = tmp_path / "e"
    export(business, folder)
    (folder / mine).parent.mkdir(exist_ok=True)
    (folder / mine).write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(folder)
    for path in (folder, link):
        with pytest.raises(UsageError, match=f"{path.name}/{Path(mine).parts[0]}.*is no part of"):
            export(business, path)
    assert (folder / mine).read_text() == "mine"


def test_a_file_that_comes_while_it_is_written_stays(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "e"
    export(business, folder)

    def save(*_: object) -> bytes:
        (folder / "thesis.txt").write_text("mine")
        return b""

    monkeypatch.setattr("sselfie_insights.report.export.to_workbook", save)
    with pytest.raises(UsageError, match=r"thesis.txt is no part of an earlier export"):
        export(business, folder)
    assert (folder / "thesis.txt").read_text() == "mine"


def test_a_query_or_a_sheet_that_fails_leaves_the_others(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the manifest, in the workbook, and to whoever asked."""
    movements, churn = "revenue/mrr_movements", "churn/churn_by_month"
    write_workbook = export_module.to_workbook

    def fail_on_churn(sheets: Mapping[str, Result], gaps: Mapping[str, str] = {}) -> bytes:
        if churn in sheets:
            raise OverflowError("a value of somebody's")
        return write_workbook(dict(sheets), gaps)

    monkeypatch.setattr("sselfie_insights.report.export.to_workbook", fail_on_churn)
    library = {name: query for name, query in load_library().items() if name in FEW}
    library["own"] = replace(library[movements], name="own", body="select month from marts.gone")
    gaps: list[Gap] = []
    with OpenWarehouse(business) as opened:
        export_warehouse(opened, tmp_path / "e", library, on_gap=gaps.append)

    assert [gap.what for gap in gaps] == ["export of own", f"sheet {churn}"]
    manifest = json.loads((tmp_path / "e" / MANIFEST).read_text())
    assert manifest["gaps"].keys() == {"own", churn} and "gone" in manifest["gaps"]["own"]
    assert "a value of somebody's" not in (tmp_path / "e" / MANIFEST).read_text()
    assert {file["path"] for file in manifest["files"]} == {
        "csv/churn/churn_by_month.csv", "csv/revenue/mrr_movements.csv", "sselfie.xlsx",
        "parquet/churn/churn_by_month.parquet", "parquet/revenue/mrr_movements.parquet",
    }  # fmt: skip
    book = zipfile.ZipFile(tmp_path / "e" / WORKBOOK)
    assert len([name for name in book.namelist() if "worksheets/sheet" in name]) == 3
    assert book.read("xl/sharedStrings.xml").count(b"Not available: ") == 2


def test_a_link_to_itself_is_no_folder(business: Path, tmp_path: Path) -> None:
    (tmp_path / "e").symlink_to("e")
    with pytest.raises(StorageError, match="e cannot be written"):
        export(business, tmp_path / "e")


def test_a_link_stays_one_and_an_empty_folder_will_do(business: Path, tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    link = tmp_path / "link"
    link.symlink_to("e")
    export(business, link, "fct_activity")
    export(business, link)
    assert link.is_symlink() and (tmp_path / "e" / MANIFEST).is_file()
    assert not (tmp_path / "e" / "parquet" / "marts").exists()


@pytest.mark.parametrize("place", [".", "..", "e/f"])
def test_the_working_directory_is_never_replaced(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    inside = tmp_path / "e" / "f"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    with pytest.raises(UsageError, match="is or holds the working directory"):
        export(business, inside if place == "e/f" else Path(place))
    assert inside.samefile(Path.cwd())


def test_a_failure_leaves_the_earlier_export(
    business: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "e"
    export(business, folder)
    before = (folder / MANIFEST).read_bytes()

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sselfie_insights.report.export.to_workbook", fail)
    with pytest.raises(StorageError, match="No space left on device"):
        export(business, folder)
    assert (folder / MANIFEST).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_large_table_is_cut_by_month(business: Path, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    export(business, folder, "fct_activity", large_rows=1000)
    parts = sorted((folder / "parquet/marts/fct_activity").glob("month=*/part.parquet"))
    assert len(parts) > 12
    whole = pl.read_parquet(folder / "parquet/marts/fct_activity/**/*.parquet")
    with OpenWarehouse(business) as opened:
        rows = opened.connection.execute("select count(*) from marts.fct_activity").fetchone()
    assert rows == (whole.height,)
    january = pl.read_parquet(folder / "parquet/marts/fct_activity/month=2026-01-01/part.parquet")
    assert {day.month for day in january["activity_on"]} == {1}


def test_exports_name_no_person(exported: tuple[Path, list[ExportFile]]) -> None:
    for path in (exported[0] / "csv").rglob("*.csv"):
        assert "@" not in path.read_text(), path


def test_addresses_go_out_only_when_asked_for(business: Path, tmp_path: Path) -> None:
    for is_asked in (False, True):
        export(business, tmp_path / "e", "dim_contacts", with_personal_data=is_asked)
        columns = pl.read_parquet(tmp_path / "e/parquet/marts/dim_contacts.parquet").columns
        assert columns == ["customer_key", "user_id", *(["email"] if is_asked else [])]


OWN = """/*
grain: One row per month.
title: T
description: D
key: [month]
{more}
columns:
  month: {{unit: month, description: M.}}
  user_count: {{unit: count, description: U.}}
*/
select date_trunc('month', signed_up_on) as month, count(*) as user_count
from marts.dim_users group by 1
"""


COMPARISONS = {"retention/activity_comparison", "retention/subscriber_comparison"}
"""They add up cohorts of the pages, so that a hidden one could be worked out."""

OF_NOBODY = {
    *("build_info", "dim_months", "dim_products", "exchange_rates", "refund_capture"),
    *("source_tables", "unconverted_values"),
}
"""The marts that hold neither rows nor numbers of people."""


def test_what_counts_people_without_a_number_of_them_is_left_out(
    business: Path, tmp_path: Path
) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "own.sql").write_text(OWN.format(more=""))
    (tmp_path / "queries" / "said.sql").write_text(OWN.format(more="people: user_count"))
    names = {"own", "said", "revenue/closed_months", "revenue/closed_figures", *COMPARISONS}
    library = dict(load_library([tmp_path / "queries"]))
    library |= {name: query for name, query in load_library().items() if name in names}
    gaps: list[Gap] = []
    with OpenWarehouse(business) as opened:
        export_warehouse(opened, tmp_path / "e", library, on_gap=gaps.append)
        export_warehouse(opened, tmp_path / "all", library, with_personal_data=True)
    assert [gap.what for gap in gaps] == ["export of own"]
    assert "name the columns that count the distinct people" in gaps[0].reason
    manifest = json.loads((tmp_path / "e" / MANIFEST).read_text())
    assert manifest["left_out"].keys() == names - {"own", "said"}
    assert {manifest["left_out"][name] for name in COMPARISONS} == {
        "for analysts only: It adds up cohorts of the pages, so that a hidden one could be worked"
        " out."
    }
    assert {path.name for path in (tmp_path / "e").rglob("*.csv")} == {"said.csv"}
    csv = {path.name: path.read_text() for path in (tmp_path / "all").rglob("*.csv")}
    assert csv.keys() == {f"{name.rpartition('/')[2]}.csv" for name in names}
    assert csv["own.csv"] == csv["said.csv"]


def test_a_mart_that_counts_people_is_refused(business: Path, tmp_path: Path) -> None:
    """Every mart lists people or payments, is of nobody, or is refused, and nothing is written."""
    with OpenWarehouse(business) as opened:
        marts = opened.connection.execute(
            "select table_name, list(column_name) from information_schema.columns"
            " where table_schema = 'marts' group by all"
        ).fetchall()
    refused = set()
    for name, columns in marts:
        try:
            export(business, tmp_path / "e", name, names=())
        except UsageError as error:
            assert "counts people" in str(error), name
            refused.add(name)
        else:
            has_id = {"user_id", "customer_key", "payment_key"} & set(columns)
            assert has_id or name in OF_NOBODY, name
    assert {"mrr_movements", "active_users", "stickiness", "liability"} <= refused
    assert {name for name, _ in marts} >= OF_NOBODY
    export(business, tmp_path / "e", "mrr_movements", names=(), with_personal_data=True)
