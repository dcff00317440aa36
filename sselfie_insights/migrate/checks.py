"""The rules that squawk has not, or that need to know what the catalog holds."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sselfie_insights.migrate.actions import Action, Name, read_actions
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.migrate.tables import LiveTables
from sselfie_insights.migrate.types import narrows, rewrites

_CONTROL = frozenset(
    {"begin", "commit", "rollback", "abort", "end", "savepoint", "release", "start", "prepare"}
)
_BY_VERB = {
    "vacuum full": ("vacuum-full", "VACUUM FULL rewrites the table while nobody can read it"),
    "cluster": ("clustering-table", "CLUSTER rewrites the table while nobody can read it"),
    "set logged": ("setting-logged", "SET LOGGED rewrites the table while nobody can read it"),
    "set unlogged": ("setting-logged", "SET UNLOGGED rewrites the table while nobody can read it"),
    "create trigger": ("creating-trigger", "CREATE TRIGGER keeps everybody from writing the table"),
    "lock table": ("locking-table", "LOCK TABLE holds its lock until the whole file is done"),
    "truncate": ("truncating-table", "TRUNCATE deletes every row"),
}
_UNCOVERED_DROPS = frozenset(
    f"drop {kind}"
    for kind in (
        "aggregate", "foreign table", "owned by", "policy", "publication", "role", "routine",
        "subscription",
    )
)  # fmt: skip
_SERIALS = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_USING = re.compile(r"\busing\b.*")
_COLLATE = re.compile(r"\bcollate\s+\S+")


@dataclass(frozen=True)
class Hit:
    """A rule that a statement breaks, and what it says about it."""

    rule: str
    statement: Statement
    message: str
    table: Name = ()


def check(migration: Migration, live: LiveTables | None) -> Iterator[Hit]:
    """Yield what is wrong with ``migration``; without ``live`` nothing is known of the catalog."""
    for statement in migration.statements:
        first = statement.tokens[0]
        if first.kind == "word" and first.text in _CONTROL:
            yield Hit("transaction-control", statement, f"{first.text.upper()} inside a migration")
        for action in read_actions(statement):
            yield from _check_action(migration, statement, action, live)
    if migration.in_transaction:
        yield from _check_together(migration)


def alters_without_rewrite(action: Action, live: LiveTables | None) -> bool:
    """Say whether an ALTER TYPE is known to leave the table's rows as they are."""
    before = _old_type(action, live)
    if before is None or "using" in action.words.split():
        return False
    return not rewrites(before, _new_type(action))


def is_proven_not_null(migrations: Sequence[Migration], action: Action, live: LiveTables) -> bool:
    """Say whether a validated check spares SET NOT NULL its scan.

    The check is in the database already, or ``migrations``, which run before, validate it.
    """
    table = live.qualify(action.table)
    if (*table, action.column) in live.not_null_checks:
        return True
    columns = dict(live.not_null_by_constraint)
    wanted = re.compile(r"check \(+ *(\S+) is not null *\)+")
    for migration in migrations:
        for statement in migration.statements:
            for earlier in read_actions(statement):
                place = (*live.qualify(earlier.table), earlier.column)
                if earlier.verb == "add constraint" and (found := wanted.match(earlier.words)):
                    columns[place] = found[1]
                if (
                    earlier.verb == "validate constraint"
                    and columns.get(place) == action.column
                    and place[:-1] == table
                ):
                    return True
    return False


def _check_action(
    migration: Migration, statement: Statement, action: Action, live: LiveTables | None
) -> Iterator[Hit]:
    table = action.table

    def hit(rule: str, message: str) -> Hit:
        return Hit(rule, statement, message, table)

    if action.verb in _BY_VERB:
        rule, message = _BY_VERB[action.verb]
        yield hit(rule, message)
    if action.verb in _UNCOVERED_DROPS:
        yield hit("dropping-object", f"{action.verb.upper()} breaks whoever uses it")
    if action.is_cascading:
        yield hit("cascading", "CASCADE drops or empties things that the file does not name")
    if action.verb in ("update", "delete") and not action.has_condition:
        yield hit("changing-every-row", f"{action.verb.upper()} without WHERE changes every row")
    if action.verb == "refresh" and not action.is_concurrent:
        yield hit("refreshing-view", "REFRESH keeps everybody from reading the view")
    if action.verb == "add column" and _SERIALS & set(action.words.split()[:1]):
        yield hit("adding-serial-field", "a serial column rewrites the table to number its rows")
    if action.verb == "detach partition" and not action.is_concurrent:
        yield hit("detaching-partition", "DETACH keeps everybody from reading the whole table")
    if action.verb == "attach partition":
        child = tuple(action.column.split("."))
        if live is None or live.qualify(child) not in live.checked_tables:
            yield Hit(
                "attaching-partition",
                statement,
                "ATTACH scans the new partition while nobody can read it",
                child,
            )
    before = _old_type(action, live)
    if before is not None and narrows(before, _new_type(action)):
        yield hit("narrowing-column-type", f"{before} to {_new_type(action)} loses what is longer")
    if action.is_concurrent and migration.in_transaction and action.verb != "refresh":
        yield hit("concurrently-in-transaction", "CONCURRENTLY cannot run inside a transaction")


def _check_together(migration: Migration) -> Iterator[Hit]:
    """Yield what is wrong with statements that share one transaction."""
    created = {
        action.table
        for statement in migration.statements
        for action in read_actions(statement)
        if action.verb in ("create table", "create type")
    }
    locked: dict[Name, Statement] = {}
    added: dict[str, Statement] = {}
    for statement in migration.statements:
        texts = {token.text.strip("'") for token in statement.tokens if token.kind == "string"}
        for value in texts & added.keys():
            yield Hit("enum-value-used-at-once", statement, f"{value!r} was added in this file")
        for action in read_actions(statement):
            if action.verb == "add value" and action.table not in created:
                added[action.column] = statement
            if action.locks_table and action.table not in created:
                locked.setdefault(action.table, statement)
            fills = action.verb in ("update", "delete") or (
                action.verb == "insert" and action.has_condition
            )
            if fills and locked and action.table not in created:
                names = ", ".join(".".join(name) for name in locked)
                yield Hit(
                    "backfill-beside-ddl",
                    statement,
                    f"{names} stays locked while rows are written",
                    action.table,
                )
    if len(locked) > 1:
        names = ", ".join(".".join(name) for name in locked)
        yield Hit(
            "locking-several-tables",
            list(locked.values())[1],
            f"one transaction locks {names}",
        )


def _old_type(action: Action, live: LiveTables | None) -> str | None:
    if action.verb != "alter type" or live is None:
        return None
    return live.type_of.get((*live.qualify(action.table), action.column))


def _new_type(action: Action) -> str:
    return _COLLATE.sub("", _USING.sub("", action.words)).strip()
