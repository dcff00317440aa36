"""Judge a statement by what it did to a copy: what it loses, and whom it keeps waiting."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import errors

from sselfie_insights.migrate.watch import EXCLUSIVE, RELATIONS, STRONG, Key, Object, Observed

_PARTS = frozenset({"constraint", "trigger", "rule", "policy", "statistics"})
"""Kinds that nobody uses by name, so that another of the same name, or a new name, is no loss."""

_NEEDS_ROWS = (
    errors.IntegrityError, errors.RaiseException, errors.NoDataFound, errors.AssertFailure,
)  # fmt: skip
_UNDEFINED = (
    errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction,
    errors.UndefinedObject, errors.InvalidSchemaName, errors.UndefinedFile,
)  # fmt: skip
_NAME_TOO_LONG = "42622"
_VERIFYING = re.compile(r'verifying table "(.*)"')
_VALIDATING = re.compile(r'validating foreign key constraint "(.*)"')
_MOVING = re.compile(r"\bset (tablespace|access method) ")

Nodes = list[dict[str, Any]] | None
"""The nodes of a plan."""


@dataclass(frozen=True)
class Hit:
    """A rule that a statement breaks: what it says about it, and the table (its oid)."""

    rule: str
    message: str
    table: int | None = None


def judge(seen: Observed, *, resumed: bool = False, is_partial: bool = False) -> list[Hit]:
    """Return what is wrong with a statement.

    Args:
        seen: What it did.
        resumed: Whether an earlier run began it, so that it may be done.
        is_partial: Whether something could not be copied.
    """
    hits = [Hit("used-by-views", f"it fails here: {seen.note}")] if seen.note else []
    if seen.error is not None:
        if not resumed and not seen.is_skipped:
            hits.append(_judge_failure(seen.error, is_partial))
        return hits
    hits += [Hit("identifier-too-long", text) for state, text in seen.notices
             if state == _NAME_TOO_LONG]  # fmt: skip
    if seen.tag in ("ALTER SYSTEM", "ALTER DATABASE"):
        hits.append(Hit("unjudged", f"{seen.tag} reaches beyond what was copied"))
    if seen.tag.startswith("DROP ") and seen.tag != "DROP INDEX" and not seen.removed:
        message = f"{seen.tag} meets nothing in this database, and may in another"
        hits.append(Hit("dropping-object", message))
    change = _Change(seen)
    return [*hits, *change.losses(), *change.locks(), *change.writes(), *change.reads()]


def _judge_failure(error: Exception, is_partial: bool) -> Hit:
    message = " ".join(str(error).split("\n")[0].split())
    if isinstance(error, _NEEDS_ROWS):
        return Hit("unjudged", f"it needs rows, which the copy has not: {message}")
    if is_partial and isinstance(error, _UNDEFINED):
        return Hit("unjudged", f"it needs what could not be copied: {message}")
    return Hit("failing", f"it fails: {message}")


class _Change:
    """What one statement has changed of what others can see."""

    def __init__(self, seen: Observed) -> None:
        self._seen = seen
        self._before, self._after = seen.before, seen.after
        changed = self._before is not self._after
        self._kept = self._before.keys() & self._after.keys() & seen.known.keys() if changed else ()
        self._gone = {
            key: self._before[key]
            for key in (self._before.keys() - self._after.keys() if changed else ())
            if key in seen.known
        }
        self._new = self._after.keys() - self._before.keys() if changed else set()
        self._truncated = {oid for oid, kind in seen.events if kind == "TRUNCATE"}
        self._rewritten = {
            key[1]
            for key in self._kept
            if key[0] in ("table", "materialized view") and key[1] not in self._truncated
            if self._before[key].file != self._after[key].file
        }

    def losses(self) -> Iterator[Hit]:
        """Yield what applications may miss: dropped, renamed, disabled, cut off."""
        gone_relations = {key[1] for key in self._gone if key[0] in RELATIONS}
        remaining = {(key[0], each.owner, each.name) for key, each in self._after.items()}
        for key, old in sorted(self._gone.items()):
            kind = key[0]
            if kind in ("internal trigger", "index", "partition", "composite type"):
                continue
            if old.owner in gone_relations or old.name == "sselfie_watch":
                continue
            if kind in _PARTS and (kind, old.owner, old.name) in remaining:
                continue
            if kind == "constraint" and self._says_not_null(old):
                continue
            yield Hit("dropping-object", f"{kind} {self._place(old)} is gone", old.owner)
        for key in sorted(self._kept):
            kind, old, new = key[0], self._before[key], self._after[key]
            if old == new:
                continue
            if old.name != new.name and kind not in (*_PARTS, "index", "partition"):
                message = f"{kind} {self._place(old)} is called {new.name}"
                yield Hit("renaming-object", message, old.owner)
            if kind == "column" and old.detail != new.detail:
                yield from self._judge_column(old, new)
            if kind.endswith("trigger") and old.detail != new.detail == "D":
                name = self._seen.name(old.owner)
                yield Hit("dropping-object", f"triggers of {name} are disabled", old.owner)
                return

    def _judge_column(self, old: Object, new: Object) -> Iterator[Hit]:
        before, after = old.detail.split(" "), new.detail.split(" ")
        if before[2] and not after[2]:
            yield Hit("dropping-object", f"{self._place(old)} is computed no longer", old.owner)
        if before[:2] != after[:2] and after[1] != "-1" and old.owner in self._rewritten:
            message = f"what does not fit {self._place(old)} is cut off, or fails"
            yield Hit("narrowing-column-type", message, old.owner)
        if before[0] == after[0] and before[3] != after[3]:
            message = f"{self._place(old)} is compared and sorted otherwise"
            yield Hit("changing-collation", message, old.owner)

    def _says_not_null(self, constraint: Object) -> bool:
        """Say whether a constraint says of a column that is filled that it is filled."""
        kind, column, _, text = constraint.detail.split(" ", 3)
        now = self._after.get(("column", constraint.owner or 0, int(column)))
        return kind == "n" or (
            kind == "c"
            and re.fullmatch(r"CHECK \(\(\S+ IS NOT NULL\)\).*", text) is not None
            and now is not None
            and now.detail.endswith("filled")
        )

    def locks(self) -> Iterator[Hit]:
        """Yield what keeps others waiting, and for longer the bigger a table is."""
        seen = self._seen
        if seen.held:
            yield from self._work()
        strong = {seen.table(oid) for oid, mode in seen.locks if mode in STRONG}
        if seen.stands_alone or seen.tag == "LOCK TABLE" or _MOVING.search(seen.statement.words):
            for oid in sorted(strong):
                message = f"{seen.tag} keeps others from writing {self._seen.name(oid)}"
                yield Hit("locking-table", message, oid)
        constrained = {
            each.detail.split(" ")[2]
            for key, each in self._before.items()
            if self._gone and key[0] == "constraint"
        }
        for key, old in sorted(self._gone.items()):
            message = f"everybody waits for {self._seen.name(old.owner)}"
            if seen.stands_alone or not self._has(self._after, old.owner):
                continue
            if key[0] == "index" and str(key[1]) not in constrained and not self._is_new(old):
                yield Hit("require-concurrent-index-deletion", message, old.owner)
            if key[0] == "partition" and self._has(self._after, key[1]):
                yield Hit("detaching-partition", message, old.owner)
        for key in sorted(self._new):
            owner = self._after[key].owner
            if key[0] in ("trigger", "rule") and self._has(seen.known, owner):
                message = f"nobody writes {self._seen.name(owner)} meanwhile"
                yield Hit("creating-trigger", message, owner)

    def _is_new(self, index: Object) -> bool:
        """Say whether an index of that name is there again, as when a column's type changes."""
        return any(self._after[key].name == index.name for key in self._new if key[0] == "index")

    def _work(self) -> Iterator[Hit]:
        for oid in sorted(self._rewritten):
            yield Hit(
                "rewriting-table", f"{self._seen.name(oid)} is written again, row by row", oid
            )
        files = {each.file for each in self._before.values()} if self._new or self._kept else ()
        built = {}
        for key in (*self._new, *self._kept):
            index = self._after[key]
            if key[0] == "index" and index.file and index.file not in files:
                built[index.owner] = key in self._before
        for owner, is_again in sorted(built.items(), key=str):
            if owner in self._rewritten | self._truncated or not self._has(self._seen.known, owner):
                continue
            rule = "require-concurrent-reindex" if is_again else "require-concurrent-index-creation"
            yield Hit(rule, f"an index of {self._seen.name(owner)} is built", owner)
        for oid in sorted(self._scanned() - self._rewritten):
            yield Hit("scanning-table", f"{self._seen.name(oid)} is read whole", oid)

    def _scanned(self) -> set[int]:
        """Return the tables that are read to the end, by what the server says of it."""
        seen = self._seen
        locked = {seen.table(oid) for oid, _ in seen.locks} | seen.held
        scanned: set[int] = set()
        implied = False
        for _, message in seen.notices:
            if found := _VERIFYING.fullmatch(message):
                scanned |= {
                    oid for oid in locked if _plain(self._seen.name(oid)).endswith(f".{found[1]}")
                }
            elif found := _VALIDATING.fullmatch(message):
                scanned |= locked & {
                    each.owner or 0
                    for key, each in self._after.items()
                    if key[0] == "constraint" and _plain(each.name) == found[1]
                }
            implied = implied or "implied by existing constraints" in message
        # These say nothing: the tables with a column of the domain, the default partition.
        mode = {"ALTER DOMAIN": "ShareLock", "CREATE TABLE": EXCLUSIVE}.get(seen.tag)
        if implied:
            return scanned
        return scanned | {seen.table(oid) for oid, each in seen.locks if each == mode}

    def writes(self) -> Iterator[Hit]:
        """Yield what changes more rows than anybody can want, or at a bad moment."""
        seen = self._seen
        for oid, kind in dict.fromkeys(seen.events):
            name = self._seen.name(oid)
            if kind == "TRUNCATE":
                yield Hit("truncating-table", f"every row of {name} is deleted", oid)
                continue
            if kind != "INSERT" and not _is_bounded(seen.plan, _plain(name)):
                message = f"{kind} may change every row of {name}"
                yield Hit("changing-every-row", message, oid)
            if seen.held and (kind != "INSERT" or _tables_read(seen.plan)):
                locked = ", ".join(sorted(map(seen.name, seen.held)))
                message = f"{locked} stays locked while {name} is written"
                yield Hit("backfill-beside-ddl", message, oid)

    def reads(self) -> Iterator[Hit]:
        """Yield what may do nothing on the copy because the tables are empty there."""
        seen = self._seen
        names = {seen.name(oid) for oid in seen.read}
        if seen.statement.tokens[0].text not in ("do", "call"):
            shown = _tables_read(seen.plan)
            names = {name for name in names if _plain(name) not in shown and seen.plan is not None}
        if names:
            message = f"what it does depends on rows of {', '.join(sorted(names))}"
            yield Hit("unjudged", f"{message}, which the copy has not")

    def _has(self, objects: Mapping[Key, Object], oid: int | None) -> bool:
        return any((kind, oid or 0, 0) in objects for kind in RELATIONS)

    def _place(self, part: Object) -> str:
        """Return the name of an object, with that of the relation it belongs to."""
        return f"{self._seen.name(part.owner)}.{part.name}" if part.owner else part.name


def _is_bounded(plan: Nodes, table: str) -> bool:
    """Say whether a condition chooses the rows of ``table`` that a plan changes."""
    for node in plan or ():
        if node["Node Type"] == "ModifyTable" and _node_table(node) == table:
            if node.get("Operation") == "Insert":
                return True
            if any(_has_condition(child) for child in node.get("Plans", ())):
                return True
    return False


def _has_condition(node: Mapping[str, Any]) -> bool:
    if node.get("Parent Relationship") in ("InitPlan", "SubPlan"):
        return False
    return any(key.endswith(("Cond", "Filter")) for key in node) or any(
        _has_condition(child) for child in node.get("Plans", ())
    )


def _tables_read(plan: Nodes) -> set[str]:
    return {
        _node_table(node)
        for node in plan or ()
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    }


def _node_table(node: Mapping[str, Any]) -> str:
    return f"{node.get('Schema', '')}.{node['Relation Name']}"


def _plain(name: str) -> str:
    """Return a name as it is stored, without its quotes."""
    return name.replace('"', "")
