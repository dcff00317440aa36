"""What headers say of the people and the rows behind numbers; and that every packaged one does."""

from pathlib import Path

import pytest

from sselfie_insights.diff.comparison import marts_behind
from sselfie_insights.diff.numbers import is_periodic
from sselfie_insights.errors import UsageError
from sselfie_insights.query.header import NUMERIC_UNITS
from sselfie_insights.query.library import Query, load_library, parse_query
from sselfie_insights.query.parameters import check_values
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


def test_people_are_the_group_unless_the_file_names_others(tmp_path: Path) -> None:
    alone = parse(tmp_path, "people: users\npart_of: [month]")
    assert (alone.people, alone.group_sizes) == ("users", ("users",))
    both = parse(tmp_path, "people: users\ngroup_size: [more, users]")
    assert (both.people, both.group_sizes) == ("users", ("more", "users"))
    assert parse(tmp_path, "group_size: more").people is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("people: nobody", "'nobody' is not one of its columns"),
        ("people: cents", "people: 'cents' is not of unit count"),
        ("people: month", "people: 'month' is not of unit count"),
        ("people: users\ngroup_size: more", "people: 'users' is not among group_size"),
        ("part_of: [month]", "part_of needs people or a group_size"),
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


WITHOUT_PEOPLE = {
    "churn/churn_by_month": "who came and left within the month is in neither of its counts",
    "churn/churn_by_plan": "who came and left within the month is in neither of its counts",
    "credits/credit_flow_by_month": "no column counts people",
    "credits/liability": "no column counts people",
    "forecast/calibration": "n counts months of members, of which a person has several",
    "forecast/churn_drivers": "n counts months of members, of which a person has several",
    "forecast/projection_accuracy": "n counts projections",
    "forecast/survival_by_cohort": "n counts memberships, of which a person can have several",
    "forecast/survival_models": "n counts memberships, of which a person can have several",
    "forecast/value_backtest": "n counts memberships, of which a person can have several",
    "retention/fixed_cohorts": "its size is that of the people who are in a shorter horizon alone",
    "growth/alerts_now": "n counts people or events, by the number that is watched",
    "growth/events": "a row is what happened, about nobody",
    "growth/margin_by_month": "payment_count counts payments",
    "growth/segment_effect": "two columns count one of two groups each",
    "quality/check_results": "a row is about a table, not about people",
    "quality/contract_drift": "a row is about a table, not about people",
    "quality/dropped_rows": "no column counts people",
    "quality/source_tables": "a row is about a table, not about people",
    "quality/unconverted_values": "a row is about a table, not about people",
    "revenue/closed_months": "a row is a figure that was signed, from another query",
    "revenue/billed_mrr_movements": "as for revenue/mrr_movements",
    "revenue/mrr_movements": "who came and left within the month is in neither of its counts",
    "revenue/one_currency": "no column counts people",
    "revenue/refund_rates": "payment_count counts payments",
    "revenue/revenue_totals": "payment_count counts payments",
    "revenue/stripe_fees": "charge_count counts charges",
    "revenue/stripe_reconciliation": "row_count counts payments and charges",
}


def test_every_number_about_a_group_says_how_many_people_it_is() -> None:
    grouped = {name for name, query in LIBRARY.items() if not ROW_KEYS & set(query.key)}
    assert {name for name in grouped if LIBRARY[name].people is None} == set(WITHOUT_PEOPLE)
    assert {name for name, query in LIBRARY.items() if query.people} <= grouped
    for name in grouped - set(WITHOUT_PEOPLE):
        query = LIBRARY[name]
        numbers = {
            column for column in query.columns if query.columns[column].unit in NUMERIC_UNITS
        }
        assert query.people in numbers - set(query.key)
