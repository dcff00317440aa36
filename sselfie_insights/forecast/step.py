"""The forecast step of a build: every table of schema ``forecast``, from the marts beside it."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from sselfie_insights.forecast import projection, risk, survival, value, value_backtest
from sselfie_insights.forecast.book import Book, read_book
from sselfie_insights.forecast.residual import expected_months
from sselfie_insights.warehouse.frames import write_tables
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


def write_forecasts(warehouse: Path, *, discount_rate: float) -> None:
    """Replace the schema ``forecast`` of the warehouse file by what its marts foretell.

    The same marts give the same tables. Without a settled month of members they are empty.

    Args:
        warehouse: A file that nobody else has open.
        discount_rate: What a month's delay takes off money, e.g. 0.01.

    Raises:
        SselfieError: A mart is missing.
    """
    with closing(duckdb.connect(str(warehouse), config=WRITER)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        book = read_book(connection)
        connection.execute("begin")
        connection.execute("drop schema if exists forecast cascade")
        connection.execute("create schema forecast")
        write_tables(
            connection, "forecast", {name: pl.DataFrame(schema=s) for name, s in SCHEMAS.items()}
        )
        if book is not None:
            _fill(connection, book, discount_rate)
        connection.execute("commit")


def _fill(connection: duckdb.DuckDBPyConnection, book: Book, rate: float) -> None:
    fits = survival.fit_all(book)
    pooled = fits[survival.ALL]
    tenures = book.now - book.first + 2
    shapes = {} if pooled.model is None else expected_months(pooled, tenures, rate)
    value.write_members(connection, pooled, shapes, rate, tenures)
    risk.write_risk(connection, book, pooled)
    past_fits = survival.fit_past(book, projection.past_origins(book))
    past = projection.look_back(book, past_fits)
    tables = {
        "survival_models": survival.build_models_table(book, fits),
        "survival_by_cohort": survival.build_curves_table(book, fits),
        "ltv_by_product": value.build_products_table(book, fits, rate),
        "ltv_by_cohort": value.build_cohorts_table(connection, pooled, shapes, rate),
        "value_backtest": value_backtest.build_backtest_table(book, past_fits),
        "mrr_projection": projection.build_projection_table(book, pooled, past),
        "projection_backtest": projection.build_backtest_table(past),
    }
    write_tables(connection, "forecast", tables)
