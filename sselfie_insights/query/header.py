"""What the header of a query may say, as pydantic reads it from YAML."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from sselfie_insights.errors import nearest
from sselfie_insights.files import read_text
from sselfie_insights.query.identities import Identity, parse_identity
from sselfie_insights.query.yaml_files import parse_yaml
from sselfie_insights.resources import find_files

Unit = Literal[
    "cents",
    "rate",
    "count",
    "credits",
    "days",
    "number",
    "month",
    "date",
    "instant",
    "text",
    "flag",
]
NUMERIC_UNITS: frozenset[Unit] = frozenset({"cents", "rate", "count", "credits", "days", "number"})
PERIOD_UNITS: frozenset[Unit] = frozenset({"month", "date"})
# The columns that say of a row whether it is a mean of others, and whether that counts it.
MEAN, IN_MEAN = "is_mean", "is_in_mean"


_DAYS = re.compile(r"(?P<days>[1-9]\d{0,3}) days")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def as_list(value: object) -> object:
    """Return a lone name as a list of one: what YAML may say either way."""
    return [value] if isinstance(value, str) else value


def _as_lists(value: object) -> object:
    """Return one list of names as a list of one such list; YAML may say either."""
    is_one = isinstance(value, list) and not any(isinstance(part, list) for part in value)
    return [value] if is_one else value


def _read_carries(value: object) -> object:
    """Return one of the words as it is, and a number for ``29 days``."""
    days = _DAYS.fullmatch(str(value))
    if days is None and value not in ("period", "forward", "now"):
        raise ValueError("say period, forward, now or a number of days, such as 29 days")
    return int(days["days"]) if days else value


Carries = Annotated[Literal["period", "forward", "now"] | int, BeforeValidator(_read_carries)]


class Column(_Strict):
    """A column that a query gives.

    Attributes:
        unit: Its unit.
        description: What it means.
        pii: Whether it names a person.
        of: The column that counts the people it is about: for a number where that is not the
            row's group size, as with the median of those who got somewhere; for a rate that
            is a share of them; for words that a small group's row must not hold.
        difference: Two such shares, of different people, of which it is the first less the second.
        interval: The columns with the ends of the 95 % interval of such a share or difference,
            which follow it in every result; ``<name>_low`` and ``<name>_high`` where the file names
            none.
        has_interval: False for a share of something else than people, such as credits.
        same_as: The quantity that this number of people is, wherever it stands.
        adds_up_to: The quantities of which it is a part, nobody being in two parts of one.
        covers: The quantity of which it is a part, where people can be in several.
        made_of: The numbers of people from which it is worked out; ``before.x`` is the row before.
            Otherwise a rate, days or a plain number is made of all such numbers in its row.
    """

    unit: Unit
    description: str
    pii: bool = False
    of: str | None = None
    difference: tuple[str, str] | None = None
    interval: tuple[str, str] | None = None
    has_interval: bool = True
    same_as: str | None = None
    adds_up_to: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    covers: str | None = None
    made_of: Annotated[tuple[str, ...] | None, BeforeValidator(as_list)] = None

    def head(self, name: str) -> str:
        """Return what stands above it, called ``name``, where money is in whole units."""
        return name.removesuffix("_cents") if self.unit == "cents" else name


class _ParameterBase(_Strict):
    """What every kind of parameter has; ``needs`` are the only choices with which it is given."""

    description: str
    needs: dict[str, str] = {}


class TextParameter(_ParameterBase):
    """Free text, bound."""

    type: Literal["text"]
    default: str | None = None


class RangesParameter(_ParameterBase):
    """Ranges of whole numbers such as ``0,1-3``, bound as text in which none stands twice."""

    type: Literal["ranges"]
    default: str | None = None


class DateParameter(_ParameterBase):
    """An ISO date, bound."""

    type: Literal["date"]
    default: str | None = None


class IntegerParameter(_ParameterBase):
    """A whole number, bound; ``on_screen`` is what it is on a terminal where nobody gives it."""

    type: Literal["integer"]
    default: int | None = None
    on_screen: int | None = None
    minimum: int | None = None
    maximum: int | None = None


class ChoiceParameter(_ParameterBase):
    """One of ``choices``; the only kind that a Jinja expression may read."""

    type: Literal["choice"]
    choices: tuple[str, ...]
    default: str

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> "ChoiceParameter":
        if self.default not in self.choices:
            raise ValueError(f"default {self.default!r} is not one of its choices")
        return self


class SplitParameter(_ParameterBase):
    """What people are split by; a Jinja expression reads it as a ``template.Split``.

    It is ``none``, a column of the marts ``of``, of the first with a value, or ``segment:NAME``.
    """

    type: Literal["split"]
    of: tuple[str, ...]
    default: str = "none"


class SegmentParameter(_ParameterBase):
    """A segment; a Jinja expression reads it as the SELECT of its people, nothing without one."""

    type: Literal["segment"]
    default: None = None


Parameter = Annotated[
    TextParameter
    | RangesParameter
    | DateParameter
    | IntegerParameter
    | ChoiceParameter
    | SplitParameter
    | SegmentParameter,
    Field(discriminator="type"),
]


GIVEN = "given"
"""In what a query refuses, stands for a parameter that is given at all."""


class Refusal(_Strict):
    """A combination of values that means nothing, and why.

    ``when`` maps parameters to one value or several; ``given`` is any that is not the default.
    """

    when: dict[str, Annotated[tuple[str, ...], BeforeValidator(as_list)]] = Field(min_length=2)
    because: str


def _add_intervals(columns: dict[str, Column]) -> dict[str, Column]:
    """Put the ends of its interval after each share of people, and each difference of two."""
    whole: dict[str, Column] = {}
    for name, column in columns.items():
        whole[name] = column
        if column.unit != "rate" or (column.of is None and column.difference is None):
            if column.interval or column.difference:
                raise ValueError(f"{name!r} is no rate of a number of people ('of')")
            continue
        if not column.has_interval:
            continue
        for share in column.difference or ():
            if share not in columns or columns[share].of is None or columns[share].unit != "rate":
                raise ValueError(f"{name!r} is the difference of {share!r}, which is no such rate")
        method = "Newcombe" if column.difference else "Wilson"
        low, high = column.interval or (f"{name}_low", f"{name}_high")
        for end, side in ((low, "Lower"), (high, "Upper")):
            if end in columns:
                raise ValueError(f"{end!r} is worked out from {name!r}: leave it out")
            description = f"{side} end of the 95 % interval of {name} ({method})."
            whole[end] = Column(
                unit="rate", of=column.of, description=description, made_of=column.made_of
            )
        whole[name] = column.model_copy(update={"interval": (low, high)})
    return whole


class Explains(_Strict):
    """The public number whose change, from one month to the next, rows of people add up to.

    Attributes:
        title: What it is called.
        query: The query that gives it, a row a period, and a currency where it has one.
        values: Parameters of that query.
        column: Its column.
        opening: Its column with the value before; by default that of the month before is taken.
        by: Columns of the rows to take the change apart by, and their headings.
        also: Of these, those that the rows of another query have, and that query.
    """

    title: str
    query: str
    values: dict[str, str] = Field({}, alias="with")
    column: str
    opening: str | None = None
    by: dict[str, str] = Field(min_length=1)
    also: dict[str, str] = {}


class Repeats(_Strict):
    """The columns that say which numbers of another query a row repeats.

    Attributes:
        query: The column with the query's name; empty where a row repeats none.
        parameters: That with its values, as ``parameters.write_values`` writes them.
        row: That with the key of its row, as ``warehouse.closed.write_row_key`` writes it.
        columns: Those with the names of its columns; empty where there is none.
    """

    query: str
    parameters: str
    row: str
    columns: tuple[str, ...] = Field(min_length=1)


# What every query of rows that explain a change gives.
_EXPLAINING = ("customer_key", "before", "after")


class _Interface(_Strict):
    key: tuple[str, ...]
    answer: str | None = None
    parameters: dict[str, Any] = {}
    refuse: tuple[Any, ...] = ()
    columns: dict[str, Any]


class Header(_Strict):
    """What a query's file says before its SQL; ``library.Query`` describes each part."""

    grain: str
    title: str
    description: str
    key: tuple[str, ...]
    columns: Annotated[dict[str, Column], AfterValidator(_add_intervals)]
    parameters: dict[str, Parameter] = {}
    interface: str | None = None
    people: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    no_people: str | None = Field(None, min_length=1)
    analysts_only: str | None = Field(None, min_length=1)
    group: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    part_of: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_as_lists)] = ()
    identities: tuple[Annotated[Identity, BeforeValidator(parse_identity)], ...] = ()
    refuse: tuple[Refusal, ...] = ()
    rows: Annotated[tuple[str, ...], BeforeValidator(as_list)] = ()
    carries: Carries | None = None
    explains: Explains | None = None
    repeats: Repeats | None = None
    answer: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_group_size(cls, content: Any) -> Any:
        """Take ``group_size``, which named more columns that count people before 0.3."""
        match content:
            case {"group_size": str() | list() as sizes, **others}:
                people = as_list(others.get("people", []))
                if isinstance(people, list):
                    named = [*people, *as_list(sizes)]  # type: ignore[misc]
                    return others | {"people": list(dict.fromkeys(named))}
        return content

    @model_validator(mode="before")
    @classmethod
    def _add_interface(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "interface" not in content:
            return content
        shared = dict(_read_interface(content["interface"]))
        both = {
            part: shared[part] | own
            for part, own in content.items()
            if isinstance(own, dict) and part in shared
        }
        return shared | content | both

    @model_validator(mode="after")
    def _names_are_columns(self) -> "Header":
        counts = [column.of for column in self.columns.values() if column.of is not None]
        wholes = [name for whole in self.part_of for name in whole]
        made = [name for column in self.columns.values() for name in column.made_of or ()]
        counts += [name.removeprefix("before.") for name in made]
        terms = [term for identity in self.identities for term in identity.terms]
        counts += [term.name for term in terms if term.place != "quantity"]
        named = [*self.key, *self.people, *counts, *self.group, *wholes]
        if self.answer:
            named.append(self.answer)
        if self.repeats:
            named += [self.repeats.query, self.repeats.parameters, self.repeats.row]
            named += self.repeats.columns
        for name in named:
            if name not in self.columns:
                raise ValueError(f"{name!r} is not one of its columns")
        for word, value in (("part_of", self.part_of), ("repeats", self.repeats)):
            if value and not self.people:
                raise ValueError(f"{word} needs people")
        return self

    @model_validator(mode="after")
    def _parts_are_there(self) -> "Header":
        if self.explains is not None:
            own = [name for name in self.explains.by if name not in self.explains.also]
            for name in (*_EXPLAINING, *own):
                if name not in self.columns:
                    raise ValueError(f"explains: {name!r} is not one of its columns")
            if "month" not in self.parameters:
                raise ValueError("explains: it needs the parameter 'month'")
        return self

    @model_validator(mode="after")
    def _people_are_counted(self) -> "Header":
        if self.people and self.no_people:
            raise ValueError("no_people: 'people' counts some")
        for name in self.people:
            if self.columns[name].unit != "count":
                raise ValueError(f"people: {name!r} is not of unit count")
        return self

    @model_validator(mode="after")
    def _periods_are_there(self) -> "Header":
        is_timed = any(self.columns[name].unit in PERIOD_UNITS for name in self.key)
        if self.carries is not None and (self.carries == "now") == is_timed:
            has = "has a" if is_timed else "has no"
            raise ValueError(f"carries: it cannot be {self.carries!r}, as its key {has} period")
        return self

    @model_validator(mode="after")
    def _needs_are_choices(self) -> "Header":
        for name, parameter in self.parameters.items():
            for needed, choice in parameter.needs.items():
                if choice not in getattr(self.parameters.get(needed), "choices", ()):
                    raise ValueError(f"{name!r} needs {needed}={choice}, which is no choice")
        for name, values in ((n, v) for refusal in self.refuse for n, v in refusal.when.items()):
            for value in values:
                choices = getattr(self.parameters.get(name), "choices", ())
                default = getattr(self.parameters.get(name), "default", None)
                if name not in self.parameters or value not in (*choices, default, GIVEN):
                    raise ValueError(f"refuse: {name}={value} is no choice")
        return self


def _read_interface(name: object) -> _Interface:
    files = find_files("queries/interfaces", "*.yml")
    if name not in files:
        raise ValueError(f"there is no interface {name!r}{nearest(str(name), files)}")
    path = files[str(name)]
    interface: _Interface = parse_yaml(_Interface, read_text(path), path)
    return interface
