"""The contract says what the published documentation says (tests/fixtures/schema.csv), or more."""

import csv
from pathlib import Path

import pytest
import yaml

from sselfie_insights.contract import SERIAL, find_marts, find_table, load_contract, load_mart
from sselfie_insights.resources import resource_dir

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema.csv"

# Renames that live databases are known to have.
ALIASES = {
    ("subscriptions", "plan_name"): "plan",
    ("credit_transactions", "payment_amount"): "payment_amount_cents",
    ("maya_chats", "title"): "chat_title",
    ("blueprint_subscribers", "subscribed_at"): "created_at",
    ("freebie_subscribers", "subscribed_at"): "created_at",
    ("admin_cron_runs", "cron_name"): "job_name",
    ("admin_cron_runs", "completed_at"): "finished_at",
}


def documented() -> list[tuple[str, ...]]:
    """(table, column, type, default, key, references) of the documentation, in its order."""
    with FIXTURE.open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def contracted() -> list[tuple[str, ...]]:
    """The same, said by the contract."""
    rows = []
    for table in load_contract().values():
        for column in table.columns:
            is_serial = column.default == SERIAL
            default = "" if is_serial or column.default is None else column.default
            if default and column.data_type in ("text", "jsonb"):
                default = f"'{default}'"
            key = "" if column.key in (None, "foreign") else str(column.key)
            kind = "SERIAL" if is_serial else column.data_type.upper()
            rows.append((table.name, column.name, kind, default, key, column.references or ""))
    return rows


def test_the_contract_holds_the_documentation_and_keeps_its_order() -> None:
    published = documented()
    assert [row for row in contracted() if row in set(published)] == published


def test_every_table_has_one_primary_key() -> None:
    for table in load_contract().values():
        assert [column.key for column in table.columns].count("primary") == 1, table.name


def test_references_name_documented_tables() -> None:
    contract = load_contract()
    for table in contract.values():
        for column in table.columns:
            if column.references is not None:
                assert column.key in ("foreign", "unique"), f"{table.name}.{column.name}"
                target = contract[column.references].primary_key
                assert target.data_type == column.data_type, f"{table.name}.{column.name}"


def test_aliases_are_the_known_renames() -> None:
    found = {
        (table.name, column.name): column.aliases
        for table in load_contract().values()
        for column in table.columns
        if column.aliases
    }
    assert found == {place: (alias,) for place, alias in ALIASES.items()}


def test_the_only_secret_is_the_token() -> None:
    secrets = [
        (table.name, column.name)
        for table in load_contract().values()
        for column in table.columns
        if column.is_secret
    ]
    assert secrets == [("instagram_connections", "access_token")]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("users", "email"),
        ("users", "display_name"),
        ("users", "stripe_customer_id"),
        ("user_profiles", "phone"),
        ("user_profiles", "instagram_handle"),
        ("stripe_payments", "metadata"),
        ("maya_chat_messages", "content"),
        ("selfie_uploads", "image_url"),
        ("feedback", "message"),
        ("waitlist", "email"),
        ("admin_email_errors", "recipient_email"),
        ("testimonials", "customer_name"),
    ],
)
def test_personal_data_is_marked(table: str, column: str) -> None:
    assert load_contract()[table].column(column).is_pii


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("users", "id"),
        ("users", "created_at"),
        ("stripe_payments", "amount_cents"),
        ("credit_transactions", "description"),
        ("subscriptions", "status"),
    ],
)
def test_what_metrics_show_is_not_personal(table: str, column: str) -> None:
    assert not load_contract()[table].column(column).is_pii


def test_live_columns() -> None:
    contract = load_contract()
    found = {
        (table.name, column.name, column.data_type)
        for table in contract.values()
        for column in table.live_columns
    }
    assert found == {
        ("ai_images", "source", "text"),
        ("credit_transactions", "is_test_mode", "boolean"),
    }


def test_everything_is_described() -> None:
    for table in load_contract().values():
        assert table.description.startswith("One row per "), table.name
        for column in (*table.columns, *table.live_columns):
            words = column.description.rstrip(".").replace("_", " ").lower()
            assert column.description.endswith("."), f"{table.name}.{column.name}"
            assert words != column.name.replace("_", " "), f"{table.name}.{column.name}"


def test_every_meta_key_is_known() -> None:
    known = {
        *("key", "references", "default", "values", "live_values", "aliases", "pii", "secret"),
        *("required", "live_types", "min", "max", "min_unless", "may_be_ahead", "json"),
        *("money", "instead"),
    }
    known_of_tables = {"live_columns", "freshness"}
    for path in (resource_dir("dbt_project") / "models" / "staging" / "app").glob("_*.yml"):
        for source in yaml.safe_load(path.read_text(encoding="utf-8")).get("sources", []):
            for table in source["tables"]:
                meta = table.get("config", {}).get("meta", {})
                assert meta.keys() <= known_of_tables, f"{path.name}: {table['name']}"
                for column in table["columns"]:
                    meta = column.get("config", {}).get("meta", {})
                    assert meta.keys() <= known, f"{path.name}: {table['name']}.{column['name']}"


def test_unknown_column_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"users\.nickname"):
        load_contract()["users"].column("nickname")


def test_limits_and_freshness_name_documented_columns() -> None:
    contract = load_contract()
    for table in contract.values():
        if table.freshness is not None:
            assert table.column(table.freshness.column).data_type == "timestamptz", table.name
        for column in table.columns:
            for other in column.minimum_unless:
                deciding = table.column(other)
                known = {*deciding.values, *deciding.live_values}
                assert set(column.minimum_unless[other]) <= known


def test_a_mart_promises_columns_and_their_types() -> None:
    months = load_mart("dim_months")
    assert [(column.name, column.data_type) for column in months.columns] == [
        ("month", "date"), ("next_month", "date"), ("ends_at", "timestamp"),
        ("is_complete", "boolean"),
    ]  # fmt: skip
    with pytest.raises(KeyError, match="core_build"):
        load_mart("core_build")


def test_one_mart_alone_holds_personal_data() -> None:
    personal = {
        (name, column.name)
        for name in find_marts()
        for column in load_mart(name).columns
        if column.is_pii
    }
    assert personal == {("dim_contacts", "email")}


def test_a_table_is_found_without_the_others() -> None:
    contract = load_contract()
    assert {name: find_table(name) for name in contract} == contract
    assert find_table("email") is None  # a column is called so
    assert find_table("nothing") is None
