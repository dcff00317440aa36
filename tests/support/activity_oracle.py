"""Activity cohorts counted row by row, and random users and questions to hold queries against."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.periods import DAYS, add
from tests.support.periods import trunc as find_first_day
from tests.support.warehouses import User

FEATURES = ("image", "chat", "training")


STARTS = ("signup", "first_payment", "first_subscription", "first_activity", "each_activity")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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
