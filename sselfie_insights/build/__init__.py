"""Build the marts, and test them: run dbt over the mirror and read what it reports."""

from sselfie_insights.build.marts import (
    BuildReport,
    build,
    build_into,
    build_liability,
    require_buildable,
)
from sselfie_insights.build.postgres import build_in_postgres
from sselfie_insights.build.retest import check_marts
from sselfie_insights.build.spark import build_on_spark

__all__ = [
    "BuildReport",
    "build",
    "build_in_postgres",
    "build_into",
    "build_liability",
    "build_on_spark",
    "check_marts",
    "require_buildable",
]
