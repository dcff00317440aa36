"""``sselfie simulate``: a synthetic business with its answer key."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sselfie_insights.cli.group import Panel
from sselfie_insights.cli.options import Timezone
from sselfie_insights.cli.progress import progress_bar


class Shape(StrEnum):
    """Which database to imitate."""

    DOCUMENTED = "documented"
    LIVE = "live"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(rich_help_panel=Panel.SET_UP)(simulate)


def simulate(
    users: Annotated[int, typer.Option(metavar="N", min=1, help="How many accounts.")] = 1000,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Selects the business: same seed, same rows.")
    ] = 1,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="The last instant; a date is the end of that day. Default: now.",
        ),
    ] = None,
    months: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=120, help="How long the business has existed."),
    ] = 18,
    shape: Annotated[
        Shape, typer.Option(help="As documented, or with the drift of a live database.")
    ] = Shape.DOCUMENTED,
    answers: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the answer key here, as Parquet.")
    ] = None,
    stripe_exports: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write Stripe's exports here: what the database does not say, in the key too.",
        ),
    ] = None,
    timezone: Timezone = None,
) -> None:
    """Fill an empty, migrated database with a simulated business.

    Example: sselfie simulate --users 500 --answers answers
    """
    from datetime import UTC, datetime
    from time import monotonic

    from sselfie_insights import simulate as simulation
    from sselfie_insights.clock import parse_instant, write_instant
    from sselfie_insights.errors import UsageError
    from sselfie_insights.settings import load_settings
    from sselfie_insights.simulate.members import GRACE_DAYS

    settings = load_settings(as_of=as_of, timezone=timezone)
    if answers and settings.grace_days != GRACE_DAYS:
        raise UsageError(
            f"the answer key holds for {GRACE_DAYS} days of grace,"
            f" and {settings.grace_days} are set",
            remedy=f"set SSELFIE_GRACE_DAYS={GRACE_DAYS}, or leave out --answers",
        )
    now = datetime.now(UTC).replace(microsecond=0)
    instant = parse_instant(settings.as_of, settings.timezone) if settings.as_of else now
    started = monotonic()
    with progress_bar("simulate") as on_progress:
        key = simulation.simulate(
            settings.require_database_url(),
            users=users,
            seed=seed,
            as_of=instant,
            months=months,
            shape=shape.value,
            timezone=settings.timezone,
            stripe_exports=stripe_exports,
            on_progress=on_progress,
        )
    if answers:
        key.write(answers)
    typer.echo(
        f"simulated {users} users as of {write_instant(instant)}, seed {seed}, "
        f"in {monotonic() - started:.1f} s",
        err=True,
    )
