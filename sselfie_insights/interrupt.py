"""End a block when the process is asked to stop, and when its time is up."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from sselfie_insights.errors import ExitCode, TimedOutError

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

REMINDER_SECONDS = 0.1
"""After so long an interrupt is raised again that came amid an import, or that a library lost."""

GRACE_SECONDS = 20
"""What a block whose time is up gets to end, before the process does."""


@contextmanager
def graceful_shutdown(
    timeout: timedelta | None = None,
    describe: Callable[[], str] = str,
    on_stuck: Callable[[TimedOutError], object] = str,
) -> Iterator[None]:
    """End the block by KeyboardInterrupt when asked to stop, by TimedOutError after ``timeout``.

    SIGINT, SIGTERM and SIGHUP ask for it, unless whoever started the process has it ignore them.
    Whatever a library makes of the interrupt, an error of its own or nothing, the block ends as
    said: it is raised again until an exception is on its way out. An import is ended first, since
    half an extension module crashes the process when that ends. A block that has not ended
    ``GRACE_SECONDS`` after its timeout hangs where no signal reaches it, such as in a library that
    waits for the network; then the process ends. Signals reach only the main thread, so that in
    another one a timeout always ends the process.

    Args:
        timeout: How long the block may take; None sets no limit.
        describe: Says what was going on when the time was up.
        on_stuck: Called from another thread, right before the process ends.

    Raises:
        TimedOutError: The time was up.
        KeyboardInterrupt: The process was asked to stop.
    """
    received: int | None = None
    is_over = False
    entered = sys.exc_info()[1]
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {}

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal received
        is_reminder = received is not None and number == signal.SIGALRM
        received = received or number
        if is_over:
            return
        signal.setitimer(signal.ITIMER_REAL, REMINDER_SECONDS)
        is_on_its_way = is_reminder and sys.exc_info()[1] is not entered
        if not is_on_its_way and not _is_importing(frame):
            raise KeyboardInterrupt

    def end_process() -> None:
        try:
            on_stuck(TimedOutError(describe()))
        finally:
            os._exit(ExitCode.INTERRUPTED)

    seconds = 0.0 if timeout is None else timeout.total_seconds()
    limit = threading.Timer(min(seconds + GRACE_SECONDS, threading.TIMEOUT_MAX), end_process)
    limit.daemon = True
    try:
        if is_main:
            for number in (signal.SIGALRM, *_STOP):
                if number == signal.SIGALRM or signal.getsignal(number) != signal.SIG_IGN:
                    handlers[number] = signal.signal(number, stop)
        if timeout is not None:
            limit.start()
            if is_main:
                signal.setitimer(signal.ITIMER_REAL, min(seconds, threading.TIMEOUT_MAX))
        yield
    except BaseException as error:
        is_over = True
        if received is None or _says_interrupted(error):
            raise
    finally:
        is_over = True
        limit.cancel()
        if handlers:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if received == signal.SIGALRM:
        raise TimedOutError(describe())
    if received is not None:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _says_interrupted(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code == ExitCode.INTERRUPTED
