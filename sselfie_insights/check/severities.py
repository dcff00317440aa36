"""How severe each check is: the package's ``checks.yml``, and the user's own on top.

Both have one mapping a suite, from a check's name or a pattern of names to ``error`` or ``warn``.
The last line that matches decides, and the user's lines come after the package's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import yaml

from sselfie_insights.check.results import Severity, Suite
from sselfie_insights.check.rules import list_checks
from sselfie_insights.contract import load_contract
from sselfie_insights.errors import UsageError
from sselfie_insights.settings import Settings

DEFAULTS = Path(__file__).with_name("checks.yml")
USER_FILE = Path("checks.yml")


@dataclass(frozen=True)
class _Line:
    file: Path
    suite: Suite
    pattern: str
    severity: Severity

    def matches(self, suite: Suite, name: str) -> bool:
        return self.suite == suite and fnmatchcase(name, self.pattern)


@dataclass(frozen=True)
class Severities:
    """The severity of every check.

    Attributes:
        lines: The lines of the files, the package's before the user's.
    """

    lines: tuple[_Line, ...]

    def of(self, suite: Suite, name: str, default: Severity = "warn") -> Severity:
        """Return how severe the check ``name`` of ``suite`` is; ``default`` where no line says."""
        matching = [line.severity for line in self.lines if line.matches(suite, name)]
        return matching[-1] if matching else default

    def has_own(self, suite: Suite) -> bool:
        """Say whether any line of the user's is about ``suite``."""
        return any(line.suite == suite and line.file != DEFAULTS for line in self.lines)

    def require_known(self, suite: Suite, names: Iterable[str]) -> None:
        """Refuse a line of the user's that is about no check of ``suite``.

        Raises:
            UsageError: It names the line, and the check that it may have meant.
        """
        known = sorted(names)
        for line in self.lines:
            if line.suite != suite or line.file == DEFAULTS:
                continue
            if not any(line.matches(suite, name) for name in known):
                near = get_close_matches(line.pattern, known, n=1, cutoff=0)
                raise UsageError(
                    f"{line.file}: no check of '{suite}' is called {line.pattern!r}",
                    remedy=f"did you mean {near[0]!r}?" if near else "",
                )


def load_severities(settings: Settings) -> Severities:
    """Return the severities in force; the names of dbt's tests are not looked at yet.

    Raises:
        UsageError: The user's file cannot be read, says something else than severities, or names
            a check of the mirror that there is none of.
    """
    lines = _read(DEFAULTS)
    if settings.checks is not None:
        lines += _read(settings.checks)
    elif USER_FILE.exists():
        lines += _read(USER_FILE)
    severities = Severities(tuple(lines))
    severities.require_known("mirror", [check.name for check in list_checks(load_contract())])
    return severities


def _read(path: Path) -> list[_Line]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise UsageError(
            f"{path} cannot be read: {reason}", remedy="see the setting 'checks'"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{path} is not YAML{line}", remedy="correct it") from None
    return [_line(path, suite, name, value) for suite, name, value in _entries(path, document)]


def _entries(path: Path, document: Any) -> Iterable[tuple[Any, Any, Any]]:
    if document is None:
        return
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no mapping", remedy="begin with 'mirror:' or 'marts:'")
    for suite, entries in document.items():
        if suite not in get_args(Suite):
            raise UsageError(
                f"{path}: {suite!r} is no suite of checks", remedy="there are 'mirror' and 'marts'"
            )
        if not isinstance(entries, dict | None):
            raise UsageError(f"{path}: '{suite}' is no mapping", remedy="write 'name: severity'")
        for name, value in (entries or {}).items():
            yield suite, name, value


def _line(path: Path, suite: Suite, name: Any, value: Any) -> _Line:
    if value not in get_args(Severity):
        raise UsageError(
            f"{path}: {value!r} is no severity, of {name!r}", remedy="write 'error' or 'warn'"
        )
    return _Line(path, suite, str(name), value)
