"""Another tool's file of MRR: long or wide, exact, and every error says where."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sselfie_insights.books.mrr_file import ForeignMrr, read_mrr
from sselfie_insights.errors import UsageError

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "mrr.csv"
    path.write_bytes(text.encode(encoding))
    return path


def amounts(rows: list[ForeignMrr]) -> list[tuple[str, date, str, Decimal]]:
    return [(row.customer, row.month, row.currency, row.amount) for row in rows]


LONG = "Customer ID,Month,Currency,MRR\ncus_1,2026-10,USD,49.00\ncus_2,2026-10-31,usd,8.3333\n"
EXPECTED = [
    ("cus_1", OCTOBER, "usd", Decimal("49.00")),
    ("cus_2", OCTOBER, "usd", Decimal("8.3333")),
]


def test_a_long_file_is_read_exactly(tmp_path: Path) -> None:
    rows = read_mrr(write(tmp_path, LONG))
    assert amounts(rows) == EXPECTED
    assert [row.line for row in rows] == [2, 3]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (LONG, "utf-8-sig"),
        (LONG, "utf-16"),
        (LONG.replace(",", "\t"), "utf-8"),
        (LONG.replace(",", ";").replace(".", ","), "utf-8"),
        (LONG.replace("\n", "\r\n") + "\r\n\r\n", "utf-8"),
        (LONG.replace("Month", "month_end").replace("2026-10,", "Oct 2026,"), "utf-8"),
        (LONG.replace("2026-10-31", "2026-10-31 00:00:00 UTC"), "utf-8"),
        (LONG.replace("MRR", '"MRR (minor)"').replace("49.00", "4900").replace("8.3333", "833.33"),
         "utf-8"),
    ],
)  # fmt: skip
def test_other_writings_say_the_same(tmp_path: Path, text: str, encoding: str) -> None:
    assert amounts(read_mrr(write(tmp_path, text, encoding))) == EXPECTED


def test_a_wide_file_has_a_month_a_column_and_empty_cells_say_nothing(tmp_path: Path) -> None:
    text = 'email,plan,2026-10-31,2026-11-30\na@x.org,pro,"1,049.50",0\nb@x.org,pro,,7.25\n'
    assert amounts(read_mrr(write(tmp_path, text), currency="EUR")) == [
        ("a@x.org", OCTOBER, "eur", Decimal("1049.50")),
        ("a@x.org", NOVEMBER, "eur", Decimal(0)),
        ("b@x.org", NOVEMBER, "eur", Decimal("7.25")),
    ]


def test_columns_of_any_name_are_mapped(tmp_path: Path) -> None:
    text = LONG.replace("Customer ID,Month,Currency,MRR", "wer,wann,was,wieviel")
    mapping = {"customer": "wer", "month": "wann", "currency": "was", "mrr": "wieviel"}
    assert amounts(read_mrr(write(tmp_path, text), mapping)) == EXPECTED


def test_yen_have_no_minor_unit(tmp_path: Path) -> None:
    text = "customer,month,currency,mrr_cents\ncus_1,2026-10,jpy,9800\n"
    assert amounts(read_mrr(write(tmp_path, text)))[0][3] == Decimal(9800)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (LONG.replace("49.00", "n/a"), "line 2, column MRR: 'n/a' is no amount"),
        (LONG.replace("49.00", "1e3"), "line 2, column MRR: '1e3' is no amount"),
        (LONG.replace("49.00", ""), "line 2, column MRR: it is empty"),
        (LONG.replace("8.3333", '"8,33.3"'), "line 3, column MRR: '8,33.3' is no amount"),
        (LONG.replace("49.00", '"1,234"').replace("8.3333", '"5,678"'), "decimal comma"),
        (LONG.replace("2026-10,", "2026-13,"), "line 2, column Month: '2026-13' is no month"),
        (LONG.replace("USD", "$"), "line 2, column Currency: '\\$' is no currency"),
        (LONG.replace("cus_1", ""), "line 2, column Customer ID: it is empty"),
        (LONG.replace("cus_2", "cus_1"), "line 3, column MRR: line 2 has this customer"),
        (LONG + "cus_3,2026-10,usd\n", "line 4: 3 of 4 columns are there"),
        (LONG + 'cus_3,2026-10,usd,"1\n', "line 4: unexpected end of data"),
        (LONG.replace("Currency", "Country"), "no column of currencies"),
        (LONG.replace("Customer ID", "Name"), "no column of customer"),
        ("customer,currency,x\nc,usd,1\n", "neither columns of month and mrr nor one column"),
        ("customer,currency,2026-10,2026-10-31\nc,usd,1,2\n", "two columns are of one month"),
    ],
)
def test_an_error_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_mrr(write(tmp_path, text))


def test_text_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mrr.csv"
    path.write_bytes(LONG.encode() + "m\xfcller,2026-10,usd,1\n".encode("latin-1"))
    with pytest.raises(UsageError, match="line 4: it is not text"):
        read_mrr(path)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"client": "Customer ID"}, "--map client: there is no such part"),
        ({"customer": "Customer"}, "has no column 'Customer'"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, mapping: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_mrr(write(tmp_path, LONG), mapping)
