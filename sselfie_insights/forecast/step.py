"""The forecast step of a build: every table of schema ``forecast``, from the marts beside it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

from sselfie_insights.forecast import projection, risk, survival, value, value_backtest
from sselfie_insights.forecast.book import Book, read_book
from sselfie_insights.forecast.residual import Residual, expected_months
from sselfie_insights.warehouse.frames import write_table, write_tables
from sselfie_insights.warehouse.gaps import Gap, OnGap, attempt
from sselfie_insights.warehouse.publish import WRITER
from sselfie_insights.warehouse.storage import closing

SCHEMAS: Mapping[str, Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "survival_models": survival.MODEL_SCHEMA,
    "survival_by_cohort": survival.CURVE_SCHEMA,
    "ltv_by_product": value.PRODUCT_SCHEMA,
    "ltv_by_cohort": value.COHORT_SCHEMA,
    "ltv_by_member": value.MEMBER_SCHEMA,
    "value_backtest": value_backtest.BACKTEST_SCHEMA,
    "mrr_projection": projection.PROJECTION_SCHEMA,
    "projection_backtest": projection.BACKTEST_SCHEMA,
    "churn_risk": risk.RISK_SCHEMA,
    "churn_risk_backtest": risk.BACKTEST_SCHEMA,
    "calibration": risk.CALIBRATION_SCHEMA,
    "churn_drivers": risk.DRIVER_SCHEMA,
}
"""Every table of the schema, with its columns."""

_OF_RISK = ("churn_risk", "churn_risk_backtest", "calibration", "churn_drivers")


def write_forecasts(warehouse: Path, *, discount_rate: float, on_gap: OnGap | None = None) -> None:
    """Replace the schema ``forecast`` of the warehouse file by what its marts foretell.

    The same marts give the same tables. Without a settled month of members they are empty.

    Args:
        warehouse: A file that nobody else has open.
        discount_rate: What a month's delay takes off money, e.g. 0.01.
        on_gap: Receives each table that could not be computed, by its name, and is then empty;
            without it the first failure is raised.

    Raises:
        SselfieError: Without ``on_gap``, a mart is missing.
    """
    with closing(duckdb.connect(str(warehouse), config=WRITER)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("drop schema if exists forecast cascade")
        connection.execute("create schema forecast")
        _empty(connection, SCHEMAS)
        book = attempt("the forecasts", lambda: read_book(connection), on_gap and (lambda _: None))
        if isinstance(book, Gap):
            assert on_gap is not None  # noqa: S101  # else it was raised
            for name in SCHEMAS:
                on_gap(replace(book, what=f"forecast.{name}"))
        elif book is not None:
            _fill(connection, _Bases(book, discount_rate), on_gap)


class _Bases:
    """What several tables rest on, computed when the first of them needs it."""

    def __init__(self, book: Book, rate: float) -> None:
        self.book = book
        self.rate = rate
        self.tenures = book.now - book.first + 2

    @cached_property
    def fits(self) -> dict[str, survival.Fit]:
        return survival.fit_all(self.book)

    @property
    def pooled(self) -> survival.Fit:
        return self.fits[survival.ALL]

    @cached_property
    def shapes(self) -> dict[int, Residual]:
        if self.pooled.model is None:
            return {}
        return expected_months(self.pooled, self.tenures, self.rate)

    @cached_property
    def past_fits(self) -> dict[int, survival.Fit]:
        return survival.fit_past(self.book, projection.past_origins(self.book))

    @cached_property
    def past(self) -> projection.Past:
        return projection.look_back(self.book, self.past_fits)


def _fill(connection: duckdb.DuckDBPyConnection, bases: _Bases, on_gap: OnGap | None) -> None:
    """Write every table, each by itself: one that fails is empty, and the others are there."""
    book, rate = bases.book, bases.rate

    def write_members() -> None:
        value.write_members(connection, bases.pooled, bases.shapes, rate, bases.tenures)

    def write_risk() -> None:
        risk.write_risk(connection, book, bases.pooled)

    def writing(name: str, build: Callable[[], pl.DataFrame]) -> Callable[[], None]:
        return lambda: write_table(connection, f"forecast.{name}", build())

    built: dict[str, Callable[[], pl.DataFrame]] = {
        "survival_models": lambda: survival.build_models_table(book, bases.fits),
        "survival_by_cohort": lambda: survival.build_curves_table(book, bases.fits),
        "ltv_by_product": lambda: value.build_products_table(book, bases.fits, rate),
        "ltv_by_cohort": lambda: value.build_cohorts_table(
            connection, bases.pooled, bases.shapes, rate
        ),
        "value_backtest": lambda: value_backtest.build_backtest_table(book, bases.past_fits),
        "mrr_projection": lambda: projection.build_projection_table(book, bases.pooled, bases.past),
        "projection_backtest": lambda: projection.build_backtest_table(bases.past),
    }
    parts: list[tuple[tuple[str, ...], Callable[[], None]]] = [
        (("ltv_by_member",), write_members),
        (_OF_RISK, write_risk),
        *(((name,), writing(name, build)) for name, build in built.items()),
    ]
    for names, write in parts:
        made = attempt("", write, on_gap and (lambda _: None))
        if isinstance(made, Gap):
            assert on_gap is not None  # noqa: S101  # else it was raised
            _empty(connection, names)
            for name in names:
                on_gap(replace(made, what=f"forecast.{name}"))


def _empty(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    write_tables(
        connection, "forecast", {name: pl.DataFrame(schema=SCHEMAS[name]) for name in names}
    )
