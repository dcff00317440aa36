"""Check migrations before they run: what would lock, lose, or not do what it says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

from sselfie_insights.migrate.files import Migration
from sselfie_insights.migrate.history import Record
from sselfie_insights.migrate.judging import EXCLUSIVE, Observed, judge
from sselfie_insights.migrate.scratch import copy_schema, has_scratch, scratch_database
from sselfie_insights.migrate.session import open_connection
from sselfie_insights.migrate.squawk import Place, run_squawk
from sselfie_insights.migrate.watch import Watcher, is_control
from sselfie_insights.postgres import Connection, describe_target

LARGE_TABLE_BYTES = 10_000_000
"""From this size on a scan or rewrite takes longer than people wait: about 0.1 s."""

Severity = Literal["error", "warning", "ignored"]
Hazard = Literal["lock", "loss", "error", "style"]


class Rule(NamedTuple):
    """Why breaking it matters (see ``rules.yml``), and what to write instead."""

    hazard: Hazard
    safer_form: str


RULES = {
    name: Rule(hazard, safer_form)
    for hazard, rules in yaml.safe_load(
        Path(__file__).with_name("rules.yml").read_text(encoding="utf-8")
    ).items()
    for name, safer_form in rules.items()
}
_LOSING = ("ban-drop", "ban-truncate", "ban-set-schema", "renaming")
"""How squawk's rules about loss begin."""

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
        hazard: Why it matters: ``lock``, ``loss``, ``error`` or ``style``, as in ``rules.yml``.
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
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.rule}"


@dataclass(frozen=True)
class Judgement:
    """What was found, how it was looked at, and what each statement did where it was tried."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    traced: tuple[Observed, ...] = ()


def read_sizes(connection: Connection) -> dict[str, int]:
    """Return the bytes of every table and materialised view that is not PostgreSQL's own."""
    return dict(connection.execute(_SIZES.encode()).fetchall())


def lint(
    migrations: Sequence[Migration],
    target: str | None,
    sizes: Mapping[str, int] | None,
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

    def is_large(table: str) -> bool:
        # Of a table that is not named, or not there to be measured, assume the worst.
        return sizes is None or sizes.get(table, large_table_bytes) >= large_table_bytes

    if not has_scratch(scratch_url):
        findings = [
            finding
            for migration in migrations
            for finding in _weigh(migration, run_squawk(migration, server_version), is_large)
        ]
        return Judgement(tuple(findings), ("no scratch server: squawk alone has read the files",))
    with scratch_database(scratch_url, target) as scratch:
        missing = copy_schema(target, scratch) if target else []
        path = _read_search_path(target) if target else '"$user", public'
        watcher = Watcher(scratch, search_path=path, known_anew=target is None)
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
    findings: list[Finding] = []
    traced = []
    for migration in migrations:
        record = half_done.get(migration.version)
        done = record.statements_done if record else 0
        # Nobody knows what became of the last statement of a run without a final record.
        resumed = record is not None and record.state == "running"
        places: list[Place] = []
        shut: set[str] = set()
        absent: dict[tuple[str, ...] | None, Place] = {}
        for seen in watcher.run(migration, done):
            line = seen.statement.line
            is_partial = is_partial or seen.lacks_extension
            hits = judge(seen, resumed=resumed, is_partial=is_partial)
            for rule, message, table in hits:
                if rule != "restored":
                    places.append((line, rule, message, table))
                elif migration.in_transaction:
                    places = [place for place in places if place[2] != message]
            name = seen.replaceable
            if name and seen.drops_nothing and migration.in_transaction:
                absent[name] = places[-1]
            elif name in absent:
                # Elsewhere it would take the place of what its file drops.
                places.remove(absent.pop(name))
            resumed = False
            now = {lock.table for lock in seen.locks if lock.mode == EXCLUSIVE}
            if migration.in_transaction and now - shut:
                if shut:
                    names = ", ".join(sorted(shut | now))
                    message = f"nobody reads {names} until the transaction ends"
                    places.append((line, "locking-several-tables", message, ""))
                shut |= now
            traced.append(seen)
        findings += _weigh(migration, places, is_large, done)
    return Judgement(tuple(findings), traced=tuple(traced))


def check_control(migrations: Iterable[Migration]) -> list[Finding]:
    """Return the statements that begin or end a transaction, which no file may do."""
    findings = [finding for migration in migrations for finding in _weigh(migration, [])]
    return [finding for finding in findings if finding.rule == "transaction-control"]


def _weigh(
    migration: Migration,
    places: Iterable[Place],
    is_large: Callable[[str], bool] = lambda _: True,
    done: int = 0,
) -> list[Finding]:
    """Return what the hits in one file come to behind its first ``done`` statements, in order."""
    places = list(dict.fromkeys(places))
    statements = migration.statements[done:]
    for statement in statements:
        if is_control(statement):
            word = statement.command.upper()
            places.append((statement.line, "transaction-control", f"{word} inside a migration", ""))
    unused = migration.waivers.keys() - {(line, rule) for line, rule, *_ in places}
    lines = {statement.line for statement in statements}
    for line, rule in unused:
        if line in lines:
            at = migration.waivers[line, rule].line
            places.append((at, "unused-ignore", f"nothing to ignore: {rule}", ""))
    findings = []
    for line, rule, message, table in places:
        hazard, safer_form = _find_rule(rule)
        ignore = None if rule == "transaction-control" else migration.waivers.get((line, rule))
        is_harmless = hazard == "style" or (hazard == "lock" and not is_large(table))
        findings.append(
            Finding(
                rule=rule,
                file=migration.path.name,
                line=line,
                severity="ignored" if ignore else "warning" if is_harmless else "error",
                message=" ".join(message.split()),
                safer_form=safer_form,
                table=table,
                hazard=hazard,
                reason=ignore.reason if ignore else "",
            )
        )
    return sorted(findings, key=lambda finding: (finding.line, finding.rule))


def _find_rule(name: str) -> Rule:
    """Return a rule, which may be one of squawk's."""
    if name not in RULES and name.startswith(_LOSING):
        return Rule("loss", RULES["dropping-object"].safer_form)
    return RULES.get(name, Rule("lock", "see squawk's page on the rule"))


def _read_search_path(url: str) -> str:
    """Return the search path under which ``url``'s role begins."""
    with open_connection(url, own_search_path=True) as connection:
        row = connection.execute("select pg_catalog.current_setting('search_path')").fetchone()
    return str(row[0]) if row else ""


def _describe_scratch(url: str | None, scratch: int, target: int | None) -> str:
    where = "an embedded server" if url is None else describe_target(url)
    note = f"judged on a copy on {where}, PostgreSQL {scratch // 10000}"
    if target is not None and target // 10000 != scratch // 10000:
        note += (
            f"; the target runs {target // 10000}: what only one of them knows, or does without"
            " reading or writing the table again, is not judged"
        )
    return note
