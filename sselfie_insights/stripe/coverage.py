"""Which days and currencies each export speaks for, and what to ask Stripe for next time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from sselfie_insights.errors import UsageError
from sselfie_insights.sql import literal
from sselfie_insights.stripe.formats import ITEMIZED
from sselfie_insights.stripe.store import SCHEMA, list_refusals
from sselfie_insights.warehouse.storage import OFFLINE

# Our columns that tell whose a row is, in what it was charged, and when; of an itemized report.
_ASKED_FOR = (
    "created_utc",
    "source_id",
    "charge_id",
    "payment_intent_id",
    "invoice_id",
    "customer_facing_amount",
    "customer_facing_currency",
)


@dataclass(frozen=True)
class Coverage:
    """One file.

    Attributes:
        file_name: Its name.
        kind: Which export it is; empty of a refused one.
        first_on: The first day that it covers, in the reporting zone; None if it covers none.
        last_on: The last one.
        currencies: Of its rows, sorted.
        row_count: How many rows it has.
        detail: What limits it, and the columns to tick next time; or why it was refused.
    """

    file_name: str
    kind: str
    first_on: date | None
    last_on: date | None
    currencies: tuple[str, ...]
    row_count: int
    detail: str


def describe_files(warehouse: Path, zone: str, stripe_zone: str) -> list[Coverage]:
    """Return every export that ``warehouse`` holds or has refused, by name.

    Args:
        warehouse: The published file.
        zone: The reporting zone.
        stripe_zone: The zone of times that name none.

    Raises:
        UsageError: There is no warehouse.
    """
    if not warehouse.is_file():
        raise UsageError(f"no warehouse at {warehouse}", remedy="run 'sselfie sync' first")
    with duckdb.connect(str(warehouse), read_only=True, config=OFFLINE) as db:
        db.execute("set TimeZone = 'UTC'")
        local = f"timezone({literal(stripe_zone)}, {{}}_local)"
        day = f"timezone({literal(zone)}, {{}}({{}}_at, {local}))::date"
        first_on, last_on = (
            day.format("least", "first", "first"),
            day.format("greatest", "last", "last"),
        )
        try:
            files = db.execute(
                f"select file_name, kind, {first_on}, {last_on}, currencies, column_names,"
                f" row_count, has_charge from {SCHEMA}.files order by file_name, added_at"
            ).fetchall()
        except duckdb.CatalogException:  # nothing was added yet
            files = []
        refused = list_refusals(db)
    found = [_describe(*file, stripe_zone=stripe_zone) for file in files]
    found += [
        Coverage(each.file_name, "", None, None, (), 0, f"refused: {each.reason}")
        for each in refused
    ]
    return sorted(found, key=lambda each: each.file_name)


def _describe(
    name: str,
    kind: str,
    first_on: date | None,
    last_on: date | None,
    currencies: Sequence[str],
    columns: Sequence[str],
    row_count: int,
    has_charge: bool,
    *,
    stripe_zone: str,
) -> Coverage:
    notes = []
    if "payout_id" in columns:
        first_on = last_on = None
        notes.append("counts row by row and covers no days, as a payout reconciliation does")
    elif row_count == 0:
        notes.append("no rows, so it covers no days")
    elif not has_charge:
        notes.append("no charges, so it covers its days for money given back only")
    if "created_at" not in columns:
        notes.append(f"times are taken to be those of {stripe_zone}")
    if kind == "itemized" and (missing := _missing(columns)):
        notes.append(f"tick next time: {', '.join(missing)}")
    return Coverage(name, kind, first_on, last_on, tuple(currencies), row_count, "; ".join(notes))


def _missing(columns: Sequence[str]) -> list[str]:
    return [header for header in _ASKED_FOR if ITEMIZED.fields[header].name not in columns]
