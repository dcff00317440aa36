"""Forgetting: erase one person from the warehouse, its kept publications and the outputs.

``person`` holds the identifiers, ``rows`` finds and erases the rows of one file, ``outputs``
searches what was written for people, ``source`` asks the source; ``erasure`` is all of them in
order, and rewrites every file, because DuckDB leaves the bytes of a deleted row where they were.
"""

from sselfie_insights.forget.erasure import ForgetReport, forget

__all__ = ["ForgetReport", "forget"]
