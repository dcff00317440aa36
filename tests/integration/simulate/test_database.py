"""The rows that the simulation leaves in a real Postgres: distortions and integrity."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from sselfie_insights.contract import load_contract
from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.migrate import apply
from sselfie_insights.simulate import Shape, simulate
from tests.conftest import temporary_database

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)

# The application never inserts into these.
NEVER_WRITTEN = {
    "training_runs",
    "lora_weights",
    "photo_selections",
    "carousel_posts",
    "concept_cards",
    "email_sends",
    "email_campaigns",
    "testimonials",
    "user_styleguides",
    "generation_trackers",
    "daily_captures",
    "academy_exercises",
}

BACKFILL = "timestamptz '2026-01-07 09:00Z'"

# Each finds rows that show one distortion.
DISTORTIONS = {
    "an invoice stored twice, once succeeded and once paid": """
        select from stripe_payments group by stripe_invoice_id
        having bool_or(status = 'succeeded' and stripe_payment_id like 'pi_%')
            and bool_or(status = 'paid' and stripe_payment_id like 'ch_%')""",
    "an invoice stored three times": """
        select from stripe_payments where status in ('paid', 'succeeded')
        group by stripe_invoice_id having count(*) = 3 and stripe_invoice_id is not null""",
    "copies of an invoice that disagree on the product": """
        select from stripe_payments where stripe_invoice_id is not null
        group by stripe_invoice_id having count(distinct product_type) > 1""",
    "a backfilled payment": f"""
        select from stripe_payments where payment_date < {BACKFILL} and created_at >= {BACKFILL}""",
    "payments stored out of order": """
        select from stripe_payments as a join stripe_payments as b on a.user_id = b.user_id
        where a.id < b.id and a.payment_date > b.payment_date""",
    "British and American spelling": """
        select having exists (select from subscriptions where status = 'cancelled')
            and exists (select from subscriptions where status = 'canceled')""",
    "a subscription row taken over by a later subscription": """
        select from stripe_payments as p join subscriptions as s using (stripe_subscription_id)
        group by s.id having s.created_at < min(p.payment_date) - interval '20 days'""",
    "a payer's subscription that has no row any more": """
        select from stripe_payments as p left join subscriptions as s using (stripe_subscription_id)
        where p.stripe_subscription_id is not null and s.id is null""",
    "two active rows of one user": """
        select from subscriptions where status = 'active' and stripe_subscription_id is not null
        group by user_id having count(*) > 1""",
    "a blueprint that is active for ever": """
        select from subscriptions where product_type = 'paid_blueprint' and status = 'active'
            and stripe_subscription_id is null and current_period_end is null""",
    "comped members": """
        select from subscriptions where status = 'active' and plan_name like '%membership'
            and (stripe_subscription_id is null or stripe_subscription_id like 'manual_backfill_%'
                or stripe_subscription_id like 'test\\_%')""",
    "trialing": "select from subscriptions where status = 'trialing'",
    "incomplete and never paid": "select from subscriptions where status = 'incomplete'",
    "past due": "select from subscriptions where status = 'past_due'",
    "unpaid": "select from subscriptions where status = 'unpaid'",
    "incomplete_expired": "select from subscriptions where status = 'incomplete_expired'",
    "set to cancel": "select from subscriptions where cancel_at_period_end and status = 'active'",
    "a blueprint's buyer known by metadata.user_id": """
        select from stripe_payments as p join users as u on u.id = p.metadata ->> 'user_id'
        where p.user_id is null and p.product_type = 'paid_blueprint'""",
    "a blueprint's buyer known by e-mail in another case": """
        select from stripe_payments as p
        join users as u on u.email = lower(p.metadata ->> 'customer_email')
        where p.user_id is null and u.email <> p.metadata ->> 'customer_email'""",
    "a buyer known by the Stripe customer only": """
        select from stripe_payments as p join users as u using (stripe_customer_id)
        where p.user_id is null and p.product_type = 'paid_blueprint'
            and not p.metadata ?| array['user_id', 'customer_email']""",
    "a payer whose account does not know the Stripe customer": """
        select from subscriptions as s join users as u on u.id = s.user_id
        where s.stripe_customer_id is not null and u.stripe_customer_id is null""",
    "a buyer nobody knows": """
        select from stripe_payments where user_id is null and stripe_customer_id is null
            and not metadata ?| array['user_id', 'customer_email']""",
    "a rewritten payment type": """
        select from stripe_payments
        where product_type = 'paid_blueprint' and payment_type = 'one_time_session'""",
    "pending_resolution": "select from stripe_payments where status = 'pending_resolution'",
    "failed_resolution": "select from stripe_payments where status = 'failed_resolution'",
    "pending": "select from stripe_payments where status = 'pending'",
    "failed": "select from stripe_payments where status = 'failed'",
    "a refund as status": "select from stripe_payments where status = 'refunded'",
    "a refund as row": "select from stripe_payments where payment_type = 'refund'",
    "a negative refund": "select from stripe_payments where amount_cents < 0",
    "a free invoice": "select from stripe_payments where amount_cents = 0",
    "another currency": "select from stripe_payments where currency = 'eur'",
    "a currency in capitals": "select from stripe_payments where currency = 'USD'",
    "a test payment": "select from stripe_payments where is_test_mode",
    "a payment of unknown mode": "select from stripe_payments where is_test_mode is null",
    "a test payment of a real customer": """
        select from stripe_payments where is_test_mode and user_id in
            (select user_id from stripe_payments where is_test_mode is not true)""",
    "a yearly period": """
        select from subscriptions
        where current_period_end - current_period_start > interval '360 days'""",
    "an anniversary on the 31st": """
        select from stripe_payments where extract(day from payment_date at time zone 'UTC') = 31
            and stripe_subscription_id is not null""",
    "an admin": "select from users where role = 'admin'",
    "an internal address": "select from users where email ~ '\\.(test|internal|example)$'",
    "a login that was recorded, as few are": """
        select having (select count(last_login_at) between 1 and count(*) / 10 from users)""",
    "a balance that the ledger does not explain": """
        select from user_credits as c where balance <>
            (select sum(amount) from credit_transactions as t where t.user_id = c.user_id)""",
    "a refund of credits, and a withdrawal": """
        select having exists (select from credit_transactions
                where transaction_type = 'refund' and amount > 0)
            and exists (select from credit_transactions
                where transaction_type = 'refund' and amount < 0)""",
    "a purchase without a Stripe id": """
        select from credit_transactions where transaction_type = 'purchase'
            and stripe_payment_id is null and created_at < timestamptz '2026-01-07Z'""",
    "chats and feeds logged as images": """
        select having exists (select from credit_transactions
                where transaction_type = 'image' and description ilike '%conversation%')
            and exists (select from credit_transactions
                where transaction_type = 'image' and description ilike '%feed%')""",
    "a wave of bonus credits": """
        select from credit_transactions where transaction_type = 'bonus'
        group by created_at having count(*) > 50""",
    "twins": """
        select from generated_images as g
        join ai_images as a on a.user_id = g.user_id and a.image_url = any (g.image_urls)""",
    "uploads": "select from ai_images where category in ('upload', 'profile', 'highlight')",
    "a failed generation": "select from ai_images where generation_status = 'failed'",
    "posts that the system made": """
        select from feed_posts as p join feed_layouts as l on l.id = p.feed_layout_id
        where p.created_at <= l.created_at + interval '1 minute'
        group by l.id having count(*) = 9""",
    "a post that the user made": """
        select from feed_posts as p join feed_layouts as l on l.id = p.feed_layout_id
        where p.created_at > l.created_at + interval '1 minute'""",
    "a list address in another case": """
        select from blueprint_subscribers as b join users as u on u.email = lower(b.email)
        where u.email <> b.email""",
}


@pytest.fixture(scope="module")
def connection(server: str) -> Iterator[psycopg.Connection]:
    """A database with the documented shape, 1,000 users and seed 1."""
    with temporary_database(server) as url:
        apply(url)
        simulate(url, users=1000, seed=1, as_of=AS_OF)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@pytest.fixture(scope="module")
def live(server: str) -> Iterator[psycopg.Connection]:
    """A database as the application really leaves it."""
    with temporary_database(server) as url:
        apply(url)
        simulate(url, users=300, seed=1, as_of=AS_OF, shape=Shape.LIVE)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def _scalar(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def _is_empty(connection: psycopg.Connection, table: str) -> bool:
    query = sql.SQL("select from {} limit 1").format(sql.Identifier(table))
    return connection.execute(query).fetchone() is None


def test_every_table_has_rows(connection: psycopg.Connection) -> None:
    assert [table for table in load_contract() if _is_empty(connection, table)] == []


@pytest.mark.parametrize("name", DISTORTIONS)
def test_the_distortion_is_there(connection: psycopg.Connection, name: str) -> None:
    count = _scalar(connection, f"select count(*) from ({DISTORTIONS[name]}) as found")
    assert isinstance(count, int)
    assert count > 0


def test_documented_values_are_kept(connection: psycopg.Connection) -> None:
    undocumented = []
    for table in load_contract().values():
        for column in table.columns:
            allowed = [*column.values, *column.live_values]
            if allowed and column.data_type == "text":
                query = sql.SQL("select distinct {0} from {1} where {0} <> all (%s)").format(
                    sql.Identifier(column.name), sql.Identifier(table.name)
                )
                found = connection.execute(query, [allowed]).fetchall()
                undocumented += [(table.name, column.name, row[0]) for row in found]
    assert undocumented == []


def test_nothing_is_dated_after_as_of(connection: psycopg.Connection) -> None:
    for table, column in (
        ("stripe_payments", "created_at"),
        ("maya_chat_messages", "created_at"),
        ("maya_chats", "last_activity"),
        ("ai_images", "created_at"),
        ("feed_posts", "created_at"),
        ("users", "updated_at"),
    ):
        last = _scalar(connection, f"select max({column}) from {table}")
        assert isinstance(last, datetime)
        assert last <= AS_OF.replace(minute=1), (table, column)


def test_the_applications_next_row_gets_a_free_number(connection: psycopg.Connection) -> None:
    with connection.transaction(force_rollback=True):
        for table in ("stripe_payments", "ai_images", "feedback"):
            last = _scalar(connection, f"select max(id) from {table}")
            added = _scalar(connection, f"insert into {table} default values returning id")
            assert isinstance(last, int)
            assert added == last + 1


def test_foreign_keys_are_enforced_and_hold(connection: psycopg.Connection) -> None:
    valid = "select count(*) from pg_constraint where contype = 'f' and convalidated"
    contract = load_contract()
    references = [
        c.references for table in contract.values() for c in table.columns if c.references
    ]
    assert _scalar(connection, valid) == len(references)


def test_rows_depend_on_the_seed_and_not_on_the_chunks(server: str) -> None:
    digests = []
    for seed, chunk in ((5, 4000), (5, 37), (6, 4000)):
        with temporary_database(server) as url:
            apply(url)
            simulate(url, users=150, seed=seed, as_of=AS_OF, chunk=chunk)
            with psycopg.connect(url) as connection:
                digests.append(
                    [
                        _scalar(
                            connection,
                            f"select md5(string_agg(t::text, '|' order by id)) from {table} as t",
                        )
                        for table in load_contract()
                    ]
                )
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_the_live_shape_leaves_empty_what_is_never_written(live: psycopg.Connection) -> None:
    tables = set(load_contract()) - {"carousel_posts"}
    empty = {table for table in tables if _is_empty(live, table)}
    assert empty == NEVER_WRITTEN - {"carousel_posts"}


def test_the_live_shape_drifts_as_described(live: psycopg.Connection) -> None:
    types = {
        (table, column): data_type
        for table, column, data_type in live.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " where table_schema = 'public'"
        )
    }
    documented = {
        (table.name, column.name) for table in load_contract().values() for column in table.columns
    }
    for table, old, new in (
        ("subscriptions", "plan_name", "plan"),
        ("credit_transactions", "payment_amount", "payment_amount_cents"),
        ("maya_chats", "title", "chat_title"),
        ("blueprint_subscribers", "subscribed_at", "created_at"),
        ("freebie_subscribers", "subscribed_at", "created_at"),
        ("admin_cron_runs", "cron_name", "job_name"),
        ("admin_cron_runs", "completed_at", "finished_at"),
    ):
        assert (table, old) not in types
        assert (table, new) in types
    assert types["feedback", "id"] == "uuid"
    assert types["generated_images", "image_urls"] == "text"
    assert types["ai_images", "source"] == "text"
    assert types["credit_transactions", "is_test_mode"] == "boolean"
    assert ("subscriptions", "cancel_at_period_end") not in types
    assert not any(table == "carousel_posts" for table, _ in types)
    assert len(types.keys() - documented) > 10
    assert sum(each == "timestamp without time zone" for each in types.values()) >= 70
    assert _scalar(live, "select count(*) from maya_chats where chat_type = 'feed-planner'")
    assert not _scalar(live, "select count(*) from maya_chats where chat_type like '%\\_%'")


def test_the_live_shape_carries_its_rows_over(live: psycopg.Connection) -> None:
    kinds = "case left(image_urls, 1) when '[' then 'json' when 'h' then 'url' else 'id' end"
    assert _scalar(live, f"select count(distinct {kinds}) from generated_images") == 3
    grants = "select bool_and(amount > 0) from credit_transactions where is_test_mode"
    assert _scalar(live, grants) is True
    assert _scalar(live, "select count(*) from ai_images where source = 'upload'")
    refunds = "select count(*) from stripe_payments where status in ('refunded', 'failed')"
    assert _scalar(live, refunds) == 0


def test_a_database_without_tables_is_refused(database: str) -> None:
    with pytest.raises(SourceError, match="sselfie migrate apply") as refusal:
        simulate(database, users=10, seed=1, as_of=AS_OF)
    assert refusal.value.exit_code == 3


def test_a_database_with_rows_is_refused(database: str) -> None:
    apply(database)
    with psycopg.connect(database) as connection:
        connection.execute("insert into waitlist (email) values ('someone@example.com')")
    with pytest.raises(UsageError, match="'waitlist' has rows") as refusal:
        simulate(database, users=10, seed=1, as_of=AS_OF)
    assert refusal.value.exit_code == 2
    with psycopg.connect(database) as connection:
        assert _is_empty(connection, "users")


def test_all_rows_are_written_or_none(database: str) -> None:
    apply(database)
    with psycopg.connect(database) as connection:
        connection.execute("alter table feed_posts add constraint few check (id < 100)")
    with pytest.raises(SourceError, match="'feed_posts'"):
        simulate(database, users=200, seed=1, as_of=AS_OF, chunk=20)
    with psycopg.connect(database) as connection:
        assert all(_is_empty(connection, table) for table in load_contract())


def test_a_role_that_may_not_read_the_tables_is_refused(database: str) -> None:
    apply(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create role simulation_stranger login")
    try:
        stranger = psycopg.conninfo.make_conninfo(database, user="simulation_stranger")
        with pytest.raises(SourceError, match="as the owner of the tables"):
            simulate(stranger, users=10, seed=1, as_of=AS_OF)
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("drop role simulation_stranger")
