from datetime import UTC, date, datetime
from typing import Any

import pytest

from sselfie_insights.printable import clean
from sselfie_insights.query.cells import write_cell


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "cents", ""),
        (0, "cents", "0.00"),
        (-5, "cents", "-0.05"),
        (-105, "cents", "-1.05"),
        (123_456_789_012_345_678, "cents", "1,234,567,890,123,456.78"),
        (0.12345, "rate", "12.3%"),
        (1234, "count", "1,234"),
        (2.25, "days", "2.2"),
        (date(2026, 1, 31), "month", "Jan 2026"),
        (date(2026, 1, 31), "date", "2026-01-31"),
        (datetime(2026, 1, 31, 23, 59, 59, 999_999, UTC), "instant", "2026-01-31 23:59:59 UTC"),
        (False, "flag", "no"),
        ("=1", "text", "=1"),
    ],
)
def test_a_value_is_written_by_its_unit(value: Any, unit: Any, text: str) -> None:
    assert write_cell(value, unit) == text


def test_what_could_redraw_a_terminal_is_taken_out() -> None:
    assert clean("a\x1b[31mb\u202ec\nd\u200be") == "a[31mbc de"
