"""What a check of one part found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sselfie_insights.errors import ExitCode, SselfieError

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """The state of one part of an installation.

    Attributes:
        part: What was looked at.
        state: Whether it works, works with a reservation, or does not work.
        detail: What was seen.
        remedy: What to do about it; empty when it is ok.
        exit_code: The kind of failure; 0 unless it failed.
    """

    part: str
    state: State
    detail: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.DONE


def failed(part: str, error: SselfieError) -> Finding:
    """Return the finding that ``error`` makes of ``part``."""
    return Finding(part, "failed", error.message, error.remedy, error.exit_code)


def attempt(part: str, check: Callable[[], str]) -> Finding:
    """Run ``check``, which says what is well or raises what is wrong."""
    try:
        return Finding(part, "ok", check())
    except SselfieError as error:
        return failed(part, error)
