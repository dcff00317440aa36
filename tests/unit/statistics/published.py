"""Data that papers and textbooks print, with what they print of it."""

import numpy as np

from sselfie_insights.statistics.renewals import Lifetimes

REGULAR = (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3)
HIGH_END = (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4)
"""Survivors in % at years 0 to 12: Fader and Hardie (2007), table 1."""

MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
CONTROL = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"
"""Weeks of remission, + where it lasted: Freireich et al. (1963)."""


def survivors(percent: tuple[float, ...], years: int) -> Lifetimes:
    """The first ``years`` of one cohort of 1,000."""
    alive = np.array(percent[: years + 1]) * 10
    still = np.zeros(years + 1)
    still[-1] = alive[-1]
    return Lifetimes(-np.diff(alive), still)


def triangle(alive: tuple[int, ...]) -> Lifetimes:
    """Yearly cohorts with the same course, each cut by the calendar: seen for 0, 1 … years."""
    course = np.array(alive, float)
    lost, still = np.zeros(course.size - 1), np.zeros(course.size)
    for years in range(course.size):
        still[years] += course[years]
        lost[:years] -= np.diff(course[: years + 1])
    return Lifetimes(lost, still)


def durations(text: str) -> tuple[list[float], list[bool]]:
    """Weeks, and whether the end was seen."""
    words = text.split()
    return [float(word.rstrip("+")) for word in words], [not word.endswith("+") for word in words]
