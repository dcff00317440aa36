"""The explanation as a page, for terminal and browser."""

import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sselfie_insights.clock import write_month
from sselfie_insights.explain.decompose import WHOLE
from sselfie_insights.explain.measures import Explanation
from sselfie_insights.query.header import Column
from sselfie_insights.query.library import Query, load_library
from sselfie_insights.query.result import Result
from sselfie_insights.query.run import tabulate
from sselfie_insights.report.blocks import Page
from sselfie_insights.report.definition import Report, Section
from sselfie_insights.report.page import build_page
from sselfie_insights.report.results import Results
from sselfie_insights.statistics.suppression import SMALLEST_GROUP
from sselfie_insights.warehouse.reading import OpenWarehouse, Stamp

_PARTS = "explain/parts"
# Whose columns a waterfall shows.
_MOVEMENTS = "revenue/mrr_movements"


@dataclass(frozen=True)
class _ExplanationPage(Page):
    """A page that another command makes again."""

    words: tuple[str, ...]

    @property
    def command(self) -> str:
        return shlex.join(self.words)


def to_result(explanation: Explanation, stamp: Stamp) -> Result:
    """Return every part of ``explanation`` as one table."""
    return tabulate(_query_of(explanation, is_shared=False), explanation.parts.to_dicts(), stamp)


def hide_small_parts(warehouse: OpenWarehouse, explanation: Explanation) -> Explanation:
    """Return ``explanation`` as others may read it: without the numbers that no page would show.

    Args:
        warehouse: What it was read from.
        explanation: One made with ``least`` at the smallest group that pages show.
    """
    results = _results_of(warehouse, explanation, is_shared=True)
    results.add_known([_PARTS, explanation.explains.query])
    return replace(explanation, parts=results.find(_PARTS, {}, {}).frame)


def _results_of(warehouse: OpenWarehouse, explanation: Explanation, *, is_shared: bool) -> Results:
    """The parts as what a query of this name gave."""
    query = _query_of(explanation, is_shared=is_shared)
    parts = tabulate(query, explanation.parts.to_dicts(), warehouse.stamp)
    return Results(warehouse, load_library() | {_PARTS: query}, {_PARTS: parts})


def build_explanation_page(
    warehouse: OpenWarehouse, explanation: Explanation, *, is_shared: bool
) -> Page:
    """Return ``explanation`` as a page.

    Args:
        warehouse: What it was read from.
        explanation: What to show.
        is_shared: Whether others than its maker read it: then small groups show no numbers. Make
            the explanation itself with ``least`` at the smallest group that pages show.
    """
    name, month = explanation.name, write_month(explanation.month)
    report = Report(
        title=f"{explanation.explains.title}: {month}",
        description=(
            "What the change from the month before is made of. Every table adds up to the whole,"
            " exactly."
        ),
        sections=_sections(explanation, is_shared=is_shared),
        name=f"explain-{name}",
        path=Path(),
    )
    warnings = []
    if not explanation.is_complete:
        warnings.append(f"{month} is still running: its numbers are those up to now.")
    results = _results_of(warehouse, explanation, is_shared=is_shared)
    results.add_known(report.queries)
    page = build_page(warehouse, report, results.library, warnings=warnings, results=results)
    words = ("sselfie", "explain", name, "--month", f"{explanation.month:%Y-%m}")
    return _ExplanationPage(
        **{field.name: getattr(page, field.name) for field in fields(page)},
        words=(*words, "-o", f"{name}.html"),
    )


def _sections(explanation: Explanation, *, is_shared: bool) -> tuple[Section, ...]:
    explains = explanation.explains
    columns = {
        "part": "Part",
        "before": "Month before",
        "after": "Month",
        "change": "Change",
        "share": "Of the change",
        "person_count": "People",
    }
    parts = {"type": "table", "query": _PARTS, "each": "currency"}
    whole = {name: columns[name] for name in ("part", "before", "after", "change")}
    sections: list[dict[str, Any]] = [
        parts | {"title": "The whole", "where": {"dimension": WHOLE}, "columns": whole}
    ]
    if explains.query == _MOVEMENTS:
        sections.append(
            {
                "type": "waterfall",
                "title": "Movements in the month",
                "text": "A member who joins and leaves inside the month is in both.",
                "query": _MOVEMENTS,
                "where": {"month": explanation.month.isoformat()},
                "each": "currency",
                "opening": "opening_mrr_cents",
                "gains": {
                    "new_mrr_cents": "New",
                    "reactivation_mrr_cents": "Reactivated",
                    "expansion_mrr_cents": "Expansion",
                },
                "losses": {"contraction_mrr_cents": "Contraction", "churn_mrr_cents": "Churn"},
                "closing": "closing_mrr_cents",
            }
        )
    shown = set(explanation.parts["dimension"])
    sections += [
        parts
        | {
            "title": heading,
            "where": {"dimension": dimension},
            "columns": columns | {"part": heading},
            "empty": "Nothing to take apart.",
        }
        for dimension, heading in explains.by.items()
        if dimension in shown
    ]
    if is_shared:
        sections.append(
            {
                "type": "note",
                "text": f"Groups of fewer than {SMALLEST_GROUP} people stand together. Single"
                " customers are on no page; the command lists them on the terminal and in"
                " --format csv.",
            }
        )
    return TypeAdapter(tuple[Section, ...]).validate_python(sections)


def _query_of(explanation: Explanation, *, is_shared: bool) -> Query:
    source = explanation.query
    unit = source.columns["before"].unit
    columns = {
        "dimension": Column(unit="text", description="What the change is taken apart by."),
        "currency": Column(unit="text", description="The currency, where the measure has one."),
        "part": Column(unit="text", description="The part."),
        "before": Column(unit=unit, description="The value in the month before."),
        "after": Column(unit=unit, description="The value in the month."),
        "change": Column(unit=unit, description="After minus before."),
        "share": Column(unit="rate", description="The change's share of the whole change."),
        "person_count": Column(unit="count", description="People behind the part."),
    }
    return Query(
        name=_PARTS,
        title=source.title,
        description=source.description,
        grain="One row per dimension, currency and part.",
        key=("dimension", "currency", "part"),
        parameters={},
        columns=columns,
        people=("person_count",) if is_shared else (),
        no_people=None if is_shared else "its maker alone reads it",
        body=source.body,
        path=source.path,
    )
