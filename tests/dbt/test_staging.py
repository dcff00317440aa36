"""Staging reads the contract, which dbt's unit tests cannot mock: here it meets stored rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Dbt

# As a live database keeps them: renamed, missing and retyped columns, other spellings, empty text.
RAW = """
    create schema raw;
    create table raw.users (id varchar, email varchar, role varchar, created_at timestamptz);
    insert into raw.users values
        ('ann', ' Ann@Studio.COM ', 'Admin', '2026-01-01 10:00:00+01'),
        ('bea', null, null, null);

    create table raw.subscriptions
        (id integer, user_id varchar, stripe_subscription_id varchar, plan varchar, status varchar,
         is_test_mode boolean, created_at timestamp);
    insert into raw.subscriptions values
        (1, 'ann', 'sub_1', 'pro', 'cancelled', null, '2026-01-01 10:00:00'),
        (2, 'bea', '', 'pro', 'Canceled', true, '2026-01-01 10:00:00'),
        (3, 'cat', 'sub_3', 'pro', 'incomplete_expired', false, '2026-01-01 10:00:00');

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
    insert into raw.maya_chats values (1, 'ann', 'Feed-Planner'), (2, 'ann', 'feed_planner');

    create table raw.generated_images
        (id integer, user_id varchar, image_urls varchar, selected_url varchar);
    insert into raw.generated_images values
        (1, 'ann', '["one.png", "two.png"]', 'two.png'), (2, 'ann', 'three.png', null);
"""


@pytest.fixture(scope="module")
def staged(
    built: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of stored rows with their staging on top."""
    warehouse: Path = tmp_path_factory.mktemp("staged") / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(RAW)
    names = "users subscriptions stripe_payments maya_chats generated_images generated_image_urls"
    done = Dbt(built.folder, warehouse).run(
        "run", "--select", *(f"stg_app__{name}" for name in names.split())
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def rows(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str
) -> list[Mapping[str, Any]]:
    result = connection.execute(f"select {columns} from staging.{table} order by all")
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_both_spellings_are_one_status(staged: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        staged,
        "stg_app__subscriptions",
        "subscription_row_id, status, stripe_subscription_id, product_type, is_test, is_cancelling",
    )

    assert [tuple(row.values()) for row in found] == [
        (1, "canceled", "sub_1", "pro", False, False),
        (2, "canceled", None, "pro", True, False),
        (3, "incomplete_expired", "sub_3", "pro", False, False),
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


def test_addresses_of_images_come_from_json_and_from_plain_text(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(staged, "stg_app__generated_image_urls", "image_url") == [
        {"image_url": "one.png"},
        {"image_url": "three.png"},
        {"image_url": "two.png"},
    ]
