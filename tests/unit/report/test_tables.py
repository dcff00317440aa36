"""In which order the parts of a section come."""

import polars as pl

from sselfie_insights.query.header import Column
from sselfie_insights.query.result import Result
from sselfie_insights.report.tables import rank_values

UNITS = {"currency": "text", "product": "text", "people": "count", "net_cents": "cents"}


def test_currencies_go_by_money_and_all_else_by_the_first_measure() -> None:
    frame = pl.DataFrame(
        {
            "currency": ["eur", "usd", "eur", "usd"],
            "product": ["a", "a", "b", "b"],
            "people": [9, 9, 5, 5],
            "net_cents": [100, 200, 300, 400],
        }
    )
    columns = {
        name: Column.model_validate({"unit": unit, "description": "D."})
        for name, unit in UNITS.items()
    }
    result = Result("q", frame, columns, ("currency", "product"), (), {}, None)

    assert rank_values(result, "currency") == ["usd", "eur"]
    assert rank_values(result, "product") == ["a", "b"]
