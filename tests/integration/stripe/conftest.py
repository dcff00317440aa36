"""The models, compiled once for each engine, over an empty source."""

from tests.support.billing.engines import in_duckdb, in_postgres

__all__ = ["in_duckdb", "in_postgres"]
