"""What reads the contract, or asks the database what is there, meets stored rows here.

dbt's unit tests can mock neither.
"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sselfie_insights.contract import load_contract
from tests.dbt.conftest import Dbt

# As a live database keeps them: renamed, missing and retyped columns, other spellings, empty text.
RAW = """
    create schema raw;
    create table raw.users (id varchar, email varchar, role varchar, created_at timestamptz);
    insert into raw.users values
        ('ann', ' Ann@Studio.COM ', 'Admin', '2026-01-01 10:00:00+01'),
        ('bea', null, null, null),
        ('bea', null, null, null),
        (null, 'nobody@studio.com', null, '2026-01-01 10:00:00+01');

    create table raw.subscriptions
        (id integer, user_id varchar, stripe_subscription_id varchar, plan varchar, status varchar,
         is_test_mode boolean, created_at timestamp);
    insert into raw.subscriptions values
        (1, 'ann', 'sub_1', 'pro', 'cancelled', null, '2026-01-01 10:00:00'),
        (2, 'bea', '', 'pro', 'Canceled', true, '2026-01-01 10:00:00'),
        (3, 'cat', 'sub_3', 'pro', 'incomplete_expired', false, '2026-01-01 10:00:00'),
        (4, 'dee', 'sub_4', 'o''the top', 'in good ''standing''', false, '2026-01-01 10:00:00');

    create table raw.stripe_payments
        (id bigint, stripe_payment_id varchar, stripe_invoice_id varchar, user_id varchar,
         amount_cents varchar, currency varchar, status varchar, payment_type varchar,
         metadata varchar, payment_date timestamptz, is_test_mode boolean, created_at timestamptz);
    insert into raw.stripe_payments values
        (1, 'pi_1', 'in_1', 'ann', '9700', 'USD', 'Succeeded', 'Subscription', null,
         '2026-01-10 10:00:00+01', null, '2026-01-11 10:00:00+00'),
        (2, 'pi_2', '', '', '4700', '', 'paid', 'one_time_session',
         '{"user_id": "bea", "customer_email": " Bea@Studio.com"}',
         null, true, '2026-01-11 10:00:00+00'),
        (3, 'pi_3', null, null, 'many', ' eur ', 'failed', 'REFUND',
         'not json', '2026-01-10 10:00:00+00', false, null);

    create table raw.maya_chats (id integer, user_id varchar, chat_type varchar);
    insert into raw.maya_chats values
        (1, 'ann', 'Feed-Planner'), (2, 'ann', 'feed_planner'), (2, 'ann', 'feed_planner'),
        (null, 'bea', 'feed-planner'), (null, 'bea', 'feed-planner');

    create table raw.generated_images
        (id integer, user_id varchar, image_urls varchar, selected_url varchar);
    insert into raw.generated_images values
        (1, 'ann', '["one.png", "two.png"]', 'two.png'), (2, 'ann', 'three.png', null);

    create table raw.generated_videos (id integer, created_at timestamptz);
    insert into raw.generated_videos values
        (1, '1999-12-31 23:59:59.999999+00'), (2, '2000-01-01 00:00:00+00'),
        (3, '2199-12-31 23:59:59.999999+00'), (4, '2200-01-01 00:00:00+00'),
        (5, 'infinity'), (6, '-infinity'), (7, null);

    create table raw.credit_transactions
        (id uuid, user_id integer, amount decimal(10, 2), transaction_type varchar,
         payment_amount varchar, created_at varchar);
    insert into raw.credit_transactions values
        ('00000000-0000-4000-8000-00000000000a', 7, 100, ' Purchase', '$1,045.50', '1767261600'),
        ('00000000-0000-4000-8000-00000000000b', 7, -3, 'IMAGE', '45', '1767261600000'),
        ('00000000-0000-4000-8000-00000000000c', 7, -4, 'image', 'much', '1767261600000000'),
        ('00000000-0000-4000-8000-00000000000d', 7, -5, 'Spin', null, '2026-01-01 11:00:00+01'),
        ('00000000-0000-4000-8000-00000000000e', 7, -6, 'image', null, '20260101');

    create table raw.waitlist (id integer, email varchar);

    create schema snapshots;
    create table snapshots.subscriptions_history
        (subscription_row_id bigint, user_id varchar, product_type varchar, status varchar,
         is_cancelling boolean, dbt_valid_from timestamp);
    insert into snapshots.subscriptions_history values
        (1, 'ann', 'pro', 'active', false, '2026-01-01 10:00:00'),
        (1, 'ann', 'pro', 'active', true, '2026-01-15 10:00:00'),
        (1, 'ann', 'pro', 'canceled', true, '2026-02-01 10:00:00'),
        (1, 'bea', 'starter', 'active', true, '2026-03-10 12:00:01'),
        (2, 'bea', 'pro', null, false, '2026-01-01 10:00:00'),
        (2, 'bea', 'pro', 'active', false, '2026-03-10 12:00:00');
    create table snapshots.user_credits_history
        (user_credit_id bigint, user_id varchar, balance integer, dbt_valid_from timestamp);
    insert into snapshots.user_credits_history values
        (1, 'ann', 20, '2026-01-01 10:00:00'),
        (1, 'ann', 20, '2026-01-02 10:00:00'),
        (1, 'ann', 18, '2026-01-03 10:00:00');
    create table snapshots.feed_posts_history
        (feed_post_id bigint, user_id varchar, generation_status varchar,
         dbt_valid_from timestamp);
    insert into snapshots.feed_posts_history values
        (1, 'ann', 'completed', '2026-01-02 10:00:00'),
        (1, 'ann', 'processing', '2026-01-01 10:00:00');
    alter table snapshots.subscriptions_history add column dbt_valid_to timestamp;
    alter table snapshots.feed_posts_history add column dbt_valid_to timestamp;
    alter table snapshots.user_credits_history add column dbt_valid_to timestamp;
    insert into snapshots.user_credits_history values -- of one sync, read otherwise later
        (1, 'ann', 19, '2026-01-03 10:00:00', '2026-01-03 10:00:00'),
        (1, 'ann', 17, '2026-01-03 10:00:00', '2026-01-03 10:00:00');
"""


MAPPED = {
    "subscriptions": {
        "status": {"in good 'standing'": "active"},
        "plan_name": {"o'the top": "starter's"},
    }
}
"""The setting ``values``; the second column has another name here."""


MAJOR = {"credit_transactions": ["payment_amount"]}
"""The setting ``units``."""


@pytest.fixture(scope="module")
def staged(
    built: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of stored rows with their staging on top."""
    folder: Path = tmp_path_factory.mktemp("staged")
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(RAW)
    names = (
        "credit_transactions users subscriptions stripe_payments maya_chats generated_images"
        " generated_image_urls"
    )
    # What is compiled for these rows is no use to others; what is parsed already is, here.
    artifacts = Path(shutil.copytree(built.folder, folder / "dbt"))
    results = Dbt(artifacts, warehouse).run(
        "run",
        *("--select", *(f"stg_app__{name}" for name in names.split())),
        "stg_app__generated_videos",
        *("core_build", "source_tables", "unconverted_values", "status_changes"),
        mapped_values=MAPPED,
        major_units=MAJOR,
    )
    assert [result for result in results if result.status != "success"] == []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, schema: str = "staging"
) -> list[Mapping[str, Any]]:
    result = connection.execute(f"select {columns} from {schema}.{table} order by all")
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_both_spellings_are_one_status(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        staged,
        "stg_app__subscriptions",
        "subscription_row_id, status, stripe_subscription_id, product_type, is_test, is_cancelling",
    )

    assert [tuple(row.values()) for row in found] == [
        (1, "canceled", "sub_1", "pro", False, None),
        (2, "canceled", None, "pro", True, None),
        (3, "incomplete_expired", "sub_3", "pro", False, None),
        (4, "active", "sub_4", "starter's", False, None),
    ]


def test_addresses_are_compared_without_regard_to_case(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows(staged, "stg_app__users", "user_id, email, role, signed_up_at") == [
        {
            "user_id": "ann",
            "email": "ann@studio.com",
            "role": "admin",
            "signed_up_at": datetime(2026, 1, 1, 9),
        },
        {"user_id": "bea", "email": None, "role": "user", "signed_up_at": None},
    ]


def test_a_payment_row_is_cleaned_and_never_refused(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        staged,
        "stg_app__stripe_payments",
        "payment_row_id, stripe_invoice_id, user_id, metadata_user_id, metadata_email, "
        "amount_cents, currency, status, payment_type, paid_at, is_test",
    )

    first, second = datetime(2026, 1, 10, 9), datetime(2026, 1, 11, 10)
    third = datetime(2026, 1, 10, 10)
    assert [tuple(row.values()) for row in found] == [
        (1, "in_1", "ann", None, None, 9700, "usd", "succeeded", "subscription", first, False),
        (2, None, None, "bea", "bea@studio.com", 4700, "usd", "paid", "one_time_session",
         second, True),
        (3, None, None, None, None, 0, "eur", "failed", "refund", third, False),
    ]  # fmt: skip


def test_hyphens_and_underscores_are_one_kind_of_chat(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows(staged, "stg_app__maya_chats", "distinct chat_type") == [
        {"chat_type": "feed_planner"}
    ]


def test_copies_count_once_and_rows_without_an_id_by_what_they_hold(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    """Two alike without ids are two; users without one, which no row can belong to, are none."""
    counts = "count(*), count(distinct maya_chat_id), count(*) filter (where user_id = 'bea')"
    found = staged.execute(f"select {counts} from staging.stg_app__maya_chats").fetchall()
    assert found == [(4, 4, 2)]
    assert staged.execute("select count(*) from staging.stg_app__users").fetchall() == [(2,)]


def test_addresses_of_images_come_from_json_and_from_plain_text(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(staged, "stg_app__generated_image_urls", "image_url") == [
        {"image_url": "one.png"},
        {"image_url": "three.png"},
        {"image_url": "two.png"},
    ]


def test_a_table_is_missing_or_empty_or_holds_rows(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        staged, "source_tables", "source_table, is_present, row_count, is_captured", "marts"
    )
    states = {row["source_table"]: tuple(row.values())[1:] for row in found}

    assert states["users"] == (True, 4, True)
    assert states["waitlist"] == (True, 0, False)
    assert states["carousel_posts"] == (False, 0, False)
    assert states.keys() == load_contract().keys()


def test_values_that_do_not_convert_are_counted(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(staged, "unconverted_values", "*", "marts")

    assert [tuple(row.values()) for row in found if row["source_table"] != "generated_videos"] == [
        ("credit_transactions", "created_at", "timestamptz", "text", 1),
        ("credit_transactions", "payment_amount", "integer", "text", 1),
        ("stripe_payments", "amount_cents", "integer", "text", 1),
        ("stripe_payments", "metadata", "jsonb", "text", 1),
    ]


def test_ids_instants_amounts_and_words_are_read_however_they_are_written(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    """An id that is no number, time since 1970 in three units, dollars, and words in capitals."""
    found = rows(
        staged,
        "stg_app__credit_transactions",
        "credits, credit_transaction_id, user_id, transaction_type, payment_amount_cents,"
        " transacted_at",
    )

    def number(last: str) -> int:
        text = f"00000000-0000-4000-8000-00000000000{last}"
        return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)

    ten = datetime(2026, 1, 1, 10)
    assert [tuple(row.values()) for row in found] == [
        (-6, number("e"), "7", "image", None, None),
        (-5, number("d"), "7", "spin", None, ten),
        (-4, number("c"), "7", "image", None, ten),
        (-3, number("b"), "7", "image", 4500, ten),
        (100, number("a"), "7", "purchase", 104550, ten),
    ]


def test_an_instant_that_no_event_can_have_is_missing_and_counted(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    """A chart of every month since the year 1, or up to infinity, would be no chart."""
    kept = staged.execute(
        "select generated_video_id from staging.stg_app__generated_videos"
        " where generated_at is not null order by 1"
    ).fetchall()
    assert kept == [(2,), (3,)]
    lost = staged.execute(
        "select column_name, value_count from marts.unconverted_values"
        " where source_table = 'generated_videos'"
    ).fetchall()
    assert lost == [("created_at", 4)]


def test_a_change_of_state_is_seen_between_two_syncs(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        staged,
        "status_changes",
        "source_table, row_key, user_id, column_name, previous_state, state, observed_at",
        "marts",
    )

    assert [tuple(row.values()) for row in found] == [
        ("feed_posts", "1", "ann", "generation_status", "processing", "completed",
         datetime(2026, 1, 2, 10)),
        ("subscriptions", "1", "ann", "is_cancelling", "false", "true", datetime(2026, 1, 15, 10)),
        ("subscriptions", "1", "ann", "status", "active", "canceled", datetime(2026, 2, 1, 10)),
        ("subscriptions", "2", "bea", "status", None, "active", datetime(2026, 3, 10, 12)),
        ("user_credits", "1", "ann", "balance", "20", "18", datetime(2026, 1, 3, 10)),
    ]  # fmt: skip
