"""The sections of ``sselfie.toml`` that say how a live database differs from its document.

``[tables]``, ``[columns]``, ``[values]`` and ``[units]`` name what is documented, ``[mirror]``
what is not.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.setting_types import Names

if TYPE_CHECKING:
    from sselfie_insights.contract import Column

CONFIG_FILE = Path("sselfie.toml")


class Tables(BaseModel):
    """The section ``[tables]``.

    Attributes:
        leave_out: Names or patterns of tables that are not mirrored.
        renamed: By the documented name of a table, its name in the source.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    leave_out: Names = ()
    renamed: dict[str, str] = {}


def require_documented(
    tables: Tables,
    columns: Mapping[str, Mapping[str, str]],
    values: Mapping[str, Mapping[str, Mapping[str, str]]],
    units: Mapping[str, Mapping[str, str]],
    mirror: Mapping[str, Mapping[str, bool]],
) -> None:
    """Refuse names and values that no document knows, and documented ones in ``[mirror]``.

    Args:
        tables: The section of that name, as the others are.
        columns: By table and column, the column's name in the source.
        values: By table, column and value of the source, the documented value.
        units: By table and column, the unit of the amounts.
        mirror: By table and column of the first schema, whether it is mirrored.

    Raises:
        UsageError: It names the table, column or value.
    """
    if not (tables.renamed or columns or values or units or mirror):
        return
    from sselfie_insights.contract import load_contract

    contract = load_contract()
    remedy = f"correct it in {CONFIG_FILE}"
    sections = {"columns": columns, "values": values, "units": units}
    for section, names in {"tables": tables.renamed, **sections}.items():
        for name in names:
            if name not in contract:
                what = f"no documented table {name!r}{nearest(name, contract)}"
                raise UsageError(f"[{section}]: {what}", remedy=remedy)
    for section, given in sections.items():
        for table, of_table in given.items():
            known = {column.name: column for column in contract[table].every_column}
            for name in of_table:
                if name not in known:
                    what = f"no documented column {table}.{name}{nearest(name, known)}"
                    raise UsageError(f"[{section}]: {what}", remedy=remedy)
                if section == "units" and not known[name].is_money:
                    what = f"{table}.{name} is no amount of money"
                    raise UsageError(f"[{section}]: {what}", remedy=remedy)
                if section == "values":
                    _require_values(table, known[name], values[table][name])
    for table, opened in mirror.items():
        documented = contract[table].every_column if table in contract else ()
        for name in sorted(opened.keys() & {column.name for column in documented}):
            what = f"{table}.{name} is documented, and mirrored unless it is a credential"
            raise UsageError(f"[mirror]: {what}", remedy=f"remove it from {CONFIG_FILE}")


def _require_values(table: str, column: "Column", meant: Mapping[str, str]) -> None:
    if column.data_type != "text":
        what = f"{table}.{column.name} is {column.data_type}, and only text has names"
        raise UsageError(f"[values]: {what}", remedy=f"correct it in {CONFIG_FILE}")
    accepted = (*column.values, *column.live_values)
    for value in meant.values():
        if accepted and value not in accepted:
            what = f"{value!r} is no documented value of {table}.{column.name}"
            raise UsageError(f"[values]: {what}", remedy=f"one of: {', '.join(accepted)}")
