"""The owner's products.csv: what it holds, and every way in which it can be wrong."""

from datetime import date
from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.price_list import Price, describe_price_list, list_names, read_price_list

HEADER = (
    "product_type,is_recurring,interval_months,price_cents,currency,credits,valid_from,valid_until"
)


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "products.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def test_a_price_list_is_read_in_its_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "team_membership,true,12,50000,EUR,900,2026-01-05,2027-01-01",
        "credit_topup,false,,4500,,,,",
    )

    assert read_price_list(path) == [
        Price(
            product_type="team_membership",
            is_recurring=True,
            interval_months=12,
            price_cents=50000,
            currency="eur",
            credits=900,
            valid_from=date(2026, 1, 5),
            valid_until=date(2027, 1, 1),
        ),
        Price(
            product_type="credit_topup",
            is_recurring=False,
            interval_months=None,
            price_cents=4500,
            currency="usd",
        ),
    ]
    assert describe_price_list(path) == f"{path}: 2 prices of 2 products"


def test_without_a_file_the_packaged_list_is_in_force(tmp_path: Path) -> None:
    assert read_price_list(tmp_path / "products.csv") == []
    assert describe_price_list(tmp_path / "products.csv") == "the packaged price list"


def test_optional_columns_can_be_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path, "pro,true,1,9900", header="product_type,is_recurring,interval_months,price_cents"
    )

    assert read_price_list(path)[0].currency == "usd"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pro,true,5,9900,usd,,,", "line 2: interval_months of a membership is one of 1, 2, 3"),
        ("pro,true,,9900,usd,,,", "line 2: interval_months of a membership is one of"),
        ("pro,false,1,9900,usd,,,", "line 2: interval_months is empty for what is bought once"),
        ("pro,true,1,0,usd,,,", "line 2, price_cents: Input should be greater than 0"),
        ("pro,true,1,99.00,usd,,,", "line 2, price_cents: a price is a whole number"),
        ("pro,maybe,1,9900,usd,,,", "line 2, is_recurring: Input should be a valid boolean"),
        ("pro,true,1,9900,dollar,,,", "line 2, currency: String should match pattern"),
        (",true,1,9900,usd,,,", "line 2, product_type: String should have at least 1 character"),
        ("pro,true,1,9900,usd,-1,,", "line 2, credits: Input should be greater than or equal to 0"),
        ("pro,true,1,9900,usd,,5 May,", "line 2, valid_from: Input should be a valid date"),
        ("pro,true,1,9900,usd,,2026-02-01,2026-02-01", "valid_until is not after valid_from"),
        ("pro,true,1,9900,usd,,", "line 2 has fewer cells"),
        ("pro,true,1,9900,usd,,,,", "line 2 has more cells"),
        ("pro,true,1,9900,usd,,,\npro,true,1,9900,usd,,,", "line 3 is the same as line 2"),
        ("pro,true,1,9900,usd,,,\npro,false,,50,usd,,,", "line 3: pro is a membership and bought"),
        ("", "holds no line"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, *([line] if line else []))

    with pytest.raises(UsageError, match=reason) as error:
        read_price_list(path)

    assert str(path) in error.value.message
    assert error.value.remedy


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("product_type,is_recurring,interval_months,price", "a column 'price'; did you mean"),
        ("product_type,is_recurring,interval_months", "lacks the column 'price_cents'"),
    ],
)
def test_a_wrong_header_is_said(tmp_path: Path, header: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read_price_list(write(tmp_path, header=header))


def test_the_owner_may_name_products(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_names() == []
    write(
        tmp_path,
        "pro,true,1,9900,usd,,,2026-01-01,Pro",
        "pro,true,1,10900,usd,,2026-01-01,,Professional",
        "credit_topup,false,,4500,usd,100,,,",
        header=f"{HEADER},name",
    )
    assert list_names() == [{"product_type": "pro", "name": "Professional"}]
