"""Check migrations before they run: what would lock, lose, or not do what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sselfie_insights.migrate.actions import Name, read_actions, read_create_tables
from sselfie_insights.migrate.checks import (
    Hit,
    alters_without_rewrite,
    check,
    is_proven_not_null,
)
from sselfie_insights.migrate.files import Ignore, Migration
from sselfie_insights.migrate.rules import RULES, Hazard
from sselfie_insights.migrate.squawk import run_squawk
from sselfie_insights.migrate.statements import Statement
from sselfie_insights.migrate.tables import LiveTables

LARGE_TABLE_BYTES = 10_000_000
"""From this size on a scan or rewrite takes longer than people wait: about 0.1 s."""

Severity = Literal["error", "warning", "ignored"]

# squawk reports these beside the rule that names the real trouble.
_ECHOES = {
    "constraint-missing-not-valid": {
        "adding-foreign-key-constraint",
        "disallowed-unique-constraint",
        "adding-serial-primary-key-field",
    },
}


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


def lint(
    migrations: Sequence[Migration],
    live: LiveTables | None,
    *,
    large_table_bytes: int = LARGE_TABLE_BYTES,
    with_squawk: bool = True,
) -> list[Finding]:
    """Return the findings in ``migrations``, by file and line.

    A lock matters only on a table that is big; without ``live`` every table may be.

    Raises:
        UsageError: squawk is not installed.
        MigrationError: squawk fails.
    """
    reports: list[tuple[Migration, Hit, int]] = []
    if with_squawk and migrations:
        version = live.server_version if live else None
        for report in run_squawk(migrations, version):
            hit = Hit(report.rule, report.statement, report.message)
            reports.append((report.migration, hit, report.line))
    findings = []
    for position, migration in enumerate(migrations):
        hits = [(hit, line) for other, hit, line in reports if other is migration]
        hits += [(hit, hit.statement.line) for hit in check(migration, live)]
        judge = _Judge(migration, migrations[:position], live, large_table_bytes)
        findings += judge.judge(hits)
    return findings


class _Judge:
    """Decides what the hits in one migration come to."""

    def __init__(
        self,
        migration: Migration,
        earlier: Sequence[Migration],
        live: LiveTables | None,
        large_table_bytes: int,
    ) -> None:
        self._migration = migration
        self._earlier = earlier
        self._live = live
        self._large = large_table_bytes
        self._created_here = {
            name for statement in migration.statements for name in read_create_tables(statement)
        }
        self._created_before = {
            name
            for other in earlier
            for statement in other.statements
            for name in read_create_tables(statement)
        }
        self._used: set[Ignore] = set()

    def judge(self, hits: list[tuple[Hit, int]]) -> list[Finding]:
        rules_at: dict[int, set[str]] = {}
        for hit, _ in hits:
            rules_at.setdefault(hit.statement.line, set()).add(hit.rule)
        findings = [
            self._finding(hit, line, table)
            for hit, line in hits
            for table in [hit.table or self._table_of(hit)]
            if not _ECHOES.get(hit.rule, set()) & rules_at[hit.statement.line]
            and not self._is_harmless(hit, table)
        ]
        for ignore in self._migration.ignores:
            if ignore not in self._used:
                findings.append(
                    self._make(
                        "unused-ignore", ignore.line, "warning", f"nothing to ignore: {ignore.rule}"
                    )
                )
        return sorted(findings, key=lambda finding: (finding.line, finding.rule))

    def _finding(self, hit: Hit, line: int, table: Name) -> Finding:
        ignore = self._ignore_for(hit)
        severity: Severity = "ignored" if ignore else self._severity(hit, table)
        reason = ignore.reason if ignore else ""
        return self._make(hit.rule, line, severity, hit.message, table, reason)

    def _make(
        self,
        rule: str,
        line: int,
        severity: Severity,
        message: str,
        table: Name = (),
        reason: str = "",
    ) -> Finding:
        return Finding(
            rule=rule,
            file=self._migration.path.name,
            line=line,
            severity=severity,
            message=" ".join(message.split()),
            safer_form=RULES[rule].safer_form,
            table=".".join(table),
            hazard=RULES[rule].hazard,
            reason=reason,
        )

    def _severity(self, hit: Hit, table: Name) -> Severity:
        match RULES[hit.rule].hazard:
            case Hazard.ERROR | Hazard.LOSS:
                return "error"
            case Hazard.STYLE:
                return "warning"
        return "error" if self._may_be_large(table) else "warning"

    def _may_be_large(self, table: Name) -> bool:
        if self._live is None:
            return True
        size = self._live.bytes_of.get(self._live.qualify(table))
        # A table that is not there yet is empty; of a name that is not told, assume the worst.
        return size >= self._large if size is not None else not table

    def _table_of(self, hit: Hit) -> Name:
        """Return the table that the statement works on."""
        for action in read_actions(hit.statement):
            if action.verb in ("drop index", "reindex index") and self._live is not None:
                return self._live.table_of_index.get(self._live.qualify(action.table), action.table)
            if action.table:
                return action.table
        return ()

    def _is_harmless(self, hit: Hit, table: Name) -> bool:
        """Say whether what is known besides makes the rule beside the point."""
        rule = RULES[hit.rule]
        if rule.hazard in (Hazard.LOCK, Hazard.LOSS) and table in self._created_here:
            return True
        if hit.rule == "renaming-object" and hit.statement.words.startswith("alter index"):
            return True
        for action in read_actions(hit.statement):
            if hit.rule == "changing-column-type" and action.verb == "alter type":
                return alters_without_rewrite(action, self._live)
            if hit.rule == "adding-not-nullable-field" and action.verb == "set not null":
                return self._live is not None and is_proven_not_null(
                    self._earlier, action, self._live
                )
            if hit.rule == "renaming-object" and action.verb == "rename constraint":
                return True
            if hit.rule == "constraint-missing-not-valid" and "using index" in action.words:
                return True
        return False

    def _ignore_for(self, hit: Hit) -> Ignore | None:
        """Return the waiver that stands between the statement before and this one."""
        if hit.rule == "transaction-control":
            return None
        for ignore in self._migration.ignores:
            if ignore.rule == hit.rule and self._follows(ignore) is hit.statement:
                self._used.add(ignore)
                return ignore
        return None

    def _follows(self, ignore: Ignore) -> Statement | None:
        statements: Iterator[Statement] = (
            statement
            for statement in self._migration.statements
            if statement.tokens[-1].line >= ignore.line
        )
        return next(statements, None)
