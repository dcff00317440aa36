"""Who is in which segment, at every boundary; the days are worked out by hand from 2026-06-15."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.forecast.features import Code
from sselfie_insights.query import OpenWarehouse, load_library
from sselfie_insights.segment import find_segment, list_segments, read_segment
from tests.unit.segment.people import Person, write_people


def on(month: int, day: int) -> date:
    return date(2026, month, day)


def member(**more: Any) -> Person:
    person = Person(membership_state="member", product="pro", renews_on=on(7, 10))
    return replace(person, **more)


def former(**more: Any) -> Person:
    person = Person(membership_state="former_member", product="pro", ended_on=on(5, 1))
    return replace(person, **({"end_kind": "unknown"} | more))


CASES: list[tuple[str, Person, dict[str, Any], str | None, date | None]] = [
    # At risk: the forecast is 25 %; only members; a message helps before the renewal.
    ("at_risk", member(), {}, "no recent activity", on(6, 22)),
    ("at_risk", member(), {"risk_percent": 25}, "no recent activity", on(6, 22)),
    ("at_risk", member(), {"risk_percent": 26}, None, None),
    ("at_risk", member(renews_on=None), {}, "set to end", on(6, 22)),
    ("at_risk", member(renews_on=on(6, 18)), {}, "no recent activity", on(6, 17)),
    ("at_risk", member(membership_state="in_grace"), {}, None, None),
    # Win back: 180 days since the end are the last; not in grace, not refunded.
    ("win_back", former(), {}, "left, reason unknown", on(6, 22)),
    ("win_back", former(end_kind="voluntary"), {}, "cancelled", on(6, 22)),
    ("win_back", former(end_kind="involuntary"), {}, "a payment failed", on(6, 22)),
    ("win_back", former(ended_on=date(2025, 12, 17)), {}, "left, reason unknown", on(6, 15)),
    ("win_back", former(ended_on=date(2025, 12, 16)), {}, None, None),
    ("win_back", former(is_refunded=True), {}, None, None),
    ("win_back", former(membership_state="in_grace"), {}, None, None),
    ("win_back", former(membership_state="member"), {}, None, None),
    # Renewal due: exactly 7, 3 and 1 days are in, and today; set to cancel and grace are not.
    ("renewal_due", member(renews_on=on(6, 22)), {}, "due in 4 to 7 days", on(6, 21)),
    ("renewal_due", member(renews_on=on(6, 23)), {}, None, None),
    ("renewal_due", member(renews_on=on(6, 18)), {"days": 3}, "due in 2 to 3 days", on(6, 17)),
    ("renewal_due", member(renews_on=on(6, 19)), {"days": 3}, None, None),
    ("renewal_due", member(renews_on=on(6, 16)), {"days": 1}, "due tomorrow", on(6, 15)),
    ("renewal_due", member(renews_on=on(6, 17)), {"days": 1}, None, None),
    ("renewal_due", member(renews_on=on(6, 15)), {}, "due today", on(6, 15)),
    ("renewal_due", member(renews_on=None), {}, None, None),
    ("renewal_due", member(membership_state="in_grace", renews_on=on(6, 16)), {}, None, None),
    # Credits low: fewer than 20, used within 30 days; send before the last one is gone.
    (
        "credits_low",
        Person(balance=19, last_used_on=on(5, 16), runway_days=2.9),
        {},
        "few credits left",
        on(6, 17),
    ),
    ("credits_low", Person(balance=20, last_used_on=on(6, 1)), {}, None, None),
    (
        "credits_low",
        Person(balance=0, last_used_on=on(6, 1), runway_days=0.0),
        {},
        "no credits left",
        on(6, 15),
    ),
    (
        "credits_low",
        Person(balance=-3, last_used_on=on(6, 1), runway_days=-1.0),
        {},
        "no credits left",
        on(6, 15),
    ),
    ("credits_low", Person(balance=5, last_used_on=on(5, 15)), {}, None, None),
    ("credits_low", Person(balance=5), {}, None, None),
    (
        "credits_low",
        Person(balance=19, last_used_on=on(6, 1), runway_days=90.0),
        {},
        "few credits left",
        on(6, 22),
    ),
    (
        "credits_low",
        Person(balance=25, last_used_on=on(6, 1), runway_days=1.0),
        {"below": 26},
        "few credits left",
        on(6, 16),
    ),
    # Credits unused: exactly 14 days without use, and some to use for as long.
    (
        "credits_unused",
        Person(balance=1, last_credited_on=on(6, 1), last_used_on=on(6, 1)),
        {},
        "not a member, uses none",
        on(6, 22),
    ),
    (
        "credits_unused",
        member(balance=1, last_credited_on=on(6, 1), last_used_on=on(6, 1)),
        {},
        "a member who uses none",
        on(6, 22),
    ),
    (
        "credits_unused",
        Person(balance=1, last_credited_on=on(6, 1)),
        {},
        "never used a credit",
        on(6, 22),
    ),
    (
        "credits_unused",
        Person(balance=1, last_credited_on=on(6, 1), last_used_on=on(6, 2)),
        {},
        None,
        None,
    ),
    ("credits_unused", Person(balance=1, last_credited_on=on(6, 2)), {}, None, None),
    ("credits_unused", Person(balance=0, last_credited_on=on(1, 2)), {}, None, None),
    ("credits_unused", Person(last_credited_on=on(1, 2)), {}, None, None),
    # Never trained: from 7 to 90 days after signup; a customer without an account signs up never.
    (
        "never_trained",
        Person(first_trained_on=None, signed_up_on=on(6, 8)),
        {},
        "signed up only",
        on(6, 22),
    ),
    ("never_trained", Person(first_trained_on=None, signed_up_on=on(6, 9)), {}, None, None),
    (
        "never_trained",
        Person(first_trained_on=None, signed_up_on=on(3, 17), product="pro"),
        {},
        "has paid, without a model",
        on(6, 15),
    ),
    ("never_trained", Person(first_trained_on=None, signed_up_on=on(3, 16)), {}, None, None),
    (
        "never_trained",
        member(first_trained_on=None, signed_up_on=on(6, 1)),
        {},
        "a member without a model",
        on(6, 22),
    ),
    ("never_trained", Person(signed_up_on=on(6, 1)), {}, None, None),
    (
        "never_trained",
        Person(user_id=None, first_trained_on=None, signed_up_on=None),
        {},
        None,
        None,
    ),
    # Trained, idle: exactly 30 days without activity.
    ("trained_idle", Person(last_activity_on=on(5, 16)), {}, "never a member", on(6, 22)),
    ("trained_idle", Person(last_activity_on=on(5, 17)), {}, None, None),
    (
        "trained_idle",
        member(last_activity_on=on(5, 1), renews_on=on(6, 15)),
        {},
        "a member",
        on(6, 15),
    ),
    ("trained_idle", former(last_activity_on=on(5, 1)), {}, "a former member", on(6, 22)),
    ("trained_idle", Person(first_trained_on=None, last_activity_on=on(5, 1)), {}, None, None),
    # Session to membership: 3 to 90 days after the session; never a member; no account is well.
    (
        "session_to_membership",
        Person(session_bought_on=on(6, 12)),
        {},
        "used the session",
        on(6, 22),
    ),
    ("session_to_membership", Person(session_bought_on=on(6, 13)), {}, None, None),
    (
        "session_to_membership",
        Person(session_bought_on=on(3, 17), last_activity_on=None),
        {},
        "has not used the session",
        on(6, 15),
    ),
    ("session_to_membership", Person(session_bought_on=on(3, 16)), {}, None, None),
    (
        "session_to_membership",
        Person(customer_key="cus_9", user_id=None, session_bought_on=on(6, 1)),
        {},
        "no account yet",
        on(6, 22),
    ),
    ("session_to_membership", former(session_bought_on=on(6, 1)), {}, None, None),
    # The ladder: blueprint after a top-up, membership after a blueprint; a week later.
    ("ladder_next", Person(topup_bought_on=on(6, 8)), {}, "has a top-up", on(6, 22)),
    ("ladder_next", Person(topup_bought_on=on(6, 9)), {}, None, None),
    (
        "ladder_next",
        Person(topup_bought_on=on(6, 14), blueprint_bought_on=on(6, 8)),
        {},
        "has the blueprint",
        on(6, 22),
    ),
    ("ladder_next", former(blueprint_bought_on=on(6, 1)), {}, None, None),
    # Power users: 8 of the last 28 days.
    ("power_users", member(active_days=8), {}, "a member", on(6, 22)),
    ("power_users", Person(active_days=8), {}, "has never paid", on(6, 22)),
    ("power_users", former(active_days=28), {}, "not a member now", on(6, 22)),
    ("power_users", Person(active_days=7), {}, None, None),
]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the person of every case, called by the case's number."""
    people = [
        replace(case[1], customer_key=f"p{n}", user_id=case[1].user_id and f"p{n}")
        for n, case in enumerate(CASES)
    ]
    return write_people(tmp_path_factory.mktemp("people") / "w.duckdb", people)


INTERFACE = (
    "customer_key", "user_id", "email", "product", "reason", "goal", "send_by_on", "last_sent_at",
    "cooldown_until_on", "is_cooling",
)  # fmt: skip


def read(path: Path, segment: str, **given: Any) -> list[dict[str, Any]]:
    query = find_segment(segment)
    values = {name: str(value) for name, value in given.items()}
    with OpenWarehouse(path) as opened:
        return read_segment(opened, query, values, record=[]).frame.to_dicts()


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{CASES[n][0]}-{n}")
def test_a_person_is_in_a_segment(everybody: Path, number: int) -> None:
    segment, _, given, reason, send_by_on = CASES[number]
    rows = read(everybody, segment, **given)
    found = [
        (row["reason"], row["send_by_on"]) for row in rows if row["customer_key"] == f"p{number}"
    ]
    assert found == ([] if reason is None else [(reason, send_by_on)])


def test_the_next_rung_of_the_ladder_is_named(tmp_path: Path) -> None:
    people = [
        Person("ann", "ann", topup_bought_on=on(6, 1)),
        Person("bea", "bea", blueprint_bought_on=on(5, 1)),
    ]
    rows = read(write_people(tmp_path / "w.duckdb", people), "ladder_next")
    assert {row["customer_key"]: row["next_product"] for row in rows} == {
        "ann": "blueprint",
        "bea": "membership",
    }


@pytest.mark.parametrize(
    ("sent_on", "cooldown_days", "until", "is_cooling"),
    [
        (on(6, 8), 7, on(6, 15), False),
        (on(6, 9), 7, on(6, 16), True),
        (on(6, 15), 0, on(6, 15), False),
        (None, 7, None, False),
    ],
)
def test_a_cool_down_ends_when_its_days_have_passed(
    tmp_path: Path, sent_on: date | None, cooldown_days: int, until: date | None, is_cooling: bool
) -> None:
    sent_at = None if sent_on is None else datetime(sent_on.year, sent_on.month, sent_on.day, 9)
    person = former(last_sent_at=sent_at, last_sent_on=sent_on)
    path = write_people(tmp_path / "w.duckdb", [person])
    [row] = read(path, "win_back", cooldown_days=cooldown_days)
    assert (row["cooldown_until_on"], row["is_cooling"]) == (until, is_cooling)


@pytest.mark.parametrize("name", list_segments())
def test_every_segment_has_the_interface_and_no_address_unless_asked(
    tmp_path: Path, name: str
) -> None:
    query = find_segment(name)
    path = write_people(tmp_path / "w.duckdb", [])
    with OpenWarehouse(path) as opened:
        result = read_segment(opened, query, record=[])
        asked = read_segment(opened, query, record=[], with_personal_data=True)
    assert tuple(result.columns)[: len(INTERFACE) - 1] == tuple(
        column for column in INTERFACE if column != "email"
    )
    assert tuple(asked.columns)[: len(INTERFACE)] == INTERFACE


def test_the_packaged_segments_are_those_that_were_asked_for() -> None:
    assert set(list_segments()) == {
        "at_risk", "win_back", "renewal_due", "credits_low", "credits_unused", "never_trained",
        "trained_idle", "session_to_membership", "ladder_next", "power_users",
    }  # fmt: skip


AT_RISK = {
    "set_to_end": "set to end",
    "nothing_due": "nothing due",
    "no_recent_activity": "no recent activity",
    "active_on_fewer_days": "active on fewer days",
    "hardly_uses_the_credits": "hardly uses the credits",
    "credits_run_out": "credits run out",
    "failed_payments": "failed payments",
    "length_of_the_membership": "length of the membership",
    None: "no reason stands out",
}


@pytest.mark.parametrize(("code", "words"), AT_RISK.items())
def test_who_is_at_risk_is_for_the_main_reason_of_the_forecast(
    tmp_path: Path, code: str | None, words: str
) -> None:
    path = write_people(tmp_path / "w.duckdb", [member()])
    with duckdb.connect(str(path)) as connection:
        connection.execute("update forecast.churn_risk set main_reason = $1", [code])

    (row,) = read(path, "at_risk")

    assert row["reason"] == words


def test_each_reason_of_a_forecast_has_its_words() -> None:
    assert {*get_args(Code), None} == AT_RISK.keys()


def test_without_a_forecast_the_risk_is_not_told_and_the_remedy_is(tmp_path: Path) -> None:
    path = write_people(tmp_path / "w.duckdb", [member()])
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop schema forecast cascade")
    with (
        OpenWarehouse(path) as opened,
        pytest.raises(UsageError, match=r"forecast.*run 'sselfie build'"),
    ):
        read_segment(opened, find_segment("at_risk"), record=[])


def test_a_segment_of_ones_own_needs_the_interface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path(load_library()["segments/win_back"].path).read_text()
    folder = tmp_path / "queries" / "segments"
    folder.mkdir(parents=True)
    (folder / "mine.sql").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert find_segment("mine").title == find_segment("win_back").title
    (folder / "mine.sql").write_text(text.replace("interface: segment", "key: [ended_on]"))
    with pytest.raises(UsageError, match=r"mine\.sql .*: write 'interface: segment' into its"):
        find_segment("mine")


def test_an_unknown_segment_brings_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'win_back'"):
        find_segment("winback")
