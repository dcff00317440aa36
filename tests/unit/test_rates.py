"""The owner's rates.csv: what it holds, how it can be wrong, and what it converts amounts to."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.query import OpenWarehouse, run_query
from sselfie_insights.query.library import load_library
from sselfie_insights.rates import Rate, describe_rates, minor_rates, read_rates
from sselfie_insights.run.plan import describe_run
from sselfie_insights.settings import load_settings
from tests.support.contracts import create_tables, insert
from tests.support.warehouses import write_build_info


def write(folder: Path, *lines: str, header: str = "currency,rate,valid_from") -> Path:
    path = folder / "rates.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def test_rates_are_read_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path, "EUR,1.08,", "eur,1.1,2026-02-15", "jpy,0.0067,")

    assert read_rates("usd", path) == [
        Rate(currency="eur", rate=Decimal("1.08")),
        Rate(currency="eur", rate=Decimal("1.1"), valid_from=date(2026, 2, 15)),
        Rate(currency="jpy", rate=Decimal("0.0067")),
    ]
    assert describe_rates("usd", path) == f"{path}: 3 rates of 2 currencies"


def test_without_a_file_and_a_setting_nothing_is_converted(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"

    assert read_rates(None, path) == []
    assert minor_rates(None, path) == []
    assert describe_rates(None, path) == "none; amounts are shown in their own currencies"


@pytest.mark.parametrize(
    ("lines", "reporting", "reason"),
    [
        (["eur,0,"], "usd", "line 2, rate: Input should be greater than 0"),
        (["eur,-1.08,"], "usd", "line 2, rate: Input should be greater than 0"),
        (["eur,1.123456789,"], "usd", "line 2, rate: Decimal input should have no more than 8"),
        (["eur,NaN,"], "usd", "line 2, rate: Input should be a finite number"),
        (["eur,1e300,"], "usd", "line 2, rate: Input should be less than 100000"),
        (["euro,1.08,"], "usd", "line 2, currency: String should match pattern"),
        (["eur,1.08,soon"], "usd", "line 2, valid_from: Input should be a valid date"),
        (["usd,1,"], "usd", "line 2: usd is the reporting currency"),
        (["eur,1.08,", "eur,1.10,"], "usd", "line 3 gives eur another rate than line 2"),
        (["eur,1.08,", "eur,1.08,"], "usd", "line 3 is the same as line 2"),
        ([], "usd", "holds no line"),
        (["eur,1.08,"], None, "says what currencies are worth, but not in which"),
        (None, "usd", "needs exchange rates, and there is no"),
    ],
)
def test_a_wrong_table_is_refused(
    tmp_path: Path, lines: list[str] | None, reporting: str | None, reason: str
) -> None:
    path = tmp_path / "rates.csv" if lines is None else write(tmp_path, *lines)

    with pytest.raises(UsageError) as refused:
        read_rates(reporting, path)

    assert reason in refused.value.message
    assert refused.value.remedy


def test_a_dry_run_refuses_them_as_the_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(warehouse=tmp_path / "w.duckdb")
    assert describe_run(settings, ["build"])
    write(tmp_path, "eur,1.08,")

    with pytest.raises(UsageError, match="says what currencies are worth, but not in which"):
        describe_run(settings, ["build"])


def test_rates_between_minor_units_know_the_decimals_of_both(tmp_path: Path) -> None:
    path = write(tmp_path, "jpy,0.0067,", "kwd,3.25,2026-01-01", "eur,1.08,")

    # A yen is 0.67 cents; a fils, a thousandth of a dinar, is 0.325; a euro cent is 1.08.
    assert minor_rates("usd", path) == [
        {"currency": "usd", "rate": "1", "valid_from": None},
        {"currency": "jpy", "rate": "0.67", "valid_from": None},
        {"currency": "kwd", "rate": "0.325", "valid_from": "2026-01-01"},
        {"currency": "eur", "rate": "1.08", "valid_from": None},
    ]


MONTHS = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
MRR = "month, currency, opening_mrr_cents, new_mrr_cents, churn_mrr_cents, closing_mrr_cents"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Dollars, euros whose rate rises on 15 February, and yen from March, up to 20 March."""
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        create_tables(connection)
        write_build_info(connection, datetime(2026, 3, 20, 12, tzinfo=UTC))
        insert(
            connection,
            "marts.dim_months",
            "month, next_month, is_complete",
            [
                (MONTHS[0], MONTHS[1], True),
                (MONTHS[1], MONTHS[2], True),
                (MONTHS[2], date(2026, 4, 1), False),
            ],
        )
        insert(
            connection,
            "marts.mrr_movements",
            MRR,
            [
                (MONTHS[0], "usd", 0, 10000, 0, 10000),
                (MONTHS[1], "usd", 10000, 0, 0, 10000),
                (MONTHS[2], "usd", 10000, 0, 2500, 7500),
                (MONTHS[0], "eur", 0, 9901, 0, 9901),
                (MONTHS[1], "eur", 9901, 0, 0, 9901),
                (MONTHS[2], "eur", 9901, 0, 0, 9901),
                (MONTHS[0], "jpy", 0, 0, 0, 0),
                (MONTHS[1], "jpy", 0, 0, 0, 0),
                (MONTHS[2], "jpy", 0, 9800, 0, 9800),
            ],
        )
        insert(
            connection,
            "marts.revenue_by_month",
            "month, currency, net_cents",
            [(MONTHS[0], "usd", 12000), (MONTHS[0], "eur", -50), (MONTHS[0], "gbp", 0)],
        )
    return path


def set_rates(path: Path, *rates: tuple[str, str, date, date]) -> None:
    with duckdb.connect(str(path)) as connection:
        insert(
            connection,
            "marts.exchange_rates",
            "currency, reporting_currency, minor_rate, valid_from_on, valid_until_on",
            [(name, "usd", Decimal(rate), since, until) for name, rate, since, until in rates],
        )


ALWAYS, NEVER = date(1970, 1, 1), date(9999, 12, 31)
RISE = date(2026, 2, 15)
DOLLARS_AND_EUROS = (
    ("usd", "1", ALWAYS, NEVER),
    ("eur", "1.08", ALWAYS, RISE),
    ("eur", "1.1", RISE, NEVER),
)


def run(path: Path) -> list[dict[str, object]]:
    with OpenWarehouse(path) as opened:
        result = run_query(opened, load_library()["revenue/one_currency"])
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_all_currencies_are_converted_at_the_rates_of_the_month_s_end(warehouse: Path) -> None:
    set_rates(warehouse, *DOLLARS_AND_EUROS, ("jpy", "0.67", ALWAYS, NEVER))

    january, february, march = run(warehouse)

    # 99.01 euros are 106.93 dollars at 1.08 (10693.08 cents) and 108.91 at 1.1 (10891.1).
    assert january["new_mrr_cents"] == january["closing_mrr_cents"] == 10000 + 10693
    assert january["net_cents"] == 12000 - 54
    assert january["without_rate"] is None
    assert february["opening_mrr_cents"] == 20693
    assert february["exchange_mrr_cents"] == 198
    assert february["closing_mrr_cents"] == 20891
    assert march["new_mrr_cents"] == 6566
    assert march["churn_mrr_cents"] == 2500
    assert march["exchange_mrr_cents"] == 0
    assert march["closing_mrr_cents"] == 20891 + 6566 - 2500
    assert {row["currency"] for row in (january, february, march)} == {"usd"}
    assert [row["is_complete"] for row in (january, february, march)] == [True, True, False]


def test_a_month_with_a_currency_without_a_rate_is_empty_and_names_it(warehouse: Path) -> None:
    set_rates(warehouse, *DOLLARS_AND_EUROS)

    january, _, march = run(warehouse)

    assert january["closing_mrr_cents"] == 20693
    assert march["closing_mrr_cents"] is march["new_mrr_cents"] is march["net_cents"] is None
    assert march["opening_mrr_cents"] == 20891
    assert march["without_rate"] == "jpy"


def test_without_rates_there_is_no_row(warehouse: Path) -> None:
    assert run(warehouse) == []
