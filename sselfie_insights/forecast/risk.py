"""Which members are likely to leave in the next 30 days, why, and how good such a list has been."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from sselfie_insights.forecast.book import Book, month_of
from sselfie_insights.forecast.features import FEATURES, find_reasons, take_features
from sselfie_insights.forecast.rules import MIN_RISK_LOSSES, SEED, too_few
from sselfie_insights.forecast.survival import CURVE_DRAWS, Fit
from sselfie_insights.statistics.hazard import (
    UNCHANGED,
    HazardModel,
    Recalibration,
    fit_hazard,
    recalibrate,
)
from sselfie_insights.statistics.scores import brier, calibrate_bins, top_share
from sselfie_insights.statistics.shares import Z_95
from sselfie_insights.warehouse.frames import read_frame, write_tables

Array = NDArray[np.float64]

# Member-months that a model is fitted to at most: more would not move its second digit.
_MOST_ROWS: Final = 50_000
_BACKTEST_MONTHS: Final = 12
# Backtested months that a recalibration needs.
_MIN_RECALIBRATION: Final = 3

RISK_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "customer_key": pl.String, "user_id": pl.String, "risk": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "main_reason": pl.String, "reason_codes": pl.List(pl.String),
    "reasons": pl.String, "is_cancelling": pl.Boolean,
    "paid_until_on": pl.Date, "tenure_months": pl.Int64, "model": pl.String, "n": pl.Int64,
    "note": pl.String,
}  # fmt: skip

BACKTEST_SCHEMA: Final = {
    "month": pl.Date, "n": pl.Int64, "lost_count": pl.Int64,
    "predicted_count": pl.Float64, "lost_rate": pl.Float64, "predicted_rate": pl.Float64,
    "brier": pl.Float64, "tenure_brier": pl.Float64, "skill_rate": pl.Float64,
    "top_tenth_share": pl.Float64, "tenure_top_tenth_share": pl.Float64, "note": pl.String,
}  # fmt: skip

CALIBRATION_SCHEMA: Final = {
    "bin": pl.Int64, "n": pl.Int64, "person_count": pl.Int64, "predicted_rate": pl.Float64,
    "lost_count": pl.Int64, "lost_rate": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "note": pl.String,
}  # fmt: skip

DRIVER_SCHEMA: Final = {
    "feature": pl.String, "meaning": pl.String, "odds_ratio": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "is_clear": pl.Boolean, "n": pl.Int64, "person_count": pl.Int64,
    "lost_count": pl.Int64, "note": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """Member-months with known outcomes, oldest first.

    Attributes:
        month: The month at risk, counted from January 1970, shape (n,).
        features: What was known when it began, shape (n, 6).
        is_lost: Whether the member was gone at its end, shape (n,).
        person: Who it is, as a number, shape (n,).
    """

    month: NDArray[np.int64]
    features: Array
    is_lost: NDArray[np.bool_]
    person: NDArray[np.int64]

    def until(self, month: int) -> "Panel":
        """The months up to and with ``month``, thinned evenly where there are very many."""
        stop = int(np.searchsorted(self.month, month, side="right"))
        kept = _thin(stop)
        return Panel(self.month[kept], self.features[kept], self.is_lost[kept], self.person[kept])

    @property
    def person_count(self) -> int:
        """How many people they are."""
        return np.unique(self.person).size

    @property
    def note(self) -> str:
        """Why this is too little to learn from, or nothing."""
        lost = int(self.is_lost.sum())
        stayed = self.is_lost.size - lost
        if lost < MIN_RISK_LOSSES:
            return too_few(lost, MIN_RISK_LOSSES, "losses")
        if stayed < MIN_RISK_LOSSES:
            return too_few(stayed, MIN_RISK_LOSSES, "renewals")
        return ""


@dataclass(frozen=True)
class Lookback:
    """One backtested month: what a model of earlier months said, and what came.

    Attributes:
        month: The month, counted from January 1970.
        log_odds: As the model said them.
        calibrated: After what the months before it had taught.
        by_tenure: Probabilities of a model of tenure alone.
        is_lost: What came.
        person: Who it is, as a number.
    """

    month: int
    log_odds: Array
    calibrated: Array
    by_tenure: Array
    is_lost: NDArray[np.bool_]
    person: NDArray[np.int64]


def write_risk(connection: duckdb.DuckDBPyConnection, book: Book, pooled: Fit) -> None:
    """Create the tables of churn risk; ``forecast.ltv_by_member`` must be there.

    With fewer than 60 losses to learn from, the risk of a member is the survival model's hazard
    at their tenure, and without such a model there is none; either is said in every row.
    """
    connection.execute(Path(__file__).with_name("risk.sql").read_text(encoding="utf-8"))
    rows = read_frame(connection, "from risk_rows order by month_number, customer_key")
    panel = Panel(
        rows["month_number"].to_numpy(),
        take_features(rows),
        rows["is_lost"].to_numpy(),
        rows["customer_key"].rank("dense").cast(pl.Int64).to_numpy(),
    )
    now = read_frame(connection, "from risk_now order by customer_key")
    learned = panel.until(book.settled)
    looks = list(look_back(panel, book.settled)) if not learned.note else []
    model = None if learned.note else fit_hazard(learned.features, learned.is_lost)
    line = learn_line(looks)
    tables = {
        "churn_risk": _build_risk_table(now, model, line, pooled, learned),
        "churn_risk_backtest": _build_backtest_table(looks, learned),
        "calibration": _build_calibration_table(looks, learned),
        "churn_drivers": _build_drivers_table(model, learned),
    }
    write_tables(connection, "forecast", tables)


def look_back(panel: Panel, settled: int) -> Iterator[Lookback]:
    """Predict each of the last months up to ``settled`` from those before it.

    The month right before is left out: late renewals could still change it when the month began.
    """
    looks: list[Lookback] = []
    for month in range(settled - _BACKTEST_MONTHS + 1, settled + 1):
        known = panel.until(month - 2)
        begin, end = np.searchsorted(panel.month, [month, month + 1])
        if known.note or begin == end:
            continue
        features = panel.features[begin:end]
        model = fit_hazard(known.features, known.is_lost)
        plain = fit_hazard(known.features[:, :1], known.is_lost)
        log_odds = model.log_odds(features)
        line = learn_line([look for look in looks if look.month <= month - 2])
        look = Lookback(
            month,
            log_odds,
            np.asarray(special.expit(line.log_odds(log_odds))),
            np.asarray(special.expit(plain.log_odds(features[:, :1]))),
            panel.is_lost[begin:end],
            panel.person[begin:end],
        )
        looks.append(look)
        yield look


def learn_line(looks: list[Lookback]) -> Recalibration:
    """Return how predictions turned out, of enough backtested months; else nothing is changed."""
    if len(looks) < _MIN_RECALIBRATION:
        return UNCHANGED
    log_odds = np.concatenate([look.log_odds for look in looks])
    kept = _thin(log_odds.size)
    return recalibrate(log_odds[kept], np.concatenate([look.is_lost for look in looks])[kept])


def predict(model: HazardModel, line: Recalibration, features: Array) -> tuple[Array, Array, Array]:
    """Return the recalibrated risk of rows of ``features`` and its 95 % interval."""
    predicted = model.log_odds(features)
    middle = line.log_odds(predicted)
    reach = Z_95 * line.error(predicted, model.error(features))
    risk, low, high = (special.expit(value) for value in (middle, middle - reach, middle + reach))
    return risk, low, high


def _thin(count: int) -> NDArray[np.int64]:
    """Which of ``count`` rows to learn from: all, or as many as matter, drawn evenly."""
    if count <= _MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, size=_MOST_ROWS, replace=False))


def _build_risk_table(
    now: pl.DataFrame,
    model: HazardModel | None,
    line: Recalibration,
    pooled: Fit,
    learned: Panel,
) -> pl.DataFrame:
    count = now.height
    risk, lower, upper = (np.full(count, np.nan) for _ in range(3))
    if model is not None and count:
        risk, lower, upper = predict(model, line, take_features(now))
        name, n, note = "hazard", model.count, ""
    elif pooled.model is not None and count:
        made = now["tenure_months"].cast(pl.Int64).to_numpy()
        length = int(made.max()) + 1
        draws = pooled.model.draw(np.random.default_rng(SEED), CURVE_DRAWS, length)
        gone = 1 - draws.stays(np.arange(1, length + 1), np.arange(length))
        low, high = np.quantile(gone, [0.025, 0.975], axis=0)
        risk = np.clip(pooled.model.chance(length), low, high)[made]
        lower, upper = low[made], high[made]
        name, n = pooled.model.name, pooled.n
        note = f"by tenure only; for reasons {learned.note}"
    else:
        name, n, note = None, pooled.n, pooled.note or learned.note
    ahead = now["is_paid_ahead"].to_numpy() if count else np.zeros(0, bool)
    known = ~ahead & ~np.isnan(risk)
    reasons = find_reasons(now, model)
    frame = now.select(
        "customer_key", "user_id", "is_cancelling", "paid_until_on",
        pl.col("tenure_months").cast(pl.Int64),
    )  # fmt: skip
    return frame.with_columns(
        *(
            pl.Series(column, np.where(known, value, np.nan)).fill_nan(None)
            for column, value in (("risk", risk), ("lower", lower), ("upper", upper))
        ),
        pl.Series("main_reason", [r[0].code if r else None for r in reasons], pl.String),
        pl.Series("reason_codes", [[r.code for r in each] for each in reasons], pl.List(pl.String)),
        pl.Series("reasons", ["; ".join(r.words for r in each) for each in reasons], pl.String),
        pl.lit(name, dtype=pl.String).alias("model"),
        pl.lit(n, dtype=pl.Int64).alias("n"),
        pl.lit(note).alias("note"),
    ).select(pl.col(column).cast(kind) for column, kind in RISK_SCHEMA.items())


def _build_backtest_table(looks: list[Lookback], learned: Panel) -> pl.DataFrame:
    rows = []
    for look in looks:
        lost = int(look.is_lost.sum())
        ours, theirs = brier(look.calibrated, look.is_lost), brier(look.by_tenure, look.is_lost)
        rows.append({
            "month": month_of(look.month),
            "n": look.is_lost.size,
            "lost_count": lost,
            "predicted_count": float(look.calibrated.sum()),
            "lost_rate": lost / look.is_lost.size,
            "predicted_rate": float(look.calibrated.mean()),
            "brier": ours,
            "tenure_brier": theirs,
            "skill_rate": 1 - ours / theirs,
            "top_tenth_share": top_share(look.calibrated, look.is_lost) if lost else None,
            "tenure_top_tenth_share": top_share(look.by_tenure, look.is_lost) if lost else None,
            "note": "",
        })  # fmt: skip
    if not rows and learned.note:
        refused = {"n": learned.person_count, "note": learned.note}
        rows = [dict.fromkeys(BACKTEST_SCHEMA) | refused]
    return pl.DataFrame(rows, schema=BACKTEST_SCHEMA)


def _build_calibration_table(looks: list[Lookback], learned: Panel) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    if looks:
        people = np.concatenate([look.person for look in looks])
        bins = calibrate_bins(
            np.concatenate([look.calibrated for look in looks]),
            np.concatenate([look.is_lost for look in looks]),
        )
        for number, each in enumerate(bins, start=1):
            rows.append({
                "bin": number, "n": each.count,
                "person_count": np.unique(people[each.is_inside]).size,
                "predicted_rate": each.predicted, "lost_count": each.happened,
                "lost_rate": each.rate, "low": each.low, "high": each.high, "note": "",
            })  # fmt: skip
    elif learned.note:
        refused = {"person_count": learned.person_count, "note": learned.note}
        rows = [dict.fromkeys(CALIBRATION_SCHEMA) | refused]
    return pl.DataFrame(rows, schema=CALIBRATION_SCHEMA)


def _build_drivers_table(model: HazardModel | None, learned: Panel) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for position, (feature, meaning) in enumerate(FEATURES.items()):
        row: dict[str, Any] = dict.fromkeys(DRIVER_SCHEMA) | {
            "feature": feature,
            "meaning": meaning,
            "n": learned.is_lost.size,
            "person_count": learned.person_count,
            "lost_count": int(learned.is_lost.sum()),
            "note": learned.note,
        }
        if model is not None:
            clear = model.is_clear()
            row["is_clear"] = bool(clear[position])
            if not model.varies[position]:
                row["note"] = "never varies: nothing to compare"
            else:
                ratio, low, high = (float(each[position]) for each in model.odds_ratios())
                row |= {"odds_ratio": ratio, "low": low, "high": high}
                row["note"] = "" if clear.any() else "no clear driver"
        rows.append(row)
    return pl.DataFrame(rows, schema=DRIVER_SCHEMA)
