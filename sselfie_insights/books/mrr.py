"""Hold another tool's MRR against ours, customer by customer, and name the rule that differs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from sselfie_insights.books.mrr_causes import NOTHING, Cause, Judge, Key, major
from sselfie_insights.books.mrr_file import ForeignMrr
from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.money import to_major
from sselfie_insights.warehouse.reading import OpenWarehouse


@dataclass(frozen=True)
class Difference:
    """A customer whose MRR differs at the end of a month.

    Attributes:
        month: The first day of the month.
        currency: In lower case.
        customer_key: The customer; None where we do not know them.
        lines: The lines of the file that say so; none where it does not have the customer.
        theirs: MRR in major units, as the file says.
        ours: MRR in major units.
        cause: By which rule they differ.
    """

    month: date
    currency: str
    customer_key: str | None
    lines: tuple[int, ...]
    theirs: Decimal
    ours: Decimal
    cause: Cause

    @property
    def amount(self) -> Decimal:
        """Ours less theirs."""
        return self.ours - self.theirs


@dataclass(frozen=True)
class MonthSum:
    """A month and currency: to the cent, ``ours = theirs + the sum of causes``.

    Attributes:
        month: The first day of the month.
        currency: In lower case.
        theirs: The sum of the file, in major units.
        ours: Our MRR at the end of the month, in major units.
        equal_count: Customers on whom both agree.
        causes: By cause, how many customers differ and by how much.
    """

    month: date
    currency: str
    theirs: Decimal
    ours: Decimal
    equal_count: int
    causes: Mapping[Cause, tuple[int, Decimal]]


@dataclass(frozen=True)
class MrrComparison:
    """What was compared: sums by month and currency, single differences, and what was left out."""

    sums: tuple[MonthSum, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[str, ...]


def compare_mrr(warehouse: OpenWarehouse, foreign: Sequence[ForeignMrr]) -> MrrComparison:
    """Return where the file differs from the open warehouse, for the months that are over.

    A customer is found by Stripe's id, by e-mail address, by account, or by our key.

    Raises:
        UsageError: The warehouse has no marts, or no month of the file is over in it.
    """
    db = warehouse.connection
    over = {month for (month,) in db.execute(
        "select distinct month from marts.mrr_movements where is_complete"
    ).fetchall()}  # fmt: skip
    compared = [each for each in foreign if each.month in over]
    if not compared:
        raise UsageError(
            "no month of the file is over in the warehouse",
            remedy="its months are those of 'sselfie query run revenue/mrr_movements'",
        )
    remarks = _describe_left_out(db, foreign, compared, over)
    find = _finder(db)
    theirs: dict[Key, Decimal] = defaultdict(Decimal)
    lines: dict[Key, list[int]] = defaultdict(list)
    strangers: list[ForeignMrr] = []
    for each in compared:
        customer = find(each.customer)
        if customer is None:
            strangers.append(each)
            continue
        key = (customer, each.month, each.currency)
        theirs[key] += each.amount
        lines[key].append(each.line)
    parts = {(each.month, each.currency) for each in compared}
    ours = _read_ours(db)
    keys = theirs.keys() | {key for key in ours if key[1:] in parts}
    differing = [key for key in keys if theirs.get(key, NOTHING) != major(ours, key)]
    in_file = {find(each.customer) for each in foreign}
    judge = Judge(db, warehouse.stamp, theirs, ours, differing, in_file)
    differences = [
        Difference(
            each.month, each.currency, None, (each.line,), each.amount, NOTHING, "unknown customer"
        )
        for each in strangers
        if each.amount
    ] + [
        Difference(
            key[1],
            key[2],
            key[0],
            tuple(lines.get(key, ())),
            theirs.get(key, NOTHING),
            major(ours, key),
            judge.find_cause(key),
        )
        for key in differing
    ]
    differences.sort(key=lambda d: (d.month, d.currency, d.cause, d.customer_key or "", d.lines))
    equal = [key for key in keys - set(differing) if theirs.get(key)]
    sums = _sum_up(db, compared, differences, equal)
    return MrrComparison(tuple(sums), tuple(differences), tuple(remarks))


def _describe_left_out(
    db: duckdb.DuckDBPyConnection,
    foreign: Sequence[ForeignMrr],
    compared: Sequence[ForeignMrr],
    over: set[date],
) -> list[str]:
    remarks = []
    if left := sorted({each.month for each in foreign} - over):
        listed = ", ".join(f"{month:%Y-%m}" for month in left)
        remarks.append(f"not compared, since they are not over in the warehouse: {listed}")
    currencies = {each.currency for each in compared}
    rows = db.execute(
        "select distinct currency from marts.mrr_movements where is_complete"
        " and closing_mrr_cents <> 0 order by all"
    ).fetchall()
    if lacking := [currency for (currency,) in rows if currency not in currencies]:
        listed = ", ".join(each.upper() for each in lacking)
        remarks.append(f"the file says nothing of {listed}, in which we have MRR")
    return remarks


def _finder(db: duckdb.DuckDBPyConnection) -> Callable[[str], str | None]:
    """Return what finds a customer's key by what another tool calls them."""
    known: dict[str, str] = {}
    for former, customer in db.execute(
        "select former_key, customer_key from marts.customer_keys"
    ).fetchall():
        known[former.partition(":")[2] if former.startswith("stripe:") else former] = customer
    for (customer,) in db.execute("select customer_key from marts.dim_customers").fetchall():
        known[customer] = customer
        if customer.startswith("stripe:"):
            known[customer.partition(":")[2]] = customer
    for customer, user, email in db.execute(
        "select customer_key, user_id, email from marts.dim_contacts"
    ).fetchall():
        known[user] = customer
        known.setdefault(email, customer)

    def find(name: str) -> str | None:
        return known.get(name) or known.get(name.strip().lower())

    return find


def _read_ours(db: duckdb.DuckDBPyConnection) -> dict[Key, tuple[int, int]]:
    """Return contract and billed MRR, in minor units, at the months' ends."""
    rows = db.execute(
        "select customer_key, month, currency, mrr_cents, billed_mrr_cents"
        " from marts.member_months where is_complete"
    ).fetchall()
    return {
        (customer, month, currency): (mrr, billed)
        for customer, month, currency, mrr, billed in rows
    }


def _sum_up(
    db: duckdb.DuckDBPyConnection,
    compared: Sequence[ForeignMrr],
    differences: Sequence[Difference],
    equal: Iterable[Key],
) -> list[MonthSum]:
    """Return the sums, ours from the movements: a difference that is lost shows there.

    Raises:
        SselfieError: Theirs and the causes do not add up to ours.
    """
    headline = {
        (month, currency): to_major(cents, currency)
        for month, currency, cents in db.execute(
            "select month, currency, closing_mrr_cents from marts.mrr_movements"
        ).fetchall()
    }
    theirs: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for each in compared:
        theirs[each.month, each.currency] += each.amount
    for _, month, currency in equal:
        counts[month, currency] += 1
    by_cause: dict[tuple[date, str], dict[Cause, tuple[int, Decimal]]] = defaultdict(dict)
    for difference in differences:
        found = by_cause[difference.month, difference.currency]
        count, amount = found.get(difference.cause, (0, NOTHING))
        found[difference.cause] = (count + 1, amount + difference.amount)
    sums = []
    for part in sorted(theirs):
        causes = by_cause[part]
        ours = headline.get(part, NOTHING)
        if theirs[part] + sum(amount for _, amount in causes.values()) != ours:
            raise SselfieError(
                f"the differences of {part[0]:%Y-%m} in {part[1].upper()} do not add up to our MRR",
                remedy="run 'sselfie check --suite marts'",
            )
        sums.append(MonthSum(*part, theirs[part], ours, counts[part], causes))
    return sums
