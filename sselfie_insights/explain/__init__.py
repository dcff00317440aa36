"""Explain a month's change: over products, cohorts, segments and customers, exactly."""

from sselfie_insights.explain.measures import MEASURES, Explanation, explain
from sselfie_insights.explain.page import build_explanation_page

__all__ = ["MEASURES", "Explanation", "build_explanation_page", "explain"]
