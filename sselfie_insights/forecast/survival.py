"""How long memberships last: a model for all of them, and for each product that is large enough."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sselfie_insights.forecast.book import Book, known_lifetimes, month_of
from sselfie_insights.forecast.rules import MIN_LOSSES, MIN_MEMBERSHIPS, SEED, too_few
from sselfie_insights.statistics.cells import Cells
from sselfie_insights.statistics.kaplan_meier import SurvivalCurve, kaplan_meier, log_rank
from sselfie_insights.statistics.retention import Draws, Retention, fit_retention

Array = NDArray[np.float64]

ALL: Final = "all"
"""The scope of the model of every membership."""

CURVE_DRAWS: Final = 400
"""Draws behind the interval of a curve or a value."""

# Renewals that the curve of all memberships goes beyond what was seen.
_BEYOND: Final = 12

MODEL_SCHEMA: Final = {
    "scope": pl.String, "person_count": pl.Int64, "n": pl.Int64, "lost_count": pl.Int64,
    "monthly_churn_rate": pl.Float64, "model": pl.String, "alpha": pl.Float64,
    "alpha_low": pl.Float64, "alpha_high": pl.Float64, "beta": pl.Float64, "beta_low": pl.Float64,
    "beta_high": pl.Float64, "shape": pl.Float64, "shape_low": pl.Float64,
    "shape_high": pl.Float64, "first_renewal_rate": pl.Float64, "first_renewal_low": pl.Float64,
    "first_renewal_high": pl.Float64, "cohort_trend_rate": pl.Float64, "log_rank_p": pl.Float64,
    "note": pl.String,
}  # fmt: skip

CURVE_SCHEMA: Final = {
    "cohort": pl.String, "tenure_months": pl.Int64, "person_count": pl.Int64, "n": pl.Int64,
    "at_risk_count": pl.Int64, "lost_count": pl.Int64, "survival_rate": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "model": pl.String, "model_survival_rate": pl.Float64,
    "model_low": pl.Float64, "model_high": pl.Float64, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A survival model, or the words why there is none.

    Attributes:
        scope: ``all``, or the product that began the memberships.
        origin: The last month that it knows.
        n: Memberships.
        lost_count: How many of them ended.
        churn: Of those, the share of months at risk: the churn rate if it were the same for all.
        model: The model of who renews by the month; None where the data are too few.
        long: Of renewals after several months, how many were lost and how many due.
        interval: Months between those, of most who have them.
        long_share: The share of memberships that renew so.
        note: The refusal; empty where there is a model.
    """

    scope: str
    origin: int
    n: int
    lost_count: int
    churn: float
    model: Retention | None
    long: tuple[float, float]
    interval: int
    long_share: float
    note: str

    def draw(self, rng: np.random.Generator, size: int, length: int) -> tuple[Draws, Array]:
        """Return draws of the chances at monthly renewals 1 … ``length``, and at a longer one.

        A longer renewal is lost with the same chance whichever it is, of Jeffreys' posterior.

        Raises:
            ValueError: There is no model.
        """
        if self.model is None:
            raise ValueError(self.note)
        lost, due = self.long
        return self.model.draw(rng, size, length), rng.beta(lost + 0.5, due - lost + 0.5, size)

    @property
    def long_chance(self) -> float:
        """The expected chance to leave at a longer renewal."""
        lost, due = self.long
        return (lost + 0.5) / (due + 1)

    def survival(self, chance: Array, long_chance: Array) -> Array:
        """Return who is left after 0, 1 … months, of memberships of every interval.

        Args:
            chance: At monthly renewals, shape (…, months).
            long_chance: At longer ones, shape (…).
        """
        start = np.ones((*chance.shape[:-1], 1))
        monthly = np.concatenate([start, np.cumprod(1 - chance, axis=-1)], axis=-1)
        made = np.arange(monthly.shape[-1]) // self.interval
        return np.asarray(
            (1 - self.long_share) * monthly
            + self.long_share * (1 - np.asarray(long_chance)[..., None]) ** made
        )


def fit(scope: str, cells: Mapping[int, Cells], origin: int) -> Fit:
    """Fit a model to what ``cells``, by interval, show up to ``origin``, or refuse."""
    known = {interval: each.until(origin) for interval, each in cells.items()}
    started = {interval: float(each.started.sum()) for interval, each in known.items()}
    n, lost = round(sum(started.values())), sum(float(each.lost.sum()) for each in known.values())
    due = sum(interval * float(each.due.sum()) for interval, each in known.items())
    longer = [each for interval, each in known.items() if interval > 1]
    intervals = [interval for interval in known if interval > 1]
    note = refusal(n, round(lost))
    model = None
    if not note:
        model = fit_retention(known[1], origin) if 1 in known else fit_retention(_NONE, origin)
        if model is None:
            note = "too few to tell: the fit ends at the edge of its range"
    return Fit(
        scope,
        origin,
        n,
        round(lost),
        lost / due if due else float("nan"),
        model,
        (sum(float(e.lost.sum()) for e in longer), sum(float(e.due.sum()) for e in longer)),
        max(intervals, key=lambda interval: started[interval], default=12),
        sum(started[interval] for interval in intervals) / n if n else 0.0,
        note,
    )


# Nobody who renews by the month.
_NONE: Final = Cells(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1)))


def refusal(count: int, lost_count: int) -> str:
    """Return why ``count`` memberships with so many losses are too few, or nothing."""
    if count < MIN_MEMBERSHIPS:
        return too_few(count, MIN_MEMBERSHIPS)
    if lost_count < MIN_LOSSES:
        return too_few(lost_count, MIN_LOSSES, "losses")
    return ""


def fit_all(book: Book) -> dict[str, Fit]:
    """Return the fit of all memberships and of each product, by scope."""
    products = sorted(book.memberships["product_type"].unique())
    fits = [fit(ALL, book.cells(), book.settled)]
    fits += [fit(product, book.cells(product), book.settled) for product in products]
    return {each.scope: each for each in fits}


def fit_past(book: Book, origins: Iterable[int]) -> dict[int, Fit]:
    """Return what would have been fitted to all memberships at the end of each past month."""
    cells = book.cells()
    return {origin: fit(ALL, cells, origin) for origin in origins}


def build_models_table(book: Book, fits: Mapping[str, Fit]) -> pl.DataFrame:
    """Return a row for each fit: n, parameters with intervals, and whether the product differs."""
    rows = [_model_row(book, each) for each in fits.values()]
    return pl.DataFrame(rows, schema=MODEL_SCHEMA)


def _model_row(book: Book, each: Fit) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(MODEL_SCHEMA) | {
        "scope": each.scope,
        "person_count": book.people.get(each.scope, 0),
        "n": each.n,
        "lost_count": each.lost_count,
        "monthly_churn_rate": None if np.isnan(each.churn) else each.churn,
        "note": each.note,
    }
    if each.model is None:
        return row
    row["model"] = each.model.name
    names = ("alpha", "beta", "shape")
    curve = each.model.curve
    bounds = zip(names, curve.parameters, curve.parameter_intervals(), strict=False)
    for name, value, (low, high) in bounds:
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    if each.model.first is not None:
        names = ("first_renewal_rate", "first_renewal_low", "first_renewal_high")
        row |= dict(zip(names, each.model.first, strict=True))
    if each.model.trend is not None:
        row["cohort_trend_rate"] = float(np.expm1(each.model.trend[0]))
        row["note"] = describe_trend(each.model)
    if each.scope != ALL:
        known = known_lifetimes(book.memberships, book.settled)
        in_scope = known["product_type"] == each.scope
        test = log_rank(known["duration"], known["is_lost"], in_scope, known["n"])
        row["log_rank_p"] = None if test is None else test.p_value
    return row


def describe_trend(model: Retention) -> str:
    """Return in words that newer cohorts leave less, or more, than older ones; else nothing."""
    if model.trend is None:
        return ""
    rate = float(np.expm1(model.trend[0]))
    return (
        f"each cohort leaves {abs(rate):.1%} {'less' if rate < 0 else 'more'} than the one before;"
        " what is expected of new members is that of the newest"
    )


def build_curves_table(book: Book, fits: Mapping[str, Fit]) -> pl.DataFrame:
    """Return survival by renewals made, seen and modelled, of all memberships and each cohort."""
    known = known_lifetimes(book.memberships, book.settled)
    pooled = fits[ALL]
    curve = _model_curve(pooled, book.settled - book.first + _BEYOND + 1)
    people = book.people.get(ALL, 0)
    rows = list(_curve_rows(ALL, people, known, pooled, curve, _BEYOND))
    for (start,), cohort in known.group_by("start_number", maintain_order=True):
        # Nobody begins two memberships in one month.
        name, people = f"{month_of(int(str(start))):%Y-%m}", int(cohort["n"].sum())
        rows += _curve_rows(name, people, cohort, pooled, curve, 0)
    return pl.DataFrame(rows, schema=CURVE_SCHEMA)


def _model_curve(pooled: Fit, months: int) -> Array:
    """The modelled curve and its 95 % interval after 0, 1 … ``months``, shape (3, months + 1)."""
    if pooled.model is None:
        return np.full((3, months + 1), np.nan)
    draws, long = pooled.draw(np.random.default_rng(SEED), CURVE_DRAWS, months)
    low, high = np.quantile(pooled.survival(draws.chance, long), [0.025, 0.975], axis=0)
    likeliest = pooled.survival(pooled.model.chance(months), np.array(pooled.long_chance))
    return np.vstack([np.clip(likeliest, low, high), low, high])


def _curve_rows(
    cohort: str, people: int, known: pl.DataFrame, pooled: Fit, pooled_curve: Array, beyond: int
) -> Iterator[dict[str, Any]]:
    curve = kaplan_meier(known["duration"], known["is_lost"], known["n"])
    count = int(known["n"].sum())
    tenures = np.arange(int(curve.times[-1]) + beyond + 1)
    modelled = np.full((3, tenures.size), np.nan)
    if pooled.model is not None:
        modelled = pooled_curve[:, : tenures.size]
    for tenure in tenures:
        row: dict[str, Any] = dict.fromkeys(CURVE_SCHEMA) | {
            "cohort": cohort,
            "tenure_months": int(tenure),
            "person_count": people,
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
