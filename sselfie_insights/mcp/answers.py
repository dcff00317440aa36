"""What an assistant may ask the warehouse: the public numbers, each with what it rests on.

Every answer is JSON and carries its stamp, the people behind each number, 95 % intervals and what
was suppressed, so that no number can be quoted without them. Personal data is never in one: only
what a report shows, or what counts people, is answered.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sselfie_insights.errors import SselfieError, UsageError, nearest
from sselfie_insights.explain import build_explanation_page, list_measures
from sselfie_insights.explain import explain as explain_change
from sselfie_insights.notebook import Warehouse
from sselfie_insights.query.catalog import describe_entry
from sselfie_insights.query.library import Query, find_query, is_public, load_library
from sselfie_insights.query.parameters import check_values
from sselfie_insights.query.result import Result
from sselfie_insights.query.write import to_records
from sselfie_insights.report.blocks import Page
from sselfie_insights.report.definition import load_reports
from sselfie_insights.report.formats import to_bytes
from sselfie_insights.report.notices import read_notices
from sselfie_insights.report.results import Results
from sselfie_insights.statistics.suppression import SMALLEST_GROUP
from sselfie_insights.warehouse.reading import Stamp

ROWS = 200
"""Rows of a table that an answer holds unless more are asked for."""

MOST_ROWS = 2000

SECONDS = 30.0
"""How long a question may take."""

INSTRUCTIONS = (
    "Numbers of SSELFIE Studio, a subscription business, from its last published warehouse. Find a"
    " metric with list_metrics, read describe_metric before using it, then run_metric. Quote a"
    " number with its as_of, with how many people it rests on and, for a share, with its 95 %"
    " interval (the columns ending in _low and _high): a difference whose intervals overlap much"
    " may be chance. '<5' and 'hidden' stand for groups too small to be shown; do not work them"
    " out. Money is in minor units of its currency, such as cents; rates lie between 0 and 1."
)

Answer = dict[str, Any]


@dataclass(frozen=True)
class Assistant:
    """Answers questions about the published warehouse, which is opened for each.

    Every method raises `UsageError` for a name or value that does not exist, with the nearest one
    that does, and for an answer that takes longer than ``seconds``.

    Attributes:
        warehouse: The file.
        seconds: How long an answer may take.
    """

    warehouse: Path
    seconds: float = SECONDS

    def list_metrics(self, search: str = "") -> Answer:
        """List the metrics whose name, title or definition holds every word of ``search``."""
        words = search.lower().split()
        found = {
            name: query.title
            for name, query in find_public().items()
            if all(word in f"{name} {query.title} {query.description}".lower() for word in words)
        }
        return {"metrics": found}

    def describe_metric(self, metric: str) -> Answer:
        """Give a metric's definition, grain, parameters, and columns with their units."""
        entry = describe_entry(_find(metric))
        return entry.model_dump(mode="json", exclude_defaults=True, exclude={"rows"})

    def run_metric(
        self, metric: str, parameters: Mapping[str, str] | None = None, rows: int = ROWS
    ) -> Answer:
        """Run a metric with its parameters, and give at most ``rows`` rows, the last ones.

        Tables are in the order of their periods, so the last rows are the latest.
        """
        query = _find(metric)
        check_values(query, parameters or {})
        with self._open() as warehouse:
            results = Results(warehouse, find_public())
            result = results.answer(query.name, parameters or {})
            notices = read_notices(warehouse.settings, warehouse)
            return {
                "metric": query.name,
                "definition": query.description,
                "grain": query.grain,
                **_describe_stamp(warehouse.stamp),
                "notices": notices,
                "parameters": {n: v if v is None else str(v) for n, v in result.values.items()},
                "columns": _describe_columns(result),
                **_cut(to_records(result), rows),
            }

    def list_reports(self) -> Answer:
        """List the reports, and what each is about."""
        reports = load_reports(on_gap=lambda _: None)
        return {"reports": {each.name: each.description for each in reports.values()}}

    def show_report(
        self, report: str, parameters: Mapping[str, str] | None = None, rows: int = 50
    ) -> Answer:
        """Give every section of a report as rows, at most ``rows`` of each, the last ones."""
        with self._open() as warehouse:
            return _describe_page(warehouse.page(report, **(parameters or {})), rows)

    def explain_month(self, measure: str, month: str | None = None) -> Answer:
        """Break the change of mrr, churn, active_users or credits in a month down by its causes.

        ``month`` is like 2026-10; the last complete month without. The parts add up to the change.
        """
        if measure not in list_measures():
            known = list_measures()
            raise UsageError(
                f"unknown measure {measure!r}{nearest(measure, known)}",
                remedy=f"it is one of {', '.join(known)}",
            )
        with self._open() as warehouse:
            explanation = explain_change(warehouse, measure, month, least=SMALLEST_GROUP)
            page = build_explanation_page(warehouse, explanation, is_shared=True)
            return _describe_page(page, MOST_ROWS) | {"is_complete": explanation.is_complete}

    def list_alerts(self) -> Answer:
        """Give every watched number: fired, quiet or not judged, and why."""
        return self.run_metric("growth/alerts_now", rows=MOST_ROWS)

    def count_segments(self) -> Answer:
        """Give the size of every segment, and how many of its people can be written to now."""
        return self.run_metric("growth/segment_sizes", rows=MOST_ROWS)

    def read_freshness(self) -> Answer:
        """Give what the numbers speak for, and what is to be known before they are quoted."""
        with self._open() as warehouse:
            notices = read_notices(warehouse.settings, warehouse)
            return _describe_stamp(warehouse.stamp) | {"notices": notices}

    @contextmanager
    def _open(self) -> Iterator[Warehouse]:
        """Open the warehouse for one answer, which is interrupted when it takes too long."""
        is_late, is_done = threading.Event(), threading.Event()
        with Warehouse(self.warehouse) as warehouse:

            def watch() -> None:
                if not is_done.wait(self.seconds):
                    is_late.set()
                    # What of a page is interrupted is a gap on it, and the next section begins.
                    while not is_done.wait(0.05):
                        warehouse.running.interrupt()

            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                yield warehouse
            except SselfieError:
                if not is_late.is_set():
                    raise
            finally:
                is_done.set()
                watcher.join()
        if is_late.is_set():
            raise UsageError(
                f"the answer took longer than {self.seconds:g} seconds",
                remedy="ask for fewer periods, with since and until",
            )


def find_public() -> dict[str, Query]:
    """Return the queries that may be shown to others."""
    library = load_library(on_gap=lambda _: None)
    return {name: query for name, query in library.items() if is_public(query)}


def read_definitions() -> Answer:
    """Return what each public metric means, by name."""
    return {name: query.description for name, query in find_public().items()}


def _find(metric: str) -> Query:
    query = find_query(metric, load_library())
    if not is_public(query):
        why = query.analysts_only or "It lists people or rows."
        raise UsageError(
            f"no assistant is given {query.name}: {why}",
            remedy=f"a person runs 'sselfie query run {query.name}'",
        )
    return query


def _describe_stamp(stamp: Stamp) -> Answer:
    return {name: text for name, text in stamp.as_text().items() if text}


def _describe_columns(result: Result) -> dict[str, Answer]:
    return {
        name: column.model_dump(mode="json", exclude_defaults=True)
        | ({"unknown": result.unknown[name]} if name in result.unknown else {})
        for name, column in result.columns.items()
    }


def _describe_page(page: Page, rows: int) -> Answer:
    content: Answer = json.loads(to_bytes(page, "json")[0])
    columns = {name: _describe_columns(block.result) for name, block in page.data.items()}
    sections = {
        name: {"columns": columns[name], **_cut(records, rows)}
        for name, records in content["sections"].items()
    }
    return content | {"sections": sections}


def _cut(records: list[Answer], rows: int) -> Answer:
    """Return the last of ``records`` and how many there are, so that nobody takes them for all."""
    kept = min(max(rows, 1), MOST_ROWS)
    return {
        "rows": records[-kept:],
        "row_count": len(records),
        "rows_left_out": max(0, len(records) - kept),
    }
