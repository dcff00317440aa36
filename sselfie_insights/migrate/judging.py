"""Judge a statement by what it did to a copy: what it loses, and whom it keeps waiting."""

import re
from collections.abc import Iterator

from psycopg import errors

from sselfie_insights.errors import first_line
from sselfie_insights.migrate.watch import STRONG, Hit, Observed

_NEEDS_ROWS = (
    errors.IntegrityError, errors.RaiseException, errors.NoDataFound, errors.AssertFailure,
)  # fmt: skip
_UNDEFINED = (
    errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction,
    errors.UndefinedObject, errors.InvalidSchemaName, errors.UndefinedFile,
)  # fmt: skip
_NAME_TOO_LONG = "42622"
_MOVING = re.compile(r"\bset (tablespace|access method) ")


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
            yield _judge_failure(seen.error, is_partial)
        return
    for state, text in seen.notices:
        if state == _NAME_TOO_LONG:
            yield Hit("identifier-too-long", text)
    if seen.tag in ("ALTER SYSTEM", "ALTER DATABASE"):
        yield Hit("unjudged", f"{seen.tag} reaches beyond what was copied")
    if seen.tag.startswith("DROP ") and seen.tag != "DROP INDEX" and not seen.removed:
        message = f"{seen.tag} meets nothing in this database, and may in another"
        yield Hit("dropping-object", message)
    yield from seen.hits
    if seen.stands_alone or seen.tag == "LOCK TABLE" or _MOVING.search(seen.statement.words):
        for table in {lock.table for lock in seen.locks if lock.mode in STRONG}:
            yield Hit("locking-table", f"{seen.tag} keeps others from writing {table}", table)
    yield from _judge_writes(seen)
    yield from _judge_reads(seen)


def _judge_failure(error: Exception, is_partial: bool) -> Hit:
    message = first_line(error)
    if isinstance(error, _NEEDS_ROWS):
        return Hit("unjudged", f"it needs rows, which the copy has not: {message}")
    if is_partial and isinstance(error, _UNDEFINED):
        return Hit("unjudged", f"it needs what could not be copied: {message}")
    return Hit("failing", f"it fails: {message}")


def _judge_writes(seen: Observed) -> Iterator[Hit]:
    """Yield what changes more rows than anybody can want, or at a bad moment."""
    for table, kind in dict.fromkeys(seen.writes):
        if kind == "TRUNCATE":
            yield Hit("truncating-table", f"every row of {table} is deleted", table)
            continue
        if kind != "INSERT" and table not in seen.bounded:
            yield Hit("changing-every-row", f"{kind} may change every row of {table}", table)
        if seen.held and (kind != "INSERT" or seen.planned):
            message = f"{', '.join(sorted(seen.held))} stays locked while {table} is written"
            yield Hit("backfill-beside-ddl", message, table)


def _judge_reads(seen: Observed) -> Iterator[Hit]:
    """Yield what may do nothing on the copy because the tables are empty there."""
    tables = seen.read
    if seen.statement.tokens[0].text not in ("do", "call"):
        # What its own plan reads is seen there; what a function reads inside it is not.
        tables = set() if seen.planned is None else tables - seen.planned
    if tables:
        message = f"what it does depends on rows of {', '.join(sorted(tables))}"
        yield Hit("unjudged", f"{message}, which the copy has not")
