"""What a reader must know before trusting a page: its age, failed runs, failed checks, drift."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from sselfie_insights.clock import parse_duration, write_moment
from sselfie_insights.errors import ExitCode, name_some
from sselfie_insights.money import write_money
from sselfie_insights.report.differences import describe_differences
from sselfie_insights.report.signed import describe_tampered
from sselfie_insights.settings import CONFIG_FILE, Settings
from sselfie_insights.warehouse.journal import read_journal
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp
from sselfie_insights.warehouse.unknown import (
    Kind,
    list_whole,
    merge_lacks,
    read_unknown,
    write_lacks,
)

# Characters of an error that a sentence repeats.
_LONGEST_REASON = 300
# Products whose sizes a sentence gives, the largest amounts first.
_MOST_SIZES = 3
# A week in which nothing happened at all is no quiet week of a business with members.
_QUIET_DAYS = 7
_NEWEST = """
with events as ({events})

select max(happened_on), as_of_on, as_of_on - max(happened_on)
from events cross join marts.build_info
group by as_of_on
having as_of_on - max(happened_on) > {days}
"""
_PAYMENTS = "revenue/payments"
# What happens: the words, the query that is not known where it is not, and when it did last.
_HAPPENINGS = (
    ("signed up", "", "select max(signed_up_on) as happened_on from marts.dim_users"),
    ("paid", _PAYMENTS, "select max(moved_on) from marts.payments"),
    ("was active", "engagement/active_users", "select max(activity_on) from marts.fct_activity"),
    (
        "moved a credit",
        "credits/credit_flow_by_month",
        "select max(transacted_on) from marts.credit_entries",
    ),
)
# A run that met another says nothing about the data, and neither does one that somebody stopped.
_NOT_FAILED = frozenset({ExitCode.DONE, ExitCode.LOCKED})


def read_notices(
    settings: Settings, warehouse: OpenWarehouse, now: datetime | None = None
) -> list[str]:
    """Return what whoever runs this must know about the open warehouse: with causes and remedies.

    They come in the order of what they do to its numbers: what leaves them out or makes them old,
    then what was changed behind them, then what is counted otherwise than meant, then what is odd.

    Args:
        settings: The settings in force: how old the data may be, and whose journal counts.
        warehouse: The open warehouse.
        now: The present (UTC); by default the clock's.

    Raises:
        UsageError: The marts were never built.
    """
    stamp, connection = warehouse.stamp, warehouse.connection
    notices = [
        describe_silence(connection, with_advice=True),
        *describe_unknown(warehouse),
        describe_age(settings, stamp, now),
        _describe_failures(read_journal(settings.warehouse), stamp),
        *describe_tampered(connection),
        *describe_differences(connection),
        *describe_unlisted(connection),
        describe_gaps(connection),
        *describe_checks(connection),
    ]
    return [notice for notice in notices if notice]


def write_reader_notices(
    settings: Settings, warehouse: OpenWarehouse, now: datetime | None = None
) -> list[str]:
    """Return the sentences above every page: what its readers must know, and no more.

    Causes, commands and names of the source are for ``read_notices``. What is counted though a list
    does not know it takes nothing from a number, so it stands on the page on quality alone.

    Args:
        settings: The settings in force.
        warehouse: The open warehouse.
        now: The present (UTC); by default the clock's.

    Raises:
        UsageError: The marts were never built.
    """
    stamp, connection = warehouse.stamp, warehouse.connection
    failed, _ = _find_failures(read_journal(settings.warehouse), stamp)
    notices = [
        describe_silence(connection),
        *_describe_unknown_numbers(warehouse),
        "The data is old, as the latest update is late." * bool(describe_age(settings, stamp, now)),
        "The latest update failed, so what happened since is missing." * bool(failed),
        *describe_tampered(connection),
        *describe_differences(connection),
        _say_missing(len(_list_missing(connection))),
        _say_checks(len(_list_checks(connection))),
    ]
    return [notice for notice in notices if notice]


def _say_missing(count: int) -> str:
    things = _count(count, "documented table or column is", "documented tables or columns are")
    where = "missing in the source, so nothing is counted there; the page Quality lists what."
    return f"{things} {where}" if count else ""


def _say_checks(count: int) -> str:
    checks = _count(count, "check", "checks")
    return f"{checks} did not pass; the page Quality lists which." if count else ""


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def describe_age(settings: Settings, stamp: Stamp, now: datetime | None = None) -> str:
    """Return in words that the data is older than the setting ``max_age`` allows, else nothing.

    A kept publication that was asked for is as old as it was meant to be.
    """
    if settings.max_age is None or stamp.synced_at is None or stamp.publication is not None:
        return ""
    if (now or datetime.now(UTC)) - stamp.synced_at <= parse_duration(settings.max_age):
        return ""
    return (
        f"The data is stale: the source was last read at {write_moment(stamp.synced_at)},"
        f" longer ago than the {settings.max_age} allowed."
    )


def describe_silence(connection: duckdb.DuckDBPyConnection, *, with_advice: bool = False) -> str:
    """Return in words that nothing has happened in the data for a week, else nothing.

    However fresh the sync, the application then writes elsewhere, or writes no more. Of what is not
    known nothing is said; without payments a week of silence tells nothing.
    """
    unknown = list_whole(read_unknown(connection))
    if _PAYMENTS in unknown:
        return ""
    known = [(words, newest) for words, query, newest in _HAPPENINGS if query not in unknown]
    events = " union all ".join(newest for _, newest in known)
    try:
        row = connection.execute(_NEWEST.format(events=events, days=_QUIET_DAYS)).fetchone()
    except duckdb.CatalogException:  # the marts are of an earlier version, or one is a gap
        return ""
    if row is None:
        return ""
    newest, as_of, days = row
    *others, last = (words for words, _ in known)
    advice = " Ask first whether the application writes to another database now." * with_advice
    return (
        f"No new data since {newest:%-d %B %Y}: nobody {', '.join(others)} or {last}"
        f" in the {days} days up to {as_of:%-d %B %Y}, though the source was read.{advice}"
    )


def _describe_failures(journal: Iterable[dict[str, Any]], stamp: Stamp) -> str:
    failed, since = _find_failures(journal, stamp)
    if not failed:
        return ""
    subject = (
        f"A run failed at {write_moment(since)}"
        if len(failed) == 1
        else f"{len(failed)} runs have failed since {write_moment(since)}"
    )
    reason = _reason(failed[-1])
    return f"{subject}, so what happened later is missing. The reason given last: {reason}."


def _find_failures(
    journal: Iterable[dict[str, Any]], stamp: Stamp
) -> tuple[list[dict[str, Any]], datetime]:
    """Return the runs that failed after this data was read and have not succeeded since.

    And when the first of them did.
    """
    open_failures: dict[str, list[dict[str, Any]]] = {}
    for entry in journal:
        command, code = entry["command"], entry["exit_code"]
        if entry.get("published") and command == "run":  # it is every other command in order
            open_failures.clear()
        elif code == ExitCode.DONE and command != "run":
            open_failures.pop(command, None)
        elif code not in _NOT_FAILED and entry.get("error") != "KeyboardInterrupt":
            open_failures.setdefault(command, []).append(entry)
    failed = [
        (datetime.fromisoformat(entry["finished_at"]), entry)
        for entries in open_failures.values()
        for entry in entries
    ]
    if stamp.synced_at is not None:
        failed = [(at, entry) for at, entry in failed if at > stamp.synced_at]
    failed.sort(key=lambda item: item[0])
    return [entry for _, entry in failed], failed[0][0] if failed else datetime.min


def _reason(entry: dict[str, Any]) -> str:
    """Return why a run failed, without where the source is, which 'sselfie status' says."""
    if entry["exit_code"] == ExitCode.SOURCE:
        return "the source could not be reached or read; see 'sselfie status'"
    return str(entry.get("error", "no reason recorded"))[:_LONGEST_REASON]


def describe_checks(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence about the checks that failed, and one about those that could not run."""
    rows = _list_checks(connection)
    words = {"failed": "Checks that failed", "broken": "Checks that could not run"}
    return [
        f"{text}: {name_some(name for status, name in rows if status == kind)}."
        " The report quality has the details."
        for kind, text in words.items()
        if any(status == kind for status, _ in rows)
    ]


def _list_checks(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The checks that did not pass: status and name."""
    try:
        return connection.execute(
            "select distinct status, check_name from meta.check_results"
            " where status <> 'passed' order by all"
        ).fetchall()
    except duckdb.CatalogException:  # nothing was checked yet
        return []


def describe_trust(warehouse: OpenWarehouse) -> str:
    """Return in words what the numbers stand on: the checks passed, and what is missing."""
    try:
        [(passed, total)] = warehouse.connection.execute(
            "select count(*) filter (status = 'passed'), count(*) from meta.check_results"
        ).fetchall()
    except duckdb.CatalogException:  # nothing was checked yet
        passed = total = 0
    missing = len(_list_missing(warehouse.connection))
    checks = f"{passed:,} of {total:,} checks passed" if total else "Nothing was checked"
    things = _count(missing, "documented table or column is", "documented tables and columns are")
    lacks = f"{things if missing else 'nothing documented is'} missing in the source"
    whole = len(list_whole(warehouse.unknown))
    in_part = len(warehouse.unknown) - whole
    if whole:
        lacks += f", {_count(whole, 'query is', 'queries are')} not known"
    if in_part:
        lacks += f", {_count(in_part, 'query is', 'queries are')} known in part"
    return f"{checks}, {lacks}"


def describe_unlisted(
    connection: duckdb.DuckDBPyConnection, *, with_sizes: bool = False
) -> list[str]:
    """Return sentences about what counts though the price list or the payment does not allow it.

    Args:
        connection: An open warehouse.
        with_sizes: Add how many customers and how much money; not for pages, which describe no
            group as small as these can be.
    """
    try:
        unlisted = connection.execute(
            "select reason, product_type, currency, count(distinct customer_key),"
            " count(distinct customer_key) filter (is_covering), sum(amount_cents)::bigint"
            " from marts.unlisted_payments group by all order by 1, 6 desc, 2, 3"
        ).fetchall()
        over = connection.execute(
            "select currency, amount_cents from marts.dropped_rows"
            " where reason = 'over_refund' order by all"
        ).fetchall()
    except duckdb.CatalogException:  # the marts are of an earlier version
        return []
    texts = {
        "unlisted product": "Products that the price list does not have",
        "amount off the list": "Products paid at amounts off the price list",
    }
    sentences = []
    for reason, text in texts.items():
        found = [row[1:] for row in unlisted if row[0] == reason]
        if found and with_sizes:
            listed = "; ".join(_describe_size(*row) for row in found[:_MOST_SIZES])
            if len(found) > _MOST_SIZES:
                listed += f"; {len(found) - _MOST_SIZES} more in the query unlisted_products"
        else:
            listed = name_some(dict.fromkeys(product for product, *_ in found), most=20)
        if found:
            sentences.append(f"{text}, counted all the same: {listed}.")
    if over:
        sums = ", ".join(write_money(cents, currency) for currency, cents in over)
        sentences.append(
            f"Refunds and chargebacks claim {sums} more than their payments took in; that part"
            " is not given back (over_refund in the report quality)."
        )
    return sentences


def _describe_size(product: str, currency: str, customers: int, members: int, cents: int) -> str:
    money = write_money(cents, currency)
    return f"{product} (customers: {customers}, members now: {members}, paid: {money})"


def describe_unknown(warehouse: OpenWarehouse) -> list[str]:
    """Return a sentence for each reason why numbers are not known, with how many there are."""
    return [f"{said}; {_ADVICE[kind]}." for said, kind in _say_unknown(warehouse)]


def _describe_unknown_numbers(warehouse: OpenWarehouse) -> list[str]:
    return [f"{said}." for said, _ in _say_unknown(warehouse)]


_ADVICE: Mapping[Kind, str] = {
    "gone": "'sselfie doctor' looks for a new name",
    "missing": "'sselfie doctor' looks for a new name",
    "left out": f"tables.leave_out in {CONFIG_FILE} says so",
    "not mirrored": "'sselfie status' says why",
}


def _say_unknown(warehouse: OpenWarehouse) -> Iterator[tuple[str, Kind]]:
    """Yield sentences without their full stop, and the kind of lack that each is about."""
    whole = list_whole(warehouse.unknown)
    for lacks, count in merge_lacks(whole.values()):
        said = f"{_count(count, 'query is', 'queries are')} {write_lacks(lacks)}."
        yield f"{said} Their numbers are left out", lacks[0].kind
    in_part = [
        itertools.chain.from_iterable(of.values())
        for query, of in warehouse.unknown.items()
        if query not in whole
    ]
    for lacks, count in merge_lacks(in_part):
        said = f"Columns of {_count(count, 'query', 'queries')} are {write_lacks(lacks)}."
        yield f"{said} They are left out", lacks[0].kind


def describe_gaps(connection: duckdb.DuckDBPyConnection) -> str:
    """Return in words what is documented and not in the source, so that nothing is made of it."""
    missing = _list_missing(connection)
    if not missing:
        return ""
    return (
        "The source lacks what its documentation names, so nothing is counted there:"
        f" {name_some(missing)}."
    )


def _list_missing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The documented tables and columns that are not in the source."""
    try:
        rows = connection.execute(
            "select concat_ws('.', table_name, column_name) from meta.contract_drift"
            " where kind in ('table missing', 'column missing') order by all"
        ).fetchall()
    except duckdb.CatalogException:  # nothing was mirrored
        return []
    return [name for (name,) in rows]
