"""A month of a whole business is signed: the liability is that of a build of the month's end."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from sselfie_insights.books.closing import close_month, explain_closed
from sselfie_insights.build import build
from tests.integration.conftest import Business

OCTOBER = date(2026, 10, 1)
ON_TIME = datetime(2026, 11, 15, 13, tzinfo=UTC)


@pytest.mark.slow
def test_the_liability_is_what_a_whole_build_of_the_months_end_says(
    built_business: Business, tmp_path: Path
) -> None:
    warehouse = Path(shutil.copy(built_business.settings.warehouse, tmp_path / "w.duckdb"))
    settings = built_business.settings.model_copy(update={"warehouse": warehouse})
    close_month(settings, OCTOBER, "ann", now=ON_TIME)
    assert explain_closed(settings, OCTOBER).restatements == ()

    # In the reporting zone, an hour ahead of UTC, October ends at 23:00.
    then = settings.model_copy(
        update={
            "as_of": "2026-10-31T22:59:59.999999+00:00",
            "warehouse": Path(shutil.copy(warehouse, tmp_path / "then.duckdb")),
        }
    )
    build(then)
    with duckdb.connect(warehouse, read_only=True) as db:
        signed = db.execute(
            "select row_key ->> 'currency', measure, value::bigint from closed.figures"
            " where query = 'credits/liability' and measure in"
            " ('liability_cents', 'paid_credits_outstanding') order by all"
        ).fetchall()
    with duckdb.connect(then.warehouse, read_only=True) as db:
        built = db.execute(
            "unpivot (select currency, liability_cents, paid_credits_outstanding"
            " from marts.liability) on liability_cents, paid_credits_outstanding order by all"
        ).fetchall()
    assert signed == built
    assert sum(value for *_, value in signed) > 0
