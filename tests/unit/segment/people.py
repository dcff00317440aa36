"""A hand-made warehouse of people: what a segment reads, and nothing else."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from tests.support.contracts import create_tables, insert
from tests.support.warehouses import write_build_info

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
    columns = [field.name for field in fields(Person)]
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, as_of)
        rows = [tuple(getattr(person, name) for name in columns) for person in people]
        insert(connection, "marts.people_now", ", ".join(columns), rows)
        connection.execute(
            """
            insert into marts.dim_contacts by name
            select customer_key, user_id, user_id || '@mail.org' as email
            from marts.people_now where user_id is not null;
            insert into forecast.churn_risk by name
            select
                customer_key, user_id, 0.25 as risk, 0.15 as lower, 0.4 as upper,
                case when renews_on is null then 'set_to_end' else 'no_recent_activity' end
                    as main_reason,
                'no activity for 40 days; credits last 2 more days' as reasons,
                'hazard' as model, 100 as n
            from marts.people_now where membership_state = 'member';
            """
        )
    return path
