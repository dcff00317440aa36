"""A progress bar on stderr, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sselfie_insights.printable import clean


@contextmanager
def progress_bar(
    label: str, *, is_wanted: bool = True
) -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a function that takes (done, total, what) and draws it; None where none is wanted.

    Off a terminal none is.
    """
    if not is_wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(label, total=None, what="")
        yield lambda done, total, what: progress.update(
            task, completed=done, total=total, what=clean(what)
        )
