"""Servers of PostgreSQL 15, 16 and 18, databases on them, and folders of migrations."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from sselfie_insights.migrate import scratch
from tests.conftest import temporary_database
from tests.integration.sync.servers import Server, run_server

Folder = Callable[..., Path]


@contextmanager
def running(version: int) -> Iterator[Server]:
    with run_server(version, max_prepared_transactions="2", log_statement="none") as server:
        if server is None:
            pytest.skip(f"PostgreSQL {version} is not installed on this machine")
        yield server


@pytest.fixture(scope="session")
def server15() -> Iterator[Server]:
    with running(15) as server:
        yield server


@pytest.fixture(scope="session")
def server16() -> Iterator[Server]:
    with running(16) as server:
        yield server


@pytest.fixture(scope="session")
def server18() -> Iterator[Server]:
    with running(18) as server:
        yield server


@pytest.fixture(scope="session")
def server(server18: Server) -> str:
    """The server of ``database``: one that is there anyhow."""
    return server18.url


@pytest.fixture(scope="session")
def server_for_copies() -> Iterator[Server]:
    with running(18) as server:
        yield server


@pytest.fixture(autouse=True)
def embedded(server_for_copies: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies go to a server that runs already: to start one each time takes seconds."""
    monkeypatch.setattr(scratch, "_embedded_server", lambda: nullcontext(server_for_copies.url))


@pytest.fixture(
    scope="session",
    params=["18", *(pytest.param(version, marks=pytest.mark.slow) for version in ("16", "15"))],
)
def each_server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn; the older ones are slow."""
    return request.getfixturevalue(f"server{request.param}")


@pytest.fixture(scope="session")
def scratch_server(each_server: Server, server15: Server, server18: Server) -> Server:
    """A server that ``each_server`` is not."""
    return server18 if each_server is server15 else server15


@pytest.fixture
def target(each_server: Server) -> Iterator[str]:
    """An empty database on either server."""
    with temporary_database(each_server.url) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a folder of migrations, one per text; the names tell the order."""

    def write(*texts: str | bytes) -> Path:
        path = tmp_path / f"migrations_{secrets.token_hex(3)}"
        path.mkdir()
        for number, text in enumerate(texts, start=1):
            content = text if isinstance(text, bytes) else text.encode()
            (path / f"{number:04d}_make_step{number}.sql").write_bytes(content)
        return path

    return write
