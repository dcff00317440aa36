"""Every worked billing case, on both engines, and by the oracle that judges generated lives."""

from zoneinfo import ZoneInfo

import pytest

from sselfie_insights.report.notices import describe_unlisted
from tests.support.billing.answers import (
    MARTS,
    Found,
    build_cases,
    expected,
    of_models,
    of_oracle,
    rows_of,
    surroundings,
)
from tests.support.billing.cases import Case, by_surroundings, load_cases
from tests.support.billing.models import Models

CASES = pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.id)


@pytest.fixture(scope="module")
def duckdb_answers(in_duckdb: Models) -> dict[str, Found]:
    return build_cases(in_duckdb)


@pytest.fixture(scope="module")
def postgres_answers(in_postgres: Models) -> dict[str, Found]:
    return build_cases(in_postgres)


@CASES
def test_case_on_duckdb(duckdb_answers: dict[str, Found], case: Case) -> None:
    wanted = expected(case)

    assert of_models(case, duckdb_answers[case.id], wanted) == wanted, case.says


@CASES
def test_case_on_postgres(postgres_answers: dict[str, Found], case: Case) -> None:
    wanted = expected(case)

    assert of_models(case, postgres_answers[case.id], wanted) == wanted, case.says


@CASES
def test_the_oracle_agrees(case: Case) -> None:
    wanted = expected(case)

    assert of_oracle(case, wanted) == wanted, case.says


@pytest.mark.parametrize(
    "case", [case for case in load_cases() if "warnings" in case.expect], ids=lambda case: case.id
)
def test_a_warning_holds_the_words_of_the_case(in_duckdb: Models, case: Case) -> None:
    in_duckdb.build(rows_of([case]), surroundings(case), MARTS)

    said = " ".join(describe_unlisted(in_duckdb.connection))
    assert [word for word in case.expect["warnings"] if word not in said] == []


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_a_zone_moves_no_money_and_no_member(in_duckdb: Models, zone: str) -> None:
    """Only months are the zone's: closings and totals are those of UTC."""
    cases = by_surroundings(
        [case for case in load_cases() if not case.settings and case.prices is None]
    )[0]
    names = ("members_now", "payments", "int_mrr_changes")
    rows = rows_of(cases)
    in_utc = in_duckdb.build(rows, surroundings(cases[0]), names)
    in_zone = in_duckdb.build(rows, surroundings(cases[0], zone), names)

    def held(found: Found) -> set[tuple[object, ...]]:
        return {
            (row["customer_key"], row["currency"], row["mrr_cents"], row["state"])
            for row in found["members_now"]
        }

    def moved(found: Found) -> set[tuple[object, ...]]:
        return {
            tuple(row[name] for name in row if name not in ("month", "moved_on"))
            for row in found["payments"]
        }

    assert held(in_zone) == held(in_utc)
    assert moved(in_zone) == moved(in_utc)
    for row in in_zone["int_mrr_changes"]:
        local = row["changed_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
        assert row["month"] == local.date().replace(day=1)
