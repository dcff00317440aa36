"""The values of a documented column, as the mirror holds them: SQL that reads and counts them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sselfie_insights.check.rules import NATIVE_TYPES, Check, accepted
from sselfie_insights.sql import literal

_LONGEST = 64
"""How many characters of a value are compared with the documented ones, which are shorter."""

_MOST = 1000
"""How many distinct values of a column are handed on; the others count as one."""

# The years 2000 to 2199.
EPOCH = "946684800 and 7258118399"
EPOCH_MILLIS = "946684800000 and 7258118399999"
EPOCH_MICROS = "946684800000000 and 7258118399999999"

_JSON_SHAPE = """
    case left(ltrim({text}, E' \\n\\r\\t'), 1)
        when '{{' then 'object' when '[' then 'array' when 'n' then 'null' else 'scalar'
    end
"""


@dataclass(frozen=True)
class Place:
    """Where the mirror holds a documented column: its name there, and its DuckDB type."""

    name: str
    type: str

    @property
    def sql(self) -> str:
        """The column, for DuckDB."""
        return f'"{self.name}"'

    @property
    def text(self) -> str:
        """Its value as text."""
        return self.sql if self.type == "VARCHAR" else f"cast({self.sql} as varchar)"

    @property
    def number(self) -> str:
        """Its value as a number, NULL where it is none; no sum or difference overflows."""
        return f"try_cast({self.text if self.type == 'VARCHAR' else self.sql} as double)"

    @property
    def instant(self) -> str:
        """Its value as a timestamp with or without a zone, NULL where it is none.

        Not the same type for all, since DuckDB is slow at giving and taking zones.
        """
        if self.type in NATIVE_TYPES["timestamptz"]:
            return self.sql
        if self.type == "DATE":
            return f"cast({self.sql} as timestamp)"
        # As text, else counted from 1970 in seconds or less; as staging reads it.
        counted = f"try_cast({self.text} as double)"
        return f"""coalesce(
            timezone('UTC', try_cast({self.text} as timestamptz)),
            make_timestamp(try_cast(case
                when {counted} between {EPOCH} then {counted} * 1000000
                when {counted} between {EPOCH_MILLIS} then {counted} * 1000
                when {counted} between {EPOCH_MICROS} then {counted}
            end as bigint))
        )"""

    @property
    def whole(self) -> str:
        """Its value, NULL where it is no whole number."""
        return f"case when regexp_full_match({self.text}, '[+-]?[0-9]+') then {self.sql} end"

    @property
    def amount(self) -> str:
        """Its value as an amount in major units, NULL where it is none."""
        plain = f"replace(replace({self.text}, '$', ''), ',', '')"
        return f"try_cast({plain} as decimal(38, 6))"

    def moment(self, at: datetime) -> str:
        """Return ``at``, UTC and naive, as a literal to compare ``instant`` with."""
        return literal(at.replace(tzinfo=UTC) if self.type.endswith("ZONE") else at)


def distinct_query(check: Check, place: Place, found: Mapping[str, str]) -> str:
    """Return the query of a check's distinct values and their rows."""
    source = f'raw."{check.table.name}" where {place.sql} is not null'
    match check.rule:
        case "json":
            shape = _JSON_SHAPE.format(text=place.text)
            if place.type != "JSON":
                shape = f"case when json_valid({place.text}) then {shape} else 'broken' end"
            return f"select {shape}, count(*) from {source} group by all"
        case "array":
            return f"select {_array_shape(place)}, count(*) from {source} group by all"
        case "ledger":
            return _ledger(found)
        case _:
            plain = f"lower(trim(left({place.text}, {_LONGEST})))"
            return f"""
                with counted as (
                    select
                        if(
                            {plain} in ({literals(accepted(check))}),
                            {plain}, left({place.text}, {_LONGEST})
                        ) as value,
                        count(*) as row_count
                    from {source} group by all
                ),
                ranked as (
                    select *, row_number() over (
                        order by value in ({literals(accepted(check))}) desc, row_count desc, value
                    ) as place
                    from counted
                )
                select if(place <= {_MOST}, value, 'and others'), sum(row_count)::bigint
                from ranked group by all
            """


def _array_shape(place: Place) -> str:
    if place.type.endswith("[]"):
        return f"if(list_count({place.sql}) < len({place.sql}), 'gaps', 'list')"
    return f"""
        case
            when {place.text} like '{{%' then 'nested'
            when {place.text} not like '[%' then 'element'
            when not json_valid({place.text}) then 'broken'
            when list_bool_or(list_transform(
                cast({place.text} as json[]), element -> json_type(element) in ('ARRAY', 'OBJECT')
            )) then 'nested'
            else 'list'
        end
    """


def _ledger(found: Mapping[str, str]) -> str:
    """Return the query of how balances follow one another.

    What was there before a movement cannot be more than what the movement before left, nor less
    than nothing; it can be less than was left, since some spends never reach the ledger.
    """
    fields = ("amount", "balance_after")
    amount, after = (Place(name, found[name]).number for name in fields)
    return f"""
        with steps as (
            select
                {after} - {amount} as opening,
                lag({after}) over (partition by user_id order by created_at, id) as left_before
            from raw.credit_transactions
            where {after} is not null and {amount} is not null
        )
        select
            case
                when opening < 0 then 'below nothing'
                when left_before is null then 'first'
                when opening > left_before then 'jumps'
                else 'follows'
            end,
            count(*)
        from steps group by all
    """


def literals(values: Iterable[str]) -> str:
    """Return ``values`` as a list for SQL."""
    return ", ".join(map(literal, values))
