"""Small warehouses with marts of known content, for the tests of queries and reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from sselfie_insights.definitions import DEFINITIONS
from tests.support.contracts import create_tables, insert, write_empty

_USER_COLUMNS = """
    user_id, customer_key, signed_up_at, signed_up_on, first_activity_at, first_activity_on,
    first_payment_at, first_payment_on, first_subscription_at, first_subscription_on, product,
    first_product, acquisition, brand_style, is_onboarded, first_trained_at, first_image_at
"""


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


def write_warehouse(
    path: Path,
    users: Sequence[User],
    as_of: datetime,
    zone: str = "UTC",
    first_week_on: date = date(1, 1, 1),
) -> Path:
    """Fill the marts that user-level queries read: build_info, dim_users, fct_activity.

    What happens after ``as_of`` is left out, as the models leave it out.
    """
    tz = ZoneInfo(zone)

    def naive(moment: datetime | None) -> datetime | None:
        return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)

    write_empty(path)
    with duckdb.connect(str(path)) as connection:
        write_build_info(connection, as_of, zone, first_week_on)
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
        insert(connection, "marts.dim_users", _USER_COLUMNS, people)
        insert(
            connection, "marts.fct_activity", "user_id, activity_at, activity_on, feature", events
        )
        count_months(connection)
    return path


def count_months(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``marts.active_months`` from ``marts.fct_activity``."""
    connection.execute(
        """
        insert into marts.active_months by name
        select
            user_id, make_date(year(activity_on), month(activity_on), 1) as month, feature,
            count(*) as event_count
        from marts.fct_activity group by all
        """
    )


def write_build_info(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    zone: str = "UTC",
    first_week_on: date = date(1, 1, 1),  # a Monday
) -> None:
    """Create ``marts.build_info``, its one row as of ``as_of``."""
    tz = ZoneInfo(zone)
    today = as_of.astimezone(tz).date()
    first_unfinished_day = (as_of + timedelta(microseconds=1)).astimezone(tz).date()
    instant = as_of.replace(tzinfo=None)
    create_tables(connection, "marts.build_info")
    insert(
        connection,
        "marts.build_info",
        "as_of, as_of_on, as_of_month, complete_until_on, timezone, first_week_on, grace_days,"
        " synced_at, run_id, version, definitions",
        [(instant, today, today.replace(day=1), first_unfinished_day, zone, first_week_on, 14,
          instant, "run-1", "0.1.0", DEFINITIONS)],
    )  # fmt: skip


def write_segment(folder: Path) -> None:
    """Write the segment "mine", with a parameter: who has style minimal and came by themselves."""
    (folder / "queries" / "segments").mkdir(parents=True)
    (folder / "queries" / "segments" / "mine.sql").write_text(
        "/*\ngrain: One row per person.\ntitle: Mine\ndescription: Mine.\ninterface: segment\n"
        "parameters:\n  style: {type: text, default: minimal, description: The style.}\n*/\n"
        "select customer_key from marts.dim_users\n"
        "where brand_style = $style and acquisition = 'direct' -- nobody else"
    )
