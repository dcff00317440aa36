"""The rows behind restated numbers: what changed in the marts that keep single events.

Each mart is compared row by row; of the people in it, only the ``customer_key`` is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from sselfie_insights.sql import literal

MOST_ROWS = 100_000
"""Rows of a mart that are listed; more are counted only."""


@dataclass(frozen=True)
class RowVersion:
    """How one of two publications knows a row: its day, and which numbers hold it."""

    day: date
    parts: dict[str, Any]


@dataclass(frozen=True)
class ChangedRow:
    """A row of a mart that differs between two publications.

    Attributes:
        mart: The mart.
        key: What identifies the row.
        customer_key: Whose it is; None where it is nobody's.
        change: ``added``, ``removed`` or ``changed``.
        cause: Why, as far as both files prove it.
        before: Its facts in the earlier publication; None where it is not there.
        after: Its facts in the later one.
        versions: How each of the two knows it, where it falls into a complete period.
    """

    mart: str
    key: str
    customer_key: str | None
    change: str
    cause: str
    before: str | None
    after: str | None
    versions: tuple[RowVersion, ...]


@dataclass(frozen=True)
class DrillDown:
    """How a mart is compared.

    Attributes:
        mart: Its name.
        relation: Its rows as SQL over the schema ``{db}.marts``.
        key: The expression that identifies a row.
        who: The column of the customer.
        on: The expression of the day that the row counts for.
        facts: The columns that are compared.
        parts: Columns that say which numbers hold the row.
        cause: SQL for the reason, over ``old``, ``new`` and the files ``a`` and ``b``.
    """

    mart: str
    relation: str
    key: str
    who: str
    on: str
    facts: tuple[str, ...]
    parts: tuple[str, ...]
    cause: str


# What both files prove of a customer whose membership reads otherwise.
_OF_CUSTOMER = """
    coalesce(
        (
            select string_agg(distinct cause, ', ' order by cause)
            from changed_payments
            where changed_payments.customer_key = coalesce(new.who, old.who)
        ),
        case
            when exists (
                select 1
                from a.marts.churn_by_member as lost
                inner join b.marts.payments as paid using (customer_key)
                where customer_key = coalesce(new.who, old.who)
                    and lost.is_in_grace
                    and paid.kind = 'payment'
                    and paid.moved_on >= {seen_until}
                    and paid.moved_on <= lost.churned_on + {grace_days}::integer
            ) then 'late renewal'
            when exists (
                -- MRR rose from that of an invoice to that of the next one, to a cent of each.
                select 1
                from a.marts.member_months as was
                inner join b.marts.member_months as became using (month, customer_key, currency)
                inner join b.marts.payments as charged using (customer_key, currency)
                inner join b.marts.payments as next_charged
                    using (customer_key, currency, product_type)
                where customer_key = coalesce(new.who, old.who)
                    and charged.kind = 'payment' and next_charged.kind = 'payment'
                    and charged.moved_on < {seen_until} and next_charged.moved_on >= {seen_until}
                    and was.month >= date_trunc('month', charged.moved_on)
                    and became.mrr_cents > was.mrr_cents
                    and next_charged.gross_cents > charged.gross_cents
                    and abs(
                        was.mrr_cents * next_charged.gross_cents
                        - became.mrr_cents * charged.gross_cents
                    ) <= next_charged.gross_cents + charged.gross_cents
            ) then 'discount ended'
            when exists (
                select 1 from b.marts.payments as paid
                where paid.customer_key = coalesce(new.who, old.who)
                    and paid.kind = 'payment'
                    and paid.moved_on >= {seen_until}
            ) then 'next invoice'
            else 'not proven'
        end
    )
"""

DRILL_DOWNS = {
    each.mart: each
    for each in (
        DrillDown(
            "payments",
            "from {db}.marts.payments",
            "movement_key",
            "customer_key",
            "moved_on",
            ("kind", "moved_on", "product_type", "currency", "gross_cents", "refunded_cents"),
            ("currency", "product_type"),
            """
            case
                when new.facts.refunded_cents > coalesce(old.facts.refunded_cents, 0)
                    then 'refund'
                when old.key is null and new.key in (
                    select payment_key from a.marts.dropped_row_list
                ) then 'reclassified'
                when old.key is null then 'late row'
                when new.key is null and old.key in (
                    select payment_key from b.marts.dropped_row_list
                ) then 'reclassified'
                when new.key is null then 'deleted row'
                else 'changed row'
            end
            """,
        ),
        DrillDown(
            "member_months",
            "from {db}.marts.member_months",
            "concat_ws(' ', month, customer_key, currency)",
            "customer_key",
            "month",
            ("month", "currency", "mrr_cents", "cohort_period"),
            ("currency", "cohort_period", "customer_key"),
            _OF_CUSTOMER,
        ),
        DrillDown(
            "churn_by_member",
            "from {db}.marts.churn_by_member",
            "concat_ws(' ', churned_on, customer_key, currency)",
            "customer_key",
            "churned_on",
            ("churned_on", "currency", "kind", "is_in_grace", "lost_mrr_cents"),
            ("currency", "customer_key"),
            f"""
            case
                when old.facts.is_in_grace and not new.facts.is_in_grace
                    and old.facts.kind = new.facts.kind
                    and old.facts.lost_mrr_cents = new.facts.lost_mrr_cents then 'grace ended'
                when old.facts.kind <> new.facts.kind
                    and old.facts.lost_mrr_cents = new.facts.lost_mrr_cents then 'status changed'
                else {_OF_CUSTOMER}
            end
            """,
        ),
        DrillDown(
            "mrr_by_member",
            "from {db}.marts.mrr_by_member",
            "concat_ws(' ', month, customer_key, currency, movement)",
            "customer_key",
            "month",
            (
                "month",
                "currency",
                "movement",
                "movement_mrr_cents",
                "closing_mrr_cents",
                "in_grace_mrr_cents",
            ),
            ("currency", "customer_key", "movement"),
            f"""
            case
                when old.facts.in_grace_mrr_cents > 0 and new.facts.in_grace_mrr_cents = 0
                    and old.facts.movement_mrr_cents = new.facts.movement_mrr_cents
                    and old.facts.closing_mrr_cents = new.facts.closing_mrr_cents
                    then 'grace ended'
                else {_OF_CUSTOMER}
            end
            """,
        ),
        DrillDown(
            "credit_entries",
            "from {db}.marts.credit_entries",
            "credit_transaction_id::varchar",
            "user_id",
            "transacted_on",
            ("transacted_on", "kind", "feature", "credits"),
            ("feature",),
            """
            case
                when old.key is null and exists (
                    select 1 from a.marts.dropped_row_list as dropped
                    where (source_table, row_key) in (
                        ('credit_transactions', new.key), ('users', new.who)
                    )
                ) then 'reclassified'
                when old.key is null then 'late row'
                when new.key is null and exists (
                    select 1 from b.marts.dropped_row_list as dropped
                    where (source_table, row_key) in (
                        ('credit_transactions', old.key), ('users', old.who)
                    )
                ) then 'reclassified'
                when new.key is null then 'deleted row'
                else 'changed row'
            end
            """,
        ),
        DrillDown(
            "fct_activity",
            "select user_id, activity_on, feature, count(*) as event_count"
            " from {db}.marts.fct_activity group by all",
            "concat_ws(' ', activity_on, user_id, feature)",
            "user_id",
            "activity_on",
            ("activity_on", "feature", "event_count"),
            ("feature",),
            """
            case
                when coalesce(new.facts.event_count, 0) > coalesce(old.facts.event_count, 0)
                    then 'late row'
                else 'deleted row'
            end
            """,
        ),
    )
}


@dataclass(frozen=True)
class Span:
    """Of the earlier publication: what it had seen, for the words of a cause.

    Attributes:
        complete_until: The first day that was not complete in it.
        seen_until: The day of its data.
        grace_days: Days in which a renewal is late.
    """

    complete_until: date
    seen_until: date
    grace_days: int


def changed_rows(db: duckdb.DuckDBPyConnection, mart: str, span: Span) -> Iterator[ChangedRow]:
    """Yield the rows of ``mart`` that differ between the attached files ``a`` and ``b``.

    Only rows that fall into a period complete in ``a`` count, by either file's day. ``payments``
    must be compared before the marts of members, whose causes it gives.
    """
    drill = DRILL_DOWNS[mart]
    if not all(_has(db, name, needed) for name in ("a", "b") for needed in (mart, "payments")):
        return
    sides = ", ".join(
        f"{side} as (select {drill.key} as key, {drill.who} as who, {drill.on} as day,"
        f" {_struct(drill.facts)} as facts, {_struct(drill.parts)} as parts"
        f" from ({drill.relation.format(db=name)}))"
        for side, name in (("old", "a"), ("new", "b"))
    )
    until = literal(span.complete_until)
    cause = drill.cause.format(seen_until=literal(span.seen_until), grace_days=span.grace_days)
    db.execute(
        f"""
        create or replace temp table changed_{mart} as
        with {sides}
        select
            coalesce(new.key, old.key) as key,
            coalesce(new.who, old.who) as customer_key,
            case
                when old.key is null then 'added' when new.key is null then 'removed'
                else 'changed'
            end as change,
            {cause} as cause,
            old.facts::json::varchar as before,
            new.facts::json::varchar as after,
            old.day as old_day,
            old.parts as old_parts,
            new.day as new_day,
            new.parts as new_parts
        from old
        full join new on old.key = new.key
        where (old.facts is distinct from new.facts or old.who is distinct from new.who)
            and (old.day < {until} or new.day < {until})
        """
    )
    found = db.execute(
        f"select * from changed_{mart} order by coalesce(old_day, new_day), key limit {MOST_ROWS}"
    ).fetchall()
    for key, who, change, why, before, after, old_day, old_parts, new_day, new_parts in found:
        versions = tuple(
            RowVersion(day, parts)
            for day, parts in ((old_day, old_parts), (new_day, new_parts))
            if day is not None and day < span.complete_until
        )
        yield ChangedRow(mart, key, who, change, why, before, after, versions)


def _struct(names: tuple[str, ...]) -> str:
    return "struct_pack(" + ", ".join(f"{name} := {name}" for name in names) + ")"


def _has(db: duckdb.DuckDBPyConnection, database: str, mart: str) -> bool:
    row = db.execute(
        "select count(*) from duckdb_tables() where schema_name = 'marts'"
        f" and database_name = {literal(database)} and table_name = {literal(mart)}"
    ).fetchone()
    return bool(row and row[0])
