"""PostgreSQL 15 beside the embedded 18: migrations must behave alike on both."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import temporary_database

Folder = Callable[..., Path]


class Cluster:
    """A server of the machine's own PostgreSQL; not run as root, which PostgreSQL refuses."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "postgres" if os.geteuid() == 0 else None
        # Outside pytest's folder, which only its owner may enter; short, as sockets need it.
        self._home = Path(tempfile.mkdtemp(prefix="pg15-"))
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._home, account.pw_uid, account.pw_gid)
        self.uri = f"postgresql://postgres@/postgres?host={self._home}"

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            user=self._user,
            cwd=self._home,
            env={"LC_ALL": "C", "PATH": os.defpath},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def create(self) -> None:
        self.run(
            "initdb",
            "-D",
            f"{self._home}/data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
        )
        self.start("data")

    def start(self, data: str, port: int = 5432) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self._home} -c fsync=off"
        options += " -c max_prepared_transactions=2"
        self.run(
            "pg_ctl", "-D", f"{self._home}/{data}", "-w", "-l", f"{self._home}/{data}.log",
            "-o", f"{options} -p {port}", "start",
        )  # fmt: skip

    def create_standby(self) -> str:
        """Start a standby beside it, and return its connection string."""
        self.run(
            "pg_basebackup", "-h", str(self._home), "-U", "postgres", "-c", "fast", "-R",
            "-D", f"{self._home}/standby",
        )  # fmt: skip
        self.start("standby", port=5433)
        return f"{self.uri}&port=5433"

    def close(self) -> None:
        for data in self._home.glob("*/postmaster.pid"):
            self.run("pg_ctl", "-D", str(data.parent), "-m", "immediate", "stop")
        shutil.rmtree(self._home, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster15() -> Iterator[Cluster]:
    programs = Path("/usr/lib/postgresql/15/bin")
    if not (programs / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed on this machine")
    cluster = Cluster(programs)
    try:
        cluster.create()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="session", params=["18", "15"])
def each_server(request: pytest.FixtureRequest) -> str:
    """The connection string of either server."""
    if request.param == "18":
        return request.getfixturevalue("server")
    return request.getfixturevalue("cluster15").uri


@pytest.fixture
def target(each_server: str) -> Iterator[str]:
    """An empty database on either server."""
    with temporary_database(each_server) as url:
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
