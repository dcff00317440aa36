"""Small warehouses with marts of known content, for the tests of queries and reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb


@dataclass(frozen=True)
class User:
    """A user and what they did, instants in UTC."""

    user_id: str
    signed_up_at: datetime
    activity: Sequence[tuple[datetime, str]]
    first_payment_at: datetime | None = None
    first_subscription_at: datetime | None = None
    product: str | None = None
    first_product: str | None = None
    acquisition: str | None = None
    brand_style: str | None = None
    is_onboarded: bool = False

    def start(self, name: str) -> datetime | None:
        if name == "signup":
            return self.signed_up_at
        if name == "first_activity":
            return min((moment for moment, _ in self.activity), default=None)
        moment: datetime | None = getattr(self, f"{name}_at")
        return moment


def write_warehouse(path: Path, users: Sequence[User], as_of: datetime, zone: str = "UTC") -> Path:
    """Write the marts that user-level queries read: build_info, dim_users, fct_activity.

    What happens after ``as_of`` is left out, as the models leave it out.
    """
    tz = ZoneInfo(zone)

    def naive(moment: datetime | None) -> datetime | None:
        return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        write_build_info(connection, as_of, zone)
        connection.execute(
            """
            create table marts.dim_users (
                user_id varchar, customer_key varchar,
                signed_up_at timestamp, signed_up_on date,
                first_activity_at timestamp, first_activity_on date,
                first_payment_at timestamp, first_payment_on date,
                first_subscription_at timestamp, first_subscription_on date,
                product varchar, first_product varchar, acquisition varchar, brand_style varchar,
                is_onboarded boolean, first_trained_at timestamp, first_image_at timestamp
            );
            create table marts.fct_activity (
                user_id varchar, activity_at timestamp, activity_on date, feature varchar
            );
            """
        )
        people: list[tuple[object, ...]] = []
        events: list[tuple[object, ...]] = []
        for user in users:
            if user.signed_up_at > as_of:
                continue
            starts: list[object] = []

            def first(*features: str, user: User = user) -> datetime | None:
                moments = [m for m, name in user.activity if name in features and m <= as_of]
                return naive(min(moments, default=None))

            for name in ("signup", "first_activity", "first_payment", "first_subscription"):
                moment = user.start(name)
                moment = None if moment is None or moment > as_of else moment
                starts += [naive(moment), moment and moment.astimezone(tz).date()]
            people.append(
                (
                    user.user_id, f"user:{user.user_id}", *starts,
                    user.product, user.first_product, user.acquisition, user.brand_style,
                    user.is_onboarded, first("training"), first("image", "photoshoot"),
                )
            )  # fmt: skip
            events += [
                (user.user_id, naive(moment), moment.astimezone(tz).date(), feature)
                for moment, feature in user.activity
                if moment <= as_of
            ]
        insert(connection, "marts.dim_users", people)
        insert(connection, "marts.fct_activity", events)
    return path


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert ``rows``, many a statement: one at a time takes DuckDB a millisecond each."""
    for start in range(0, len(rows), 500):
        part = rows[start : start + 500]
        marks = ", ".join(["(" + ", ".join("?" * len(part[0])) + ")"] * len(part))
        values = [value for row in part for value in row]
        connection.execute(f"insert into {table} values {marks}", values)


def write_build_info(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, zone: str = "UTC"
) -> None:
    """Create ``marts.build_info``, its one row as of ``as_of``."""
    tz = ZoneInfo(zone)
    first_unfinished_day = (as_of + timedelta(microseconds=1)).astimezone(tz).date()
    connection.execute(
        """
        create table marts.build_info as select
            ?::timestamp as as_of, ?::date as as_of_on, ?::date as complete_until_on,
            ? as timezone, 14 as grace_days,
            ?::timestamp as synced_at, 'run-1' as run_id, '0.1.0' as version
        """,
        [
            as_of.replace(tzinfo=None), as_of.astimezone(tz).date(), first_unfinished_day, zone,
            as_of.replace(tzinfo=None),
        ],
    )  # fmt: skip
