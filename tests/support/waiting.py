"""Wait for what must come to pass, however slow the machine is."""

import time
from collections.abc import Callable

import psycopg

PATIENCE_SECONDS = 120
"""A test that waits this long has failed; none needs a hundredth of it on an idle machine."""


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask for ``condition`` again and again until it holds.

    Raises:
        AssertionError: It still does not hold after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come to pass"
        time.sleep(0.01)


def wait_for_row(url: str, query: str) -> None:
    """Ask a database until ``query`` returns a row.

    Raises:
        AssertionError: It returns none for too long.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(query.encode()).fetchone() is not None)


def reload_configuration(url: str) -> None:
    """Let a server read its configuration again, and wait until new connections go by it."""
    with psycopg.connect(url, autocommit=True) as admin:
        (before,) = admin.execute("select pg_conf_load_time()").fetchone() or ()
        admin.execute("select pg_reload_conf()")

    def is_newer() -> bool:
        with psycopg.connect(url, autocommit=True) as connection:
            (now,) = connection.execute("select pg_conf_load_time()").fetchone() or ()
        return now > before

    wait_until(is_newer)
