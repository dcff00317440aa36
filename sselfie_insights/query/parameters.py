"""Turn ``name=value`` words into checked values for a query."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date

from sselfie_insights.errors import UsageError, nearest
from sselfie_insights.query.header import (
    GIVEN,
    ChoiceParameter,
    DateParameter,
    IntegerParameter,
    Parameter,
    RangesParameter,
    Refusal,
)
from sselfie_insights.query.library import Query

Value = str | int | date | None

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def split_words(words: Iterable[str]) -> dict[str, str]:
    """Return the names and values of ``name=value`` words.

    Raises:
        UsageError: A word has no ``=``, or a name stands twice.
    """
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{word!r} is not a parameter", remedy="write -p name=value")
        if name in values:
            raise UsageError(f"parameter {name!r} is given twice", remedy="give it once")
        values[name] = value
    return values


def choose_values(query: Query, given: Mapping[str, str]) -> dict[str, str]:
    """Return those of ``given`` that ``query`` has a parameter and, of a choice, a value for."""
    return {
        name: value
        for name, value in given.items()
        if name in query.parameters
        and value in (getattr(query.parameters[name], "choices", None) or (value,))
    }


def check_values(query: Query, given: Mapping[str, str]) -> dict[str, Value]:
    """Return a value for every parameter of ``query``: the given one, else its default.

    Raises:
        UsageError: A name is unknown, a value is not what the parameter takes, or values
            contradict each other.
    """
    for name in given:
        if name not in query.parameters:
            known = ", ".join(query.parameters) or "it has none"
            raise UsageError(
                f"query {query.name} has no parameter {name!r}{nearest(name, query.parameters)}",
                remedy=f"parameters: {known}",
            )
    values = {
        name: _convert(name, parameter, given.get(name))
        for name, parameter in query.parameters.items()
    }
    for name in given:
        for needed, choice in query.parameters[name].needs.items():
            if values[needed] != choice:
                raise UsageError(
                    f"parameter {name!r} needs {needed}={choice}",
                    remedy=f"add -p {needed}={choice}, or leave {name} out",
                )
    _refuse_combinations(query, values)
    since, until = values.get("since"), values.get("until")
    if isinstance(since, date) and isinstance(until, date) and since > until:
        raise UsageError(
            f"since {since} is after until {until}", remedy="swap them, or leave one out"
        )
    return values


def write_values(values: Mapping[str, Value]) -> str:
    """Return checked values as JSON, the same for equal ones."""
    return json.dumps(values, sort_keys=True, default=str)


def fill_screen(query: Query, given: Mapping[str, str]) -> dict[str, str]:
    """Return what to add to ``given`` so that a table fits a screen.

    Raises:
        UsageError: A value is not what its parameter takes.
    """
    added: dict[str, str] = {}
    for name, parameter in query.parameters.items():
        number = getattr(parameter, "on_screen", None)
        if number is not None and name not in given:
            values = {
                each: _convert(each, query.parameters[each], given.get(each))
                for each in query.parameters
            }
            if _find_refusal(query, values | {name: number}) is None:
                added[name] = str(number)
    return added


def _refuse_combinations(query: Query, values: Mapping[str, Value]) -> None:
    """Refuse values that mean nothing together, and say why."""
    refusal = _find_refusal(query, values)
    if refusal is not None:
        words = " and ".join(f"{name}={values[name]}" for name in refusal.when)
        raise UsageError(f"{words} do not go together: {refusal.because}")


def _find_refusal(query: Query, values: Mapping[str, Value]) -> Refusal | None:
    for refusal in query.refuse:
        if all(
            values[name] in choices
            or (GIVEN in choices and values[name] != query.parameters[name].default)
            for name, choices in refusal.when.items()
        ):
            return refusal
    return None


def _convert(name: str, parameter: Parameter, given: str | None) -> Value:
    text = given if given is not None else parameter.default
    if text is None:
        return None
    match parameter:
        case ChoiceParameter():
            if text not in parameter.choices:
                raise UsageError(
                    f"parameter {name!r} cannot be {text!r}{nearest(str(text), parameter.choices)}",
                    remedy=f"choices: {', '.join(parameter.choices)}",
                )
            return text
        case DateParameter():
            try:
                return date.fromisoformat(str(text))
            except ValueError:
                raise UsageError(
                    f"parameter {name!r} cannot be {text!r}", remedy="write a date: 2026-01-31"
                ) from None
        case IntegerParameter():
            return _convert_integer(name, parameter, text)
        case RangesParameter():
            return _convert_ranges(name, str(text))
        case _:
            return text


def _convert_integer(name: str, parameter: IntegerParameter, text: str | int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise UsageError(
            f"parameter {name!r} cannot be {text!r}", remedy="write a whole number"
        ) from None
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        bounds = f"{'' if low is None else low}…{'' if high is None else high}"
        raise UsageError(f"parameter {name!r} cannot be {number}", remedy=f"bounds: {bounds}")
    return number


def _convert_ranges(name: str, text: str) -> str:
    ranges: dict[str, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        first, last = (int(end or match[1]) for end in match.groups()) if match else (1, 0)
        if last < first:
            raise UsageError(
                f"parameter {name!r} cannot be {text!r}", remedy="write ranges: 0,1-3,4-7"
            )
        ranges[str(first) if first == last else f"{first}-{last}"] = None
    return ",".join(ranges)
