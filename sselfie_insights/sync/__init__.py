"""Mirroring: Postgres into DuckDB, exactly.

``sync`` is the way in. It reads the source's catalog (``catalog``), decides how each column
travels (``columns``) and what each table needs (``plan``, by the rule of ``changes``), and writes
a private copy of the warehouse through the DuckDB Postgres extension (``extension``, ``load``,
``apply``), all at one snapshot (``source``), with its own records (``state``).
"""

from sselfie_insights.sync.engine import sync
from sselfie_insights.sync.report import SyncReport, TableReport

__all__ = ["SyncReport", "TableReport", "sync"]
