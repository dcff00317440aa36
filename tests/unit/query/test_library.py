from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query.library import (
    find_query,
    list_names,
    load_library,
    load_query,
    parse_query,
)
from sselfie_insights.warehouse.gaps import Gap

GOOD = """/*
grain: One row per month.
title: T
description: D
key: [month]
columns:
  month: {unit: month, description: M}
*/
select month from marts.t;
"""


def write(folder: Path, text: str, name: str = "a/b.sql") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_query_is_named_by_its_path(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    query = load_library([tmp_path])["a/b"]
    assert query.title == "T"
    assert query.body == "select month from marts.t"


def test_the_earlier_folder_wins(tmp_path: Path) -> None:
    write(tmp_path / "mine", GOOD.replace("title: T", "title: Mine"))
    write(tmp_path / "theirs", GOOD)
    assert load_library([tmp_path / "mine", tmp_path / "theirs"])["a/b"].title == "Mine"


def test_the_working_directory_comes_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD.replace("title: T", "title: Mine"), "queries/churn/churn_by_month.sql")
    monkeypatch.chdir(tmp_path)
    library = load_library()
    assert library["churn/churn_by_month"].title == "Mine"
    assert library["churn/members_now"].title == "Members now"


def test_a_library_reads_a_file_once_its_query_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, "no header", "a/wrong.sql")
    library = load_library([tmp_path])
    assert list(library) == ["a/b", "a/wrong"]
    assert library["a/b"].title == "T"
    with pytest.raises(UsageError, match="does not begin with"):
        find_query("wrong", library)
    with pytest.raises(KeyError):
        library["a/c"]


def test_with_somebody_to_say_so_to_wrong_files_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, "no header", "a/wrong.sql")
    gaps: list[Gap] = []
    library = load_library([tmp_path], gaps.append)
    assert [gap.what for gap in gaps] == ["query a/wrong"]
    assert (list(library), len(library)) == (["a/b"], 1)
    with pytest.raises(UsageError, match="does not begin with"):
        find_query("a/wrong", library)


def test_one_query_is_read_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD, "queries/mine/first.sql")
    write(tmp_path, "no header", "queries/mine/broken.sql")
    monkeypatch.chdir(tmp_path)
    assert load_query("first").name == "mine/first"
    assert {"mine/first", "mine/broken", "churn/members_now"} <= set(list_names())
    with pytest.raises(UsageError, match=r"broken\.sql does not begin"):
        load_query("mine/broken")
    with pytest.raises(UsageError, match="did you mean 'mine/first'"):
        load_query("mine/firs")
    write(tmp_path, GOOD, "queries/other/first.sql")
    with pytest.raises(
        UsageError,
        match="could mean 3 queries: engagement/first_steps, mine/first, other/first: give the",
    ):
        load_query("first")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "does not begin with a"),
        ("/* grain: [ */ select 1", "is not valid YAML"),
        (GOOD.replace("title: T\n", ""), "title: Field required"),
        (GOOD.replace("unit: month", "unit: furlong"), r"columns\.month\.unit: Input should be"),
        (GOOD.replace("key: [month]", "key: [day]"), "'day' is not one of its columns"),
        (GOOD.replace("title: T", "title: T\ntitel: U"), "titel: Extra inputs"),
        (
            GOOD.replace(
                "columns:",
                "parameters:\n  g: {type: choice, choices: [a], default: b, description: x}\n"
                "columns:",
            ),
            "'b' is not one of its choices",
        ),
        *(
            (
                GOOD.replace(
                    "columns:",
                    "parameters:\n  g: {type: choice, choices: [a], default: a, description: x}\n"
                    f"  d: {{type: date, needs: {{{needed}}}, description: y}}\ncolumns:",
                ),
                message,
            )
            for needed, message in (
                ("g: b", "'d' needs g=b, which is no choice"),
                ("x: a", "'d' needs x=a, which is no choice"),
                ("d: a", "'d' needs d=a, which is no choice"),
            )
        ),
    ],
)
def test_a_wrong_header_names_the_file_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError, match=message) as error:
        parse_query("a/b", path)
    assert str(path) in str(error.value)


def test_a_drill_down_is_a_query_of_the_library(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("key: [month]", "key: [month]\nrows: a/rows"))
    write(tmp_path, GOOD, "a/row.sql")
    with pytest.raises(UsageError, match=r"b\.sql: rows: there is no query 'a/rows'; did"):
        load_library([tmp_path])["a/b"]
    write(tmp_path, GOOD, "a/rows.sql")
    assert load_library([tmp_path])["a/b"].rows == ("a/rows",)


def test_an_interface_gives_what_the_query_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shared = (
        "key: [day]\n"
        "parameters:\n  since: {type: date, description: S}\n"
        "columns:\n  day: {unit: date, description: D}\n  n: {unit: count, description: N}\n"
    )
    write(tmp_path / "queries", shared, "interfaces/daily.yml")
    text = GOOD.replace("key: [month]", "interface: daily")
    own = text.replace("M}\n", "M}\n  n: {unit: credits, description: Mine}\n")
    query = parse_query("q", write(tmp_path, own))
    assert (query.key, list(query.parameters)) == (("day",), ["since"])
    assert {name: column.unit for name, column in query.columns.items()} == {
        "day": "date", "n": "credits", "month": "month",
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"no interface 'dayly'; did you mean 'daily'\?"):
        parse_query("q", write(tmp_path, text.replace("daily", "dayly")))
    write(tmp_path / "queries", "key: [day]\n", "interfaces/daily.yml")
    with pytest.raises(UsageError, match=r"interfaces/daily\.yml: columns: Field required"):
        parse_query("q", write(tmp_path, text))


def test_an_unknown_query_brings_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'retention/activity_cohorts'"):
        find_query("retention/activity_cohort", load_library())
    with pytest.raises(UsageError, match="did you mean 'revenue/mrr_movements'"):
        find_query("mrr_movement", load_library())


def test_the_last_part_of_a_name_suffices() -> None:
    assert find_query("members_now", load_library()).name == "churn/members_now"
    # Others begin so: stickiness_by_period, churn_risk_total.
    assert find_query("stickiness", load_library()).name == "engagement/stickiness"
    assert find_query("churn_risk", load_library()).name == "forecast/churn_risk"


@pytest.mark.parametrize(
    ("name", "count", "some"),
    [
        ("mrr", 10, "churn/mrr_churn_by_month, explain/mrr, forecast/mrr_outlook"),
        ("active_users", 2, "engagement/active_users, explain/active_users: give the full name"),
        ("stripe_", 5, "quality/stripe_findings, revenue/stripe_fees"),
    ],
)
def test_a_name_that_could_mean_several_brings_them_all(name: str, count: int, some: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' could mean {count} queries: .*{some}") as error:
        find_query(name, load_library())
    assert error.value.exit_code == 2
    assert find_query("explain/mrr", load_library()).name == "explain/mrr"


# METRICS.md §7, word by word: the interface that other tools rely on.
PUBLIC = {
    "revenue/revenue_by_month": "month currency product_type gross_cents refunded_cents net_cents"
    " payment_count payer_count",
    "revenue/mrr_movements": "month currency opening_mrr_cents new_mrr_cents"
    " reactivation_mrr_cents expansion_mrr_cents contraction_mrr_cents churn_mrr_cents"
    " closing_mrr_cents billed_mrr_cents in_grace_mrr_cents member_count is_complete",
    "revenue/mrr_by_member": "month customer_key currency movement movement_mrr_cents"
    " closing_mrr_cents",
    "churn/churn_by_month": "month opening_member_count new_member_count reactivated_count"
    " churned_member_count opening_churned_count voluntary_count involuntary_count unknown_count"
    " in_grace_count closing_member_count logo_churn_rate is_complete",
    "churn/mrr_churn_by_month": "month currency opening_mrr_cents gross_mrr_churn_rate"
    " net_mrr_churn_rate grr nrr nrr_with_reactivation quick_ratio is_complete",
    "churn/members_now": "customer_key currency member_since_on paid_until_on mrr_cents state",
    "retention/subscriber_cohorts": "cohort_period period_index cohort_size at_risk_count"
    " retained_count retention_rate low high is_complete",
    "retention/revenue_cohorts": "cohort_period currency period_index cohort_size mrr_cents"
    " revenue_retention_rate is_complete",
    "retention/activity_cohorts": "cohort_period period_index segment cohort_size at_risk_count"
    " retained_count retention_rate low high is_complete",
    "credits/credit_flow_by_month": "month opening_credits purchased_credits granted_credits"
    " bonus_credits adjusted_credits used_credits closing_credits",
    "credits/ledger_gaps": "user_id balance ledger_balance gap_credits",
    "credits/usage_by_feature": "month feature used_credits user_count event_count cost_cents",
    "credits/liability": "currency paid_credits_outstanding liability_cents",
    "credits/runway": "user_id balance daily_use runway_days",
    "engagement/active_users": "period active_count new_count returning_count resurrected_count"
    " dormant_count is_complete",
    "engagement/stickiness": "day dau wau mau stickiness",
    "engagement/feature_adoption": "month feature user_count event_count adoption_rate",
    "engagement/activation_funnel": "cohort_period step step_index user_count rate median_days",
    "revenue/product_ladder": "from_product to_product customer_count rate median_days",
    "quality/dropped_rows": "reason source_table currency row_count amount_cents",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_query_has_its_public_columns(name: str) -> None:
    columns = load_library()[name].columns
    assert [column for column in PUBLIC[name].split() if column not in columns] == []


@pytest.mark.parametrize("query", load_library().values(), ids=lambda query: query.name)
def test_every_packaged_query_explains_itself(query: object) -> None:
    grain = "One row per " if query.key else "One row in all."  # type: ignore[attr-defined]
    assert query.grain.startswith(grain) and query.grain.endswith(".")  # type: ignore[attr-defined]
    assert len(query.description) > 40  # type: ignore[attr-defined]
    assert all(column.description.endswith(".") for column in query.columns.values())  # type: ignore[attr-defined]
