"""Judge every watched number: fired, quiet, or not to be judged, and why."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from statistics import median
from typing import Any

import duckdb
import polars as pl

from sselfie_insights.alerts.definition import Anomaly, Watch
from sselfie_insights.errors import UsageError
from sselfie_insights.query.cells import write_cell
from sselfie_insights.query.header import NUMERIC_UNITS, Unit
from sselfie_insights.query.library import Query, load_query, require_people
from sselfie_insights.query.parameters import check_values, write_values
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import run_query
from sselfie_insights.statistics.shares import Z_95
from sselfie_insights.warehouse.closed import write_row_key
from sselfie_insights.warehouse.reading import OpenWarehouse

ALERTS_SCHEMA = {
    "position": pl.Int64,
    "alert": pl.String,
    "part": pl.String,
    "kind": pl.String,
    "state": pl.String,
    "period_on": pl.Date,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "person_count": pl.Int64,
    "detail": pl.String,
    "query": pl.String,
    "parameters": pl.String,
    "row_key": pl.String,
    "measure": pl.String,
    "behind": pl.String,
}
FIRED, QUIET, UNJUDGED = "fired", "quiet", "not judged"

_Write = Callable[[float], str]
"""Writes a value of the watched column."""


@dataclass(frozen=True)
class _Judgement:
    """What became of one rule: whether it fired, the line or band, and a sentence."""

    kind: str
    state: str
    detail: str
    low: float | None = None
    high: float | None = None


def require_judgeable(watches: Iterable[Watch]) -> None:
    """Refuse a watch that no warehouse could answer.

    Raises:
        UsageError: A watch names a query, a parameter or a column that does not exist, a column
            that holds no number, or a query that does not count people.
    """
    for watch in watches:
        _find_query(watch)


def evaluate(
    warehouse: OpenWarehouse,
    watches: Sequence[Watch],
    *,
    skips_failures: bool = False,
) -> list[dict[str, Any]]:
    """Judge the last complete period of every watched number.

    Args:
        warehouse: What to read.
        watches: What to judge.
        skips_failures: Whether a watch whose query fails is not judged, instead of an error.

    Returns:
        Rows with the columns of ``ALERTS_SCHEMA``, but for their position; numbers in the unit of
        their column (rates 0-1, money in cents). Those that fired come first. ``query`` to
        ``behind`` say where the value and ``n`` stand, of what was judged.

    Raises:
        UsageError: A watch is wrong, see ``require_judgeable``, or its query fails.
    """
    rows: list[dict[str, Any]] = []
    for watch in watches:
        try:
            rows += _judge_watch(warehouse, watch)
        except UsageError:
            if not skips_failures:
                raise
            reason = "cannot be judged; see sselfie alerts"
            rows += [_row(watch, "", _Judgement(kind, UNJUDGED, reason)) for kind in watch.kinds]
    order = {FIRED: 0, UNJUDGED: 1, QUIET: 2}
    return sorted(rows, key=lambda row: order[row["state"]])


def _judge_watch(warehouse: OpenWarehouse, watch: Watch) -> list[dict[str, Any]]:
    query = _find_query(watch)
    result = run_query(warehouse, query, watch.values)
    result.require_known(_list_columns(watch))
    rows = []
    for part, series in _split(watch, result, _settled_before(warehouse.connection)):
        for row in _judge_part(watch, result, part, series):
            if row["value"] is not None:
                row |= {
                    "person_count": _count_people(query, series),
                    "query": query.name,
                    "parameters": write_values(result.values),
                    "row_key": write_row_key(result.key, series[-1]),
                    "measure": watch.column,
                    "behind": watch.trials or watch.n,
                }
            rows.append(row)
    return rows


def _count_people(query: Query, series: list[dict[str, Any]]) -> int | None:
    """The smallest group of people behind the number that is judged; None where it has none."""
    counts = [series[-1][name] or 0 for name in query.people] if series else []
    return min(filter(None, counts), default=0) if counts else None


def _find_query(watch: Watch) -> Query:
    query = load_query(watch.query)
    require_people(query)
    check_values(query, watch.values)
    columns = {name: column for name, column in query.columns.items() if not column.pii}
    for name in _list_columns(watch):
        if name not in columns:
            raise UsageError(f"alert {watch.name!r}: query {query.name} has no column {name!r}")
    for name in filter(None, (watch.column, watch.n, watch.trials)):
        if columns[name].unit not in NUMERIC_UNITS:
            raise UsageError(f"alert {watch.name!r}: column {name!r} holds no number")
    if watch.anomaly is not None and not query.period_columns:
        raise UsageError(
            f"alert {watch.name!r}: query {query.name} has no period in its key",
            remedy="an anomaly needs a course; use above or below",
        )
    return query


def _list_columns(watch: Watch) -> list[str]:
    named = [watch.column, watch.each, watch.n, watch.trials, *watch.where]
    return [name for name in named if name]


def _settled_before(connection: duckdb.DuckDBPyConnection) -> date:
    """The first month that a late renewal can still change."""
    row = connection.execute(
        "select date_trunc('month', as_of - grace_days * interval 1 day)::date"
        " from marts.build_info"
    ).fetchone()
    assert row is not None  # noqa: S101  # the build is one row
    month: date = row[0]
    return month


def _split(
    watch: Watch, result: Result, settled_before: date
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each part's rows in time, those of complete (of settled) periods only."""
    time = next(iter(result.period_columns), None)
    rows = [
        row
        for row in result.frame.to_dicts()
        if row.get("is_complete", True)
        and not (watch.after_grace and time and row[time] >= settled_before)
        and all(str(row[name]) == value for name, value in watch.where.items())
    ]
    parts: dict[str, list[dict[str, Any]]] = {} if watch.each else {"": []}
    for row in rows:
        parts.setdefault(str(row[watch.each]) if watch.each else "", []).append(row)
    for part, series in parts.items():
        ordered = sorted(series, key=lambda row: row[time]) if time else series
        periods = [row[time] for row in ordered] if time else []
        if len(set(periods)) < len(periods) or (not time and len(ordered) > 1):
            raise UsageError(
                f"alert {watch.name!r}: query {result.name} gives several rows a period",
                remedy="name one with where, or watch all with each",
            )
        yield part, ordered


def _judge_part(
    watch: Watch, result: Result, part: str, series: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    time, unit = next(iter(result.period_columns), None), result.columns[watch.column].unit
    last = series[-1] if series else {}
    value = last.get(watch.column)
    behind = watch.trials or watch.n
    n = last.get(behind) if behind else None
    period = last.get(time) if time else None
    prefix = f"{write_cell(period, result.columns[time].unit)}: " if period and time else ""
    for judgement in _judge(watch, unit, series, value, n):
        row = _row(watch, part, judgement)
        yield row | {
            "period_on": period,
            "value": None if judgement.state == UNJUDGED else value,
            "n": None if n is None or judgement.state == UNJUDGED else int(n),
            "detail": prefix + judgement.detail,
        }


def _row(watch: Watch, part: str, judgement: _Judgement) -> dict[str, Any]:
    """A row without a period, a value or numbers behind it."""
    return dict.fromkeys(name for name in ALERTS_SCHEMA if name != "position") | {
        "alert": watch.name,
        "part": part,
        "kind": judgement.kind,
        "state": judgement.state,
        "low": judgement.low,
        "high": judgement.high,
        "detail": judgement.detail,
    }


def _judge(
    watch: Watch, unit: Unit, series: list[dict[str, Any]], value: Any, n: int | None
) -> Iterator[_Judgement]:
    reason = ""
    if value is None:
        reason = "no complete period with a value"
    elif (watch.trials or watch.n) and max(n or 0, _usual(watch, series)) < watch.least:
        reason = f"too few to judge; {watch.least} are needed"
    if reason:
        yield from (_Judgement(kind, UNJUDGED, reason) for kind in watch.kinds)
        return
    write = partial(_write, unit=unit, currency=series[-1].get("currency"))
    if watch.above is not None:
        yield _judge_line(watch, write, value, n, "above", watch.above)
    if watch.below is not None:
        yield _judge_line(watch, write, value, n, "below", watch.below)
    if watch.anomaly is not None:
        yield _judge_course(watch.anomaly, write, [row[watch.column] for row in series])


def _judge_line(
    watch: Watch, write: _Write, value: float, n: int | None, kind: str, line: float
) -> _Judgement:
    """A share must be beyond the line by more than chance would put it there.

    That is the score test at the line: the same as asking whether all of Wilson's 95 % interval
    (Wilson 1927) lies beyond it.
    """
    chance, shown = 0.0, write(value)
    if watch.trials and n:
        chance = Z_95 * math.sqrt(max(0.0, line * (1 - line)) / n)
        shown += f" of {n:,}"
    beyond = value - line if kind == "above" else line - value
    state, relation = (FIRED, "is") if beyond > chance else (QUIET, "is not")
    doubt = " beyond doubt" if watch.trials else ""
    return _Judgement(
        kind,
        state,
        f"{shown} {relation} {kind} {write(line)}{doubt}",
        *((None, line) if kind == "above" else (line, None)),
    )


def _usual(watch: Watch, series: list[dict[str, Any]]) -> float:
    """How many were behind the number in the year before: what fell to few is judged by it.

    A share of few says little, whatever it was of before: it has no such size.
    """
    before = [row[watch.n] or 0 for row in series[-13:-1]] if watch.n and not watch.trials else []
    return float(median(before)) if before else 0.0


def _judge_course(anomaly: Anomaly, write: _Write, values: list[float | None]) -> _Judgement:
    from scipy import stats

    from sselfie_insights.alerts.detect import find_drift, limits, score_series

    floats = [float("nan") if value is None else float(value) for value in values]
    scores, expected, spreads = score_series(floats, of=anomaly.of, season=anomaly.season)
    score = float(scores[-1])
    if score != score:
        return _Judgement("anomaly", UNJUDGED, "the history is too short, or never moves")
    far = float(stats.norm.isf(anomaly.level))
    low, high = limits(float(expected[-1]), float(spreads[-1]), far, anomaly.of)
    watched = {"down": (True,), "up": (False,), "both": (True, False)}[anomaly.direction]
    beyond = any(score < -far if downwards else score > far for downwards in watched)
    drifted = any(bool(find_drift(scores, downwards=downwards)[-1]) for downwards in watched)
    detail = f"{write(floats[-1])}, usual {write(low)} to {write(high)}"
    if drifted and not beyond:
        detail += "; too far in the same direction for months"
    elif abs(score) > far and not beyond:
        detail += f"; only a move {anomaly.direction} is watched"
    return _Judgement("anomaly", FIRED if beyond or drifted else QUIET, detail, low, high)


def _write(value: float, unit: Unit, currency: str | None) -> str:
    whole = unit in ("cents", "count", "credits")
    return write_cell(round(value) if whole else value, unit, currency)
