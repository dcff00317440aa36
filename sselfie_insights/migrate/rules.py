"""The rules of the linter: how bad each finding is, and the form that does no harm.

Rules that squawk has keep squawk's names and are found by squawk; the others are ours.
"""

from dataclasses import dataclass
from enum import StrEnum


class Hazard(StrEnum):
    """Why a finding matters.

    ``LOCK``: others wait while it runs, for as long as the table is big.
    ``LOSS``: data, or something that applications use, is gone.
    ``ERROR``: it does not do what it says, whatever the size of the table.
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
_BACKFILL = "add the column without it, fill it in batches, then set the default"
_STOP_USING = "first release an application that does not use it; then apply with"

RULES: dict[str, Rule] = {
    "require-concurrent-index-creation": Rule(_LOCK, f"create index concurrently …, {_ALONE}"),
    "require-concurrent-index-deletion": Rule(_LOCK, f"drop index concurrently …, {_ALONE}"),
    "require-concurrent-reindex": Rule(_LOCK, f"reindex … concurrently, {_ALONE}"),
    "adding-field-with-default": Rule(_LOCK, _BACKFILL),
    "adding-required-field": Rule(
        _LOCK, "add the column nullable or with a constant default; then see adding-not-nullable"
    ),
    "adding-not-nullable-field": Rule(
        _LOCK,
        "add constraint c check (x is not null) not valid; in a later file validate constraint c; "
        "then set not null, which needs no scan; then drop constraint c",
    ),
    "adding-foreign-key-constraint": Rule(
        _LOCK, "add constraint … foreign key … not valid; in a later file validate constraint …"
    ),
    "constraint-missing-not-valid": Rule(
        _LOCK, "add constraint … not valid; in a later file validate constraint …"
    ),
    "disallowed-unique-constraint": Rule(
        _LOCK,
        "create unique index concurrently i …; then add constraint … unique using index i",
    ),
    "adding-serial-primary-key-field": Rule(
        _LOCK,
        "create unique index concurrently i …; then add constraint … primary key using index i",
    ),
    "changing-column-type": Rule(
        _LOCK, "add a column of the new type, fill it in batches, switch the application, drop"
    ),
    "ban-drop-table": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-column": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-schema": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-database": Rule(_LOSS, "drop databases by hand, never in a migration"),
    "ban-truncate-cascade": Rule(_LOSS, "truncate each table by its name"),
    "renaming-table": Rule(_LOSS, "create a view of the new name, move the readers, then rename"),
    "renaming-column": Rule(_LOSS, "add a column of the new name, fill it, move the readers"),
    "ban-drop-view": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-function": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-type": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-domain": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-sequence": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-extension": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-drop-trigger": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "ban-set-schema": Rule(_LOSS, "create it in the new schema, move the users, then drop"),
    "renaming-object": Rule(_LOSS, "create it under the new name, move the users, then drop"),
    "ban-drop-constraint": Rule(_STYLE, "make sure that no reader relies on it"),
    "ban-drop-not-null": Rule(_STYLE, "make sure that every reader expects a missing value"),
    "ban-alter-domain-with-add-constraint": Rule(_LOCK, "put the check on the tables, not valid"),
    "ban-create-domain-with-constraint": Rule(_STYLE, "put the check on the tables"),
    "identifier-too-long": Rule(_ERROR, "shorten the name to 63 bytes"),
    "syntax-error": Rule(_ERROR, "correct the statement"),
    "require-table-schema": Rule(_STYLE, "write the schema before the name: public.…"),
    # Ours: squawk has no such rule, or cannot know what the catalog holds.
    "concurrently-in-transaction": Rule(
        _ERROR, "write '-- migrate: no-transaction' at the top of the file"
    ),
    "transaction-control": Rule(
        _ERROR,
        "leave transactions to the runner",
    ),
    "adding-serial-field": Rule(
        _LOCK, "add a bigint column, fill it in batches, then default nextval(…)"
    ),
    "narrowing-column-type": Rule(_LOSS, "add a column of the new type and copy what fits"),
    "vacuum-full": Rule(_LOCK, "vacuum, or pg_repack"),
    "clustering-table": Rule(_LOCK, "pg_repack"),
    "setting-logged": Rule(_LOCK, "create the table anew with the persistence you want and copy"),
    "attaching-partition": Rule(
        _LOCK,
        "add a check that says the partition's bounds, not valid; validate it in an earlier file; "
        "then attach, which needs no scan",
    ),
    "detaching-partition": Rule(_LOCK, f"detach partition … concurrently, {_ALONE}"),
    "refreshing-view": Rule(_LOCK, "refresh materialized view concurrently …"),
    "creating-trigger": Rule(
        _LOCK, "in a file of its own: the lock is short when nothing else holds it"
    ),
    "locking-table": Rule(_LOCK, "leave locks to the statements that need them"),
    "truncating-table": Rule(
        _LOSS, "delete in batches what is not needed; then --allow-destructive"
    ),
    "dropping-object": Rule(_LOSS, f"{_STOP_USING} --allow-destructive"),
    "cascading": Rule(_LOSS, "drop what depends on it by name, without cascade"),
    "changing-every-row": Rule(_LOSS, "say which rows: where …, in batches"),
    "backfill-beside-ddl": Rule(_LOCK, "put the backfill into a file of its own, in batches"),
    "enum-value-used-at-once": Rule(_ERROR, "add the value in one file, use it in the next"),
    "locking-several-tables": Rule(
        _STYLE,
        "one table a file: while it waits for one, everybody waits for the others",
    ),
    "unused-ignore": Rule(_STYLE, "delete the comment"),
}
"""Every rule by name; what squawk reports beyond these is left out as a matter of taste."""
