"""What a statement did to a copy, and what is wrong with it: what it loses, who has to wait."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg
from psycopg import errors

from sselfie_insights.errors import first_line
from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.statements import Statement

MISSING = (errors.UndefinedTable, errors.UndefinedColumn)
"""What it says of a table or column that this database has not; some files pass over that."""

STRONG = frozenset({"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
"""The locks that keep others from writing."""

NAME_TOO_LONG = "42622"

EXCLUSIVE = "AccessExclusiveLock"
"""The lock that keeps others from reading, too."""

_NEEDS_ROWS = (
    errors.IntegrityError, errors.RaiseException, errors.NoDataFound, errors.AssertFailure,
)  # fmt: skip
_UNDEFINED = (
    errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction,
    errors.UndefinedObject, errors.InvalidSchemaName, errors.UndefinedFile,
)  # fmt: skip
_BLOCKS = ("do", "call")
_RUNS_CODE = (*_BLOCKS, "select", "lock")
"""What begins statements of which the tag says nothing about the locks they take."""

_REPLACEABLE = re.compile(
    r"(?:drop|create(?: or replace)?)"
    r" (view|function|procedure|trigger|rule|policy|type|domain)(?: if exists)?"
    r" (?:\S+ \. )?(\S+)(?= |$)(?! ,)"
)
_MERGES_SOME = re.compile(r"merge (?!.* when (matched|not matched by source) then (update|delete))")
"""A MERGE in which each action that changes rows has a condition, which no plan shows."""

_MOVING = re.compile(r"\bset (tablespace|access method|logged|unlogged)\b")
"""What asks for a table to be written whole, whether or not the copy has it so already."""


class Hit(NamedTuple):
    """A rule that a statement breaks: what it says about it, and the table, if it is about one."""

    rule: str
    message: str
    table: str = ""


class Lock(NamedTuple):
    """A lock on a table that others can see, or on an index of one; modes are PostgreSQL's."""

    table: str
    mode: str
    is_on_index: bool

    def __str__(self) -> str:
        return f"{self.table} {self.mode}"


@dataclass
class Observed:
    """What one statement did to the copy. Tables are those that others can see, by their names.

    Attributes:
        migration: Its file.
        statement: The statement.
        tag: PostgreSQL's name of what it did: ``ALTER TABLE``; empty if it failed.
        locks: The locks it took, beyond those held already.
        held: The tables that the transaction keeps others from writing, after it.
        read: The tables that were read, by whatever ran inside it.
        writes: The tables it wrote, and how: INSERT, UPDATE, DELETE or TRUNCATE.
        notices: SQLSTATE and text of what the server said meanwhile.
        hits: The rules that it breaks by what it changed in the catalog.
        changes: Whether it added, changed or removed rows of the catalog.
        planned: The tables that its plan reads, where it has one and that matters.
        called: The functions of the database's own in that plan that may do anything.
        bounded: The tables to which it adds rows, or of which a condition chooses some.
        stands_alone: Whether it cannot run in a transaction.
        error: Why it failed.
        note: What had to be done to the copy for it to run at all.
    """

    migration: Migration
    statement: Statement
    tag: str = ""
    locks: set[Lock] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    writes: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    changes: set[str] = field(default_factory=set)
    planned: set[str] | None = None
    called: str = ""
    bounded: set[str] = field(default_factory=set)
    stands_alone: bool = False
    error: psycopg.Error | None = None
    note: str = ""

    @property
    def is_eventful(self) -> bool:
        """Whether it did anything that can matter to others, or that more can be said of."""
        return bool(
            self.error or self.hits or self.locks or self.read
            or any(kind != "INSERT" for _, kind in self.writes)
            or any(state == NAME_TOO_LONG for state, _ in self.notices)
        )  # fmt: skip

    @property
    def is_skipped(self) -> bool:
        """Whether it failed for want of a table or column, which its file passes over."""
        return self.migration.skips_missing and isinstance(self.error, MISSING)

    @property
    def lacks_extension(self) -> bool:
        """Whether it wants an extension that the scratch server does not have."""
        return self.statement.words.startswith("create extension") and isinstance(
            self.error, (errors.FeatureNotSupported, errors.UndefinedFile)
        )

    @property
    def drops_nothing(self) -> bool:
        """Whether it is a DROP that met nothing; of an index, that concerns nobody."""
        is_drop = self.tag.startswith("DROP ") and self.tag != "DROP INDEX"
        return is_drop and "removed" not in self.changes

    @property
    def replaceable(self) -> tuple[str, ...] | None:
        """The kind and name of what it drops or creates, if to create it again replaces it."""
        found = _REPLACEABLE.match(self.statement.words)
        return found and found.groups()

    @property
    def rewritten(self) -> list[str]:
        """The tables whose rows got a new file: written again, or emptied."""
        written = {hit.table for hit in self.hits if hit.rule == "rewriting-table"}
        return sorted(written | {table for table, kind in self.writes if kind == "TRUNCATE"})


def judge(seen: Observed, *, resumed: bool = False, is_partial: bool = False) -> Iterator[Hit]:
    """Yield what is wrong with a statement.

    Args:
        seen: What it did.
        resumed: Whether an earlier run began it, so that it may be done.
        is_partial: Whether something could not be copied.
    """
    if seen.note:
        yield Hit("used-by-views", f"it fails here: {seen.note}")
    if seen.error is not None:
        if not resumed and not seen.is_skipped:
            yield _judge_failure(seen, seen.error, is_partial)
        return
    for state, text in seen.notices:
        if state == NAME_TOO_LONG:
            yield Hit("identifier-too-long", text)
    if seen.drops_nothing:
        message = f"{seen.tag} meets nothing in this database, and may in another"
        yield Hit("dropping-object", message)
    yield from seen.hits
    is_lock_alone = (
        seen.statement.command in _RUNS_CODE
        and not seen.changes
        # What says that it skips something was no LOCK TABLE.
        and all(state == "00000" for state, _ in seen.notices)
    )
    if seen.stands_alone or is_lock_alone or _MOVING.search(seen.statement.words):
        for table in {lock.table for lock in seen.locks if lock.mode in STRONG}:
            yield Hit("locking-table", f"{seen.tag} keeps others from writing {table}", table)
    yield from _judge_writes(seen)
    yield from _judge_reads(seen)


def _judge_failure(seen: Observed, error: Exception, is_partial: bool) -> Hit:
    message = first_line(error)
    if seen.lacks_extension:
        return Hit("unjudged", f"the scratch server lacks it: {message}")
    if isinstance(error, _NEEDS_ROWS):
        return Hit("unjudged", f"it needs rows, which the copy has not: {message}")
    if isinstance(error, errors.OutOfMemory):
        return Hit("unjudged", f"it needs more locks than the scratch server has: {message}")
    if is_partial and isinstance(error, _UNDEFINED):
        return Hit("unjudged", f"it needs what could not be copied: {message}")
    return Hit("failing", f"it fails: {message}")


def _judge_writes(seen: Observed) -> Iterator[Hit]:
    """Yield what changes more rows than anybody can want, or at a bad moment."""
    for table, kind in dict.fromkeys(seen.writes):
        if kind == "TRUNCATE":
            yield Hit("truncating-table", f"every row of {table} is deleted", table)
            continue
        is_bounded = table in seen.bounded or _MERGES_SOME.match(seen.statement.words)
        if kind != "INSERT" and not is_bounded:
            yield Hit("changing-every-row", f"{kind} may change every row of {table}", table)
        if seen.held and (kind != "INSERT" or seen.planned):
            message = f"{', '.join(sorted(seen.held))} stays locked while {table} is written"
            yield Hit("backfill-beside-ddl", message, table)


def _judge_reads(seen: Observed) -> Iterator[Hit]:
    """Yield what may do nothing on the copy because the tables are empty there."""
    tables = seen.read
    if seen.statement.command not in _BLOCKS and not (seen.called and seen.planned):
        # What its own plan reads is seen there; what a function reads inside it is not.
        tables = set() if seen.planned is None else tables - seen.planned
    if tables:
        message = f"what it does depends on rows of {', '.join(sorted(tables))}"
        yield Hit("unjudged", f"{message}, which the copy has not")
