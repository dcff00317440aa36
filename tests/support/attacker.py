"""An attacker: who reads the files of a site and of an export, knows what its words mean, and
solves for the rest.

Nothing here comes from the headers of the queries: what ties the numbers together is written down
once more, from METRICS.md.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from tests.support.unknowns import Row, Unknowns


class Attack(Unknowns):
    """The numbers that are hidden, and all that is known of them."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        super().__init__(tables)
        for name in list(tables):
            writer = getattr(self, "_know_" + name.replace(" ", "_"), None)
            if writer is not None:
                writer(tables[name])
        self._know_across()

    def _know_active(self, table: str) -> None:
        before = None
        columns = ("active_count", "new_count", "returning_count", "resurrected_count")
        for row, (active, new, returning, back) in self.rows(table, *columns):
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
        for _, (opening, new, back, lost, gone, one, two, three, closing) in self.rows(
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
        for _, (dau, wau, mau) in self.rows("stickiness", "dau", "wau", "mau"):
            self.know((1, dau), (-1, wau), at_most=True)
            self.know((1, wau), (-1, mau), at_most=True)
            if before is not None:
                self.know((1, mau), (-1, before), (-1, dau), at_most=True)
            before = mau

    def _know_segment_sizes(self, rows: list[Row]) -> None:
        for _, (people, cooling, ready) in self.rows(
            "segment_sizes", "person_count", "cooling_count", "ready_count"
        ):
            self.know((1, people), (-1, cooling), (-1, ready))

    def _know_mrr_movements(self, rows: list[Row]) -> None:
        before: dict[str, int] = {}
        for row, (opening, closing) in self.rows(
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
        for row, variables in self.rows(table, size, *parts):
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
        found = list(self.rows("power_curve", "user_count", "active_count"))
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
        daily: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, (dau,) in self.rows("stickiness", "dau"):
            daily[f"{row['day'][:7]}-01"].append((1, dau))
        for row, (active, days) in self.rows(
            "stickiness_by_period", "active_count", "user_day_count"
        ):
            self.know((1, active), (-1, days), at_most=True)
            if len(daily[row["period"]]) == monthrange(*map(int, row["period"].split("-")[:2]))[1]:
                self.know((-1, days), *daily[row["period"]])

    def _equate(self, table: str, other: str, columns: Sequence[str]) -> None:
        """Numbers of the rows of two tables by period that are the same ones."""
        found = {row["period"]: numbers for row, numbers in self.rows(other, *columns)}
        for row, numbers in self.rows(table, *columns):
            for one, same in zip(numbers, found.get(row["period"], ()), strict=False):
                self.know((1, one), (-1, same))

    def _know_churn_by_plan(self, rows: list[Row]) -> None:
        before: dict[tuple[str, str], int] = {}
        for row, (opening, gone, closing) in self.rows(
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
        bands = self.rows("churn_risk_by_band", "member_count")
        parts = [(1, n) for row, (n,) in bands if row["band"] not in ("nothing due", "not told")]
        for _, (total,) in self.rows("churn_risk_total", "member_count"):
            self.know((-1, total), *parts)

    def _know_since(self, rows: list[Row]) -> None:
        """The seven days before the day of ``until_on``, and the seven before those."""
        wau = {row["day"]: wau for row, (wau,) in self.rows("stickiness", "wau")}
        months = {row["period"]: n for row, (n,) in self.rows("active_users by month",
                                                               "active_count")}  # fmt: skip
        paid = {(row["month"], row["currency"]): n for row, (n,) in
                self.rows("payers_by_month", "payer_count")}  # fmt: skip
        signed_up = {row["cohort_period"]: n for row, (n,) in
                     self.rows("activity_cohorts", "cohort_size")
                     if row["is_mean"] == "false" and row["segment"] == "all"}  # fmt: skip
        for row, (now, before, moved, gained, lost) in self.rows(
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
                  self.rows("survival_models", "person_count")}  # fmt: skip
        members: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, (count, people) in self.rows("ltv_by_product", "member_count", "person_count"):
            is_whole = row["product_type"] == "all"
            members[row["currency"]].append((-1 if is_whole else 1, count))
            self.know((1, people), (-1, models[row["product_type"]]))
        for terms in members.values():
            self.know(*terms)
        self.cover({"": models["all"]}, [("", n) for scope, n in models.items() if scope != "all"])

    def _know_across(self) -> None:
        self._know_members()
        self._know_windows()
        self._know_signups()
        self._know_ready()
        sizes: dict[str, list[int]] = defaultdict(list)
        for row, (people,) in self.rows("segment_sizes", "person_count"):
            sizes[row["segment"]].append(people)
        for row, (people,) in self.rows("segment_overlaps", "person_count"):
            for name in (row["segment"], row["other_segment"]):
                if name in sizes:
                    self.know((1, people), *((-1, size) for size in sizes[name]), at_most=True)
        for whole, parts, column, period in (
            ("payers_by_month", "revenue_by_month", "payer_count", "month"),
            ("mrr_movements", "mrr_by_product", "member_count", "period"),
        ):
            totals = {
                (row["month"], row["currency"]): total for row, (total,) in self.rows(whole, column)
            }
            self.cover(totals, [((row[period], row["currency"]), part)
                                 for row, (part,) in self.rows(parts, column)])  # fmt: skip

    def _know_ready(self) -> None:
        ready: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row, (count,) in self.rows("segment_sizes", "ready_count"):
            ready[row["segment"]].append((1, count))
        for row, (count,) in self.rows("this_week", "ready_count"):
            self.know((-1, count), *ready[row["segment"]])

    def _know_members(self) -> None:
        closing, joined = {}, {}
        for row, (new, members) in self.rows(
            "churn_by_month", "new_member_count", "closing_member_count"
        ):
            joined[row["month"]], closing[row["month"]] = new, members
        here: dict[str, list[int]] = defaultdict(list)
        cohorts: dict[str, int] = {}
        for row, (size, retained) in self.rows(
            "subscriber_cohorts", "cohort_size", "retained_count"
        ):
            if row["is_mean"] == "false" and row["segment"] == "all":
                here[_add_months(row["cohort_period"], int(row["period_index"]))].append(retained)
                cohorts[row["cohort_period"]] = size
        for month, parts in here.items():
            self.know((-1, closing[month]), *((1, part) for part in parts))
        for month, size in cohorts.items():
            self.know((1, size), (-1, joined[month]))
        found = self.rows("mrr_movements", "member_count")
        self.cover(closing, [(row["month"], part) for row, (part,) in found])
        openings = {
            (row["month"], row["currency"]): opening
            for row, (opening,) in self.rows("mrr_movements", "opening_member_count")
        }
        for row, (opening,) in self.rows("mrr_churn_by_month", "opening_member_count"):
            self.know((1, opening), (-1, openings[row["month"], row["currency"]]))

    def _know_windows(self) -> None:
        by_day = {
            row["day"]: (wau, mau) for row, (wau, mau) in self.rows("stickiness", "wau", "mau")
        }
        for row, (active,) in self.rows("active_users by week", "active_count"):
            last = str(date.fromisoformat(row["period"]) + timedelta(days=6))
            if last in by_day:
                self.know((1, active), (-1, by_day[last][0]))
        months = {}
        for row, (active,) in self.rows("active_users by month", "active_count"):
            months[row["period"]] = active
            last_day = date.fromisoformat(_add_months(row["period"], 1)) - timedelta(days=1)
            if last_day.day == 30 and str(last_day) in by_day:
                self.know((1, active), (-1, by_day[str(last_day)][1]))
        for row, (active,) in self.rows("feature_adoption", "active_count"):
            if row["month"] in months and row["active_count"] != "":
                self.know((1, active), (-1, months[row["month"]]))
        found = self.rows("feature_adoption", "user_count")
        self.cover(months, [(row["month"], users) for row, (users,) in found])

    def _know_signups(self) -> None:
        sizes = {
            row["cohort_period"]: size
            for row, (size,) in self.rows("activity_cohorts", "cohort_size")
            if row["is_mean"] == "false" and row["segment"] == "all"
        }
        for table in ("activation_funnel", "cohort_usage"):
            for row, (size,) in self.rows(table, "cohort_size"):
                if row["cohort_period"] in sizes and row.get("is_mean", "false") == "false":
                    self.know((1, size), (-1, sizes[row["cohort_period"]]))


def _add_months(day: str, months: int) -> str:
    first = date.fromisoformat(day)
    total = first.year * 12 + first.month - 1 + months
    return str(date(total // 12, total % 12 + 1, 1))
