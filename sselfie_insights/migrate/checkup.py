"""Lint a folder, with what a database knows if there is one."""

from collections.abc import Sequence
from pathlib import Path

from sselfie_insights.migrate import history
from sselfie_insights.migrate.files import load_migrations
from sselfie_insights.migrate.lint import LARGE_TABLE_BYTES, Finding, lint
from sselfie_insights.migrate.session import session
from sselfie_insights.migrate.squawk import require_squawk
from sselfie_insights.migrate.tables import read_live_tables


def lint_folder(
    folder: Path,
    url: str | None,
    *,
    schemas: Sequence[str] = ("public",),
    large_table_bytes: int = LARGE_TABLE_BYTES,
    everything: bool = False,
) -> list[Finding]:
    """Return the findings in the pending files of ``folder``, or in all of them.

    Without ``url`` all files count as pending, and all tables as large.

    Raises:
        UsageError: The folder or the URL is wrong, or squawk is not installed.
        SourceError: The database cannot be reached.
        MigrationError: A file is wrong.
    """
    require_squawk()
    migrations = load_migrations(folder)
    if url is None:
        return lint(migrations, None)
    with session(url) as connection:
        done = {record.version for record in history.read(connection) if record.is_done}
        live = read_live_tables(connection, schemas)
    chosen = [m for m in migrations if everything or m.version not in done]
    return lint(chosen, live, large_table_bytes=large_table_bytes)
