"""No id of a person or of Stripe's leaves with an export, and what belongs together still joins."""

import json
import re
import zipfile
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.draw.html import render_html
from sselfie_insights.report.export import export_warehouse
from sselfie_insights.warehouse.pseudonyms import read_key, write_pseudonym
from tests.integration.conftest import Business

OWN = """/*
grain: One row per payment.
title: Mine
description: Ids under other names, and inside other values.
key: [who]
columns:
  who: {unit: text, description: W}
  packed: {unit: text, description: P}
  listed: {unit: text, description: L}
  said: {unit: text, description: S}
*/
select
    customer_key as who,
    to_json({'who': customer_key, 'paid': payment_key}) as packed,
    [customer_key, payment_key]::varchar as listed,
    'the customer ' || customer_key || ' paid ' || payment_key || '.' as said
from marts.payments
"""


@pytest.fixture(scope="module")
def exported(
    built_business: Business, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, set[str]]:
    """An export of everything, a query of one's own included, and every id of the source."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "queries").mkdir()
    (folder / "queries" / "mine.sql").write_text(OWN)
    library = load_library([folder / "queries"]) | load_library()
    path = built_business.settings.warehouse
    with OpenWarehouse(path) as opened:
        marts = opened.connection.execute(
            "select distinct table_name from information_schema.columns"
            " where table_schema = 'marts'"
            " and column_name in ('user_id', 'customer_key', 'payment_key')"
        ).fetchall()
        export_warehouse(opened, folder / "x", library, [name for (name,) in marts])
    return folder / "x", _read_ids(path)


def _read_ids(path: Path) -> set[str]:
    """Ids as the mirrored tables hold them: of users, and whatever Stripe's columns hold."""
    with duckdb.connect(path, read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'raw' and data_type = 'VARCHAR' and ("
            "  column_name = 'user_id' or (table_name = 'users' and column_name = 'id')"
            "  or column_name like '%stripe%id')"
        ).fetchall()
        found = {
            value
            for table, column in columns
            for (value,) in connection.execute(
                f'select distinct "{column}" from raw."{table}" where "{column}" is not null'
            ).fetchall()
        }
    assert len(found) > 1000
    return {value for value in found if len(value) >= 8}


def _read_text(path: Path) -> str:
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_ndjson()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            return "\n".join(archive.read(name).decode() for name in archive.namelist())
    return path.read_text()


def test_no_id_leaves_in_any_file(exported: tuple[Path, set[str]]) -> None:
    folder, ids = exported
    word = re.compile(r"[A-Za-z0-9_-]{8,}")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 200
    leaks = {str(path): set(word.findall(_read_text(path))) & ids for path in files}
    assert {path: sorted(found)[:3] for path, found in leaks.items() if found} == {}
    assert json.loads((folder / "manifest.json").read_text())["gaps"] in ({}, [])


def test_pseudonyms_join_the_files(
    exported: tuple[Path, set[str]], built_business: Business
) -> None:
    folder, _ = exported
    path = built_business.settings.warehouse
    key = read_key(path)
    members = pl.read_parquet(folder / "parquet/churn/members_now.parquet")["customer_key"]
    payers = pl.read_parquet(folder / "parquet/revenue/payments.parquet")["customer_key"]
    mine = pl.read_parquet(folder / "parquet/mine.parquet")
    with OpenWarehouse(path) as opened:
        rows = opened.connection.execute(
            "select distinct customer_key from marts.members_now"
        ).fetchall()
    assert set(members) == {write_pseudonym(key, real) for (real,) in rows}
    assert set(members) & set(payers)
    assert set(mine["who"]) == set(payers)
    for who, packed in mine.select("who", "packed").head(50).rows():
        real = json.loads(packed)["who"]
        assert real == who or ":" in real  # of a guest's key, what follows its kind is replaced


def test_who_may_see_personal_data_sees_ids(built_business: Business, tmp_path: Path) -> None:
    library = load_library()
    name = "churn/members_now"
    with OpenWarehouse(built_business.settings.warehouse) as opened:
        export_warehouse(opened, tmp_path / "x", {name: library[name]}, with_personal_data=True)
        rows = opened.connection.execute("select customer_key from marts.members_now").fetchall()
    frame = pl.read_csv(tmp_path / "x/csv/churn/members_now.csv")
    assert set(frame["customer_key"]) == {real for (real,) in rows}
    assert "email" in frame.columns


LISTED = """/*
grain: One row per member.
title: T
description: D
key: [who]
people: user_count
columns:
  who: {unit: text, description: W.}
  user_count: {unit: count, description: U.}
*/
select 'it is ' || customer_key as who, 9 as user_count from marts.members_now
"""
REPORT = """
title: M
description: D
sections:
  - {type: table, title: Own, query: own, columns: [who, user_count]}
"""


def test_a_page_of_ones_own_shows_pseudonyms(
    built_business: Business, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("queries/own.sql", LISTED), ("reports/mine.yml", REPORT)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    path = built_business.settings.warehouse
    with OpenWarehouse(path) as opened:
        page = build_page(opened, load_reports()["mine"], load_library())
        rows = opened.connection.execute("select customer_key from marts.members_now").fetchall()
    html, key = render_html(page), read_key(path)
    real = [who for (who,) in rows if ":" not in who]
    assert len(real) > 20
    assert [who for who in real if who in html] == []
    assert any(f"it is {write_pseudonym(key, who)}" in html for who in real)
