"""The rules of coverage, MRR and churn on histories of a few invoices, worked out by hand."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.simulate.catalog import BRAND, STUDIO
from sselfie_insights.simulate.events import Ending, Invoice, Refund, Shape, Subscription
from sselfie_insights.simulate.instants import DAY, Calendar, add_months, to_micros
from sselfie_insights.simulate.members import MemberTruth, coverage

AS_OF = to_micros(datetime(2026, 6, 15, 12, tzinfo=UTC))
JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))


def _at(month: int, day: int, hour: int = 9) -> int:
    return to_micros(datetime(2026, month, day, hour, tzinfo=UTC))


def _subscription(
    *invoices: tuple[int, int, int, bool], product: str = STUDIO, **known: object
) -> Subscription:
    """Build a subscription from (start, end, cents, regular)."""
    return Subscription(
        id=str(known.pop("id", "sub_1")),
        stripe_customer="cus_1",
        currency=str(known.pop("currency", "usd")),
        product=product,
        interval=int(str(known.pop("interval", 1))),
        cents=9700,
        anchor=invoices[0][0],
        credits=200,
        invoices=[
            Invoice(f"in_{n}", starts, cents, product, starts, ends, regular)
            for n, (starts, ends, cents, regular) in enumerate(invoices)
        ],
        **known,  # type: ignore[arg-type]
    )


def _months(start: int, *amounts: int) -> list[tuple[int, int, int, bool]]:
    return [
        (add_months(start, n), add_months(start, n + 1), cents, cents == 9700)
        for n, cents in enumerate(amounts)
    ]


def _truth(*subscriptions: Subscription, as_of: int = AS_OF, zone: str = "UTC") -> MemberTruth:
    calendar = Calendar(_at(1, 1), as_of, ZoneInfo(zone))
    truth = MemberTruth(calendar, as_of, 14, Shape.DOCUMENTED)
    truth.add("someone", list(subscriptions))
    return truth


def _count(truth: MemberTruth, month: date, name: str) -> int:
    return truth.counts[truth.calendar.months.index(month), name]


def _level(truth: MemberTruth, month: date, name: str) -> int:
    return truth.levels[truth.calendar.months.index(month), "usd", name]


def _moves(truth: MemberTruth) -> list[tuple[date, str, str, int, int]]:
    return [(month, *rest) for month, _, *rest in truth.by_member]  # type: ignore[misc]


def test_a_member_joins_and_leaves_at_the_end_of_paid_coverage() -> None:
    gone = _subscription(
        *_months(_at(1, 31), 9700, 9700), status="canceled", ending=Ending.CANCELLED
    )
    truth = _truth(gone)
    assert _moves(truth) == [
        (JAN, "usd", "new", 9700, 9700),
        (MAR, "usd", "churn", 9700, 0),  # Jan 31, Feb 28, Mar 31
    ]
    assert _count(truth, MAR, "voluntary") == 1
    assert _count(truth, MAR, "opening_churned") == 1
    assert _count(truth, MAR, "closing") == 0


def test_a_zone_moves_the_churn_into_its_own_month() -> None:
    start = _at(1, 31, 23)
    gone = _subscription(*_months(start, 9700, 9700))
    assert [move[0] for move in _moves(_truth(gone, zone="Europe/Oslo"))] == [FEB, APR]


def test_a_free_first_invoice_makes_no_member_until_the_first_paid_one() -> None:
    trial = _subscription(*_months(_at(1, 10), 0, 9700, 9700))
    assert _moves(_truth(trial))[0] == (FEB, "usd", "new", 9700, 9700)
    assert _moves(_truth(_subscription(*_months(_at(1, 10), 0)))) == []


@pytest.mark.parametrize(
    ("amounts", "as_of", "expected"),
    [
        ((4850, 9700, 9700), AS_OF, 9700),  # once half price: the next invoice tells
        ((4850,), _at(1, 20), 4850),  # no next one, below the list price: its own amount
    ],
)
def test_contract_mrr_of_a_discounted_first_invoice(
    amounts: tuple[int, ...], as_of: int, expected: int
) -> None:
    truth = _truth(_subscription(*_months(_at(1, 10), *amounts)), as_of=as_of)
    assert _moves(truth)[0] == (JAN, "usd", "new", expected, expected)
    assert _level(truth, JAN, "billed") == 4850


def test_a_free_month_in_between_changes_billed_mrr_only() -> None:
    truth = _truth(_subscription(*_months(_at(1, 10), 9700, 0, 9700, 9700, 9700, 9700)))
    assert _moves(truth) == [(JAN, "usd", "new", 9700, 9700)]
    assert [_level(truth, month, "billed") for month in (JAN, FEB, MAR, APR)] == [
        9700,
        0,
        9700,
        9700,
    ]


def test_a_late_renewal_leaves_no_gap_and_is_in_grace_before_it() -> None:
    first, second = _months(_at(2, 1), 9700, 9700)
    late = _subscription(first, second, status="past_due")
    late.invoices[1].paid_at = late.invoices[1].starts + 9 * DAY
    assert _moves(_truth(late, as_of=_at(3, 20)))[1:] == []
    before = _truth(late, as_of=_at(3, 5))
    assert _moves(before)[1] == (MAR, "usd", "churn", 9700, 0)
    assert _level(before, MAR, "in_grace") == 9700
    assert before.now == [("someone", "usd", FEB, MAR, 9700, "in_grace")]


def test_a_proration_changes_price_at_once_and_the_period_not_at_all() -> None:
    start, upgraded = _at(2, 1), _at(2, 19)
    upgrade = _subscription((start, add_months(start, 1), 9700, True))
    upgrade.invoices += [
        Invoice("in_p", upgraded, 1857, BRAND, upgraded, add_months(start, 1), regular=False),
        Invoice("in_n", add_months(start, 1), 14900, BRAND, _at(3, 1), _at(4, 1)),
    ]
    truth = _truth(upgrade, as_of=_at(3, 10))
    assert _moves(truth) == [
        (FEB, "usd", "new", 9700, 14900),
        (FEB, "usd", "expansion", 5200, 14900),
    ]
    assert _level(truth, FEB, "billed") == 9700


def test_a_full_refund_ends_a_membership_that_ended_with_it() -> None:
    start = _at(2, 3)
    left = _subscription((start, add_months(start, 1), 9700, True), status="canceled")
    left.ending, left.invoices[0].refund = Ending.REFUNDED, Refund(_at(2, 20), 9700, row=True)
    truth = _truth(left)
    assert _moves(truth) == [(FEB, "usd", "new", 9700, 0), (FEB, "usd", "churn", 9700, 0)]
    assert _count(truth, FEB, "churned") == 1
    assert _count(truth, FEB, "opening_churned") == 0


def test_a_full_refund_that_the_membership_survives_ends_nothing() -> None:
    stays = _subscription(*_months(_at(2, 3), 9700, 9700, 9700, 9700, 9700))
    stays.invoices[0].refund = Refund(_at(2, 20), 9700, row=True)
    assert _moves(_truth(stays)) == [(FEB, "usd", "new", 9700, 9700)]


def test_cancel_and_create_replaces_and_a_second_subscription_adds() -> None:
    older = _subscription(*_months(_at(2, 1), 9700), status="canceled", ending=Ending.REPLACED)
    newer = _subscription((_at(2, 20), _at(3, 20), 14900, True), id="sub_2", product=BRAND)
    as_of = _at(2, 25)
    assert _moves(_truth(older, newer, as_of=as_of)) == [
        (FEB, "usd", "new", 9700, 14900),
        (FEB, "usd", "expansion", 5200, 14900),
    ]
    older.status, older.ending = "active", None
    assert _moves(_truth(older, newer, as_of=as_of))[1] == (FEB, "usd", "expansion", 14900, 24600)


def test_a_switch_of_currency_is_contraction_and_expansion() -> None:
    older = _subscription(*_months(_at(2, 1), 9700), status="canceled", has_row=False)
    newer = _subscription((_at(2, 20), _at(3, 20), 8924, True), id="sub_2", currency="eur")
    moves = _moves(_truth(older, newer, as_of=_at(2, 25)))
    assert sorted(moves[1:]) == [
        (FEB, "eur", "expansion", 8924, 8924),
        (FEB, "usd", "contraction", 9700, 0),
    ]


def test_a_return_is_a_reactivation_and_the_overwritten_loss_is_unknown() -> None:
    first = _subscription(*_months(_at(1, 5), 9700), has_row=False, status="canceled")
    second = _subscription(*_months(_at(4, 5), 9700, 9700, 9700), id="sub_2")
    truth = _truth(first, second)
    assert [move[2] for move in _moves(truth)] == ["new", "churn", "reactivation"]
    assert _count(truth, FEB, "unknown") == 1
    assert truth.cohort_sizes == {truth.calendar.months.index(JAN): 1}


def test_a_year_paid_at_once_counts_by_the_month() -> None:
    year = _subscription((_at(1, 5), add_months(_at(1, 5), 12), 93120, True), interval=12)
    truth = _truth(year)
    assert _moves(truth) == [(JAN, "usd", "new", 7760, 7760)]
    assert _level(truth, date(2026, 6, 1), "billed") == 7760


def test_coverage_ignores_what_comes_after_as_of() -> None:
    member = _subscription(*_months(_at(1, 5), 9700, 9700, 9700))
    assert len(coverage([member], _at(2, 6))) == 2
