"""The rules of the linter: how bad each finding is, and the form that does no harm."""

from dataclasses import dataclass
from enum import StrEnum


class Hazard(StrEnum):
    """Why a finding matters.

    ``LOCK``: others wait while it runs, for as long as the table is big.
    ``LOSS``: data, or something that applications use, is gone.
    ``ERROR``: it does not do what it says, or nobody can say what it does.
    ``STYLE``: it works, and will surprise somebody.
    """

    LOCK = "lock"
    LOSS = "loss"
    ERROR = "error"
    STYLE = "style"


@dataclass(frozen=True)
class Rule:
    """One rule: its hazard, and what to write instead."""

    hazard: Hazard
    safer_form: str


_LOCK, _LOSS, _ERROR, _STYLE = Hazard.LOCK, Hazard.LOSS, Hazard.ERROR, Hazard.STYLE
_ALONE = "in a file with '-- migrate: no-transaction'"
_STOP_USING = "first release an application that does not use it; then --allow-destructive"
_CHECK = "look at it, and write '-- lint: ignore <rule> <reason>' above it"

RULES: dict[str, Rule] = {
    "require-concurrent-index-creation": Rule(
        _LOCK,
        f"create [unique] index concurrently …, {_ALONE}; then add constraint … using index …",
    ),
    "require-concurrent-index-deletion": Rule(_LOCK, f"drop index concurrently …, {_ALONE}"),
    "require-concurrent-reindex": Rule(_LOCK, f"reindex … concurrently, {_ALONE}"),
    "rewriting-table": Rule(
        _LOCK, "add a column without default, fill it in batches, switch the application, drop"
    ),
    "scanning-table": Rule(
        _LOCK,
        "add constraint … not valid; in a later file validate constraint …; a validated check"
        " (x is not null) spares set not null its scan, one of the bounds spares attach partition",
    ),
    "locking-table": Rule(_LOCK, "vacuum, pg_repack or a form with concurrently"),
    "creating-trigger": Rule(
        _LOCK, "in a file of its own: the lock is short when nothing else holds it"
    ),
    "detaching-partition": Rule(_LOCK, f"detach partition … concurrently, {_ALONE}"),
    "backfill-beside-ddl": Rule(_LOCK, "put the backfill into a file of its own, in batches"),
    "dropping-object": Rule(_LOSS, _STOP_USING),
    "renaming-object": Rule(
        _LOSS, "create it under the new name, or a view of that name, move the users, then drop"
    ),
    "truncating-table": Rule(
        _LOSS, "delete in batches what is not needed; then --allow-destructive"
    ),
    "changing-every-row": Rule(_LOSS, "say which rows: where …, in batches"),
    "narrowing-column-type": Rule(_LOSS, "add a column of the new type and copy what fits"),
    "changing-collation": Rule(_LOSS, "add a column of that collation, and move the users"),
    "failing": Rule(_ERROR, "correct the statement"),
    "unjudged": Rule(_ERROR, _CHECK),
    "transaction-control": Rule(_ERROR, "leave transactions to the runner"),
    "identifier-too-long": Rule(_ERROR, "shorten the name to 63 bytes"),
    "used-by-views": Rule(_STYLE, "drop the views, and create them again behind the change"),
    "locking-several-tables": Rule(
        _STYLE,
        "one table a file: while it waits for one, everybody waits for the others",
    ),
    "unused-ignore": Rule(_STYLE, "delete the comment"),
}
"""The rules by what a statement does."""

_LOST = ("ban-drop", "ban-truncate", "ban-set-schema", "renaming")


def find_rule(name: str) -> tuple[Hazard, str]:
    """Return the hazard and the safer form of a rule, which may be one of squawk's."""
    if name in RULES:
        return RULES[name].hazard, RULES[name].safer_form
    hazard = Hazard.LOSS if name.startswith(_LOST) else Hazard.LOCK
    return hazard, _STOP_USING if hazard is Hazard.LOSS else "see squawk's page on the rule"
