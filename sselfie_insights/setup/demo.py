"""The whole way once: a throw-away Postgres, a synthetic business, its mirror, marts, reports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sselfie_insights.files import make_folder
from sselfie_insights.settings import Settings, load_settings

AS_OF = datetime(2026, 11, 15, 12, tzinfo=UTC)
"""Fixed, so that every demo shows the same business; in mid-month, so that a month still runs."""

STEPS = ("sync", "check", "build", "publish", "render")
"""Of ``sselfie run``."""

Step = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What a demo left behind: the settings to look at it with, and the page to open."""

    settings: Settings
    index: Path


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
    from sselfie_insights.contract import load_contract
    from sselfie_insights.migrate import apply
    from sselfie_insights.run.logs import open_log
    from sselfie_insights.run.pipeline import run
    from sselfie_insights.simulate import simulate

    make_folder(output_dir)
    settings = load_settings(
        database_url=database_url,
        warehouse=output_dir / "demo.duckdb",
        output_dir=output_dir,
        as_of=AS_OF.isoformat(),
        source_schemas=("public",),
    )
    on_step(f"migrate: {len(load_contract())} tables")
    apply(database_url)
    on_step(f"simulate: {users:,} users over {months} months")
    simulate(database_url, users=users, seed=seed, as_of=AS_OF, months=months)
    on_step(f"run: {', '.join(STEPS)}")
    report = run(settings, open_log("text"), steps=STEPS)
    assert report.index is not None  # noqa: S101 - it was asked to render
    return Demo(settings, report.index)
