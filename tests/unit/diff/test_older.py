"""Numbers of marts that lack what this version added: the definition changed, never the data."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.diff import compare
from sselfie_insights.settings import load_settings
from tests.support.business import write_business

OLDER = """
update marts.build_info set definitions = 1, version = '0.1.0';
alter table marts.build_info drop column first_week_on;
alter table marts.mrr_movements drop column committed_mrr_cents;
drop table marts.billed_mrr_movements;
update marts.mrr_movements set closing_mrr_cents = closing_mrr_cents - 100
    where month = date '2026-10-01';
insert into marts.payments by name
    select 'in_1' as movement_key, 'in_1' as payment_key, 'payment' as kind,
        date '2026-10-01' as month, date '2026-10-05' as moved_on, 'u1' as customer_key,
        'pro' as product_type, 'usd' as currency, 4900 as gross_cents, 0 as refunded_cents,
        0 as chargeback_cents;
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A business as an earlier version knew it, which lacks a column and a table, and as it is."""
    after = write_business(tmp_path / "b.duckdb")
    before = Path(shutil.copy(after, tmp_path / "a.duckdb"))
    with duckdb.connect(before) as db:
        db.execute(OLDER)
    return before, after


def test_what_both_count_is_compared_and_the_definition_is_the_cause(
    files: tuple[Path, Path],
) -> None:
    found = compare(load_settings(warehouse=files[1]), *files)
    assert {
        (each.number.query, each.number.column, each.number.first_on, each.causes)
        for each in found.restatements
    } == {
        ("revenue/mrr_movements", "closing_mrr_cents", date(2026, 10, 1),
         ("the definition changed",)),
    }  # fmt: skip
    (number,) = (each.number for each in found.restatements)
    assert number.after == number.before + 100  # type: ignore[operator]
    assert found.rows == ()


def test_the_note_has_the_changelogs_entry_and_names_what_was_not_compared(
    files: tuple[Path, Path],
) -> None:
    found = compare(load_settings(warehouse=files[1]), *files)
    assert found.remarks[0].startswith("the definitions were version 1 and are version ")
    assert "Contract and billed MRR, their movements, churn and cohorts" in found.remarks[0]
    assert [each.partition(" was")[0] for each in found.remarks[1:]] == [
        "revenue/billed_mrr_movements"
    ]
