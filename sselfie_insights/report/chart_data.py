"""Turn a result into the points, series and steps of a chart."""

from collections.abc import Mapping, Sequence
from typing import Any

from sselfie_insights.errors import UsageError
from sselfie_insights.money import to_major, write_major
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import Unit
from sselfie_insights.query.result import Result
from sselfie_insights.query.table import TextTable
from sselfie_insights.report.blocks import Chart, Series, Step
from sselfie_insights.report.definition import BarSection, LineSection, WaterfallSection
from sselfie_insights.report.names import write_name
from sselfie_insights.report.plans import Plans, place_events
from sselfie_insights.report.tables import RUNNING_MARK

# Bars that are distinguished by colour; what is left is summed as "other".
_MOST_SERIES = 5


def build_chart(
    section: LineSection | BarSection | WaterfallSection,
    result: Result,
    title: str,
    plans: Plans,
) -> Chart:
    """Return the chart of ``section`` over ``result``, which has at least one row.

    Args:
        section: What to draw.
        result: The rows.
        title: The heading.
        plans: What the owner wrote: events to mark, names of products.

    Raises:
        UsageError: Columns of different units share an axis.
    """
    if isinstance(section, WaterfallSection):
        return _build_waterfall(section, result, title)
    rows = result.frame.to_dicts()
    currency = rows[0].get("currency")
    unit = _common_unit([result.columns[name].unit for name in section.y], title)
    points = list(dict.fromkeys(row[section.x] for row in rows))
    position = {point: index for index, point in enumerate(points)}
    names = [_label(point, section.x, result, plans.names) for point in points]
    if isinstance(section, BarSection) and section.by is not None:
        series = _split_series(section, rows, position, names, unit, plans.names)
    else:
        series = []
        for name, label in section.y.items():
            ends_of = _find_ends(section, name, result)
            values: list[float | None] = [None] * len(points)
            ends: list[tuple[float, float] | None] = [None] * len(points)
            for row in rows:
                index = position[row[section.x]]
                values[index] = _scale(row[name], unit, row.get("currency"))
                if ends_of is not None:
                    low, high = (_scale(row[end], unit, row.get("currency")) for end in ends_of)
                    ends[index] = None if low is None or high is None else (low, high)
            known = tuple(ends) if any(ends) else ()
            titles = _write_titles(label, values, ends, names, unit, currency)
            series.append(Series(label, tuple(values), known, titles))
    complete = [True] * len(points)
    for row in rows:
        complete[position[row[section.x]]] &= bool(row.get("is_complete", True))
    labels = tuple(names)
    is_latest = isinstance(section, BarSection) and section.latest
    period = _name_period(rows[0], result) if is_latest else ""
    hidden = [""] * len(points)
    for row, mark in zip(rows, result.suppressed or ("",) * len(rows), strict=True):
        place = position[row[section.x]]
        hidden[place] = min(filter(None, (hidden[place], mark)), default="")  # "<5" comes first
    heading = f"{title}, {period.rstrip('.')}" if period else title
    is_ordered = result.columns[section.x].unit not in ("text", "flag")
    kind = "line" if isinstance(section, LineSection) else "column" if is_ordered else "bar"
    return Chart(
        kind=kind,  # type: ignore[arg-type]
        points=labels,
        series=tuple(series),
        steps=(),
        complete=tuple(complete),
        measure=_measure(unit),
        summary=_summarize(heading, labels, series, unit, currency),
        period=period,
        currency=currency,
        hidden=tuple(hidden),
        events=place_events(plans.events, points) if section.x in result.period_columns else (),
    )


def pivot(chart: Chart, heading: str, unit: Unit) -> TextTable:
    """Return the numbers of ``chart`` as a table: a row a point, a column a series."""
    rows = []
    for index, point in enumerate(chart.points):
        name = point + (f" ({chart.hidden[index]})" if chart.hidden[index] else "")
        values = [series.values[index] for series in chart.series]
        texts = ["" if value is None else _write(value, unit, chart.currency) for value in values]
        rows.append([name + ("" if chart.complete[index] else RUNNING_MARK), *texts])
    headers = [heading, *(series.label for series in chart.series)]
    return TextTable(headers, rows, [False, *[True] * len(chart.series)])


def _write_titles(
    label: str,
    values: Sequence[float | None],
    ends: Sequence[tuple[float, float] | None],
    points: Sequence[str],
    unit: Unit,
    currency: str | None,
) -> tuple[str, ...]:
    titles = []
    for value, pair, point in zip(values, ends, points, strict=True):
        words = "" if value is None else f"{label}, {point}: {_write(value, unit, currency)}"
        if pair and words:
            words += " (95 %: " + " to ".join(_write(end, unit, currency) for end in pair) + ")"
        titles.append(words)
    return tuple(titles)


def _find_ends(
    section: LineSection | BarSection, name: str, result: Result
) -> tuple[str, str] | None:
    """The columns with the ends of the interval that is drawn: that of the first of ``y``."""
    if name != next(iter(section.y)):
        return None
    if isinstance(section, LineSection) and section.interval:
        return section.interval
    return result.columns[name].interval if len(section.y) == 1 else None


def _split_series(
    section: BarSection,
    rows: list[dict[str, Any]],
    position: dict[Any, int],
    points: list[str],
    unit: Unit,
    own: Mapping[str, str],
) -> list[Series]:
    """One series a value of ``by``, the largest first; the smallest together."""
    name, by = next(iter(section.y)), section.by or ""
    totals: dict[str, float] = {}
    for row in rows:
        totals[str(row[by])] = totals.get(str(row[by]), 0) + abs(row[name] or 0)
    ranked = sorted(totals, key=lambda key: (-totals[key], key))
    kept = ranked if len(ranked) <= _MOST_SERIES + 1 else ranked[:_MOST_SERIES]
    labels = [*kept, *(["other"] if len(kept) < len(ranked) else [])]
    values: dict[str, list[float | None]] = {label: [None] * len(position) for label in labels}
    for row in rows:
        number = _scale(row[name], unit, row.get("currency"))
        if number is None:
            continue
        line = values[str(row[by]) if str(row[by]) in kept else "other"]
        index = position[row[section.x]]
        line[index] = (line[index] or 0) + number
    currency, series = rows[0].get("currency"), []
    for label, line in values.items():
        name = write_name(by, label, own).replace("_", " ")
        titles = _write_titles(name, line, [None] * len(line), points, unit, currency)
        series.append(Series(name, tuple(line), titles=titles))
    return series


def _build_waterfall(section: WaterfallSection, result: Result, title: str) -> Chart:
    rows = result.frame.to_dicts()
    complete = [row for row in rows if row.get("is_complete", True)]
    row = (complete or rows)[-1]
    names = [section.opening, *section.gains, *section.losses, section.closing]
    unit = _common_unit([result.columns[name].unit for name in names], title)
    period, currency = _name_period(row, result), row.get("currency")
    # What is missing is that of too few people, and no 0.
    values = {name: _scale(row[name], unit, row.get("currency")) for name in names}
    known = {name: value for name, value in values.items() if value is not None}
    level = known.get(section.opening, 0.0)
    steps = [Step("Opening", 0.0, level, "total")]
    for name, label in (section.gains | section.losses).items():
        change = known.get(name, 0.0) * (1 if name in section.gains else -1)
        # An adjustment stands among the gains, and can take away.
        is_loss = change < 0 or (not change and name in section.losses)
        steps.append(Step(label, level, level + change, "loss" if is_loss else "gain"))
        level += change
    steps.append(Step("Closing", 0.0, known.get(section.closing, 0.0), "total"))
    parts = ", ".join(
        f"{label.lower()} {write_cell(row[name], unit, currency)}"
        for name, label in (section.gains | section.losses).items()
    )
    summary = (
        f"{title}, {period.rstrip('.')}: from {write_cell(row[section.opening], unit, currency)} to"
        f" {write_cell(row[section.closing], unit, currency)}; {parts}."
    )
    return Chart(
        kind="waterfall",
        points=(),
        series=(),
        steps=tuple(steps) if known == values else (),
        complete=(),
        measure=_measure(unit),
        summary=summary,
        period=period,
        currency=currency,
    )


def _name_period(row: dict[str, Any], result: Result) -> str:
    """The period of ``row`` as a sentence that says whether it still runs."""
    time = result.period_columns[0]
    state = "" if row.get("is_complete", True) else ", still running"
    return f"{_label(row[time], time, result, {})}{state}."


def _common_unit(units: list[Unit], title: str) -> Unit:
    if len(set(units)) != 1:
        raise UsageError(f"section {title!r}: columns of {' and '.join(sorted(set(units)))}"
                         " cannot share an axis")  # fmt: skip
    return units[0]


def _scale(value: Any, unit: Unit, currency: str | None) -> float | None:
    """Money is drawn in whole currency units."""
    if value is None:
        return None
    return float(to_major(value, currency or "usd")) if unit == "cents" else float(value)


def _measure(unit: Unit) -> Any:
    return {"cents": "money", "rate": "rate"}.get(unit, "number")


def _label(point: Any, column: str, result: Result, own: Mapping[str, str]) -> str:
    cell = write_cell(point, result.columns[column].unit, in_words=True)
    return write_name(column, cell, own).replace("_", " ")


def _summarize(
    title: str,
    points: tuple[str, ...],
    series: list[Series],
    unit: Unit,
    currency: str | None,
) -> str:
    parts = []
    for line in series:
        known = [
            (label, value)
            for label, value in zip(points, line.values, strict=True)
            if value is not None
        ]
        if known:
            (first, begin), (last, end) = known[0], known[-1]
            parts.append(
                f"{line.label} {_write(begin, unit, currency)} in {first},"
                f" {_write(end, unit, currency)} in {last}"
            )
    return f"{title}: " + "; ".join(parts) + "." if parts else f"{title}: no values."


def _write(value: float, unit: Unit, currency: str | None) -> str:
    if unit == "cents":
        return write_major(value, currency)
    return write_cell(int(value) if unit in ("count", "credits") else value, unit)
