"""Random credit ledgers: every lot against a replay a credit at a time, on both engines."""

from random import Random
from typing import Any

import pytest

from tests.support.billing.cases import Rows
from tests.support.billing.lives import numbered
from tests.support.billing.models import Models, Surroundings
from tests.support.credits import AS_OF, Lot, estimates, ledgers, replay

ENGINES = pytest.mark.parametrize("engine", ["in_duckdb", "in_postgres"])
SETTINGS = pytest.mark.parametrize("paid_first", [False, True])


@SETTINGS
@ENGINES
def test_lots_are_the_oracles(
    request: pytest.FixtureRequest, engine: str, *, paid_first: bool
) -> None:
    models: Models = request.getfixturevalue(engine)
    drawn = ledgers(Random(25), request.config.getoption("ledgers"))
    rows = Rows()
    for ledger in drawn:
        rows.extend(ledger.rows)
    found = models.build(
        numbered(rows),
        Surroundings(AS_OF.isoformat(), spends_paid_credits_first=paid_first),
        ("credit_lots", "liability"),
    )

    lots: dict[int, Lot] = {}
    for ledger in drawn:
        lots |= replay(ledger, paid_first=paid_first)
    assert {row["credit_transaction_id"]: _lot(row) for row in found["credit_lots"]} == {
        number: lot._asdict() for number, lot in lots.items()
    }
    liability = {row["currency"]: row for row in found["liability"]}
    for currency, wanted in estimates(lots.values()).items():
        assert {name: liability[currency][name] for name in wanted} == pytest.approx(wanted)


def _lot(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in Lot._fields}
