"""Checks: Great Expectations on the mirror, dbt's tests on the marts, and how severe each is.

A run calls ``load_severities`` before it begins, ``start_import`` while it syncs,
``check_mirror`` before it builds, ``from_dbt`` with what dbt's tests gave, ``record`` to keep both
with the data, and ``require_passed`` before it publishes.
"""

from sselfie_insights.check.expectations import start_import
from sselfie_insights.check.marts import check_marts, from_dbt
from sselfie_insights.check.mirror import check_mirror
from sselfie_insights.check.results import CheckResult, failures, record, require_passed
from sselfie_insights.check.severities import load_severities

__all__ = [
    "CheckResult",
    "check_marts",
    "check_mirror",
    "failures",
    "from_dbt",
    "load_severities",
    "record",
    "require_passed",
    "start_import",
]
