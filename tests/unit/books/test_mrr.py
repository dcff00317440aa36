"""Another tool's MRR against ours: each customer's rule, by hand, and sums that add up."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sselfie_insights.books.mrr import MrrComparison, compare_mrr
from sselfie_insights.books.mrr_file import read_mrr
from sselfie_insights.cli import app
from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.warehouse.reading import OpenWarehouse
from tests.support.contracts import create_tables, insert
from tests.support.warehouses import write_build_info

# October 2026 in UTC; every customer is one case. Coverage: who, from, until, MRR and billed MRR in
# cents, months of the rhythm. The list price of pro is 49.00 a month and 480.00 a year.
COVERAGE = [
    ("same", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    ("mailed", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    ("stripe:cus_guest", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    # A year for 499.99, a twelfth of which no cent can say.
    ("yearly", "2026-03-01", "2027-03-01", 4167, 4167, 12),
    # Cancelled in October, paid until the 5th of November; and one who is set to cancel now.
    ("left", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    ("leaving", "2026-03-01", "2027-03-01", 4000, 4000, 12),
    # A coupon of 20 % for one invoice; a coupon that stays; a month for free.
    ("coupon", "2026-10-05", "2026-11-05", 4900, 3920, 1),
    ("coupon", "2026-11-05", "2026-12-05", 4900, 4900, 1),
    ("cheaper", "2026-10-05", "2026-11-05", 3920, 3920, 1),
    ("cheaper", "2026-11-05", "2026-12-05", 3920, 3920, 1),
    ("free", "2026-10-05", "2026-11-05", 4900, 0, 1),
    ("free", "2026-11-05", "2026-12-05", 4900, 4900, 1),
    # Joined at 23:30 of the last day; a payment that failed at the end; another month's number.
    ("late", "2026-10-31 23:30", "2026-11-30 23:30", 4900, 4900, 1),
    ("failed", "2026-09-20", "2026-10-20", 4900, 4900, 1),
    ("upgraded", "2026-10-10", "2026-11-10", 9900, 9900, 1),
    ("upgraded", "2026-11-10", "2026-12-10", 9900, 9900, 1),
    ("upgraded", "2026-09-10", "2026-10-10", 3900, 3900, 1),
    ("euro", "2026-10-05", "2026-11-05", 4500, 4500, 1),
    ("hidden", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    ("odd", "2026-10-05", "2026-11-05", 4900, 4900, 1),
    ("odd", "2026-11-05", "2026-12-05", 4900, 4900, 1),
]
LOSSES = [
    ("left", "2026-11-05", "voluntary"),
    ("failed", "2026-10-20", "involuntary"),
]
FILE = """Customer ID,Month,Currency,MRR
same,2026-10,usd,49.00
m@x.org,2026-10,usd,49.00
cus_guest,2026-10,usd,49.00
yearly,2026-10,usd,41.6658
left,2026-10,usd,0
leaving,2026-10,usd,0.00
coupon,2026-10,usd,39.20
cheaper,2026-10,usd,49.00
free,2026-10,usd,0
late,2026-10,usd,0
failed,2026-10,usd,49.00
cus_upgraded,2026-10,usd,39.00
euro,2026-10,usd,45.00
odd,2026-10,usd,12.34
cus_nobody,2026-10,usd,20.00
"""
CAUSES = {
    "yearly": "rounding",
    "left": "cancelled but paid until",
    "leaving": "cancelled but paid until",
    "coupon": "discount",
    "cheaper": "discount",
    "free": "free month",
    "late": "timing",
    "failed": "past due",
    "upgraded": "timing",
    "euro": "currency",
    "hidden": "not in the file",
    "odd": "other",
    None: "unknown customer",
}
OURS = Decimal("660.87")
"""9 x 49 + 41.67 + 40 + 39.20 + 99: what the dollars of October add up to."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mrr") / "w.duckdb"
    with duckdb.connect(path) as db:
        create_tables(db)
        write_build_info(db, datetime(2026, 11, 20, tzinfo=UTC))
        names = list(dict.fromkeys(row[0] for row in COVERAGE))
        insert(
            db,
            "marts.coverage",
            "payment_key, customer_key, product_type, currency, covered_from_at, covered_until_at,"
            " rhythm, interval_months, mrr_cents, billed_mrr_cents",
            [
                (f"in_{n}", who, "pro", "eur" if who == "euro" else "usd", at(begin), at(end),
                 "month", months, mrr, billed)
                for n, (who, begin, end, mrr, billed, months) in enumerate(COVERAGE)
            ],
        )  # fmt: skip
        db.execute(
            """
            insert into marts.member_months by name
                select month, customer_key, currency, sum(mrr_cents)::bigint as mrr_cents,
                    sum(billed_mrr_cents)::bigint as billed_mrr_cents,
                    month < date '2026-11-01' as is_complete
                from marts.coverage, (values (date '2026-09-01'), (date '2026-10-01'),
                    (date '2026-11-01')) as months (month)
                where covered_from_at < month + interval 1 month
                    and covered_until_at >= month + interval 1 month
                group by all;
            insert into marts.mrr_movements by name
                select month, currency, sum(mrr_cents)::bigint as closing_mrr_cents,
                    bool_and(is_complete) as is_complete
                from marts.member_months group by all;
            """
        )
        insert(
            db,
            "marts.churn_by_member",
            "customer_key, churned_at, kind, currency",
            [(who, at(when), kind, "usd") for who, when, kind in LOSSES],
        )
        insert(db, "marts.dim_customers", "customer_key", [(name,) for name in names])
        insert(db, "marts.members_now", "customer_key, currency, state",
               [("leaving", "usd", "cancelling")])  # fmt: skip
        insert(db, "marts.customer_keys", "former_key, customer_key",
               [("stripe:cus_upgraded", "upgraded")])  # fmt: skip
        insert(db, "marts.dim_contacts", "customer_key, user_id, email",
               [("mailed", "u7", "m@x.org")])  # fmt: skip
        insert(
            db,
            "marts.dim_products",
            "product_type, is_recurring, interval_months, price_cents, currency",
            [("pro", True, 1, 4900, "usd"), ("pro", True, 12, 48000, "usd")],
        )
    return path


def compare(warehouse: Path, folder: Path, text: str = FILE) -> MrrComparison:
    path = folder / "mrr.csv"
    path.write_text(text)
    with OpenWarehouse(warehouse) as opened:
        return compare_mrr(opened, read_mrr(path))


def test_each_difference_has_the_rule_that_explains_it(warehouse: Path, tmp_path: Path) -> None:
    found = compare(warehouse, tmp_path)
    assert {each.customer_key: each.cause for each in found.differences} == CAUSES
    assert len(found.differences) == len(CAUSES)


def test_theirs_and_the_causes_add_up_to_ours_to_the_cent(warehouse: Path, tmp_path: Path) -> None:
    found = compare(warehouse, tmp_path)
    (usd,) = found.sums
    theirs = sum(Decimal(row["MRR"]) for row in csv.DictReader(io.StringIO(FILE)))
    assert usd.theirs == theirs == Decimal("442.2058")
    assert usd.ours == OURS
    assert usd.theirs + sum(amount for _, amount in usd.causes.values()) == OURS
    assert usd.causes["cancelled but paid until"] == (2, Decimal("89.00"))
    assert usd.causes["discount"] == (2, Decimal("0.00"))  # one coupon more, one less
    assert usd.causes["unknown customer"] == (1, Decimal("-20.00"))
    assert usd.equal_count == 3


def test_whoever_is_found_under_two_names_is_one(warehouse: Path, tmp_path: Path) -> None:
    text = "customer,month,currency,mrr\nmailed,2026-10,usd,40.00\nM@X.org,2026-10,usd,9.00\n"
    found = compare(warehouse, tmp_path, text)
    assert "mailed" not in {each.customer_key for each in found.differences}


def test_a_wide_file_and_months_that_run(warehouse: Path, tmp_path: Path) -> None:
    text = "customer,currency,2026-10,2026-11\nsame,usd,49,49\n"
    found = compare(warehouse, tmp_path, text)
    assert [each.month.month for each in found.sums] == [10]
    assert found.remarks == (
        "not compared, since they are not over in the warehouse: 2026-11",
        "the file says nothing of EUR, in which we have MRR",
    )


def test_a_file_of_other_months_is_refused(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no month of the file is over"):
        compare(warehouse, tmp_path, FILE.replace("2026-10", "2031-10"))


def test_a_difference_that_is_lost_is_noticed(warehouse: Path, tmp_path: Path) -> None:
    other = tmp_path / "w.duckdb"
    other.write_bytes(warehouse.read_bytes())
    with duckdb.connect(other) as db:
        db.execute("delete from marts.member_months where customer_key = 'hidden'")
    with pytest.raises(SselfieError, match="do not add up to our MRR"):
        compare(other, tmp_path)


def run(warehouse: Path, folder: Path, *words: str) -> str:
    (folder / "mrr.csv").write_text(FILE)
    arguments = ["reconcile", "--mrr", str(folder / "mrr.csv"), "--warehouse", str(warehouse)]
    done = CliRunner().invoke(app, [*arguments, *words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_the_formats_hold_the_same(warehouse: Path, tmp_path: Path) -> None:
    content = json.loads(run(warehouse, tmp_path, "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(run(warehouse, tmp_path, "--format", "csv"))))
    assert [row["cause"] for row in rows] == [each["cause"] for each in content["customers"]]
    sums = list(csv.DictReader(io.StringIO(run(warehouse, tmp_path, "--format", "csv", "--sums"))))
    by_cause = {row["cause"]: Decimal(row["amount"]) for row in sums}
    assert by_cause.pop("theirs") + sum(by_cause.values()) - by_cause["ours"] == by_cause["ours"]
    assert by_cause["ours"] == Decimal(content["sums"][0]["ours"]) == OURS
    text = run(warehouse, tmp_path)
    assert "cancelled but paid until" in text
    assert "line 16 of the file" in text


def test_no_address_is_written(warehouse: Path, tmp_path: Path) -> None:
    for form in ("table", "csv", "json"):
        assert "@" not in run(warehouse, tmp_path, "--format", form)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sums"], "need --mrr FILE"),
        (["--map", "mrr=x"], "need --mrr FILE"),
        (["--mrr", "x.csv", "--rows"], "are for payments"),
        (["--mrr", "x.csv", "--map", "mrr"], "write PART=COLUMN"),
    ],
)
def test_what_belongs_to_one_comparison_is_refused_by_the_other(
    words: list[str], message: str
) -> None:
    done = CliRunner().invoke(app, ["reconcile", *words])
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)
