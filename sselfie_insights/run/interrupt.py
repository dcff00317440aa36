"""Stop a run in good order: when it is told to, and when its time is up."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from sselfie_insights.errors import ExitCode, TimedOutError

_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

GRACE_SECONDS = 20
"""What a run that must end gets to let go of everything, before its process is ended."""

IMPORT_SECONDS = 0.05
"""How often an interrupt that came amid an import asks whether that has ended."""


@contextmanager
def orderly(
    timeout: timedelta | None,
    describe: Callable[[], str],
    on_stuck: Callable[[BaseException], None],
) -> Iterator[None]:
    """End the block by KeyboardInterrupt when told to, and by TimedOutError after ``timeout``.

    It is told by SIGINT, SIGTERM or SIGHUP, unless whoever started the process has it ignore them.
    Either end stops a statement of DuckDB or Postgres and a child process, and whatever a library
    makes of the interrupt on its way, it leaves the block as said. An import is ended first: half a
    module is of no use to whoever tells of the end, and importlib loses what is raised while it
    tidies up. A block that has not ended ``GRACE_SECONDS`` later hangs where no signal reaches it,
    such as in a library that waits for the network: then the process ends, which harms nothing that
    is published. Signals reach only the main thread; in another one the process ends at once.

    Args:
        timeout: How long the block may take; None sets no limit.
        describe: Says what was going on when the time was up.
        on_stuck: Called from another thread, with what should have left the block, right before
            the process ends.

    Raises:
        TimedOutError: The time was up.
        KeyboardInterrupt: The process was told to stop.
    """
    asked: int | None = None
    told, over = threading.Event(), threading.Event()
    is_main = threading.current_thread() is threading.main_thread()
    seconds = None if timeout is None else min(timeout.total_seconds(), threading.TIMEOUT_MAX)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = asked or number
        told.set()
        if not _is_importing(frame):
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, IMPORT_SECONDS)

    def reason() -> BaseException:
        is_late = asked in (None, signal.SIGALRM)
        return TimedOutError(describe()) if is_late else KeyboardInterrupt()

    def watch() -> None:
        told.wait(seconds)
        if over.wait(GRACE_SECONDS if is_main else 0):
            return
        try:
            on_stuck(reason())
        finally:
            os._exit(ExitCode.INTERRUPTED)

    watcher = threading.Thread(target=watch, daemon=True)
    handled = [signal.SIGALRM] if is_main else []
    handled += [each for each in _TOLD if is_main and signal.getsignal(each) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in handled}
    try:
        watcher.start()
        if is_main and seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
        if asked is not None:
            raise KeyboardInterrupt
    except BaseException:
        if asked is None:
            raise
        raise reason() from None
    finally:
        if is_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
        told.set()
        watcher.join()  # where it found the block stuck, it leaves word and ends the process


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
