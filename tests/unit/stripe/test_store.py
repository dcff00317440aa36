import random
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.stripe.coverage import describe_files
from sselfie_insights.stripe.load import add_files, load_folder
from tests.support.exports import contract

HEADER = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category\n"
CHARGE = "txn_1,2026-02-05 10:00:02,usd,97.00,3.11,93.89,charge\n"
REFUND = "txn_2,2026-02-06 10:00:02,usd,-97.00,0.00,-97.00,refund\n"


def load(folder: Path, warehouse: Path) -> tuple[tuple[str, ...], list[str]]:
    loaded = load_folder(folder, warehouse)
    return loaded.added, [each.file_name for each in loaded.refused]


def ask(warehouse: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(warehouse, read_only=True) as db:
        return db.execute(sql).fetchall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "a.csv").write_text(HEADER + CHARGE)
    (folder / "b.csv").write_text(HEADER + REFUND + "txn_3,2026-02-07")
    (folder / ".hidden.csv").write_text("x")
    (folder / "notes.md").write_text("x")
    return folder


def test_what_is_right_is_loaded_and_what_is_damaged_is_listed(
    folder: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "w.duckdb"
    assert load(folder, warehouse) == (("a.csv",), ["b.csv"])
    rows = ask(warehouse, "select id, gross, fee, category from stripe_export.balance_rows")
    assert rows == [("txn_1", 9700, 311, "charge")]
    ((reason,),) = ask(warehouse, "select reason from stripe_export.refusals")
    assert "b.csv, line 3" in str(reason)


def test_a_file_is_read_once_and_a_damaged_one_named_each_time(
    folder: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "w.duckdb"
    load(folder, warehouse)
    before = warehouse.read_bytes()
    assert load(folder, warehouse) == ((), ["b.csv"])
    assert warehouse.read_bytes() == before


def test_what_was_loaded_stays_whatever_becomes_of_the_files(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    load(folder, warehouse)
    (folder / "a.csv").write_text(HEADER + REFUND)  # the next month, under the same name
    (folder / "b.csv").unlink()
    assert load(folder, warehouse) == (("a.csv",), [])
    assert ask(warehouse, "from stripe_export.refusals") == []
    rows = ask(
        warehouse,
        "select file_name, id from stripe_export.balance_rows join stripe_export.files"
        " using (file_id) order by all",
    )
    assert rows == [("a.csv", "txn_1"), ("a.csv", "txn_2")]


def test_the_same_bytes_are_one_file(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    (folder / "a (1).csv").write_text(HEADER + CHARGE)
    assert load(folder, warehouse) == (("a (1).csv",), ["b.csv"])
    assert load(folder, warehouse) == ((), ["b.csv"])


def test_a_damaged_new_version_loses_nothing(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    load(folder, warehouse)
    (folder / "a.csv").write_text(HEADER + CHARGE[:-20])
    assert load(folder, warehouse) == ((), ["a.csv", "b.csv"])
    assert ask(warehouse, "select id from stripe_export.balance_rows") == [("txn_1",)]


def test_a_folder_that_is_not_there_stops_no_night(tmp_path: Path) -> None:
    loaded = load_folder(tmp_path / "none", tmp_path / "w.duckdb")
    assert loaded.added == ()
    assert "stripe_exports" in loaded.refused[0].reason


def test_files_are_added_by_name_to_what_was_synced(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with pytest.raises(UsageError, match="sselfie sync"):
        add_files([folder / "a.csv"], warehouse)
    duckdb.connect(str(warehouse)).close()
    assert add_files([folder / "a.csv"], warehouse).added == ("a.csv",)


def test_a_file_that_was_refused_by_name_is_listed_beside_those_of_the_folder(
    folder: Path, tmp_path: Path
) -> None:
    warehouse = tmp_path / "w.duckdb"
    (tmp_path / "z.csv").write_text("x")
    load(folder, warehouse)
    add_files([tmp_path / "z.csv"], warehouse)
    names = "select file_name from stripe_export.refusals order by all"
    assert ask(warehouse, names) == [("b.csv",), ("z.csv",)]
    assert load(folder, warehouse) == ((), ["b.csv"])
    assert ask(warehouse, names) == [("b.csv",), ("z.csv",)]
    (tmp_path / "z.csv").write_text(HEADER + REFUND)
    add_files([tmp_path / "z.csv"], warehouse)
    assert ask(warehouse, names) == [("b.csv",)]


def test_a_list_names_days_currencies_and_columns_to_tick(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    (folder / "c.csv").write_text(
        "balance_transaction_id,created,currency,gross,reporting_category,automatic_payout_id\n"
        "txn_9,2026-03-01 01:00:00,eur,1.00,charge,po_1\n"
    )
    load(folder, warehouse)
    a, b, c = describe_files(warehouse, "America/Los_Angeles", "Europe/Berlin")
    # 10:00 UTC is the small hours of the same day in Los Angeles.
    assert (a.first_on, a.last_on, a.currencies) == (date(2026, 2, 5), date(2026, 2, 5), ("usd",))
    assert "tick next time: source_id, charge_id, payment_intent_id, invoice_id" in a.detail
    assert "money given back only" not in a.detail
    assert b.detail.startswith("refused: b.csv, line 3")
    assert (c.first_on, c.last_on) == (None, None)
    assert "times are taken to be those of Europe/Berlin" in c.detail


TYPES = {
    "text": "VARCHAR",
    "text[]": "VARCHAR[]",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "timestamp": "TIMESTAMP",
}


def test_the_tables_are_those_of_the_contract(folder: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    load(folder, warehouse)
    for table, columns in contract().items():
        found = ask(warehouse, f"select name, type from pragma_table_info('stripe_export.{table}')")
        assert found == [(name, TYPES[kind]) for name, kind in columns.items()]


def test_no_damage_to_a_file_loses_what_was_loaded(tmp_path: Path) -> None:
    """The damaged file has the name of the good one, as a download that broke off would."""
    folder, warehouse = tmp_path / "exports", tmp_path / "w.duckdb"
    folder.mkdir()
    good = (HEADER + CHARGE + REFUND).encode()
    (folder / "a.csv").write_bytes(good)
    load(folder, warehouse)
    (good_id,) = ask(warehouse, "select file_id from stripe_export.files")[0]
    before = ask(warehouse, "from stripe_export.balance_rows")
    for seed in range(20):
        rng = random.Random(seed)
        at = rng.randrange(len(good))
        (folder / "a.csv").write_bytes(good[:at] + rng.randbytes(rng.randrange(4)))
        load(folder, warehouse)
        kept = ask(warehouse, f"from stripe_export.balance_rows where file_id = '{good_id}'")
        assert kept == before
