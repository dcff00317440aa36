"""A hand-made warehouse of people: what a segment reads, and nothing else."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args, get_type_hints

import duckdb

from tests.support.warehouses import insert, write_build_info

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
TODAY = date(2026, 6, 15)


@dataclass(frozen=True)
class Person:
    """A row of marts.people_now, by default of someone who is in no segment."""

    customer_key: str = "ann"
    user_id: str | None = "ann"
    product: str | None = None
    membership_state: str = "never_member"
    renews_on: date | None = None
    ended_on: date | None = None
    end_kind: str | None = None
    is_refunded: bool = False
    session_bought_on: date | None = None
    topup_bought_on: date | None = None
    blueprint_bought_on: date | None = None
    signed_up_on: date | None = date(2025, 1, 1)
    first_trained_on: date | None = date(2025, 1, 2)
    last_activity_on: date | None = date(2026, 6, 14)
    active_days: int = 1
    balance: int | None = None
    runway_days: float | None = None
    last_used_on: date | None = None
    last_credited_on: date | None = None
    last_sent_at: datetime | None = None
    last_sent_on: date | None = None


def write_people(path: Path, people: list[Person], as_of: datetime = AS_OF) -> Path:
    """Write the warehouse; who is a member has a forecast of 25 %, of 100 member-months."""
    kinds = {str: "varchar", date: "date", datetime: "timestamp", bool: "boolean", int: "bigint",
             float: "double"}  # fmt: skip
    columns = ", ".join(
        f"{name} {kinds[(get_args(kind) or (kind,))[0]]}"
        for name, kind in get_type_hints(Person).items()
    )
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema forecast")
        write_build_info(connection, as_of)
        connection.execute(f"create table marts.people_now ({columns})")
        rows = [tuple(getattr(p, field.name) for field in fields(Person)) for p in people]
        insert(connection, "marts.people_now", rows)
        connection.execute(
            """
            create table marts.dim_contacts as
            select customer_key, user_id, user_id || '@mail.org' as email
            from marts.people_now where user_id is not null;
            create table forecast.churn_risk as
            select
                customer_key, user_id, 0.25 as risk, 0.15 as lower, 0.4 as upper,
                case when renews_on is null then 'set_to_end' else 'no_recent_activity' end
                    as main_reason,
                'no activity for 40 days; credits last 2 more days' as reasons,
                'hazard' as model, 100 as n
            from marts.people_now where membership_state = 'member';
            create table marts.membership_spans (
                customer_key varchar, began_on date, ended_on date
            );
            create table marts.payments (customer_key varchar, kind varchar, moved_on date);
            create table marts.fct_activity (user_id varchar, feature varchar, activity_on date);
            """
        )
    return path
