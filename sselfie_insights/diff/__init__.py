"""Comparing two publications: which public numbers were restated, by which rows, and why.

``numbers`` compares what the public queries say of periods that were complete, ``rows`` what the
marts say of single payments, members, credits and activity, ``comparison`` leads from one to the
other, and ``summary`` puts it into a few sentences.
"""

from sselfie_insights.diff.comparison import Comparison, Restatement, compare, resolve
from sselfie_insights.diff.rows import ChangedRow

__all__ = ["ChangedRow", "Comparison", "Restatement", "compare", "resolve"]
