"""The numbers of a site and of an export: what each may be, and which are known in the end."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from sselfie_insights.query.csv_file import to_csv
from sselfie_insights.query.result import Result
from sselfie_insights.report import Page
from tests.support.equations import Equation, System

Row = dict[str, str]
Place = tuple[str, str, str]
"""A table, the key of a row, and a column."""

KEYS = {
    "active_users": ("period",),
    "activation_funnel": ("cohort_period",),
    "activity_cohorts": ("segment", "cohort_period", "period_index"),
    "churn_by_month": ("month",),
    "churn_by_plan": ("month", "currency", "plan"),
    "churn_risk_by_band": ("band",),
    "churn_risk_total": (),
    "cohort_revenue": ("segment", "cohort_period", "currency", "period_index"),
    "day_retention": ("cohort_period",),
    "cohort_usage": ("segment", "cohort_period", "period_index"),
    "feature_adoption": ("month", "feature"),
    "lifecycle": ("segment", "period"),
    "ltv_by_product": ("product_type", "currency"),
    "mrr_by_product": ("period", "currency", "product_type"),
    "mrr_churn_by_month": ("month", "currency"),
    "mrr_movements": ("month", "currency"),
    "payers_by_month": ("month", "currency"),
    "power_curve": ("active_days",),
    "revenue_by_month": ("month", "currency", "product_type"),
    "revenue_cohorts": ("segment", "cohort_period", "currency", "period_index"),
    "segment_overlaps": ("segment", "other_segment"),
    "segment_sizes": ("segment", "reason"),
    "since": ("measure", "currency"),
    "stickiness": ("day",),
    "stickiness_by_period": ("segment", "period"),
    "subscriber_cohorts": ("segment", "cohort_period", "period_index"),
    "survival_models": ("scope",),
    "this_week": ("segment",),
}

SIZES = {
    "active_users": ("active_count",),
    "churn_by_month": ("opening_member_count", "closing_member_count"),
    "mrr_movements": ("opening_member_count", "member_count"),
    "mrr_churn_by_month": ("opening_member_count",),
    "churn_by_plan": ("opening_member_count", "member_count"),
    "churn_risk_by_band": ("member_count",),
    "churn_risk_total": ("member_count",),
    "lifecycle": ("active_count",),
    "ltv_by_product": ("member_count", "person_count"),
    "since": ("now_count",),
    "stickiness_by_period": ("active_count",),
    "survival_models": ("person_count",),
    "this_week": ("ready_count",),
    "segment_sizes": ("person_count",),
    "segment_overlaps": ("person_count",),
    "stickiness": ("mau",),
}
"""The columns that count groups: an empty one is always shown."""


class Found(NamedTuple):
    """A hidden number of which too few values stay possible."""

    place: Place
    mark: str
    values: list[int]


def read_tables(pages: Iterable[Page], exported: Iterable[Result] = ()) -> dict[str, list[Row]]:
    """Return the rows of every CSV file by query, and ``grain`` where it has one."""
    tables: dict[str, dict[tuple[str, ...], Row]] = defaultdict(dict)
    shown = (block.result for page in pages for block in page.data.values())
    for result in (*shown, *exported):
        name = result.name.rpartition("/")[2]
        if name == "active_users":
            name = f"{name} by {result.values['grain']}"
        for row in csv.DictReader(io.StringIO(to_csv(result).decode())):
            tables[name][tuple(row[key] for key in result.key)] = row
    return {name: list(rows.values()) for name, rows in tables.items()}


class Unknowns:
    """The numbers of some tables, and what is known of them together."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.number: dict[Place, int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        self.marks: dict[int, str] = {}
        self.equations: list[Equation] = []

    def at(self, table: str, row: Row, column: str) -> int | None:
        """The variable of a number; None for one that the table does not have there."""
        name = table.partition(" ")[0]
        place = (table, "|".join(row[key] for key in KEYS[name]), column)
        if place not in self.number:
            text = row[column]
            self.number[place] = len(self.low)
            is_group = text == "hidden" and column in SIZES.get(name, ())
            least, most = (1.0, 4.0) if text == "<5" else (float(is_group), np.inf)
            if text.isdigit():
                least = most = float(text)
            self.low.append(least)
            self.high.append(most)
            if text in ("<5", "hidden"):
                self.marks[self.number[place]] = text
        return self.number[place]

    def know(self, *terms: tuple[int, int], at_most: bool = False) -> None:
        sums: dict[int, int] = defaultdict(int)
        for sign, variable in terms:
            sums[variable] += sign
        self.equations.append((dict(sums), -np.inf if at_most else 0.0, 0.0))

    def rows(self, table: str, *columns: str) -> Iterator[tuple[Row, list[int]]]:
        for row in self.tables.get(table, ()):
            yield row, [self.at(table, row, column) for column in columns]  # type: ignore[misc]

    def cover(self, totals: dict, parts: list) -> None:  # type: ignore[type-arg]
        """Parts that may share people: each is at most the whole, and together at least it."""
        of: dict[object, list[int]] = defaultdict(list)
        for key, part in parts:
            of[key].append(part)
        for key, total in totals.items():
            for part in of[key]:
                self.know((1, part), (-1, total), at_most=True)
            if of[key]:
                self.know((1, total), *((-1, part) for part in of[key]), at_most=True)

    def find_known(self) -> list[Found]:
        """Return the hidden numbers of which too few values stay possible.

        Each of 1 to 4 has to behind ``<5``, and five numbers behind ``hidden``, or each of 1 to 4.
        """
        self._join()
        places = {variable: place for place, variable in self.number.items()}
        found, rng = [], np.random.default_rng(1)
        for component in self._components():
            if self.marks.keys().isdisjoint(component):
                continue
            system = System(component, self.low, self.high, self.equations)
            system.look_around(rng)
            for variable in component:
                mark = self.marks.get(variable, "")
                if mark == "<5":
                    values = [value for value in (1, 2, 3, 4) if system.allows(variable, value)]
                    enough = len(values) == 4
                elif mark == "hidden":
                    values = system.list_some(variable, 5)
                    enough = len(values) == 5 or values == [1, 2, 3, 4]
                else:
                    continue
                if not enough:
                    found.append(Found(places[variable], mark, values))
        return found

    def _join(self) -> None:
        """Make one variable of those that are one number."""
        same = list(range(len(self.low)))

        def find(variable: int) -> int:
            while same[variable] != variable:
                variable = same[variable]
            return variable

        for terms, low, _ in self.equations:
            if low == 0 and sorted(terms.values()) == [-1, 1]:
                one, other = sorted(map(find, terms))
                same[other] = one
                self.low[one] = max(self.low[one], self.low[other])
                self.high[one] = min(self.high[one], self.high[other])
                if "<5" in (mark := [self.marks.pop(v, "") for v in {one, other}]) or any(mark):
                    self.marks[one] = "<5" if "<5" in mark else "hidden"
        joined = []
        for terms, low, high in self.equations:
            sums: dict[int, int] = defaultdict(int)
            for variable, sign in terms.items():
                sums[find(variable)] += sign
            joined.append(({v: sign for v, sign in sums.items() if sign}, low, high))
        self.equations = joined

    def _components(self) -> Iterator[list[int]]:
        unknown = {v for v in range(len(self.low)) if self.low[v] != self.high[v]}
        near: dict[int, set[int]] = {variable: set() for variable in unknown}
        for terms, _, _ in self.equations:
            members = [variable for variable in terms if variable in unknown]
            for variable in members[1:]:
                near[members[0]].add(variable)
                near[variable].add(members[0])
        left = set(unknown)
        while left:
            edge, component = [left.pop()], set[int]()
            while edge:
                variable = edge.pop()
                component.add(variable)
                edge += near[variable] - component
            left -= component
            yield sorted(component)
