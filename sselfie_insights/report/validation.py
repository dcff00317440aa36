"""What a section needs of its query, and a one-line error where the query lacks it."""

from collections.abc import Iterable, Sequence

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.result import Result
from sselfie_insights.report.definition import (
    BarSection,
    CohortGridSection,
    DataSection,
    Earlier,
    HeadlineItem,
    LineSection,
    TableSection,
    WaterfallSection,
)

_COMPLETE = "is_complete"
_GRID = ("cohort_period", "period_index", "cohort_size", _COMPLETE)


def check_section(section: DataSection, result: Result) -> None:
    """Refuse a section that asks for what its query does not give.

    Raises:
        UsageError: A column is missing or holds no number, no column holds the period, or several
            rows would be one point.
        UnknownError: A column that is drawn is not known.
    """
    where = f"section {section.title!r}"
    named, numbers, is_timed = [*section.each], list[str](), False
    point: list[str] | None = None
    match section:
        case TableSection():
            named += section.columns
            is_timed = section.newest_first
        case LineSection() | BarSection():
            named.append(section.x)
            numbers += section.y
            point = [*section.each, section.x]
            if isinstance(section, LineSection):
                numbers += section.interval or ()
            else:
                named += [section.by] if section.by else []
                named += [_COMPLETE] if section.latest else []
                is_timed = section.latest
                point += [section.by] if section.by else []
                point += result.period_columns if section.latest else []
        case WaterfallSection():
            numbers += [section.opening, *section.gains, *section.losses, section.closing]
            is_timed = True
            point = [*section.each, *result.period_columns]
        case CohortGridSection():
            named += _GRID
            numbers.append(section.value)
    _require_columns(where, result, [*named, *numbers])
    if not isinstance(section, TableSection):  # which says so in its cells
        result.require_known([*named, *numbers])
    _require_numbers(where, result, numbers)
    if point is not None:
        _require_one_row(where, result, point)
    if is_timed and not result.period_columns:
        raise UsageError(f"{where}: query {result.name} has no month or date in its key")
    measures = (column.unit for name, column in result.columns.items() if name not in result.key)
    if section.each and NUMERIC_UNITS.isdisjoint(measures):
        raise UsageError(f"{where}: query {result.name} has no number to rank by")


def check_item(item: HeadlineItem, result: Result) -> None:
    """Refuse a headline number that its query does not give.

    Raises:
        UsageError: A column is missing or holds no number, or a period has several rows.
        UnknownError: A column is not known.
    """
    where = f"headline {item.label!r}"
    named = [item.each, item.low, item.high, item.n, _COMPLETE if item.at == "complete" else None]
    _require_columns(where, result, [item.column, *filter(None, named)])
    numbers = [item.column, *filter(None, (item.low, item.high, item.n))]
    result.require_known(numbers)
    _require_numbers(where, result, numbers)
    _require_one_row(where, result, [*filter(None, [item.each]), *result.period_columns])


def check_earlier(item: HeadlineItem, earlier: Earlier, result: Result) -> None:
    """Refuse an earlier value that its query does not give, as ``check_item`` does.

    Raises:
        UsageError: A column is missing or holds no number, or there are several rows.
        UnknownError: A column is not known.
    """
    where = f"headline {item.label!r}, earlier"
    each = [item.each] if item.each else []
    _require_columns(where, result, [earlier.column, earlier.on, *each])
    result.require_known([earlier.column])
    _require_numbers(where, result, [earlier.column])
    _require_one_row(where, result, each)


def _require_one_row(where: str, result: Result, point: Sequence[str]) -> None:
    """Refuse rows that agree in ``point``: of several currencies, say, which nobody may add."""
    names = list(dict.fromkeys(point))
    if result.frame.height > (result.frame.select(names).n_unique() if names else 1):
        what = " and ".join(names) or "number"
        raise UsageError(
            f"{where}: query {result.name} gives several rows for one {what}",
            remedy="name what distinguishes them under 'each', or choose among them with 'where'",
        )


def _require_columns(where: str, result: Result, names: Iterable[str]) -> None:
    for name in names:
        if name not in result.columns:
            raise UsageError(
                f"{where}: query {result.name} has no column {name!r}"
                f"{nearest(name, result.columns)}"
            )


def _require_numbers(where: str, result: Result, names: Iterable[str]) -> None:
    for name in names:
        if result.columns[name].unit not in NUMERIC_UNITS:
            raise UsageError(f"{where}: column {name!r} of query {result.name} holds no numbers")
