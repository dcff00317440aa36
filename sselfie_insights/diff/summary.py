"""A comparison in a few sentences, for whoever reads no list."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from sselfie_insights.diff.comparison import NOT_PROVEN, Comparison, Restatement
from sselfie_insights.query.cells import write_cell


class _Measure(NamedTuple):
    """A number that everybody knows, and what it is called in a sentence."""

    query: str
    column: str
    name: str


_MEASURES = (
    _Measure("revenue/mrr_movements", "closing_mrr_cents", "MRR"),
    _Measure("revenue/revenue_totals", "net_cents", "Net revenue"),
    _Measure("churn/churn_by_month", "closing_member_count", "The number of members"),
    _Measure("churn/churn_by_month", "logo_churn_rate", "Logo churn"),
)


def summarize(comparison: Comparison) -> list[str]:
    """Return what was restated in sentences: how much, what everybody knows of it, and why.

    Of each well-known number the latest restated month is quoted, in every currency; the others are
    counted. Causes are those that both files prove.
    """
    found = comparison.restatements
    if not found:
        return ["nothing restated"]
    queries = {each.number.query for each in found}
    return [
        f"{_count(len(found), 'number')} of {_count(len(queries), 'query')} changed after"
        f" {'its' if len(found) == 1 else 'their'} period was complete{_spanned(found)}.",
        *_known(found),
        *_reasons(found),
    ]


def _known(found: tuple[Restatement, ...]) -> Iterator[str]:
    for measure in _MEASURES:
        mine = [
            each
            for each in found
            if (each.number.query, each.number.column) == (measure.query, measure.column)
            and each.number.first_on is not None
        ]
        for currency in dict.fromkeys(each.number.key.get("currency") for each in mine):
            months = sorted(
                (each for each in mine if each.number.key.get("currency") == currency), key=_period
            )
            yield _quote(measure, months[-1], len(months) - 1, currency)


def _quote(measure: _Measure, each: Restatement, others: int, currency: str | None) -> str:
    """Return a sentence about a number's latest restated month."""
    number = each.number
    before, after = (
        write_cell(value, number.unit, currency) if value is not None else "nothing"
        for value in (number.before, number.after)
    )
    also = f"; {_count(others, 'earlier month')} changed, too" if others else ""
    why = ", ".join(each.causes)
    month = _month(_period(each))
    return f"{measure.name} of {month} went from {before} to {after} ({why}){also}."


def _reasons(found: tuple[Restatement, ...]) -> Iterator[str]:
    """Yield what is behind the numbers, the most frequent cause first."""
    counts = Counter(cause for each in found for cause in each.causes)
    unproven = counts.pop(NOT_PROVEN, 0)
    if counts:
        listed = ", ".join(f"{cause} ({count})" for cause, count in counts.most_common())
        yield f"Numbers by the cause that both files prove: {listed}."
    if unproven:
        yield f"{_count(unproven, 'number')} changed for a reason that the files do not prove."


def _spanned(found: tuple[Restatement, ...]) -> str:
    periods = sorted(_period(each) for each in found if each.number.first_on is not None)
    if not periods:
        return ""
    first, last = _month(periods[0]), _month(periods[-1])
    return f", in {first}" if first == last else f", from {first} to {last}"


def _period(each: Restatement) -> date:
    return each.number.first_on or date.min


def _month(day: date) -> str:
    return f"{day:%b %Y}"


def _count(count: int, noun: str) -> str:
    plural = "queries" if noun == "query" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
