"""A large source over the documented schema, filled by SQL from the contract alone."""

import os
import subprocess
import sys
from collections.abc import Mapping

import psycopg

from sselfie_insights.contract import SERIAL, Column, Table, load_contract

# What holds most rows in a business like this; shares of the rows asked for.
SHARES = {
    "credit_transactions": 0.25,
    "maya_chat_messages": 0.20,
    "ai_images": 0.15,
    "generated_images": 0.14,
    "feed_posts": 0.12,
    "email_sends": 0.10,
    "stripe_payments": 0.04,
}
PRODUCTS = ("sselfie_studio_membership", "credit_topup", "one_time_session", "paid_blueprint")
SMALL_ROWS = 2_000
USERS = 100_000


def create_source(url: str, rows: int, shares: Mapping[str, float] = SHARES) -> dict[str, int]:
    """Migrate the empty database at ``url`` and fill it; return the rows of each table."""
    subprocess.run(
        [sys.executable, "-m", "sselfie_insights", "migrate", "apply"],
        check=True,
        env=os.environ | {"SSELFIE_DATABASE_URL": url},
        capture_output=True,
    )
    counts = {
        name: USERS if name == "users" else max(int(rows * shares.get(name, 0)), SMALL_ROWS)
        for name in load_contract()
    }
    with psycopg.connect(url, autocommit=True) as connection:
        # References are right by construction; checking each would take most of the time.
        connection.execute("set session_replication_role = replica")
        for table in load_contract().values():
            connection.execute(_fill(table, counts).encode())
        connection.execute("vacuum analyze")
    return counts


def database_bytes(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _fill(table: Table, counts: dict[str, int]) -> str:
    columns = [column for column in table.columns if column.default != SERIAL]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_value(column, counts) for column in columns)
    return (
        f"insert into {table.name} ({names}) select {values}"
        f" from generate_series(1, {counts[table.name]}) i on conflict do nothing"
    )


def _value(column: Column, counts: dict[str, int]) -> str:
    number = "i"
    if column.references and column.key != "unique":
        number = f"1 + (i::bigint * 7919 % {counts[column.references]})::int"
    match column.data_type:
        case "text" if column.references == "users" or column.key == "primary":
            return f"'user-' || ({number})"
        case "text" if column.key == "unique":
            return "'unique-' || i"
        case "text" if column.values:
            names = ", ".join(f"'{value}'" for value in column.values)
            return f"(array[{names}])[1 + i % {len(column.values)}]"
        case "text" if column.name == "currency":
            return "'usd'"
        case "text" if column.name == "product_type":
            return f"(array[{', '.join(map(repr, PRODUCTS))}])[1 + i % {len(PRODUCTS)}]"
        case "text" if column.name.endswith(("_type", "category", "style")):
            return f"'{column.name} ' || i % 12"
        case "text" if column.name in ("content", "prompt", "caption"):
            return "'A portrait by a window, soft light, take ' || i || repeat(' and again', 8)"
        case "text":
            return f"'{column.name} ' || i % 5000"
        case "integer":
            return number if column.references else "i % 1000"
        case "boolean":
            return "i % 3 = 0"
        case "timestamptz":
            return "timestamptz '2025-01-01' + i * interval '3 seconds'"
        case "date":
            return "date '2025-01-01' + i % 500"
        case "jsonb":
            return "jsonb_build_object('model', 'flux', 'seed', i, 'steps', 28)"
        case "text[]":
            return "array['warm', 'stone', 'linen']"
        case "integer[]":
            return "array[i, i + 1]"
        case other:
            raise ValueError(f"no values of type {other} for {column.name}")
