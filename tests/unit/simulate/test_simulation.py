"""The answer key's own identities, and that a business depends on its inputs and nothing else."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.simulate import Answers, Shape, answer_key
from sselfie_insights.simulate.events import Standing
from sselfie_insights.simulate.instants import to_micros
from sselfie_insights.simulate.people import Population

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = to_micros(AS_OF)
MOVES = ("new", "reactivation", "expansion", "contraction", "churn")


@pytest.fixture(scope="module")
def answers() -> Answers:
    return answer_key(users=1000, seed=1, as_of=AS_OF)


def test_the_same_inputs_give_the_same_key(answers: Answers) -> None:
    again = answer_key(users=1000, seed=1, as_of=AS_OF)
    assert all(again[query].equals(frame) for query, frame in answers.frames.items())


def test_another_seed_gives_another_business(answers: Answers) -> None:
    other = answer_key(users=1000, seed=2, as_of=AS_OF)
    assert not other["revenue/mrr_movements"].equals(answers["revenue/mrr_movements"])


def test_a_history_is_the_same_whoever_else_there_is() -> None:
    one, other = (Population(7, NOW, 18, Shape.DOCUMENTED) for _ in range(2))
    for number in range(40):
        other.history(number)
    assert one.history(40) == other.history(40)


def test_nothing_happens_after_as_of_or_before_the_signup() -> None:
    population = Population(3, NOW, 18, Shape.DOCUMENTED)
    for person in map(population.history, range(300)):
        instants = [each.at for each in (*person.activities, *person.credit_moves)]
        instants += [each.at for each in person.purchases]
        for subscription in person.subscriptions:
            instants += [each.paid_at for each in subscription.invoices] + subscription.failures
            refunds = [each.refund for each in subscription.invoices if each.refund]
            instants += [refund.at for refund in refunds]
        if person.standing is not Standing.TEST:
            assert min(instants, default=NOW) >= person.signed_up_at
        assert max(instants, default=0) <= NOW
        assert population.opened_at <= person.signed_up_at <= NOW


def test_a_live_business_has_neither_refunds_nor_failed_charges() -> None:
    population = Population(1, NOW, 18, Shape.LIVE)
    for person in map(population.history, range(500)):
        assert not any(each.refund for each in person.purchases)
        for subscription in person.subscriptions:
            assert not subscription.failures
            assert not any(each.refund for each in subscription.invoices)


def test_mrr_moves_from_opening_to_closing(answers: Answers) -> None:
    movements = answers["revenue/mrr_movements"].sort("currency", "month")
    new, back, up, down, lost = (pl.col(f"{kind}_mrr_cents") for kind in MOVES)
    explained = pl.col("opening_mrr_cents") + new + back + up - down - lost
    assert movements.filter(pl.col("closing_mrr_cents") != explained).is_empty()
    carried = movements.with_columns(
        pl.col("closing_mrr_cents").shift().over("currency").fill_null(0).alias("carried")
    )
    assert carried.filter(pl.col("opening_mrr_cents") != pl.col("carried")).is_empty()
    assert movements.select(new, back, up, down, lost).min().row(0) >= (0,) * 5
    assert movements.select(new, back, up, down, lost).sum().row(0) > (0,) * 5


def test_the_members_movements_sum_to_the_months(answers: Answers) -> None:
    by_member = answers["revenue/mrr_by_member"].pivot(
        "movement", index=["month", "currency"], values="movement_mrr_cents",
        aggregate_function="sum",
    )  # fmt: skip
    both = answers["revenue/mrr_movements"].join(by_member, on=["month", "currency"], how="left")
    for kind in MOVES:
        differs = pl.col(f"{kind}_mrr_cents") != pl.col(kind).fill_null(0)
        assert both.filter(differs).is_empty(), kind


def test_members_move_from_opening_to_closing(answers: Answers) -> None:
    churn = answers["churn/churn_by_month"]
    explained = (
        pl.col("opening_member_count")
        + pl.col("new_member_count")
        + pl.col("reactivated_count")
        - pl.col("churned_member_count")
    )
    assert churn.filter(pl.col("closing_member_count") != explained).is_empty()
    kinds = pl.col("voluntary_count") + pl.col("involuntary_count") + pl.col("unknown_count")
    assert churn.filter(pl.col("churned_member_count") != kinds).is_empty()
    assert churn["voluntary_count"].sum() > 0
    assert churn["involuntary_count"].sum() > 0
    assert churn["unknown_count"].sum() > 0


def test_members_now_are_the_closing_members(answers: Answers) -> None:
    now = answers["churn/members_now"].filter(pl.col("state") != "in_grace")
    closing = answers["revenue/mrr_movements"].filter(pl.col("month") == pl.col("month").max())
    assert now["mrr_cents"].sum() == closing["closing_mrr_cents"].sum()
    assert now.height == answers["churn/churn_by_month"]["closing_member_count"][-1]


def test_credits_flow_from_opening_to_closing_and_balances_explain_the_gaps(
    answers: Answers,
) -> None:
    flow = answers["credits/credit_flow_by_month"]
    explained = (
        pl.sum_horizontal("opening_credits", "purchased_credits", "granted_credits")
        + pl.col("bonus_credits")
        + pl.col("adjusted_credits")
        - pl.col("used_credits")
    )
    assert flow.filter(pl.col("closing_credits") != explained).is_empty()
    gaps = answers["credits/ledger_gaps"]
    assert gaps["ledger_balance"].sum() == flow["closing_credits"][-1]
    assert gaps["balance"].min() == 0
    # It is about a quarter of the users in real databases.
    assert 0.1 < (gaps["gap_credits"] != 0).mean() < 0.35


@pytest.mark.parametrize("query", ["active_users", "active_users_week", "active_users_day"])
def test_the_active_are_new_returning_or_resurrected(answers: Answers, query: str) -> None:
    active = answers[f"engagement/{query}"]
    parts = pl.sum_horizontal("new_count", "returning_count", "resurrected_count")
    assert active.filter(pl.col("active_count") != parts).is_empty()
    followed = active.with_columns(pl.col("active_count").shift().fill_null(0).alias("before"))
    after = pl.col("returning_count") + pl.col("dormant_count")
    assert followed.filter(pl.col("before") != after).is_empty()


def test_who_is_retained_or_later_never_grows(answers: Answers) -> None:
    cohorts = answers["retention/activity_cohorts__signup_on_or_after"]
    falls = pl.col("retained_count").diff().over("cohort_period").fill_null(0) <= 0
    assert cohorts.select(falls.all()).item()


def test_the_business_is_believable(answers: Answers) -> None:
    churn = answers["churn/churn_by_month"]
    assert 100 <= churn["closing_member_count"][-1] <= 220
    complete = churn.filter("is_complete")
    assert (
        0.04
        < complete["opening_churned_count"].sum() / complete["opening_member_count"].sum()
        < 0.12
    )
    curve = (
        answers["retention/subscriber_cohorts"]
        .filter("is_complete")
        .group_by("period_index", maintain_order=True)
        .agg(rate=pl.col("retained_count").sum() / pl.col("cohort_size").sum())
    )["rate"]
    assert curve[0] > curve[3] > curve[6] > 0.3
    assert curve[0] - curve[3] > curve[3] - curve[6]  # it flattens


def test_answers_are_written_as_one_private_file_per_query(
    answers: Answers, tmp_path: Path
) -> None:
    answers.write(tmp_path)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet"))
    assert written == sorted(Path(f"{query}.parquet") for query in answers.frames)
    path = tmp_path / "revenue" / "mrr_movements.parquet"
    assert pl.read_parquet(path).equals(answers["revenue/mrr_movements"])
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_business_needs_users() -> None:
    with pytest.raises(UsageError, match="0 users"):
        answer_key(users=0, seed=1, as_of=AS_OF)
