"""Schema migrations: numbered SQL files, applied without hurting a live database."""

from sselfie_insights.migrate.adoption import baseline
from sselfie_insights.migrate.execution import Limits
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.runner import apply, plan
from sselfie_insights.migrate.status import read_status
from sselfie_insights.migrate.tracing import trace

__all__ = [
    "PACKAGED",
    "Limits",
    "Migration",
    "apply",
    "baseline",
    "load_migrations",
    "plan",
    "read_status",
    "trace",
]
