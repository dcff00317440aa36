"""Explain a month's change: over products, cohorts, segments and customers, exactly."""

from sselfie_insights.explain.measures import Explanation, explain, list_measures
from sselfie_insights.explain.page import build_explanation_page

__all__ = ["Explanation", "build_explanation_page", "explain", "list_measures"]
