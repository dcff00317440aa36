"""Source tables without a source."""

from typing import Any

from sselfie_insights.sync.catalog import SourceColumn, SourceTable


def column(
    kind: str, base: str | None, *, name: str = "v", number: int = 1, **values: Any
) -> SourceColumn:
    defaults = {"element": None, "modifier": -1, "cast": None, "signature": kind}
    return SourceColumn(number, name, kind, base, is_readable=True, **defaults | values)


def table(*columns: SourceColumn, name: str = "t", oid: int = 1, **values: Any) -> SourceTable:
    defaults: dict[str, Any] = {
        "schema": "public",
        "kind": "r",
        "key": (),
        "storage": "1:1",
        "has_children": False,
        "has_foreign": False,
        "is_populated": True,
        "is_filtered": False,
        "shows_versions": True,
        "bytes": 8192,
    }
    return SourceTable(name=name, oid=oid, columns=columns, **defaults | values)
