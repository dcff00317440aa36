"""What headers say of the people and the rows behind numbers; and that every packaged one does."""

from pathlib import Path

import pytest

from sselfie_insights.diff.comparison import marts_behind
from sselfie_insights.diff.numbers import is_periodic
from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.library import (
    Query,
    is_public,
    load_library,
    parse_query,
    require_people,
)
from sselfie_insights.query.parameters import check_values
from sselfie_insights.report.definition import list_shown
from tests.support.drill_downs import SUMS

LIBRARY = load_library()
TEXT = """/*
grain: One row per month.
title: T
description: D
key: [month]
{more}
columns:
  month: {{unit: month, description: M}}
  users: {{unit: count, description: U}}
  more: {{unit: count, description: N}}
  cents: {{unit: cents, description: C}}
*/
select 1
"""


GRAIN = """parameters:
  grain: {type: choice, choices: [day, week], default: day, description: g}
  top: {type: integer, description: t}
"""


def parse(folder: Path, more: str) -> Query:
    path = folder / "q.sql"
    path.write_text(TEXT.format(more=more))
    return parse_query("q", path)


def test_a_combination_is_refused_only_where_all_of_it_is_given(tmp_path: Path) -> None:
    query = parse(
        tmp_path, f"{GRAIN}refuse: [{{when: {{grain: week, top: given}}, because: they clash}}]"
    )
    for given in ({}, {"grain": "week"}, {"top": "3"}, {"grain": "day", "top": "3"}):
        check_values(query, given)
    with pytest.raises(UsageError, match="grain=week and top=3 do not go together: they clash"):
        check_values(query, {"grain": "week", "top": "3"})


def test_people_are_one_column_or_several(tmp_path: Path) -> None:
    assert parse(tmp_path, "people: users\npart_of: [month]").people == ("users",)
    assert parse(tmp_path, "people: [more, users]").people == ("more", "users")
    assert parse(tmp_path, "").people == ()


def test_what_is_made_for_others_needs_a_number_of_people_or_a_reason(tmp_path: Path) -> None:
    require_people(parse(tmp_path, "people: users"))
    require_people(parse(tmp_path, "no_people: A row is a check."))
    with pytest.raises(UsageError, match=r"q\.sql does not say how many people"):
        require_people(parse(tmp_path, ""))


@pytest.mark.parametrize("more", ["group_size: users", "people: users\ngroup_size: [users]"])
def test_the_word_of_version_0_1_counts_people_too(tmp_path: Path, more: str) -> None:
    assert set(parse(tmp_path, more).people) == {"users"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("people: nobody", "'nobody' is not one of its columns"),
        ("people: cents", "people: 'cents' is not of unit count"),
        ("people: month", "people: 'month' is not of unit count"),
        ("people: [users, cents]", "people: 'cents' is not of unit count"),
        ("people: users\nno_people: n", "no_people: 'people' counts some"),
        ("no_people: ''", "no_people: String should have at least 1 character"),
        ("group_size: [cents]", "people: 'cents' is not of unit count"),
        ("part_of: [month]", "part_of needs people"),
        ("group: [nobody]", "'nobody' is not one of its columns"),
        ("answer: nobody", "'nobody' is not one of its columns"),
        (f"{GRAIN}refuse: [{{when: {{grain: hour, top: given}}, because: b}}]", "grain=hour is no"),
        (f"{GRAIN}refuse: [{{when: {{grian: day, top: given}}, because: b}}]", "grian=day is no"),
        (f"{GRAIN}refuse: [{{when: {{grain: day}}, because: b}}]", "refuse.0.when"),
        ("carries: now", "carries: it cannot be 'now', as its key has a period"),
        *(
            (f"carries: {word}", "carries: say period, forward, now or a number of days")
            for word in ("backward", "29", "0 days", "on", "[now]")
        ),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(tmp_path, more)


@pytest.mark.parametrize(
    ("more", "carries"),
    [("", None), ("carries: period", "period"), ("carries: forward", "forward"),
     ("carries: 29 days", 29)],
)  # fmt: skip
def test_a_change_carries_as_far_as_the_file_says(
    tmp_path: Path, more: str, carries: str | int | None
) -> None:
    assert parse(tmp_path, more).carries == carries


# By METRICS.md: a balance, a membership, a lifecycle and a cohort go on; the monthly active users
# of a day are those of 30 days; some numbers are of the present. All others are of their period.
CARRIES: dict[str, str | int] = {
    "churn/churn_by_month": "forward",
    "churn/churn_by_plan": "forward",
    "churn/members_now": "now",
    "churn/mrr_churn_by_month": "forward",
    "credits/credit_flow_by_month": "forward",
    "credits/ledger_gaps": "now",
    "credits/liability": "now",
    "credits/runway": "now",
    "engagement/active_users": "forward",
    "engagement/lifecycle": "forward",
    "engagement/stickiness": 29,
    "quality/dropped_rows": "now",
    "quality/unlisted_products": "now",
    "retention/cohort_revenue": "forward",
    "retention/cohort_usage": "forward",
    "retention/day_retention": 28,
    "retention/revenue_cohorts": "forward",
    "retention/subscriber_cohorts": "forward",
    "revenue/billed_mrr_movements": "forward",
    "revenue/mrr_by_member": "forward",
    "revenue/mrr_by_product": "forward",
    "revenue/mrr_movements": "forward",
    "revenue/one_currency": "forward",
    "revenue/product_ladder": "now",
}


@pytest.mark.parametrize("query", LIBRARY.values(), ids=lambda query: query.name)
def test_every_number_of_a_period_says_how_changes_carry_over(query: Query) -> None:
    by_default = "period" if is_periodic(query) else None
    assert query.carries == CARRIES.get(query.name, by_default)


BEHIND = {
    "churn/churn_by_month": {"churn_by_member", "member_months"},
    "churn/mrr_churn_by_month": {"member_months", "mrr_by_member"},
    "credits/credit_flow_by_month": {"credit_entries"},
    "credits/usage_by_feature": {"credit_entries"},
    "engagement/active_users": {"fct_activity"},
    "engagement/feature_adoption": {"fct_activity"},
    "engagement/lifecycle": {"fct_activity"},
    "engagement/stickiness": {"fct_activity"},
    "engagement/stickiness_by_period": {"fct_activity"},
    "growth/margin_by_month": {"payments", "credit_entries"},
    "retention/activity_cohorts": {"fct_activity"},
    "retention/cohort_members": {"member_months"},
    "retention/cohort_revenue": {"payments"},
    "retention/cohort_usage": {"fct_activity", "credit_entries"},
    "retention/revenue_cohorts": {"member_months", "mrr_by_member"},
    "retention/subscriber_cohorts": {"member_months"},
    "revenue/mrr_by_member": {"mrr_by_member"},
    "revenue/mrr_movements": {"member_months", "mrr_by_member"},
    "revenue/payers_by_month": {"payments"},
    "revenue/revenue_by_month": {"payments"},
    "revenue/revenue_totals": {"payments"},
}
"""Whose rows prove why a number was restated."""


@pytest.mark.parametrize("name", BEHIND)
def test_a_restated_number_is_traced_to_the_marts_of_its_rows(name: str) -> None:
    assert set(marts_behind(LIBRARY[name], LIBRARY)) == BEHIND[name]


ROW_KEYS = {
    *("customer_key", "user_id", "movement_key", "payment_key", "credit_transaction_id"),
    *("row_key", "row_id", "move_key", "finding_key"),
    *("feed_layout_id", "maya_chat_id", "enrollment_id", "email_send_id"),
}
"""A query with one of these in its key lists people or stored rows itself."""

WITHOUT_ROWS = {
    "forecast/": "estimates of a model, which no rows add up to; what sums them up has its rows",
    "growth/alerts_now": "a row is another query's number, which has its own",
    "growth/events": "a row is what the owner wrote",
    "growth/since": "its days are no periods of other queries; the pages it leads to have rows",
    "growth/segment_effect": "the people are in the record of exports, not in the warehouse",
    "quality/check_results": "a row is a check",
    "quality/contract_drift": "a row is a difference",
    "quality/source_tables": "the rows are the mirrored table's own",
    "quality/unconverted_values": "the rows are the mirrored table's own",
}


def test_every_number_has_its_rows_or_is_a_row() -> None:
    without = [
        name for name, query in LIBRARY.items() if not query.rows and not ROW_KEYS & set(query.key)
    ]
    assert [name for name in without if not name.startswith(tuple(WITHOUT_ROWS))] == []
    assert set(SUMS) <= {name for name, query in LIBRARY.items() if query.rows}
    listing = {each for query in LIBRARY.values() for each in query.rows}
    assert [name for name in listing if not ROW_KEYS & set(LIBRARY[name].key)] == []


NO_PEOPLE = {
    "growth/events": "a row is what the owner wrote",
    "forecast/projection_accuracy": "a row is projections, each of 20 people or more",
    "quality/check_results": "a row is a check",
    "quality/contract_drift": "a row is a table or a column",
    "quality/source_tables": "a row is a whole table",
    "quality/unconverted_values": "a row is a column of a whole table",
}

UNDECLARED = {
    "revenue/closed_months": "a row is a figure that was signed, from another query: on no page",
}


def test_every_number_about_a_group_says_how_many_people_it_is() -> None:
    grouped = {name for name, query in LIBRARY.items() if not ROW_KEYS & set(query.key)}
    assert {name for name, query in LIBRARY.items() if query.no_people} == set(NO_PEOPLE)
    counted = {name for name, query in LIBRARY.items() if query.people}
    assert counted == grouped - set(NO_PEOPLE) - set(UNDECLARED)
    for name in counted:
        query = LIBRARY[name]
        numbers = {
            column for column in query.columns if query.columns[column].unit in NUMERIC_UNITS
        }
        assert set(query.people) <= numbers - set(query.key)


EVENTS = ("payment_count", "charge_count", "row_count", "n", "refund_count", "chargeback_count")
"""Names of columns that count payments, charges, rows or months, of which a person has several."""


def test_what_counts_events_counts_no_people() -> None:
    counted = {(query.name, name) for query in LIBRARY.values() for name in query.people}
    found = {(query, name) for query, name in counted if name in EVENTS}
    # In these, n counts members of a month, or of a cohort that begins in one.
    assert found == {
        ("forecast/churn_risk_backtest", "n"),
        ("forecast/ltv_by_cohort", "n"),
        ("forecast/mrr_outlook", "n"),
        ("forecast/mrr_projection", "n"),
        ("forecast/projection_backtest", "n"),
        ("forecast/value_backtest", "n"),
    }


def test_every_query_of_a_page_counts_people_or_says_why_not() -> None:
    shown = list_shown()
    assert len(shown) > 40
    for name in shown:
        require_people(LIBRARY[name])


def test_what_is_for_analysts_only_is_no_part_of_a_page(tmp_path: Path) -> None:
    query = parse(tmp_path, "people: users\nanalysts_only: It adds up what pages hide.")
    assert not is_public(query)
    with pytest.raises(UsageError, match="is for analysts only: It adds up what pages hide"):
        require_people(query)
