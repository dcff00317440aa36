"""What the forecasts say of businesses whose truth is known: of thirty members, and of 30,000."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.forecast import write_forecasts
from sselfie_insights.forecast.step import SCHEMAS
from sselfie_insights.query import OpenWarehouse, find_query, load_library, run_query
from sselfie_insights.report import build_page, load_reports
from sselfie_insights.report.formats import to_bytes
from sselfie_insights.warehouse.gaps import Gap, record_gaps
from tests.support.members import Truth, write_members
from tests.unit.forecast.conftest import RATE

QUERIES = [name for name in load_library() if name.startswith("forecast/")]
REFUSAL = "too few: n = 30, needs 50"


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def survive(periods: int, truth: Truth) -> np.ndarray[Any, Any]:
    """S(0), S(1) … of the truth: the mean of (1 - p)^t over the beta distribution of p."""
    made = np.arange(periods)
    return np.cumprod(np.append(1, (truth.beta + made) / (truth.alpha + truth.beta + made)))


def test_thirty_members_get_words_instead_of_numbers(few: Path) -> None:
    assert ask(few, "select distinct note, total_mid_cents from forecast.mrr_projection") == [
        (REFUSAL, None)
    ]
    for n, model, note in ask(few, "select n, model, note from forecast.survival_models"):
        assert (model, note) == (None, f"too few: n = {n}, needs 50")
    assert ask(few, "select distinct note, risk, model from forecast.churn_risk") == [
        (REFUSAL, None, None)
    ]
    assert ask(few, "select distinct note, expected_value_cents from forecast.ltv_by_member") == [
        (REFUSAL, None)
    ]
    assert ask(few, "select count(*) from forecast.projection_backtest") == [(0,)]


def test_who_comes_back_is_one_person_with_two_memberships(few: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    shutil.copy(few, path)
    with duckdb.connect(str(path)) as connection:
        # Who left longest ago is a member again in the last month but two.
        connection.execute(
            """
            insert into marts.member_months by name
            select members.* replace (months.month as month)
            from (
                select * from marts.member_months
                order by max(month) over (partition by customer_key) limit 1
            ) as members,
            (select month from marts.dim_months order by month desc limit 1 offset 2) as months
            """
        )
    write_forecasts(path, discount_rate=RATE)
    counts = "select person_count, n from forecast.{} where {} = 'all'"
    (before,) = ask(few, counts.format("survival_models", "scope"))
    assert before == (30, 30)
    for table, column in (("survival_models", "scope"), ("ltv_by_product", "product_type")):
        assert set(ask(path, counts.format(table, column))) == {(30, 31)}
    assert set(ask(path, counts.format("survival_by_cohort", "cohort"))) == {(30, 31)}


def test_thirty_members_get_wide_intervals_of_what_was_seen(few: Path, many: Path) -> None:
    width = (
        "select high - low from forecast.survival_by_cohort"
        " where cohort = 'all' and tenure_months = 6"
    )
    ((wide,),), ((narrow,),) = ask(few, width), ask(many, width)
    assert wide > 0.25
    assert narrow < 0.02


def test_the_truth_lies_within_the_intervals_of_thirty_thousand(many: Path) -> None:
    truth = Truth()
    curve = survive(400, truth)
    ((model, *ends),) = ask(
        many,
        "select model, alpha_low, alpha_high, beta_low, beta_high from forecast.survival_models"
        " where scope = 'all'",
    )
    assert model == "sBG"
    assert ends[0] < truth.alpha < ends[1]
    assert ends[2] < truth.beta < ends[3]
    for tenure in (1, 6, 12, 30):
        ((low, high),) = ask(
            many,
            "select model_low, model_high from forecast.survival_by_cohort"
            f" where cohort = 'all' and tenure_months = {tenure}",
        )
        assert low < curve[tenure] < high
    months = (survive(4000, truth) * (1 + RATE) ** -np.arange(4001.0)).sum()
    ((low, high, naive),) = ask(
        many,
        "select months_low, months_high, naive_months from forecast.ltv_by_product"
        " where product_type = 'all' and currency = 'usd'",
    )
    assert low < months < high
    assert naive < low  # members differ, so those who stay, stay longer


def test_prices_and_products_are_those_drawn(many: Path) -> None:
    price = 0.5 * 4900 + 0.4 * 9700 + 0.1 * 14900
    ((low, high),) = ask(
        many,
        "select arpa_low_cents, arpa_high_cents from forecast.ltv_by_product"
        " where product_type = 'all' and currency = 'usd'",
    )
    assert low < price < high
    # Products were drawn alike: the test between them is not sure of a difference.
    assert all(p > 0.01 for (p,) in ask(many, "select log_rank_p from forecast.survival_models"
                                              " where scope <> 'all'"))  # fmt: skip


def test_projections_start_at_what_was_and_hold_what_came(many: Path) -> None:
    assert ask(
        many,
        """
        select count(*) from forecast.mrr_projection as ours
        inner join marts.mrr_movements as theirs
            on ours.origin_month = theirs.month and ours.currency = theirs.currency
        where origin_mrr_cents <> closing_mrr_cents or n <> member_count
        """,
    ) == [(0,)]
    assert ask(
        many,
        """
        select count(*) from forecast.mrr_projection
        where not (existing_low_cents < existing_mid_cents
            and existing_mid_cents < existing_high_cents
            and total_low_cents < total_p25_cents and total_p25_cents < total_mid_cents
            and total_mid_cents < total_p75_cents and total_p75_cents < total_high_cents
            and existing_mid_cents < total_mid_cents)
        """,
    ) == [(0,)]
    rows = ask(
        many,
        """
        select scope, avg(is_inside::int),
            avg(abs(predicted_mid_cents - actual_cents) / actual_cents),
            avg(abs(last_value_cents - actual_cents) / actual_cents)
        from forecast.projection_backtest where currency = 'usd' group by scope
        """,
    )
    assert len(rows) == 2
    for _, coverage, error, plain in rows:
        assert coverage >= 0.75  # of projections that overlap: one surprise is in many of them
        assert error < plain / 3


def test_what_was_known_then_is_all_that_a_past_projection_knows(tmp_path: Path) -> None:
    """Without the months after it, a projection of a past month is the same."""
    whole = write_members(tmp_path / "whole.duckdb", 3000, seed=2)
    cut = tmp_path / "cut.duckdb"
    cut.write_bytes(whole.read_bytes())
    with duckdb.connect(str(cut)) as connection:
        connection.execute(
            """
            update marts.build_info set as_of = timestamp '2026-07-20 12:00';
            delete from marts.dim_months where month > date '2026-07-01';
            update marts.dim_months set is_complete = month < date '2026-07-01';
            delete from marts.member_months where month > date '2026-07-01';
            delete from marts.mrr_by_member where month > date '2026-07-01';
            delete from marts.payments where month > date '2026-07-01';
            """
        )
    for path in (whole, cut):
        write_forecasts(path, discount_rate=RATE)
    past = "where month <= date '2026-06-01' and origin_month >= date '2025-04-01' order by all"
    projections = ask(cut, f"from forecast.projection_backtest {past}")
    assert len(projections) > 100
    assert projections == ask(whole, f"from forecast.projection_backtest {past}")
    # Later months only teach the recalibration; the model of tenure alone has none.
    risks = (
        "select month, n, lost_count, tenure_brier from forecast.churn_risk_backtest"
        " where month between date '2026-01-01' and date '2026-06-01' order by month"
    )
    assert len(ask(cut, risks)) == 6
    assert ask(cut, risks) == ask(whole, risks)


def test_churn_risk_finds_who_fell_silent(many: Path) -> None:
    ((skill, share, plain),) = ask(
        many,
        "select avg(skill_rate), avg(top_tenth_share), avg(tenure_top_tenth_share)"
        " from forecast.churn_risk_backtest",
    )
    assert skill > 0.04
    assert share > 0.25 > plain
    clear = dict(ask(many, "select feature, is_clear from forecast.churn_drivers"))
    assert clear["tenure"]
    assert clear["inactive"]
    assert not clear["credit_runway"]  # drawn without any bearing on leaving
    found = ask(many, "select main_reason, reason_codes, reasons from forecast.churn_risk")
    assert {main for main, *_ in found} >= {"no_recent_activity", "length_of_the_membership", None}
    for main, codes, words in found:
        assert (codes or [None])[0] == main
        assert len(codes) == len(words.split("; ") if words else [])
        assert ("no_recent_activity" in codes) == ("no activity for" in words)
        assert "credit" not in words


def test_churn_risk_is_calibrated(many: Path) -> None:
    rows = ask(many, "select predicted_rate, lost_rate from forecast.calibration")
    assert len(rows) >= 8
    for predicted, lost in rows:
        assert predicted == pytest.approx(lost, abs=0.03)


@pytest.fixture(scope="module")
def ninety(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A business of ninety members, with its forecasts."""
    path = write_members(tmp_path_factory.mktemp("ninety") / "w.duckdb", 90, seed=3)
    write_forecasts(path, discount_rate=RATE)
    return path


def test_thin_data_fall_back_to_the_survival_model_and_say_so(ninety: Path) -> None:
    path = ninety
    ((lost,),) = ask(path, "select lost_count from forecast.churn_drivers limit 1")
    rows = ask(path, "select distinct model, note from forecast.churn_risk")
    assert rows == [("sBG", f"by tenure only; for reasons too few: n = {lost}, needs 60 losses")]
    ((alpha, beta),) = ask(
        path, "select alpha, beta from forecast.survival_models where scope = 'all'"
    )
    for tenure, risk, lower, upper in ask(
        path, "select tenure_months, risk, lower, upper from forecast.churn_risk"
    ):
        assert risk == pytest.approx(alpha / (alpha + beta + tenure))
        assert lower < risk < upper


@pytest.mark.slow  # of the built business, tests/integration/forecast shows the same
def test_the_same_marts_give_the_same_numbers(tmp_path: Path) -> None:
    path = write_members(tmp_path / "w.duckdb", 400, seed=5)
    printed = []
    for _ in range(2):
        write_forecasts(path, discount_rate=RATE)
        printed.append([ask(path, f"from forecast.{name} order by all") for name in SCHEMAS])
    assert printed[0] == printed[1]


def test_a_business_without_members_gets_empty_tables(tmp_path: Path) -> None:
    path = write_members(tmp_path / "w.duckdb", 0)
    write_forecasts(path, discount_rate=RATE)
    assert {name: ask(path, f"select count(*) from forecast.{name}") for name in SCHEMAS} == {
        name: [(0,)] for name in SCHEMAS
    }


def test_a_business_that_everyone_leaves_is_no_error(tmp_path: Path) -> None:
    path = write_members(tmp_path / "w.duckdb", 120, truth=Truth(alpha=500, beta=0.01))
    write_forecasts(path, discount_rate=RATE)
    ((note,),) = ask(path, "select distinct note from forecast.churn_drivers")
    assert note.startswith("too few: n =")
    assert note.endswith("needs 60 renewals")


def test_a_table_that_cannot_be_computed_is_empty_and_the_others_are_there(
    ninety: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what rests on it; a query of such a table says why instead of giving no rows."""

    def overflow(*_: object) -> None:
        raise OverflowError

    path = Path(shutil.copy(ninety, tmp_path / "w.duckdb"))
    whole = {name: ask(path, f"select count(*) from forecast.{name}") for name in SCHEMAS}
    monkeypatch.setattr("sselfie_insights.forecast.projection.look_back", overflow)
    gaps: list[Gap] = []
    write_forecasts(path, discount_rate=RATE, on_gap=gaps.append)

    failed = {gap.what.removeprefix("forecast.") for gap in gaps}
    assert failed == {"mrr_projection", "projection_backtest"}
    left = {name: ask(path, f"select count(*) from forecast.{name}") for name in SCHEMAS}
    assert left == {name: [(0,)] if name in failed else rows for name, rows in whole.items()}
    with duckdb.connect(str(path)) as connection:
        record_gaps(connection, gaps)
    with OpenWarehouse(path) as opened, pytest.raises(SselfieError, match="OverflowError"):
        run_query(opened, find_query("forecast/mrr_projection", load_library()))


def test_marts_that_are_missing_leave_every_forecast_empty(ninety: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(ninety, tmp_path / "w.duckdb"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop table marts.member_months")
    with pytest.raises(SselfieError, match="miss a mart"):
        write_forecasts(path, discount_rate=RATE)
    gaps: list[Gap] = []
    write_forecasts(path, discount_rate=RATE, on_gap=gaps.append)
    assert [gap.what for gap in gaps] == [f"forecast.{name}" for name in SCHEMAS]
    assert "miss a mart" in gaps[0].reason


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_gives_what_its_header_says(few: Path, many: Path, name: str) -> None:
    query = find_query(name, load_library())
    for path in (few, many):
        with OpenWarehouse(path) as opened:
            result = run_query(opened, query)
        assert list(result.columns) == list(query.columns)
        if query.key and result.frame.height > 1:
            assert not result.frame.select(query.key).is_duplicated().any()


def test_a_query_without_the_schema_says_what_to_run(tmp_path: Path) -> None:
    path = write_members(tmp_path / "w.duckdb", 5)
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop schema forecast cascade")
    query = find_query("forecast/churn_risk", load_library())
    with (
        OpenWarehouse(path) as opened,
        pytest.raises(UsageError, match=r"churn_risk.*: run 'sselfie build'"),
    ):
        run_query(opened, query)


@pytest.fixture
def page() -> Callable[[Path], str]:
    def show(path: Path) -> str:
        with OpenWarehouse(path) as opened:
            built = build_page(opened, load_reports()["forecast"], load_library())
        to_bytes(built, "html")
        return to_bytes(built, "table")[0].decode()

    return show


def test_the_page_of_thirty_members_refuses_in_words(
    few: Path, page: Callable[[Path], str]
) -> None:
    text = page(few)
    assert REFUSAL in text
    assert re.search("Losses expected in 30 days +not enough data", text)
    # How few pay in pounds would be known from all and from those who pay in dollars.
    assert re.search("MRR in twelve months, USD +too few people to show", text)
    assert "too few to tell" not in text.partition("MRR so far and to come")[2]


def test_the_page_of_thirty_thousand_names_nobody(many: Path, page: Callable[[Path], str]) -> None:
    text = page(many)
    assert "too few to tell" not in text
    assert "user1" not in text
