"""How long memberships last: a model for all of them, and for each product that is large enough."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from sselfie_insights.forecast.book import Book, known_lifetimes, month_of
from sselfie_insights.forecast.rules import MIN_LOSSES, MIN_MEMBERSHIPS, too_few
from sselfie_insights.statistics.kaplan_meier import SurvivalCurve, kaplan_meier, log_rank
from sselfie_insights.statistics.renewals import Lifetimes, Renewals, choose_renewals

ALL: Final = "all"
"""The scope of the model of every membership."""

# Renewals that the curve of all memberships goes beyond what was seen.
_BEYOND: Final = 12

MODEL_SCHEMA: Final = {
    "scope": pl.String, "n": pl.Int64, "lost_count": pl.Int64, "monthly_churn_rate": pl.Float64,
    "model": pl.String, "alpha": pl.Float64, "alpha_low": pl.Float64, "alpha_high": pl.Float64,
    "beta": pl.Float64, "beta_low": pl.Float64, "beta_high": pl.Float64, "shape": pl.Float64,
    "shape_low": pl.Float64, "shape_high": pl.Float64, "log_rank_p": pl.Float64, "note": pl.String,
}  # fmt: skip

CURVE_SCHEMA: Final = {
    "cohort": pl.String, "tenure_months": pl.Int64, "n": pl.Int64, "at_risk_count": pl.Int64,
    "lost_count": pl.Int64, "survival_rate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "model": pl.String, "model_survival_rate": pl.Float64, "model_low": pl.Float64,
    "model_high": pl.Float64, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A survival model, or the words why there is none.

    Attributes:
        scope: ``all``, or the product that began the memberships.
        data: What there was to fit to.
        model: The model; None where the data are too few.
        note: The refusal; empty where there is a model.
    """

    scope: str
    data: Lifetimes
    model: Renewals | None
    note: str


def fit(scope: str, data: Lifetimes) -> Fit:
    """Fit a model to ``data``, or refuse."""
    note = refusal(data)
    return Fit(scope, data, None if note else choose_renewals(data), note)


def refusal(data: Lifetimes) -> str:
    """Return why ``data`` are too few for a model, or nothing."""
    if data.count < MIN_MEMBERSHIPS:
        return too_few(data.count, MIN_MEMBERSHIPS)
    if data.lost_count < MIN_LOSSES:
        return too_few(data.lost_count, MIN_LOSSES, "losses")
    return ""


def fit_all(book: Book) -> dict[str, Fit]:
    """Return the fit of all memberships and of each product, by scope."""
    products = sorted(book.memberships["product_type"].unique())
    fits = [fit(ALL, book.lifetimes())]
    fits += [fit(product, book.lifetimes(product=product)) for product in products]
    return {each.scope: each for each in fits}


def tell_models(book: Book, fits: Mapping[str, Fit]) -> pl.DataFrame:
    """Return a row for each fit: n, parameters with intervals, and whether the product differs."""
    rows = [_tell_model(book, each) for each in fits.values()]
    return pl.DataFrame(rows, schema=MODEL_SCHEMA)


def _tell_model(book: Book, each: Fit) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(MODEL_SCHEMA) | {
        "scope": each.scope,
        "n": each.data.count,
        "lost_count": each.data.lost_count,
        "monthly_churn_rate": None if np.isnan(each.data.hazard) else each.data.hazard,
        "note": each.note,
    }
    if each.model is None:
        return row
    row["model"] = each.model.name
    names = ("alpha", "beta", "shape")
    bounds = zip(names, each.model.parameters, each.model.parameter_intervals(), strict=False)
    for name, value, (low, high) in bounds:
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    if each.scope != ALL:
        known = known_lifetimes(book.memberships, book.settled)
        in_scope = known["product_type"] == each.scope
        test = log_rank(known["duration"], known["is_lost"], in_scope, known["n"])
        row["log_rank_p"] = None if test is None else test.p_value
    return row


def tell_curves(book: Book, fits: Mapping[str, Fit]) -> pl.DataFrame:
    """Return survival by renewals made, seen and modelled, of all memberships and each cohort."""
    known = known_lifetimes(book.memberships, book.settled)
    rows = list(_tell_curve(ALL, known, fits[ALL], _BEYOND))
    for (start,), cohort in known.group_by("start_number", maintain_order=True):
        rows += _tell_curve(f"{month_of(int(str(start))):%Y-%m}", cohort, fits[ALL], 0)
    return pl.DataFrame(rows, schema=CURVE_SCHEMA)


def _tell_curve(
    cohort: str, known: pl.DataFrame, pooled: Fit, beyond: int
) -> Iterator[dict[str, Any]]:
    curve = kaplan_meier(known["duration"], known["is_lost"], known["n"])
    count = int(known["n"].sum())
    tenures = np.arange(int(curve.times[-1]) + beyond + 1)
    modelled = np.full((3, tenures.size), np.nan)
    if pooled.model is not None:
        edge = pooled.model.survival(tenures, pooled.model.edge)
        modelled = np.vstack([pooled.model.survival(tenures), *pooled.model.interval(edge)])
    for tenure in tenures:
        row: dict[str, Any] = dict.fromkeys(CURVE_SCHEMA) | {
            "cohort": cohort,
            "tenure_months": int(tenure),
            "n": count,
            "model": None if pooled.model is None else pooled.model.name,
            "note": pooled.note,
        }
        if pooled.model is not None:
            names = ("model_survival_rate", "model_low", "model_high")
            row |= dict(zip(names, map(float, modelled[:, tenure]), strict=True))
        if tenure == 0:
            row |= {"at_risk_count": count, "lost_count": 0}
            row |= {"survival_rate": 1.0, "low": 1.0, "high": 1.0}
        elif tenure <= curve.times[-1]:
            row |= _observe(curve, int(tenure))
        yield row


def _observe(curve: SurvivalCurve, tenure: int) -> dict[str, Any]:
    """What was seen of the renewal ``tenure``: the step at or before it."""
    step = int(np.searchsorted(curve.times, tenure, side="right")) - 1
    is_step = step >= 0 and curve.times[step] == tenure
    following = int(np.searchsorted(curve.times, tenure))
    seen: dict[str, Any] = {
        "at_risk_count": int(curve.at_risk[following]),
        "lost_count": int(curve.lost[step]) if is_step else 0,
    }
    names = ("survival_rate", "low", "high")
    values = (curve.survival, curve.low, curve.high)
    return seen | {
        name: float(value[step]) if step >= 0 else None
        for name, value in zip(names, values, strict=True)
    }
