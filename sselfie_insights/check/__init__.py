"""Checks: Great Expectations on the mirror, what became of every check, how severe each is.

A run calls ``load_severities`` before it begins, ``start_import`` while it syncs and
``check_mirror`` before it builds. dbt's tests of the marts are the build's (``marts``). Both are
kept with the data by ``record``, and ``require_passed`` comes before anything is published.
"""

from sselfie_insights.check.expectations import start_import
from sselfie_insights.check.mirror import check_mirror
from sselfie_insights.check.results import (
    CheckResult,
    failures,
    record,
    require_passed,
    sum_up,
)
from sselfie_insights.check.severities import load_severities

__all__ = [
    "CheckResult",
    "check_mirror",
    "failures",
    "load_severities",
    "record",
    "require_passed",
    "start_import",
    "sum_up",
]
