"""Survival, projection and intervals: numbers in, numbers out, nothing else.

Nothing here knows of members, money or DuckDB. Every function names the paper and the equation
that it follows.
"""

from sselfie_insights.shares import Z_95
from sselfie_insights.statistics.arrivals import draw_arrivals
from sselfie_insights.statistics.hazard import HazardModel, fit_hazard, recalibrate
from sselfie_insights.statistics.intervals import bootstrap_mean, wilson
from sselfie_insights.statistics.kaplan_meier import (
    LogRank,
    SurvivalCurve,
    kaplan_meier,
    log_rank,
)
from sselfie_insights.statistics.renewals import (
    Lifetimes,
    Renewals,
    choose_renewals,
    fit_bdw,
    fit_sbg,
)
from sselfie_insights.statistics.scores import (
    CalibrationBin,
    brier,
    calibrate_bins,
    mape,
    top_share,
)

__all__ = [
    "Z_95",
    "CalibrationBin",
    "HazardModel",
    "Lifetimes",
    "LogRank",
    "Renewals",
    "SurvivalCurve",
    "bootstrap_mean",
    "brier",
    "calibrate_bins",
    "choose_renewals",
    "draw_arrivals",
    "fit_bdw",
    "fit_hazard",
    "fit_sbg",
    "kaplan_meier",
    "log_rank",
    "mape",
    "recalibrate",
    "top_share",
    "wilson",
]
