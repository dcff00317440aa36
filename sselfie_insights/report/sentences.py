"""What changed, in sentences: for pages, digests and summaries, each with the numbers it rests on.

They are written from the rows of ``growth/since`` after small groups are hidden. What came and what
went is said only where both may be: with the difference, either gives the other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from sselfie_insights.money import write_money
from sselfie_insights.query.result import Result

# The report that shows more of each measure.
_PAGES = {
    "mrr": "why",
    "members": "churn",
    "net_revenue": "revenue",
    "active_users": "engagement",
    "signups": "activation",
}
# By how far back: when the other instant was, the days that count, and those before them.
_SPANS = {
    "week": ("a week ago", "in the last seven days", "in the seven days before"),
    "month": ("a month ago", "this month", "in the same days of the month before"),
}
_MONEY = ("currency", "now_cents", "before_cents")
_PEOPLE = ("now_count", "before_count")
_PARTS = ("gained_count", "gained_cents", "lost_count", "lost_cents")

# What is said where the value before is hidden, be it of few people or to protect others.
_HIDDEN = "; the change is hidden, as it would reveal a small group"

Row = dict[str, Any]


@dataclass(frozen=True)
class Sentence:
    """Something that changed.

    Attributes:
        measure: What it is about, e.g. ``mrr``.
        text: It, in words.
        numbers: What the words rest on, by currency: the columns of the query that may be shown.
        page: The name of the report that shows more.
    """

    measure: str
    text: str
    numbers: tuple[Row, ...]
    page: str


def write_sentences(result: Result) -> tuple[Sentence, ...]:
    """Return a sentence for each measure of ``result``: rows of ``growth/since``, suppressed."""
    ago, days, days_before = _SPANS[str(result.values["span"])]
    sentences = []
    for measure, group in groupby(result.frame.to_dicts(), key=lambda row: str(row["measure"])):
        rows = [row for row in group if row["now_count"] is not None]
        match measure:
            case "mrr":
                text = _say_money(rows, "MRR is {}", ago)
                text = text or "MRR is that of too few customers to be shown"
            case "net_revenue":
                text = _say_money(rows, f"Net revenue is {{}} {days}", days_before)
                text = text or f"Too few customers paid {days} to be shown"
            case "members":
                text = _say_members(rows, ago)
            case _:
                verb = "signed up" if measure == "signups" else "were active"
                text = _say_people(rows, f"{verb} {days}", days_before)
        numbers = tuple(_keep_said(row, is_first=row is rows[0]) for row in rows)
        sentences.append(Sentence(measure, f"{text}.", numbers, _PAGES[measure]))
    return tuple(sentences)


def _keep_said(row: Row, *, is_first: bool) -> Row:
    """The numbers of ``row`` that its sentence says; of people by currency, it says none."""
    names: tuple[str, ...] = _MONEY if row["currency"] else _PEOPLE
    if is_first and None not in (row["gained_count"], row["lost_count"]):
        names += _PARTS
    return {name: row[name] for name in names if row[name] is not None}


def _say_money(rows: Iterable[Row], words: str, before: str) -> str:
    """The first currency in full, the others beside it."""
    said: list[str] = []
    for row in rows:
        write = partial(write_money, currency=row["currency"])
        change = _compare(row["now_cents"], row["before_cents"], write, ("more", "less"))
        if not said:
            than = f", {change} {before}" if change else _HIDDEN
            moves = (("gained", "added"), ("lost", "took away"))
            parts = _say_parts(row, moves, write)
            said.append(words.format(write(row["now_cents"])) + than + parts)
        else:
            difference = change.removesuffix(" than").removesuffix(" as")
            said.append(write(row["now_cents"]) + (f" ({difference})" if difference else ""))
    others = f". Also {', '.join(said[1:])}" if len(said) > 1 else ""
    return said[0] + others if said else ""


def _say_parts(
    row: Row, moves: Iterable[tuple[str, str]], write: Callable[[int], str] | None = None
) -> str:
    """What came and what went, where both may be said."""
    counts = [row["gained_count"], row["lost_count"]]
    if None in counts or not any(counts):
        return ""
    noun = " customers" if write else ""
    parts: list[str] = []
    for name, verb in moves:
        if count := row[f"{name}_count"]:
            cents = f" {write(row[f'{name}_cents'])}" if write else ""
            parts.append(f"{count:,}{'' if parts else noun} {verb}{cents}")
    return f": {', '.join(parts)}"


def _say_members(rows: list[Row], ago: str) -> str:
    if not rows:
        return "Too few members to be shown"
    [row] = rows
    members = f"{row['now_count']:,} members" if row["now_count"] else "No members"
    change = _compare(row["now_count"], row["before_count"], "{:,}".format, ("more", "fewer"))
    if not change:
        return members + _HIDDEN
    parts = _say_parts(row, (("gained", "joined"), ("lost", "left")))
    return f"{members}, {change} {ago}{parts}"


def _say_people(rows: list[Row], verb: str, before: str) -> str:
    if not rows:
        return f"Too few people {verb} to be shown"
    [row] = rows
    nobody = f"Nobody {verb.replace('were', 'was')}"
    people = f"{row['now_count']:,} people {verb}" if row["now_count"] else nobody
    change = _compare(row["now_count"], row["before_count"], "{:,}".format, ("more", "fewer"))
    return f"{people}, {change} {before}" if change else people + _HIDDEN


def _compare(
    now: int, before: int | None, write: Callable[[int], str], words: tuple[str, str]
) -> str:
    """``$20.00 (2.5%) more than``, ``the same as``; nothing where the value before is hidden."""
    if before is None:
        return ""
    if now == before:
        return "the same as"
    share = f"{abs(now - before) / before:.1%}" if before > 0 else "0.0%"
    percent = "" if share == "0.0%" else f" ({share})"
    return f"{write(abs(now - before))}{percent} {words[now < before]} than"
