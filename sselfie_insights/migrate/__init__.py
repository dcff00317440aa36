"""Schema migrations: numbered SQL files, applied without hurting a live database."""

from sselfie_insights.migrate.execution import Limits, apply
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.planning import lint_folder, plan
from sselfie_insights.migrate.status import baseline, read_status

__all__ = [
    "PACKAGED",
    "Limits",
    "Migration",
    "apply",
    "baseline",
    "lint_folder",
    "load_migrations",
    "plan",
    "read_status",
]
