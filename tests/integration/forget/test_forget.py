"""Forgetting erases a person's rows and bytes everywhere, and nothing of anybody else."""

import re
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import psycopg
import pytest
from typer.testing import CliRunner

from sselfie_insights.backup.archive import backup
from sselfie_insights.cli import app
from sselfie_insights.errors import StorageError, UsageError
from sselfie_insights.forget import forget
from sselfie_insights.segment.record import PastExport, append_export, read_record
from sselfie_insights.settings import load_settings
from sselfie_insights.stripe.coverage import describe_files
from sselfie_insights.stripe.load import add_files, load_folder
from sselfie_insights.sync import sync
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.paths import journal_path
from sselfie_insights.warehouse.publications import list_publications
from sselfie_insights.warehouse.publish import writable_copy
from tests.conftest import temporary_database
from tests.integration.run.people import ANN, BEA, CUSTOMER, EMAIL, SCHEMA, SOURCE
from tests.support.forgetting import NOW, Place, counts, rows, traces

# Counted by hand in SOURCE and DERIVED: rows of Ann's own, and rows of others that mention her.
WAREHOUSE = {
    "intermediate.int_payments": (1, 0),
    "marts.dim_customers": (2, 0),
    "marts.payments": (2, 0),
    "raw.admin_email_errors": (1, 0),
    "raw.freebie_subscribers": (1, 0),
    "raw.maya_chat_messages": (2, 1),
    "raw.maya_chats": (1, 0),
    "raw.prompt_guides": (0, 1),
    "raw.stripe_payments": (3, 1),
    "raw.subscriptions": (1, 0),
    "raw.users": (1, 0),
    "snapshots.users_history": (1, 0),
}
EARLIER = WAREHOUSE | {"raw.feedback": (0, 1)}


def test_takes_a_person_out_of_the_record_of_exports(place: Place) -> None:
    people = tuple(
        {"customer_key": key, "user_id": user, "goal": "member", "group": "sent"}
        for key, user in ((ANN, ANN), (f"stripe:{CUSTOMER}", None), (BEA, BEA))
    )
    warehouse = place.settings.warehouse
    append_export(warehouse, PastExport("win_back", NOW.date(), {}, 10, people))
    rehearsed = forget(place.settings, ANN, dry_run=True)
    assert counts(rehearsed, "segments") == {"exports": (2, 0)}
    assert [len(export.rows) for export in read_record(warehouse)] == [3]
    assert counts(forget(place.settings, ANN), "segments") == {"exports": (2, 0)}
    assert [export.rows for export in read_record(warehouse)] == [people[2:]]
    assert traces(place.folder) == set()


@pytest.mark.parametrize("name", [ANN, f" {EMAIL.lower()} "])
def test_finds_the_same_by_id_and_by_address_and_writes_nothing(place: Place, name: str) -> None:
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    report = forget(place.settings, name, dry_run=True)
    assert not report.is_done
    assert counts(report, "warehouse") == WAREHOUSE
    assert counts(report, "20261120T120000Z") == EARLIER
    assert report.source == {
        "public.admin_email_errors": 1,
        "public.maya_chats": 1,
        "public.prompt_guides": 1,
        "public.stripe_payments": 1,
        "public.subscriptions": 1,
        "public.users": 1,
    }
    assert {path: path.read_bytes() for path in before} == before


def test_no_byte_is_left_and_nothing_of_others_is_lost(place: Place) -> None:
    before = traces(place.folder)
    assert {"w.duckdb", "out/mailing.csv"} < before
    assert sum(name.startswith(".w.duckdb.publications/") for name in before) == 2
    report = forget(place.settings, EMAIL)
    assert report.is_done
    assert counts(report, "warehouse") == WAREHOUSE
    assert counts(report, "20261120T120000Z") == EARLIER
    out = place.settings.output_dir
    assert set(report.outputs.remove) == {
        out / "exports" / "with", out / "mailing.csv", out / "people.xlsx",
    }  # fmt: skip
    assert traces(place.folder) == set()
    assert traces(place.folder, of="Ann Other|pi_ann|sub_ann|cus_ann") == set()
    assert (out / "exports" / "without" / "people.parquet").exists()
    assert (out / "site" / "index.html").exists()
    assert (out / "notes.txt").exists()
    for path in [
        place.settings.warehouse,
        *(p.path for p in list_publications(place.settings.warehouse)),
    ]:
        assert path.stat().st_mode & 0o777 == 0o600
        assert rows(path, "select id from raw.users") == [(BEA,)]
        assert rows(path, "select month, gross_cents from marts.revenue_by_month") == [
            (datetime(2026, 11, 1).date(), 14700)
        ]
        assert rows(path, "select stripe_payment_id from raw.stripe_payments order by all") == [
            ("pi_bea_1",), ("pi_bea_2",),
        ]  # fmt: skip
        assert rows(
            path, "select metadata from raw.stripe_payments order by stripe_payment_id"
        ) == [
            ('{"note": "kept", "gift_for": "<[forgotten]>, [forgotten]"}',),
            ('{"customer_email": "joann.other@example.org"}',),
        ]
        assert rows(path, "select content from raw.maya_chat_messages order by id") == [
            ("hers",), ("write to [forgotten], please",),
        ]  # fmt: skip
        assert rows(path, "select title, created_by from raw.prompt_guides") == [
            ("a guide of all", "[forgotten]")
        ]
        assert rows(path, "select customer_key from marts.dim_customers") == [(BEA,)]
    earlier, last = list_publications(place.settings.warehouse)
    assert last.path.samefile(place.settings.warehouse)
    assert rows(earlier.path, "select message, image_urls from raw.feedback") == [
        ("kept", ["https://x.test/[forgotten]/1.png", f"https://x.test/{BEA}/1.png"])
    ]
    journal = read_journal(place.settings.warehouse)
    assert journal[-1]["command"] == "forget" and journal[-1]["exit_code"] == 0
    assert "nn" not in journal_path(place.settings.warehouse).read_text().split("forget")[-1]
    with pytest.raises(UsageError, match="names this person"):
        forget(place.settings, EMAIL)


HEADER = (
    "balance_transaction_id,created_utc,currency,gross,reporting_category,source_id,charge_id,"
    "payment_intent_id,customer_id\n"
)
ANNS = f"""txn_1,2026-11-02 10:00:00,usd,49.00,charge,ch_annone,ch_annone,pi_ann_1,{CUSTOMER}
txn_2,2026-11-04 10:00:00,usd,-49.00,refund,re_annone,ch_annone,,
"""
BEAS = "txn_3,2026-11-03 10:00:00,usd,49.00,charge,ch_bea,ch_bea,pi_bea_1,cus_bea\n"


def test_rows_of_stripes_exports_go_and_what_they_cover_stays(place: Place) -> None:
    exports = place.folder / "exports"
    exports.mkdir()
    (exports / "with.csv").write_text(HEADER + ANNS + BEAS)
    (exports / "without.csv").write_text(HEADER + BEAS)
    settings = place.settings.model_copy(update={"stripe_exports": exports})
    add_files([exports / "with.csv"], settings.warehouse)
    covered = describe_files(settings.warehouse, "UTC", "UTC")
    report = forget(settings, ANN)
    assert counts(report, "warehouse")["stripe_export.balance_rows"] == (2, 0)
    assert [path.name for path, _ in report.outputs.unerasable] == ["with.csv"]
    assert rows(settings.warehouse, "select id from stripe_export.balance_rows") == [("txn_3",)]
    assert describe_files(settings.warehouse, "UTC", "UTC") == covered
    assert traces(place.folder, of="annone|pi_ann|cus_ann") == {"exports/with.csv"}
    assert load_folder(exports, settings.warehouse).added == ("without.csv",)
    assert rows(settings.warehouse, "select distinct id from stripe_export.balance_rows") == [
        ("txn_3",)
    ]


def test_the_bytes_of_a_deleted_row_are_enough(place: Place) -> None:
    with writable_copy(place.settings.warehouse) as private, duckdb.connect(private) as db:
        for schema, table, column in db.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " semi join duckdb_tables() using (schema_name, table_name)"
            " where database_name = current_database() and data_type in ('VARCHAR', 'JSON')"
        ).fetchall():
            db.execute(
                f'delete from "{schema}"."{table}" where regexp_matches("{column}"::varchar,'
                f" '(?i){ANN}|\\b{EMAIL}')"
            )
    for publication in list_publications(place.settings.warehouse):
        publication.path.unlink()
    assert "w.duckdb" in traces(place.folder)
    forget(place.settings, EMAIL)
    assert traces(place.folder) == set()


def test_while_the_source_has_the_person_a_sync_brings_them_back_exactly(place: Place) -> None:
    forget(place.settings, ANN)
    report = sync(place.settings, verify=True)
    # Which the fixture took from the mirror behind the back of every sync.
    assert [table.name for table in report.different] == ["feedback"]
    assert rows(place.settings.warehouse, "select count(*) from raw.users") == [(2,)]
    reread = {table.name for table in report.tables if table.mode == "full"}
    assert reread == {
        label.partition(".")[2] for label in WAREHOUSE if label.startswith("raw.")
    } | {"feedback"}


def test_deleted_in_the_source_too_the_person_stays_away(server: str, tmp_path: Path) -> None:
    with temporary_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute((SCHEMA + SOURCE).encode())
        settings = load_settings(
            database_url=url, warehouse=tmp_path / "w.duckdb", output_dir=tmp_path / "out"
        )
        sync(settings)
        with psycopg.connect(url) as connection:
            connection.execute(
                f"""
                delete from maya_chat_messages where chat_id = 1 or content like '%Ann%';
                delete from feedback;
                delete from prompt_guides;
                delete from maya_chats where id = 1;
                delete from stripe_payments where stripe_payment_id like 'pi_ann%'
                    or metadata::text like '%gift%';
                delete from subscriptions where user_id = '{ANN}';
                delete from freebie_subscribers where name = 'Ann';
                delete from admin_email_errors where recipient_email = '{EMAIL.lower()}';
                delete from users where id = '{ANN}';
                """.encode()
            )
        report = forget(settings, EMAIL)
        assert report.source == {}
        with psycopg.connect(url) as connection:  # and life goes on
            connection.execute("update users set display_name = 'Beatrice'")
            connection.execute("insert into freebie_subscribers (email, name) values ('c@x', 'C')")
        after = sync(settings, verify=True)
        assert after.different == ()
        assert traces(tmp_path) == set()
        assert rows(settings.warehouse, "select name from raw.freebie_subscribers order by id") == [
            ("Bea",), ("C",),
        ]  # fmt: skip
        assert sync(settings).mode == "unchanged"


def test_what_cannot_be_erased_is_named(place: Place) -> None:
    out = place.settings.output_dir
    backup(place.settings.warehouse, out / "backup.zip")
    shutil.copy(place.settings.warehouse, out / "mine.duckdb")
    workbook = bytearray((out / "people.xlsx").read_bytes())
    workbook[60:90] = bytes(30)  # within the first member
    (out / "damaged.xlsx").write_bytes(workbook)
    (out / "cut.parquet").write_bytes(b"PAR1 and no more")
    damaged = list_publications(place.settings.warehouse)[0]
    damaged.path.write_bytes(b"\0" * 5000)
    notes: list[str] = []
    unreachable = place.settings.model_copy(update={"database_url": None})
    report = forget(unreachable, ANN, on_note=notes.append)
    assert report.source is None
    assert {path.name for path, _ in report.outputs.unerasable} == {
        "backup.zip", "mine.duckdb", "damaged.xlsx", "cut.parquet",
    }  # fmt: skip
    assert (out / "backup.zip").exists() and (out / "mine.duckdb").exists()
    assert any(damaged.name in note and "damaged" in note for note in notes)


@pytest.mark.parametrize("name", ["nobody@example.org", "other@example.org", "usd", "user", ""])
def test_who_is_not_known_is_refused(place: Place, name: str) -> None:
    before = place.settings.warehouse.read_bytes()
    with pytest.raises(UsageError, match="names this person"):
        forget(place.settings, name)
    assert place.settings.warehouse.read_bytes() == before
    assert read_journal(place.settings.warehouse)[-1]["command"] == "sync"


def test_a_publication_damaged_within_stops_it_and_says_which(place: Place) -> None:
    earlier = list_publications(place.settings.warehouse)[0]
    content = bytearray(earlier.path.read_bytes())
    at = content.lower().index(EMAIL.lower().encode())
    content[at - 20 : at - 10] = b"\0" * 10  # the block's checksum no longer holds
    earlier.path.write_bytes(content)
    with pytest.raises(StorageError, match=rf"{earlier.name} cannot be read or rewritten"):
        forget(place.settings, EMAIL)
    assert rows(place.settings.warehouse, "select count(*) from raw.users") == [(2,)]
    assert EMAIL.lower() not in journal_path(place.settings.warehouse).read_text().lower()
    earlier.path.unlink()
    forget(place.settings, EMAIL)
    assert traces(place.folder) == set()


def test_the_command_shows_what_would_go_and_erases_only_with_a_yes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSELFIE_DATABASE_URL", place.url)
    monkeypatch.setenv("SSELFIE_OUTPUT_DIR", str(place.settings.output_dir))
    monkeypatch.chdir(place.folder)
    words = ["forget", EMAIL, "--warehouse", str(place.settings.warehouse)]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, UsageError)
    assert "give --yes" in str(refused.exception)
    shown = CliRunner().invoke(app, [*words, "--dry-run"])
    assert shown.exit_code == 0
    assert shown.stdout == refused.stdout
    assert re.search(r"^warehouse +raw\.stripe_payments +3 +1$", shown.stdout, re.MULTILINE)
    assert "public.users (1)" in shown.stderr and "brings them back" in " ".join(
        shown.stderr.split()
    )
    assert rows(place.settings.warehouse, "select count(*) from raw.users") == [(2,)]
    done = CliRunner().invoke(app, [*words, "--yes"])
    assert done.exit_code == 0
    assert "rows erased" in done.stdout
    assert traces(place.folder) == set()
