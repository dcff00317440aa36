"""How often there is a verdict where nothing is, and one where there is something."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
from scipy import special, stats

from sselfie_insights.alerts import evaluate, load_watches
from sselfie_insights.alerts.definition import Anomaly
from sselfie_insights.alerts.detect import find_drift, score_series
from sselfie_insights.forecast.risk import Panel, learn_line, look_back, predict
from sselfie_insights.query import OpenWarehouse
from sselfie_insights.statistics.experiments import difference_sequence
from sselfie_insights.statistics.hazard import fit_hazard
from tests.support.contracts import create_tables, insert
from tests.support.warehouses import write_build_info

_MONTHS: Final = 36
_YEAR: Final = 12


def share_told_of_a_driver(rng: np.random.Generator, businesses: int) -> float:
    """The share of businesses shown a driver of leaving, of six features that are none."""
    warned = [
        fit_hazard(rng.normal(size=(600, 6)), rng.random(600) < 0.12).is_clear().any()
        for _ in range(businesses)
    ]
    return float(np.mean(warned))


def share_of_risks_held(rng: np.random.Generator, businesses: int) -> float:
    """The share of members' intervals of risk that hold it.

    A hundred renewals a month for 24 months, 12 % lost or so; of six features two matter.
    """
    effect, held = np.array([0.7, -0.5, 0.0, 0.0, 0.0, 0.0]), []
    for _ in range(businesses):
        features = rng.normal(size=(2400, 6))
        chance = special.expit(-2.2 + features @ effect)
        is_lost, persons = rng.random(2400) < chance, np.arange(2400)
        panel = Panel(np.repeat(np.arange(24), 100), features, is_lost, persons)
        model, line = fit_hazard(panel.features, panel.is_lost), learn_line([*look_back(panel, 23)])
        now = rng.normal(size=(100, 6))
        _, low, high = predict(model, line, now)
        truth = special.expit(-2.2 + now @ effect)
        held.append(((low <= truth) & (truth <= high)).mean())
    return float(np.mean(held))


def share_of_false_effects(rng: np.random.Generator, experiments: int) -> float:
    """The share of experiments without an effect that show one in any of twelve weekly looks."""
    sent = np.cumsum(rng.binomial(180, 0.15, (experiments, 12)), axis=1)
    held = np.cumsum(rng.binomial(20, 0.15, (experiments, 12)), axis=1)
    wrong = [
        any(
            low > 0 or high < 0
            for week in range(12)
            for _, low, high in [
                difference_sequence(int(a[week]), 180 * (week + 1), int(b[week]), 20 * (week + 1))
            ]
        )
        for a, b in zip(sent, held, strict=True)
    ]
    return float(np.mean(wrong))


def false_alarms_a_year(rng: np.random.Generator, businesses: int, growth: float) -> float:
    """False alarms a year of the packaged watches, in a business of 200 members.

    Members follow births and deaths, MRR is theirs; payments, active users and credits used are
    counts around them. Shares lie where a healthy business has them, below their lines.
    """
    members = np.empty((businesses, _MONTHS))
    there = np.full(businesses, 200 / (1 + growth) ** (_MONTHS - 12))
    for month in range(_MONTHS):
        lost = rng.binomial(np.rint(there).astype(int), 0.05)
        there = there - lost + rng.poisson(there * (0.05 + growth))
        members[:, month] = there
    numbers = {
        "MRR": members * 9700.0,
        "net revenue": rng.poisson(members * 1.2) * 8000.0,
        "monthly active users": rng.poisson(members * 0.9).astype(float),
        "credits used": rng.poisson(members * 2.0) * 40.0 * rng.uniform(0.9, 1.1, members.shape),
    }
    alarms = 0.0
    for watch in load_watches():
        if watch.anomaly is not None:
            fired = _fire(numbers[watch.name], watch.anomaly)
            alarms += float(fired[:, -_YEAR:].sum(axis=1).mean())
        elif watch.name == "logo churn" and watch.above is not None:
            lost = rng.binomial(200, 0.05, (businesses, _YEAR)) / 200
            reach = 1.96 * np.sqrt(watch.above * (1 - watch.above) / 200)
            alarms += float((lost - watch.above > reach).sum(axis=1).mean())
    return alarms


def alarms_on_the_first(rng: np.random.Generator, businesses: int, late: float) -> float:
    """How often the watch on MRR fires on the 1st, when a share ``late`` of members has yet to pay.

    200 members, births and deaths as above; all renewals are due at the end of the month, and those
    that are late are counted as lost until they are in.
    """
    [watch] = [each for each in load_watches() if each.name == "MRR"]
    months = [date(2023 + (11 + n) // 12, (11 + n) % 12 + 1, 1) for n in range(_MONTHS + 1)]
    there, members = np.full(businesses, 200), []
    for _ in months[:-1]:
        there = there - rng.binomial(there, 0.05) + rng.poisson(10, businesses)
        members.append(there)
    members[-1] = there - rng.binomial(there, late)
    fired = 0
    with tempfile.TemporaryDirectory(prefix="sselfie-bench-") as folder:
        for number in range(businesses):
            path = Path(folder) / f"{number}.duckdb"
            with duckdb.connect(str(path)) as connection:
                create_tables(connection, "marts.mrr_movements")
                write_build_info(connection, datetime(2026, 12, 1, 6, tzinfo=UTC))
                rows = [
                    (
                        month,
                        "usd",
                        int(count[number]) * 9700,
                        int(count[number]),
                        month < months[-1],
                    )
                    for month, count in zip(months, [*members, members[-1]], strict=True)
                ]
                names = "month, currency, closing_mrr_cents, member_count, is_complete"
                insert(connection, "marts.mrr_movements", names, rows)
            with OpenWarehouse(path) as warehouse:
                fired += any(row["state"] == "fired" for row in evaluate(warehouse, [watch]))
            path.unlink()
    return fired / businesses


def power(rng: np.random.Generator, series: int, fall: float) -> float:
    """How often a count of 50 that falls fires in its first month."""
    counts = rng.poisson(50, (series, 25)).astype(float)
    counts[:, -1] = rng.poisson(50 * (1 - fall), series)
    return round(float(_fire(counts, Anomaly(direction="down"))[:, -1].mean()), 2)


def _fire(values: np.ndarray, anomaly: Anomaly) -> np.ndarray:
    scores, _, _ = score_series(values, of=anomaly.of, season=anomaly.season)
    far = stats.norm.isf(anomaly.level)
    fired = np.zeros(scores.shape, bool)
    if anomaly.direction != "up":
        fired |= (scores < -far) | find_drift(scores, downwards=True)
    if anomaly.direction != "down":
        fired |= (scores > far) | find_drift(scores, downwards=False)
    return fired


def list_claims(draws: int) -> Iterator[tuple[str, float, float, bool]]:
    """Yield what is measured, its value, its bound, and whether the bound is a least one.

    Shares are rounded as they are quoted, to whole percents.
    """
    rng = np.random.default_rng(11)
    yield (
        "businesses shown a driver where there is none",
        share_told_of_a_driver(rng, draws),
        0.07,
        False,
    )
    held = share_of_risks_held(rng, draws)
    yield "members whose interval holds their risk", held, 0.9, True
    yield "members whose interval holds their risk", held, 0.99, False
    yield (
        "experiments with a false verdict in 12 looks",
        share_of_false_effects(rng, draws),
        0.05,
        False,
    )
    for growth in (0.0, 0.05):
        alarms = false_alarms_a_year(rng, draws, growth)
        yield f"false alarms a year at {growth:.0%} growth a month", alarms, 1.0, False
    first = alarms_on_the_first(rng, draws, 0.15)
    yield "months in which MRR fires on the 1st, with 15 % of renewals late", first, 0.03, False
    yield "a fall of 40 % from 50 seen in its first month", power(rng, 10 * draws, 0.4), 0.75, True
    yield "a fall of 20 % from 50 seen in its first month", power(rng, 10 * draws, 0.2), 0.2, True
