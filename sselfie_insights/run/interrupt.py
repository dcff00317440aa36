"""Stop a run in good order: when it is told to, and when its time is up."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from sselfie_insights.errors import ExitCode, TimedOutError

GRACE_SECONDS = 20
"""What a run whose time is up gets to let go of everything, before its process is ended."""


@contextmanager
def orderly(
    timeout: timedelta | None,
    describe: Callable[[], str],
    on_stuck: Callable[[TimedOutError], None],
) -> Iterator[None]:
    """End the block by KeyboardInterrupt on SIGTERM, and by TimedOutError after ``timeout``.

    Either stops a statement of DuckDB or Postgres and a child process. A block that has not ended
    ``GRACE_SECONDS`` after its time was up hangs where no signal reaches it, such as in a library
    that waits for the network: then the process ends, which harms nothing that is published.
    Signals reach only the main thread; in another one the process ends at once.

    Args:
        timeout: How long the block may take; None sets no limit.
        describe: Says what was going on when the time was up.
        on_stuck: Called from another thread right before the process ends.

    Raises:
        TimedOutError: The time was up.
    """
    is_late = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal is_late
        is_late = number == signal.SIGALRM
        raise KeyboardInterrupt

    def end() -> None:
        try:
            on_stuck(TimedOutError(describe()))
        finally:
            os._exit(ExitCode.INTERRUPTED)

    is_main = threading.current_thread() is threading.main_thread()
    seconds = 0.0 if timeout is None else timeout.total_seconds()
    last_resort = threading.Timer(seconds + (GRACE_SECONDS if is_main else 0), end)
    last_resort.daemon = True
    handled = (signal.SIGTERM, signal.SIGALRM) if is_main else ()
    before = {number: signal.signal(number, stop) for number in handled}
    try:
        if timeout is not None:
            last_resort.start()
            if is_main:
                signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    except KeyboardInterrupt:
        if is_late:
            raise TimedOutError(describe()) from None
        raise
    finally:
        last_resort.cancel()
        if is_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if last_resort.ident is not None:
            last_resort.join()  # where it has begun, it leaves word and ends the process
