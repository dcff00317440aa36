"""The headers of the packaged queries mark every column that holds personal data."""

from dataclasses import replace
from pathlib import Path

import pytest

from sselfie_insights.query import OpenWarehouse, Query, load_library
from sselfie_insights.query.personal import open_masked
from sselfie_insights.query.template import compile_query
from sselfie_insights.sql import literal
from tests.integration.conftest import Walk

LIBRARY = load_library()


@pytest.mark.parametrize("name", LIBRARY)
def test_what_a_header_calls_impersonal_is_the_same_without_personal_data(
    walk: Walk, name: str
) -> None:
    assert is_honest(LIBRARY[name], walk.business.settings.warehouse)


def test_a_header_that_lies_is_found_out(walk: Walk) -> None:
    liars = [query for query in LIBRARY.values() if any(c.pii for c in query.columns.values())]
    assert len(liars) > 20
    found = []
    for query in liars:
        columns = {n: c.model_copy(update={"pii": False}) for n, c in query.columns.items()}
        lie = replace(query, columns=columns)
        if not is_honest(lie, walk.business.settings.warehouse):
            found.append(query.name)
    # The others have no row in this business.
    assert len(found) > len(liars) * 0.7 and "churn/members_now" in found


def is_honest(query: Query, path: Path) -> bool:
    """Whether the columns that are not marked as personal hold what they do without any."""
    sql, values = compile_query(query, {})
    for parameter, value in values.items():
        sql = sql.replace(f"${parameter}", literal(value))
    ends = _ends(query.name)
    stored = [c for c, column in query.columns.items() if not column.pii and c not in ends]
    chosen = f"select {', '.join(stored)} from ({sql}) order by all"
    with OpenWarehouse(path) as opened:
        expected = opened.connection.execute(chosen).fetchall()
    with open_masked(path, sql) as (masked, _):
        return masked.execute(chosen).fetchall() == expected


def test_a_packaged_query_with_addresses_is_empty_of_them_when_masked(walk: Walk) -> None:
    [query] = [LIBRARY[name] for name in LIBRARY if name == "engagement/first_steps"]
    sql, values = compile_query(query, {})
    for parameter, value in values.items():
        sql = sql.replace(f"${parameter}", literal(value))
    found = f"select count(*), count(email) from ({sql})"
    with OpenWarehouse(walk.business.settings.warehouse) as opened:
        rows, addresses = opened.connection.execute(found).fetchone() or (0, 0)
    assert rows and addresses
    with open_masked(walk.business.settings.warehouse, sql) as (masked, _):
        assert masked.execute(found).fetchone() == (rows, 0)


def _ends(name: str) -> set[str]:
    """The ends of intervals, which the library works out."""
    return {end for column in LIBRARY[name].columns.values() for end in column.interval or ()}
