"""Which changes of a column's type rewrite the table, and which lose data."""

import re

from sselfie_insights.postgres import FULL_TYPE_NAMES

_RANK = {
    "smallint": 1, "integer": 2, "bigint": 3, "numeric": 4, "real": 5, "double precision": 6,
}  # fmt: skip
_LENGTH = re.compile(r"\s*\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)\s*")
_STRINGS = ("character varying", "text")


def normalise(kind: str) -> tuple[str, tuple[int, ...]]:
    """Return a type's full name and its modifiers: ``varchar(10)`` is a varying of (10)."""
    lengths = _LENGTH.search(kind)
    name = " ".join(_LENGTH.sub(" ", kind.lower()).split())
    modifiers = tuple(int(part) for part in lengths.groups() if part) if lengths else ()
    return FULL_TYPE_NAMES.get(name, name), modifiers


def rewrites(before: str, after: str) -> bool:
    """Say whether PostgreSQL rewrites the table when a column's type changes so.

    Time zones matter too (``timestamp`` and ``timestamptz`` are one when the session's zone is
    UTC); such a change counts as rewriting.
    """
    (old, old_size), (new, new_size) = normalise(before), normalise(after)
    if old in _STRINGS and new in _STRINGS:
        return bool(new_size) and (not old_size or new_size < old_size)
    if old == new == "numeric":
        if not new_size:
            return False
        return not old_size or _scale(old_size) != _scale(new_size) or new_size[0] < old_size[0]
    if old == new:
        return (bool(new_size) and (not old_size or new_size < old_size)) or (
            old in ("character", "bit") and old_size != new_size
        )
    return (old, new) != ("cidr", "inet")


def narrows(before: str, after: str) -> bool:
    """Say whether values that fit the old type may not fit, or not survive, the new one."""
    (old, old_size), (new, new_size) = normalise(before), normalise(after)
    if new in ("text", "jsonb", "json") and old != "text":
        return False
    if new == "character varying" and not new_size:
        return False
    if old in _RANK and new in _RANK:
        if old == new == "numeric":
            return rewrites(before, after) and bool(new_size)
        exact_to_float = old in ("bigint", "numeric", "integer") and new == "real"
        return _RANK[new] < _RANK[old] or exact_to_float or bool(new_size)
    if old == new or (old in _STRINGS and new in _STRINGS):
        return bool(new_size) and (not old_size or new_size < old_size)
    return (old, new) not in {
        ("date", "timestamp without time zone"),
        ("date", "timestamp with time zone"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("cidr", "inet"),
        ("json", "jsonb"),
        ("boolean", "integer"),
    }


def _scale(size: tuple[int, ...]) -> int:
    return size[1] if len(size) > 1 else 0
