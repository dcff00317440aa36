"""Explain a month's change: over products, cohorts, segments and customers, exactly."""

from sselfie_insights.explain.measures import (
    CAUSES_SCHEMA,
    Explanation,
    explain,
    list_causes,
    list_measures,
)
from sselfie_insights.explain.page import build_explanation_page

__all__ = [
    "CAUSES_SCHEMA",
    "Explanation",
    "build_explanation_page",
    "explain",
    "list_causes",
    "list_measures",
]
