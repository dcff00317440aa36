"""Activity cohorts against hand computation and against a brute force in plain Python."""

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_query
from tests.support.periods import DAYS, ZONES, add
from tests.support.periods import trunc as find_first_day
from tests.support.warehouses import User, write_segment, write_warehouse

FEATURES = ("image", "chat", "training")
STARTS = ("signup", "first_payment", "first_subscription", "first_activity", "each_activity")
QUERY = load_query("retention/activity_cohorts")


def run(path: Path, **given: str) -> list[dict[str, Any]]:
    with OpenWarehouse(path) as opened:
        return run_query(opened, QUERY, given).frame.to_dicts()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three users, January to the middle of March 2026."""
    users = [
        User("ada", at("2026-01-20T12:00"), [
            # Before the start's instant, in the start's month: counts in period 0.
            (at("2026-01-02T00:00"), "image"), (at("2026-02-10T10:00"), "chat"),
        ]),
        User("bo", at("2026-01-31T23:30"), [(at("2026-03-02T08:00"), "image")]),
        User("cy", at("2026-03-01T00:00"), []),
    ]  # fmt: skip
    return write_warehouse(tmp_path / "w.duckdb", users, as_of=at("2026-03-15T12:00"))


def test_hand_computed_months(small: Path) -> None:
    rows = run(small)
    cells = {
        (str(row["cohort_period"] or "mean").removesuffix("-01"), row["period_index"]): (
            row["cohort_size"],
            row["at_risk_count"],
            row["retained_count"],
            row["is_complete"],
        )
        for row in rows
    }
    assert cells == {
        ("2026-01", 0): (2, 2, 1, True),
        ("2026-01", 1): (2, 2, 1, True),
        ("2026-01", 2): (2, 2, 1, False),
        # February has no starts: a row of zeros, dense.
        ("2026-02", 0): (0, 0, 0, True),
        ("2026-02", 1): (0, 0, 0, False),
        ("2026-03", 0): (1, 1, 0, False),
        # Over January alone: February is empty, what March is part of still runs.
        ("mean", 0): (2, 2, 1, True),
        ("mean", 1): (2, 2, 1, True),
    }


def test_hand_computed_interval(small: Path) -> None:
    # Wilson for 1 of 2 at 95 %: 0.5 ± z·sqrt(1/8 + z²/16)/(1 + z²/2) = 0.0945, 0.9055.
    row = run(small)[0]
    assert row["retention_rate"] == 0.5
    assert row["low"] == pytest.approx(0.0945, abs=5e-5)
    assert row["high"] == pytest.approx(0.9055, abs=5e-5)


def test_the_reporting_zone_moves_a_start_into_the_next_month(tmp_path: Path) -> None:
    users = [User("bo", at("2026-01-31T23:30"), [])]
    path = write_warehouse(tmp_path / "w.duckdb", users, at("2026-02-05T00:00"), "Europe/Oslo")
    assert run(path)[0]["cohort_period"] == date(2026, 2, 1)


def test_the_last_microsecond_of_a_month_ends_it(tmp_path: Path) -> None:
    users = [User("bo", at("2026-01-05T00:00"), [])]
    end = at("2026-02-01T00:00") - timedelta(microseconds=1)
    assert run(write_warehouse(tmp_path / "a.duckdb", users, end))[0]["is_complete"]
    before = end - timedelta(microseconds=1)
    assert not run(write_warehouse(tmp_path / "b.duckdb", users, before))[0]["is_complete"]


def test_on_or_after_is_non_increasing(small: Path) -> None:
    january = [row["retained_count"] for row in run(small, mode="on_or_after")[:3]]
    assert january == [2, 2, 1]


def test_equal_brackets_count_once(small: Path) -> None:
    rows = run(small, mode="bracket", brackets="1-2,0-0,01-2")[:2]
    assert [(row["period_label"], row["retained_count"]) for row in rows] == [("0", 1), ("1-2", 2)]


def test_a_week_begins_on_the_weekday_of_the_setting(tmp_path: Path) -> None:
    # Sunday, 4 January 2026, and Saturday, 10 January, are one week from Sunday, two from Monday.
    users = [User("ada", at("2026-01-04T12:00"), [(at("2026-01-10T12:00"), "image")])]
    as_of = at("2026-01-10T18:00")
    for offset, cells in (
        (0, [(date(2025, 12, 29), 0, 0), (date(2025, 12, 29), 1, 1), (date(2026, 1, 5), 0, 0)]),
        (6, [(date(2026, 1, 4), 0, 1)]),
        (5, [(date(2026, 1, 3), 0, 0), (date(2026, 1, 3), 1, 1), (date(2026, 1, 10), 0, 0)]),
    ):
        path = tmp_path / f"{offset}.duckdb"
        write_warehouse(path, users, as_of, first_week_on=date(1, 1, 1 + offset))
        assert [
            (row["cohort_period"], row["period_index"], row["retained_count"])
            for row in run(path, grain="week")
            if not row["is_mean"]
        ] == cells


def test_since_and_until_take_whole_cohorts_of_the_dense_run(small: Path) -> None:
    # Nobody started in February: it is there with zeros, and nothing is before January.
    # The means are those of the cohorts asked for.
    for since, until, months in (
        ("2026-02-28", None, ["2026-02", "2026-03"]),
        (None, "2026-02-01", ["2026-01", "2026-02"]),
        ("2026-02-01", "2026-02-01", ["2026-02"]),
        ("2020-05-05", "2025-12-31", []),
        ("2026-04-01", "2027-01-01", []),
    ):
        given = {"since": since, "until": until}
        rows = run(small, **{name: day for name, day in given.items() if day})
        expected = [row for row in run(small) if str(row["cohort_period"])[:7] in months]
        assert [row for row in rows if not row["is_mean"]] == expected, given


@dataclass(frozen=True)
class Member:
    """Somebody in a cohort: when their periods begin and how often they were active in each."""

    begins: Callable[[int], datetime | date]
    now: datetime | date
    ended: datetime | date
    events: Counter[int]

    def has_begun(self, index: int) -> bool:
        return self.begins(index) <= self.now

    def has_ended(self, index: int) -> bool:
        return self.begins(index + 1) <= self.ended


def is_mine(user: User) -> bool:
    """Whether somebody is in the segment of ``write_segment``."""
    return user.brand_style == "minimal" and user.acquisition == "direct"


Cell = tuple[int, int, int, bool, bool]
Cells = dict[tuple[str, date | None, int], Cell]


def brute_force(
    users: list[User], as_of: datetime, zone: str, week_start: int, given: dict[str, str]
) -> Cells:
    """Person by person and cell by cell, as METRICS §4 reads, with sets and loops.

    Returns size, at risk, retained, is_complete and is_in_mean by segment, cohort and index; means
    stand under the cohort None.
    """
    tz = ZoneInfo(zone)
    trunc = partial(find_first_day, week_start=week_start)
    grain = given.get("grain", "month")
    cohort_grain = grain if given.get("cohort", "grain") == "grain" else given["cohort"]
    is_rolling = given.get("window") == "rolling"
    tick = timedelta(microseconds=1)

    def local(moment: datetime) -> date:
        return moment.astimezone(tz).date()

    def join(moment: datetime, user: User) -> Member:
        if is_rolling:
            length = timedelta(days=DAYS[grain])
            begins: Callable[[int], Any] = lambda index: moment + index * length  # noqa: E731
            now: Any = as_of
            ended: Any = as_of + tick
        else:
            first = trunc(local(moment), grain)
            begins = lambda index: add(first, index, grain)  # noqa: E731
            now, ended = local(as_of), local(as_of + tick)
        events: Counter[int] = Counter()
        for happened, feature in user.activity:
            at = happened if is_rolling else local(happened)
            if (
                happened > as_of
                or at < begins(0)
                or given.get("return", "any") not in ("any", feature)
            ):
                continue
            index = 0
            while begins(index + 1) <= at:
                index += 1
            events[index] += 1
        return Member(begins, now, ended, events)

    groups: dict[tuple[str, date], list[Member]] = {}
    for user in users:
        if user.signed_up_at > as_of:
            continue
        if ("only" in given and not is_mine(user)) or ("without" in given and is_mine(user)):
            continue
        start = given.get("start", "signup")
        if start == "each_activity":
            periods: dict[date, datetime] = {}
            for moment, _ in sorted(user.activity):
                if moment <= as_of:
                    periods.setdefault(trunc(local(moment), cohort_grain), moment)
            moments = list(periods.values())
        else:
            first_moment = user.start(start)
            moments = [] if first_moment is None or first_moment > as_of else [first_moment]
        breakdown = given.get("breakdown", "none")
        if breakdown == "none":
            segment = "all"
        elif breakdown == "segment:mine":
            segment = "in mine" if is_mine(user) else "not in mine"
        else:
            value = getattr(user, breakdown)
            segment = "(none)" if value is None else str(value).lower()
        for moment in moments:
            cohort = trunc(local(moment), cohort_grain)
            groups.setdefault((segment, cohort), []).append(join(moment, user))
    if not groups:
        return {}
    if "top" in given:
        sizes = Counter({name: 0 for name, _ in groups})
        for (name, _), members in groups.items():
            sizes[name] += len(members)
        largest = sorted(sizes, key=lambda name: (-sizes[name], name))[: int(given["top"])]
        merged: dict[tuple[str, date], list[Member]] = {}
        for (name, period), members in groups.items():
            merged.setdefault((name if name in largest else "(other)", period), []).extend(members)
        groups = merged
    mode = given.get("mode", "on")
    spans = None
    if mode == "bracket":
        pairs = [part.split("-") for part in given["brackets"].split(",")]
        spans = [(int(pair[0]), int(pair[-1])) for pair in pairs]
    since, until = (
        date.fromisoformat(given[name]) if name in given else None for name in ("since", "until")
    )
    cells: Cells = {}
    for segment in {segment for segment, _ in groups}:
        cohort = min(period for _, period in groups)
        while cohort <= local(as_of):
            following = add(cohort, 1, cohort_grain)
            is_asked = (since is None or cohort >= trunc(since, cohort_grain)) and (
                until is None or cohort <= trunc(until, cohort_grain)
            )
            members = groups.get((segment, cohort), [])
            if is_asked:
                for low, high in spans or ((k, k) for k in range(int(given.get("periods", 9999)))):
                    cell = _fill(cohort, following, members, low, high, local, trunc, as_of, given)
                    if cell is None and spans is None:
                        break
                    if cell is not None:
                        cells[segment, cohort, low] = cell
            cohort = following
    for segment, low in {(segment, low) for segment, _, low in cells}:
        parts = [
            cell for (name, _, index), cell in cells.items() if (name, index) == (segment, low)
        ]
        at_risk, retained = (sum(cell[place] for cell in parts if cell[4]) for place in (1, 2))
        if at_risk:
            whole = mode != "on_or_after" or retained == at_risk
            cells[segment, None, low] = (at_risk, at_risk, retained, whole, True)
    return cells


def _fill(
    cohort: date, following: date, members: list[Member], low: int, high: int,
    local: Callable[[datetime], date], trunc: Callable[[date, str], date], as_of: datetime,
    given: dict[str, str],
) -> Cell | None:  # fmt: skip
    mode, at_least = given.get("mode", "on"), int(given.get("at_least", 1))
    grain, today = given.get("grain", "month"), local(as_of)
    ended_on = local(as_of + timedelta(microseconds=1))
    if members:
        begun = [member for member in members if member.has_begun(low)]
        if not begun:
            return None
        ended = all(member.has_ended(high) for member in members)
    else:  # as if somebody had begun on the cohort's first day, and another on its last
        begun = []
        if given.get("window") == "rolling":
            if cohort + timedelta(days=low * DAYS[grain]) > today:
                return None
            ended = following + timedelta(days=(high + 1) * DAYS[grain]) <= ended_on
        else:
            if add(trunc(cohort, grain), low, grain) > today:
                return None
            last = trunc(following - timedelta(days=1), grain)
            ended = add(last, high + 1, grain) <= ended_on
    ended = ended and following <= ended_on
    retained = 0
    for member in members:
        if mode == "bracket":
            retained += sum(n for k, n in member.events.items() if low <= k <= high) >= at_least
        else:
            reached = {k for k, n in member.events.items() if n >= at_least}
            retained += low in reached if mode == "on" else any(k >= low for k in reached)
    is_complete = ended and (mode != "on_or_after" or retained == len(members))
    return len(members), len(begun), retained, is_complete, ended and bool(members)


def random_users(rng: random.Random) -> tuple[list[User], datetime]:
    origin = at("2025-11-20T00:00")
    days = rng.choice([40, 75, 100])
    as_of = origin + timedelta(days=days, seconds=rng.choice([0, -1e-6, 43_211]))

    def moment() -> datetime:
        # Some instants fall after as_of: they do not exist yet.
        return origin + timedelta(seconds=rng.randrange(int((days + 5) * 86_400)))

    users = []
    for number in range(rng.randrange(1, 30)):
        payment = moment() if rng.random() < 0.6 else None
        users.append(
            User(
                f"u{number}",
                moment(),
                [(moment(), rng.choice(FEATURES)) for _ in range(rng.randrange(0, 9))],
                first_payment_at=payment,
                first_subscription_at=payment if rng.random() < 0.5 else None,
                product=rng.choice(["pro", "starter", None]),
                first_product=rng.choice(["pro", "one_time_session", None]),
                acquisition=rng.choice(["freebie", "direct"]),
                brand_style=rng.choice(["minimal", None]),
                is_onboarded=rng.random() < 0.5,
            )
        )
    return users, as_of


def draw_options(rng: random.Random) -> dict[str, str]:
    """Draw a combination of parameters that means something."""
    grain = rng.choice(["day"] * 5 + ["week", "two_weeks", "month", "quarter", "year"])
    given = {
        "grain": grain,
        "mode": rng.choice(["on", "on_or_after", "bracket"]),
        "start": rng.choice(STARTS),
        "return": rng.choice(["any", "chat"]),
        "at_least": rng.choice(["1", "1", "2", "3"]),
        "breakdown": rng.choice(
            ["none", "product", "acquisition", "brand_style", "is_onboarded", "segment:mine"]
        ),
    }
    if given["breakdown"] != "none" and rng.random() < 0.3:
        given["top"] = "1"
    given |= rng.choice([{}, {}, {}, {"only": "mine"}, {"without": "mine"}])
    if grain in DAYS:
        given["window"] = rng.choice(["calendar", "rolling"])
    longer = {"day": ["week", "month", "quarter"], "week": ["month", "quarter"],
              "two_weeks": ["month", "quarter"], "month": ["quarter"]}.get(grain, [])  # fmt: skip
    given["cohort"] = rng.choice(["grain", "grain", *longer])
    # Days before the first start, in the middle, and after as_of.
    day = date(2025, 11, 1) + timedelta(days=rng.randrange(130))
    if rng.random() < 0.4:
        given["since"] = day.isoformat()
    if rng.random() < 0.3:
        given["until"] = (day + timedelta(days=20)).isoformat()
    if given["mode"] == "bracket":
        given["brackets"] = rng.choice(["0,1-3,4-7", "1-2,3-30", "0-4"])
    elif rng.random() < 0.3:
        given["periods"] = rng.choice(["1", "4", "20"])
    return given


@pytest.mark.parametrize("zone", ZONES)
def test_combinations_equal_the_brute_force(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    rng = random.Random(zone)
    count = 0
    while count < 5_000:
        users, as_of = random_users(rng)
        week_start = rng.choice([0, 0, 1, 5, 6])
        first_week_on = date(1, 1, 1 + week_start)
        path = write_warehouse(tmp_path / f"{count}.duckdb", users, as_of, zone, first_week_on)
        with OpenWarehouse(path) as opened:
            for _ in range(20):
                given = draw_options(rng)
                frame = run_query(opened, QUERY, given).frame
                cells = {
                    (row["segment"], row["cohort_period"], row["period_index"]): (
                        row["cohort_size"],
                        row["at_risk_count"],
                        row["retained_count"],
                        row["is_complete"],
                        row["is_mean"] or row["is_in_mean"],
                    )
                    for row in frame.iter_rows(named=True)
                }
                assert len(cells) == frame.height
                assert cells == brute_force(users, as_of, zone, week_start, given), given
                for row in frame.iter_rows(named=True):
                    check_interval(row)
                check_previous_rates(frame, given["mode"])
                count += len(cells)


def check_previous_rates(frame: pl.DataFrame, mode: str) -> None:
    cells = {
        (row["segment"], row["cohort_period"], row["period_index"]): row
        for row in frame.iter_rows(named=True)
    }
    for (segment, cohort, index), row in cells.items():
        before = cells.get((segment, cohort, index - 1), {}).get("retained_count")
        if cohort is None or mode == "bracket" or not before:
            assert row["previous_rate"] is None
        else:
            assert row["previous_rate"] == pytest.approx(row["retained_count"] / before)


def check_interval(row: dict[str, Any]) -> None:
    n, x = row["at_risk_count"], row["retained_count"]
    if not n:
        assert row["retention_rate"] is None and row["low"] is None and row["high"] is None
        return
    assert row["retention_rate"] == pytest.approx(x / n)
    # The ends are the roots p of (x/n - p)^2 = z^2 p (1 - p) / n.
    z = 1.959963984540054
    for p in (row["low"], row["high"]):
        assert math.isclose((x / n - p) ** 2, z * z * p * (1 - p) / n, abs_tol=1e-12)
    assert row["low"] <= x / n <= row["high"]


def in_segment(rows: list[dict[str, Any]], name: str) -> list[tuple[int, int, int]]:
    return [
        (row["period_index"], row["cohort_size"], row["retained_count"])
        for row in rows
        if row["segment"] == name and row["cohort_period"] == date(2026, 1, 1)
    ]


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four who signed up in January 2026, as of the end of February; ada and bo are "mine"."""
    write_segment(tmp_path)
    monkeypatch.chdir(tmp_path)
    january, february = at("2026-01-10T00:00"), at("2026-02-10T00:00")

    def user(name: str, *moments: datetime, **more: Any) -> User:
        return User(name, january, [(moment, "image") for moment in moments], **more)

    mine = {"brand_style": "minimal", "acquisition": "direct"}
    users = [
        user("ada", january, february, product="pro", **mine),
        user("bo", january, product="pro", **mine),
        user("cy", february, product="starter", acquisition="direct"),
        user("di", product=None, acquisition="freebie", is_onboarded=True),
    ]
    return write_warehouse(tmp_path / "w.duckdb", users, at("2026-02-28T23:59"))


@pytest.mark.parametrize(
    ("given", "segments"),
    [
        ({"breakdown": "product"},
         {"pro": [(0, 2, 2), (1, 2, 1)], "starter": [(0, 1, 0), (1, 1, 1)],
          "(none)": [(0, 1, 0), (1, 1, 0)]}),
        ({"breakdown": "is_onboarded"},
         {"false": [(0, 3, 2), (1, 3, 2)], "true": [(0, 1, 0), (1, 1, 0)]}),
        ({"breakdown": "segment:mine"},
         {"in mine": [(0, 2, 2), (1, 2, 1)], "not in mine": [(0, 2, 0), (1, 2, 1)]}),
        ({"breakdown": "product", "top": "1"},
         {"pro": [(0, 2, 2), (1, 2, 1)], "(other)": [(0, 2, 0), (1, 2, 1)]}),
        ({"only": "mine"}, {"all": [(0, 2, 2), (1, 2, 1)]}),
        ({"without": "mine"}, {"all": [(0, 2, 0), (1, 2, 1)]}),
    ],
)  # fmt: skip
def test_who_is_split_and_who_is_asked_for(
    mixed: Path, given: dict[str, str], segments: dict[str, list[tuple[int, int, int]]]
) -> None:
    rows = run(mixed, **given)
    assert {row["segment"] for row in rows} == segments.keys()
    assert {name: in_segment(rows, name) for name in segments} == segments


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"breakdown": "prodct"}, "'breakdown' cannot be 'prodct'; did you mean 'product'"),
        ({"breakdown": "segment:mien"}, "unknown segment 'mien'; did you mean 'mine'"),
        ({"only": "mien"}, "'only': unknown segment 'mien'; did you mean 'mine'"),
        ({"top": "3"}, "nothing is split"),
        ({"window": "rolling"}, "window=rolling and grain=month do not go .*not equally long"),
        ({"cohort": "week"}, "cohort=week and grain=month .*cannot be shorter"),
        ({"mode": "bracket", "periods": "3"}, "the brackets say which"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(
    mixed: Path, given: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(mixed, **given)
