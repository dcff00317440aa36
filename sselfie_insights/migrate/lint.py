"""Check migrations before they run: what would lock, lose, or not do what it says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sselfie_insights.migrate.files import Ignore, Migration
from sselfie_insights.migrate.history import Record
from sselfie_insights.migrate.judging import judge
from sselfie_insights.migrate.rules import Hazard, find_rule
from sselfie_insights.migrate.scratch import (
    copy_schema,
    has_scratch,
    read_search_path,
    scratch_database,
)
from sselfie_insights.migrate.squawk import Place, run_squawk
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.migrate.watch import EXCLUSIVE, Observed, Watcher, is_control
from sselfie_insights.postgres import Connection, describe_target

LARGE_TABLE_BYTES = 10_000_000
"""From this size on a scan or rewrite takes longer than people wait: about 0.1 s."""

Severity = Literal["error", "warning", "ignored"]
Sizes = Mapping[str, int]

_SIZES = Path(__file__).with_name("sizes.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Finding:
    """What lint says of one place.

    Attributes:
        rule: The rule's name.
        file: The migration's file name.
        line: The line, from 1.
        severity: ``error`` blocks, ``warning`` does not, ``ignored`` was waived by the author.
        message: What would happen.
        safer_form: What to write instead.
        table: The table it is about, if one is named.
        hazard: Why it matters.
        reason: The author's reason, where it was waived.
    """

    rule: str
    file: str
    line: int
    severity: Severity
    message: str
    safer_form: str
    table: str
    hazard: Hazard
    reason: str = ""

    @property
    def is_destructive(self) -> bool:
        """Whether something is lost, so that ``--allow-destructive`` is needed."""
        return self.hazard is Hazard.LOSS

    def __str__(self) -> str:
        """The finding in one line."""
        waived = f" (ignored: {self.reason})" if self.reason else ""
        return (
            f"{self.file}:{self.line}: {self.severity}: {self.rule}: {self.message}{waived}; "
            f"instead: {self.safer_form}"
        )


@dataclass(frozen=True)
class Lock:
    """A lock that a statement took on a table that others can see: PostgreSQL's name of it."""

    table: str
    mode: str


@dataclass(frozen=True)
class Traced:
    """What one statement really did.

    Attributes:
        file: The migration's file name.
        line: The line, from 1.
        statement: Its beginning.
        locks: The locks that it took, beyond those the file held already.
        rewritten: The tables that it rewrote.
        error: Why it failed; empty if it did not.
        is_skipped: Whether it failed for want of a table or column, which its file passes over.
    """

    file: str
    line: int
    statement: str
    locks: tuple[Lock, ...]
    rewritten: tuple[str, ...]
    error: str
    is_skipped: bool


@dataclass(frozen=True)
class Judgement:
    """What was found, how it was looked at, and what each statement did where it was tried."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    traced: tuple[Traced, ...] = ()


def read_sizes(connection: Connection) -> dict[str, int]:
    """Return the bytes of every table and materialised view that is not PostgreSQL's own."""
    return dict(connection.execute(_SIZES.encode()).fetchall())


def lint(
    migrations: Sequence[Migration],
    target: str | None,
    sizes: Sizes | None,
    *,
    server_version: int | None = None,
    records: Iterable[Record] = (),
    scratch_url: str | None = None,
    large_table_bytes: int = LARGE_TABLE_BYTES,
) -> Judgement:
    """Judge ``migrations`` by what they do to a copy of ``target``, or else by their text.

    Args:
        migrations: The files to judge, which run in this order.
        target: The database to copy; None to begin with nothing, and to take what a file creates
            for large and in use from the next file on.
        sizes: The bytes of the target's tables; every table may be large if None.
        server_version: PostgreSQL's number on the target, e.g. 150018.
        records: The target's history: a file that stopped half-way goes on where it stopped.
        scratch_url: A server to copy to; an embedded one if None.
        large_table_bytes: The size from which on a lock or rewrite blocks.

    Raises:
        UsageError: There is neither a scratch server nor squawk.
        SourceError: The target cannot be copied.
        MigrationError: squawk fails.
    """
    if not migrations:
        return Judgement()
    is_large = _size_check(sizes, large_table_bytes)
    if not has_scratch(scratch_url):
        hits = run_squawk(migrations, server_version)
        findings = [f for m in migrations for f in _finish(m, hits[m.version], is_large)]
        return Judgement(tuple(findings), ("no scratch server: squawk alone has read the files",))
    with scratch_database(scratch_url, target) as scratch:
        missing = copy_schema(target, scratch) if target else []
        path = {"search_path": read_search_path(target)} if target else {}
        watcher = Watcher(scratch, known_anew=target is None, **path)
        judgement = judge_files(
            watcher, migrations, records=records, is_partial=bool(missing), is_large=is_large
        )
    note = _describe_scratch(scratch_url, watcher.server_version, server_version)
    return replace(judgement, notes=(note, *(f"not copied: {failure}" for failure in missing)))


def judge_files(
    watcher: Watcher,
    migrations: Iterable[Migration],
    *,
    records: Iterable[Record] = (),
    is_partial: bool = False,
    is_large: Callable[[str], bool] = lambda _: True,
) -> Judgement:
    """Judge ``migrations`` by what they do where ``watcher`` runs them.

    Args:
        watcher: What runs them.
        migrations: The files, in order.
        records: The target's history.
        is_partial: Whether something of the target could not be copied.
        is_large: Whether a table, by its name, is so large that a lock on it matters.
    """
    half_done = {record.version: record for record in records if not record.is_done}
    findings, traced = [], []
    for migration in migrations:
        record = half_done.get(migration.version)
        done = record.statements_done if record else 0
        rest = replace(migration, statements=migration.statements[done:])
        places: list[Place] = []
        locked: dict[int, None] = {}
        for number, seen in enumerate(watcher.run(rest)):
            # Nobody knows what became of the last statement of a run without a final record.
            resumed = number == 0 and record is not None and record.state == "running"
            for hit in judge(seen, resumed=resumed, is_partial=is_partial):
                places.append((seen.statement.line, hit.rule, hit.message, seen.name(hit.table)))
            shut = {seen.table(oid): None for oid, mode in seen.locks if mode == EXCLUSIVE}
            if migration.in_transaction and shut.keys() - locked.keys():
                if locked:
                    names = ", ".join(map(seen.name, locked | shut))
                    message = f"nobody reads {names} until the transaction ends"
                    places.append((seen.statement.line, "locking-several-tables", message, ""))
                locked |= shut
            traced.append(_trace(seen))
        findings += _finish(rest, places, is_large)
    return Judgement(tuple(findings), traced=tuple(traced))


def check_control(migrations: Iterable[Migration]) -> list[Finding]:
    """Return the statements that begin or end a transaction, which no file may do."""
    return [
        finding
        for migration in migrations
        for finding in _finish(migration, [], lambda _: True)
        if finding.rule == "transaction-control"
    ]


def _finish(
    migration: Migration, places: Iterable[Place], is_large: Callable[[str], bool]
) -> list[Finding]:
    """Return what the hits in one file come to: weighed, waived, in order."""
    places = list(dict.fromkeys(places))
    for statement in migration.statements:
        if is_control(statement):
            word = statement.tokens[0].text.upper()
            places.append((statement.line, "transaction-control", f"{word} inside a migration", ""))
    findings = []
    used: set[Ignore] = set()
    for line, rule, message, table in places:
        hazard, safer_form = find_rule(rule)
        ignore = _find_ignore(migration, rule, line)
        severity: Severity = "error"
        if ignore is not None:
            used.add(ignore)
            severity = "ignored"
        elif hazard is Hazard.STYLE or (hazard is Hazard.LOCK and not is_large(table)):
            severity = "warning"
        findings.append(
            Finding(
                rule, migration.path.name, line, severity, " ".join(message.split()), safer_form,
                table, hazard, ignore.reason if ignore else "",
            )
        )  # fmt: skip
    for ignore in migration.ignores:
        if ignore not in used and _follows(migration, ignore) is not None:
            hazard, safer_form = find_rule("unused-ignore")
            findings.append(
                Finding(
                    "unused-ignore", migration.path.name, ignore.line, "warning",
                    f"nothing to ignore: {ignore.rule}", safer_form, "", hazard,
                )
            )  # fmt: skip
    return sorted(findings, key=lambda finding: (finding.line, finding.rule))


def _find_ignore(migration: Migration, rule: str, line: int) -> Ignore | None:
    """Return the waiver that stands between the statement before and the one of ``line``."""
    if rule == "transaction-control":
        return None
    for ignore in migration.ignores:
        if ignore.rule == rule:
            statement = _follows(migration, ignore)
            if statement is not None and statement.line <= line <= statement.last_line:
                return ignore
    return None


def _follows(migration: Migration, ignore: Ignore) -> Statement | None:
    later = (each for each in migration.statements if each.line > ignore.line)
    return next(later, None)


def _size_check(sizes: Sizes | None, large: int) -> Callable[[str], bool]:
    # Of a table that is not named, or not there to be measured, assume the worst.
    return lambda table: sizes is None or sizes.get(table, large) >= large


def _describe_scratch(url: str | None, scratch: int, target: int | None) -> str:
    where = "an embedded server" if url is None else describe_target(url)
    note = f"judged on a copy on {where}, PostgreSQL {scratch // 10000}"
    if target is not None and target // 10000 != scratch // 10000:
        note += (
            f"; the target runs {target // 10000}: what only one of them knows, or does without"
            " reading or writing the table again, is not judged"
        )
    return note


def _trace(seen: Observed) -> Traced:
    locks = {Lock(seen.name(oid), mode) for oid, mode in seen.locks if seen.table(oid) == oid}
    rewritten = {
        found.name
        for key, found in (seen.before.items() if seen.before is not seen.after else ())
        if key[0] in ("table", "materialized view") and key in seen.known and key in seen.after
        if seen.after[key].file != found.file
    }
    error = seen.error
    return Traced(
        file=seen.migration.path.name,
        line=seen.statement.line,
        statement=seen.statement.beginning,
        locks=tuple(sorted(locks, key=lambda lock: (lock.table, lock.mode))),
        rewritten=tuple(sorted(rewritten)),
        error=(error.diag.message_primary or str(error)) if error else "",
        is_skipped=seen.is_skipped,
    )
