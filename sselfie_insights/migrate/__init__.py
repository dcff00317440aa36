"""Schema migrations: numbered SQL files, applied without hurting a live database."""

from sselfie_insights.migrate.execution import Limits
from sselfie_insights.migrate.files import PACKAGED, Migration, load_migrations
from sselfie_insights.migrate.runner import apply, read_status

__all__ = ["PACKAGED", "Limits", "Migration", "apply", "load_migrations", "read_status"]
