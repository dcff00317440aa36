"""Build the marts: run dbt over the mirror and read what it reports."""

from sselfie_insights.marts.build import BuildReport, build

__all__ = ["BuildReport", "build"]
