"""An attacker: who reads the files of a site and of an export, knows what its words mean, and
solves for the rest.

Nothing here comes from the headers of the queries: what ties the numbers together is written down
once more, from METRICS.md.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
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


class Attack:
    """The unknown numbers, and what is known of them together."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.number: dict[Place, int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        self.marks: dict[int, str] = {}
        self.equations: list[Equation] = []
        for name in list(tables):
            writer = getattr(self, "_know_" + name.replace(" ", "_"), None)
            if writer is not None:
                writer(tables[name])
        self._know_across()

    def at(self, table: str, row: Row, column: str) -> int | None:
        """The variable of a number; None for one that the table does not have there."""
        name = table.partition(" ")[0]
        place = (table, "|".join(row[key] for key in KEYS[name]), column)
        if place not in self.number:
            text = row[column]
            self.number[place] = len(self.low)
            is_group = text == "hidden" and column in _SIZES.get(name, ())
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

    def _rows(self, table: str, *columns: str) -> Iterator[tuple[Row, list[int]]]:
        for row in self.tables.get(table, ()):
            yield row, [self.at(table, row, column) for column in columns]  # type: ignore[misc]

    def _know_active(self, table: str) -> None:
        before = None
        columns = ("active_count", "new_count", "returning_count", "resurrected_count")
        for row, (active, new, returning, back) in self._rows(table, *columns):
            self.know((1, active), (-1, new), (-1, returning), (-1, back))
            if before is not None:
                dormant = self.at(table, row, "dormant_count")
                self.know((1, before), (-1, returning), (-1, dormant))  # type: ignore[arg-type]
            before = active

    def _know_active_users_by_month(self, rows: list[Row]) -> None:
        self._know_active("active_users by month")

    def _know_active_users_by_week(self, rows: list[Row]) -> None:
        self._know_active("active_users by week")

    def _know_churn_by_month(self, rows: list[Row]) -> None:
        before = None
        for _, (opening, new, back, lost, gone, one, two, three, closing) in self._rows(
            "churn_by_month", "opening_member_count", "new_member_count", "reactivated_count",
            "churned_member_count", "opening_churned_count", "voluntary_count",
            "involuntary_count", "unknown_count", "closing_member_count",
        ):  # fmt: skip
            self.know((1, closing), (-1, opening), (-1, new), (-1, back), (1, lost))
            self.know((1, lost), (-1, one), (-1, two), (-1, three))
            self.know((1, gone), (-1, opening), at_most=True)
            self.know((1, gone), (-1, lost), at_most=True)
            if before is not None:
                self.know((1, opening), (-1, before))
            before = closing

    def _know_stickiness(self, rows: list[Row]) -> None:
        before = None
        for _, (dau, wau, mau) in self._rows("stickiness", "dau", "wau", "mau"):
            self.know((1, dau), (-1, wau), at_most=True)
            self.know((1, wau), (-1, mau), at_most=True)
            if before is not None:
                self.know((1, mau), (-1, before), (-1, dau), at_most=True)
            before = mau

    def _know_segment_sizes(self, rows: list[Row]) -> None:
        for _, (people, cooling, ready) in self._rows(
            "segment_sizes", "person_count", "cooling_count", "ready_count"
        ):
            self.know((1, people), (-1, cooling), (-1, ready))

    def _know_mrr_movements(self, rows: list[Row]) -> None:
        before: dict[str, int] = {}
        for row, (opening, closing) in self._rows(
            "mrr_movements", "opening_member_count", "member_count"
        ):
            if row["currency"] in before:
                self.know((1, opening), (-1, before[row["currency"]]))
            before[row["currency"]] = closing

    def _know_cohorts(self, table: str, size: str, *parts: str) -> None:
        """The rows of a cohort have one size; a mean adds up those that are in it."""
        sizes: dict[tuple[str, ...], int] = {}
        sums: dict[tuple[str, ...], list[tuple[int, ...]]] = defaultdict(list)
        means: dict[tuple[str, ...], tuple[int, ...]] = {}
        for row, variables in self._rows(table, size, *parts):
            at = (row["segment"], row.get("currency", ""), row["period_index"])
            if row["is_mean"] == "true":
                means[at] = tuple(variables)
                continue
            first = sizes.setdefault((*at[:2], row["cohort_period"]), variables[0])
            self.know((1, first), (-1, variables[0]))
            for part in variables[1:]:
                self.know((1, part), (-1, first), at_most=True)
            if row["is_in_mean"] == "true":
                sums[at].append(tuple(variables))
        for at, mean in means.items():
            for index, variable in enumerate(mean):
                self.know((-1, variable), *((1, each[index]) for each in sums[at]))

    def _know_subscriber_cohorts(self, rows: list[Row]) -> None:
        self._know_cohorts("subscriber_cohorts", "cohort_size", "at_risk_count", "retained_count")

    def _know_activity_cohorts(self, rows: list[Row]) -> None:
        self._know_cohorts("activity_cohorts", "cohort_size", "at_risk_count", "retained_count")

    def _know_revenue_cohorts(self, rows: list[Row]) -> None:
        self._know_cohorts("revenue_cohorts", "cohort_size")

    def _know_cohort_revenue(self, rows: list[Row]) -> None:
        self._know_cohorts("cohort_revenue", "cohort_size", "payer_count")

    def _know_power_curve(self, rows: list[Row]) -> None:
        found = list(self._rows("power_curve", "user_count", "active_count"))
        for _, (_, active) in found:
            self.know((-1, active), *((1, users) for _, (users, _) in found))

    def _know_lifecycle(self, rows: list[Row]) -> None:
        """All of whoever is active, as nothing is split: those of the months."""
        self._know_active("lifecycle")
        names = ("active_count", "new_count", "returning_count", "resurrected_count",
                 "dormant_count")  # fmt: skip
        self._equate("lifecycle", "active_users by month", names)

    def _know_stickiness_by_period(self, rows: list[Row]) -> None:
        self._equate("stickiness_by_period", "active_users by month", ["active_count"])

    def _equate(self, table: str, other: str, columns: Sequence[str]) -> None:
        """Numbers of the rows of two tables by period that are the same ones."""
        found = {row["period"]: numbers for row, numbers in self._rows(other, *columns)}
        for row, numbers in self._rows(table, *columns):
            for one, same in zip(numbers, found.get(row["period"], ()), strict=False):
                self.know((1, one), (-1, same))

    def _know_churn_by_plan(self, rows: list[Row]) -> None:
        before: dict[tuple[str, str], int] = {}
        for row, (opening, gone, closing) in self._rows(
            "churn_by_plan", "opening_member_count", "opening_churned_count", "member_count"
        ):
            plan = (row["currency"], row["plan"])
            self.know((1, gone), (-1, opening), at_most=True)
            if plan in before:
                self.know((1, opening), (-1, before[plan]))
            before[plan] = closing

    def _know_cohort_usage(self, rows: list[Row]) -> None:
        self._know_cohorts("cohort_usage", "cohort_size", "active_count")

    def _know_churn_risk_total(self, rows: list[Row]) -> None:
        bands = self._rows("churn_risk_by_band", "member_count")
        parts = [(1, n) for row, (n,) in bands if row["band"] not in ("nothing due", "not told")]
        for _, (total,) in self._rows("churn_risk_total", "member_count"):
            self.know((-1, total), *parts)

    def _know_since(self, rows: list[Row]) -> None:
        """The seven days before the day of ``until_on``, and the seven before those."""
        wau = {row["day"]: wau for row, (wau,) in self._rows("stickiness", "wau")}
        months = {row["period"]: n for row, (n,) in self._rows("active_users by month",
                                                               "active_count")}  # fmt: skip
        paid = {(row["month"], row["currency"]): n for row, (n,) in
                self._rows("payers_by_month", "payer_count")}  # fmt: skip
        signed_up = {row["cohort_period"]: n for row, (n,) in
                     self._rows("activity_cohorts", "cohort_size")
                     if row["is_mean"] == "false" and row["segment"] == "all"}  # fmt: skip
        for row, (now, before, moved, gained, lost) in self._rows(
            "since", "now_count", "before_count", "moved_count", "gained_count", "lost_count"
        ):
            if row["measure"] in ("mrr", "members"):
                self.know((1, moved), (-1, gained), (-1, lost))
                if row["measure"] == "members":
                    self.know((1, now), (-1, before), (-1, gained), (1, lost))
                continue
            self.know((1, moved), (-1, before))
            first = date.fromisoformat(row["since_on"])
            for count, begin in ((now, first), (before, first - timedelta(days=7))):
                end = begin + timedelta(days=6)
                if row["measure"] == "active_users" and str(end) in wau:
                    self.know((1, count), (-1, wau[str(end)]))
                if begin.month != end.month:
                    continue
                month = str(begin.replace(day=1))
                whole = {
                    "active_users": months.get(month),
                    "net_revenue": paid.get((month, row["currency"])),
                    "signups": signed_up.get(month),
                }[row["measure"]]
                if whole is not None:
                    self.know((1, count), (-1, whole), at_most=True)

    def _know_ltv_by_product(self, rows: list[Row]) -> None:
        models = {row["scope"]: people for row, (people,) in
                  self._rows("survival_models", "person_count")}  # fmt: skip
        members: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, (count, people) in self._rows("ltv_by_product", "member_count", "person_count"):
            is_whole = row["product_type"] == "all"
            members[row["currency"]].append((-1 if is_whole else 1, count))
            self.know((1, people), (-1, models[row["product_type"]]))
        for terms in members.values():
            self.know(*terms)
        self._cover({"": models["all"]}, [("", n) for scope, n in models.items() if scope != "all"])

    def _know_across(self) -> None:
        self._know_members()
        self._know_windows()
        self._know_signups()
        self._know_ready()
        sizes: dict[str, list[int]] = defaultdict(list)
        for row, (people,) in self._rows("segment_sizes", "person_count"):
            sizes[row["segment"]].append(people)
        for row, (people,) in self._rows("segment_overlaps", "person_count"):
            for name in (row["segment"], row["other_segment"]):
                if name in sizes:
                    self.know((1, people), *((-1, size) for size in sizes[name]), at_most=True)
        for whole, parts, column, period in (
            ("payers_by_month", "revenue_by_month", "payer_count", "month"),
            ("mrr_movements", "mrr_by_product", "member_count", "period"),
        ):
            totals = {
                (row["month"], row["currency"]): total
                for row, (total,) in self._rows(whole, column)
            }
            self._cover(totals, [((row[period], row["currency"]), part)
                                 for row, (part,) in self._rows(parts, column)])  # fmt: skip

    def _cover(self, totals: dict, parts: list) -> None:  # type: ignore[type-arg]
        """Parts that may share people: each is at most the whole, and together at least it."""
        of: dict[object, list[int]] = defaultdict(list)
        for key, part in parts:
            of[key].append(part)
        for key, total in totals.items():
            for part in of[key]:
                self.know((1, part), (-1, total), at_most=True)
            if of[key]:
                self.know((1, total), *((-1, part) for part in of[key]), at_most=True)

    def _know_ready(self) -> None:
        ready: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, (count,) in self._rows("segment_sizes", "ready_count"):
            ready[row["segment"]].append((1, count))
        for row, (count,) in self._rows("this_week", "ready_count"):
            self.know((-1, count), *ready[row["segment"]])

    def _know_members(self) -> None:
        closing, joined = {}, {}
        for row, (new, members) in self._rows(
            "churn_by_month", "new_member_count", "closing_member_count"
        ):
            joined[row["month"]], closing[row["month"]] = new, members
        here: dict[str, list[int]] = defaultdict(list)
        cohorts: dict[str, int] = {}
        for row, (size, retained) in self._rows(
            "subscriber_cohorts", "cohort_size", "retained_count"
        ):
            if row["is_mean"] == "false" and row["segment"] == "all":
                here[_add_months(row["cohort_period"], int(row["period_index"]))].append(retained)
                cohorts[row["cohort_period"]] = size
        for month, parts in here.items():
            self.know((-1, closing[month]), *((1, part) for part in parts))
        for month, size in cohorts.items():
            self.know((1, size), (-1, joined[month]))
        found = self._rows("mrr_movements", "member_count")
        self._cover(closing, [(row["month"], part) for row, (part,) in found])
        openings = {
            (row["month"], row["currency"]): opening
            for row, (opening,) in self._rows("mrr_movements", "opening_member_count")
        }
        for row, (opening,) in self._rows("mrr_churn_by_month", "opening_member_count"):
            self.know((1, opening), (-1, openings[row["month"], row["currency"]]))

    def _know_windows(self) -> None:
        by_day = {
            row["day"]: (wau, mau) for row, (wau, mau) in self._rows("stickiness", "wau", "mau")
        }
        for row, (active,) in self._rows("active_users by week", "active_count"):
            last = str(date.fromisoformat(row["period"]) + timedelta(days=6))
            if last in by_day:
                self.know((1, active), (-1, by_day[last][0]))
        months = {}
        for row, (active,) in self._rows("active_users by month", "active_count"):
            months[row["period"]] = active
            last_day = date.fromisoformat(_add_months(row["period"], 1)) - timedelta(days=1)
            if last_day.day == 30 and str(last_day) in by_day:
                self.know((1, active), (-1, by_day[str(last_day)][1]))
        for row, (active,) in self._rows("feature_adoption", "active_count"):
            if row["month"] in months and row["active_count"] != "":
                self.know((1, active), (-1, months[row["month"]]))
        found = self._rows("feature_adoption", "user_count")
        self._cover(months, [(row["month"], users) for row, (users,) in found])

    def _know_signups(self) -> None:
        sizes = {
            row["cohort_period"]: size
            for row, (size,) in self._rows("activity_cohorts", "cohort_size")
            if row["is_mean"] == "false" and row["segment"] == "all"
        }
        for table in ("activation_funnel", "cohort_usage"):
            for row, (size,) in self._rows(table, "cohort_size"):
                if row["cohort_period"] in sizes and row.get("is_mean", "false") == "false":
                    self.know((1, size), (-1, sizes[row["cohort_period"]]))

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


_SIZES = {
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


def _add_months(day: str, months: int) -> str:
    first = date.fromisoformat(day)
    total = first.year * 12 + first.month - 1 + months
    return str(date(total // 12, total % 12 + 1, 1))
