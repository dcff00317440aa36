"""A run that is stopped, killed or takes too long harms nothing, and the next one succeeds."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sselfie_insights.build.marts import build_into
from sselfie_insights.errors import ExitCode, SourceError, TimedOutError
from sselfie_insights.interrupt import graceful_shutdown
from sselfie_insights.sync.columns import Mirror
from sselfie_insights.sync.load import Loaded, Loader
from sselfie_insights.warehouse.storage import closing
from tests.integration.run.conftest import Nightly
from tests.integration.run.small import fill
from tests.integration.sync.servers import run_server

PATIENCE_SECONDS = 600
HOUR = timedelta(hours=1)


class SilentProxy:
    """A way to the database at ``url`` that stops answering after ``limit`` bytes.

    Attributes:
        url: The address to use instead.
    """

    def __init__(self, url: str, limit: int) -> None:
        self._upstream = conninfo_to_dict(url)
        self._limit = limit
        self._threads: list[threading.Thread] = []
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        address = {"host": "127.0.0.1", "port": str(self._sockets[0].getsockname()[1])}
        self.url = make_conninfo(url, **address, sslmode="disable")

    def __enter__(self) -> "SilentProxy":
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        """Wake every thread that waits for a socket, and leave none open."""
        for each in self._sockets:
            with suppress(OSError):  # of those whose other end has gone
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _start(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sockets[0].accept()
            except OSError:
                return
            upstream = self._connect()
            self._sockets += [client, upstream]
            self._start(partial(self._pump, client, upstream, float("inf")))
            self._start(partial(self._pump, upstream, client, self._limit))

    def _connect(self) -> socket.socket:
        host = str(self._upstream.get("host") or "127.0.0.1")
        port = int(str(self._upstream.get("port") or 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(f"{host}/.s.PGSQL.{port}")
        return upstream

    def _pump(self, source: socket.socket, target: socket.socket, left: float) -> None:
        """Carry what arrives; both ends stay open when nothing more is carried."""
        with suppress(OSError):
            while left > 0 and (data := source.recv(4096)):
                left -= len(data)
                target.sendall(data)


@contextmanager
def time_up_when(happened: Callable[[], bool]) -> Iterator[None]:
    """Let the time of the run in this process be up as soon as that has happened."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            if happened():
                os.kill(os.getpid(), signal.SIGALRM)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def test_a_connection_that_falls_silent_is_given_up(nightly: Nightly) -> None:
    """Whoever waits for it, psycopg or DuckDB, waits for ever; so the process ends."""
    nightly.run()
    before = nightly.digest()
    nightly.turn()
    with SilentProxy(nightly.url, 60_000) as proxy:
        run = nightly.command(
            "run", "--timeout", "2s", SSELFIE_DATABASE_URL=proxy.url, SMALL_GRACE="1"
        )
        _, printed = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == ExitCode.INTERRUPTED
    assert "took longer than 0:00:02" in printed
    assert nightly.digest() == before
    assert nightly.last()["exit_code"] == ExitCode.INTERRUPTED
    assert "The latest update failed" in nightly.page()
    nightly.run()
    assert nightly.rounds() == {1}
    assert nightly.left_over() == set()


def test_a_block_that_no_signal_reaches_ends_with_its_process() -> None:
    program = """
import signal, threading
from datetime import timedelta
from sselfie_insights import interrupt
interrupt.GRACE_SECONDS = 0.1
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
limit = timedelta(seconds=0.1)
with interrupt.graceful_shutdown(limit, lambda: "late", lambda error: print(repr(error))):
    threading.Event().wait()
"""
    ended = subprocess.run(
        [sys.executable, "-u", "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (ended.returncode, ended.stdout) == (ExitCode.INTERRUPTED, "TimedOutError('late')\n")


def test_a_child_that_hangs_is_stopped(nightly: Nightly, monkeypatch: pytest.MonkeyPatch) -> None:
    nightly.run()
    pid_file, program = nightly.folder / "pid", nightly.folder / "hang.py"
    program.write_text(
        "import os, pathlib, time\n"
        f"pathlib.Path('{pid_file}.new').write_text(str(os.getpid()))\n"
        f"os.rename('{pid_file}.new', '{pid_file}')\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr("sselfie_insights.build.build_into", build_into)
    monkeypatch.setattr("sselfie_insights.build.dbt.PROCESS", program)
    with time_up_when(pid_file.exists), pytest.raises(TimedOutError, match="in step 'build'"):
        nightly.run(timeout=HOUR)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert nightly.last()["exit_code"] == ExitCode.INTERRUPTED
    assert "The latest update failed" in nightly.page()
    assert nightly.left_over() == set()


def test_sigterm_ends_a_run_gracefully(nightly: Nightly) -> None:
    nightly.run()
    before = nightly.digest()
    nightly.turn()
    run = nightly.command("run", "-v")
    assert run.stderr is not None
    with run:
        for line in run.stderr:
            if line.startswith("build …"):
                run.send_signal(signal.SIGTERM)
                break
        printed = run.stderr.read()
    assert run.returncode == ExitCode.INTERRUPTED
    assert "error: interrupted, in step 'build': nothing was published" in printed
    assert "Traceback" not in printed
    assert nightly.digest() == before
    assert nightly.left_over() == set()
    assert (nightly.last()["exit_code"], nightly.last()["failed_step"]) == (130, "build")
    nightly.run()
    assert nightly.rounds() == {1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_block_unless_they_are_ignored(
    number: signal.Signals,
) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), graceful_shutdown(HOUR):
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
        # As nohup does, or a shell that runs it beside itself.
        signal.signal(number, signal.SIG_IGN)
        with graceful_shutdown(timedelta(days=999_999)):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGTERM, KeyboardInterrupt), (signal.SIGALRM, TimedOutError)]
)
def test_an_interrupt_that_a_library_wraps_is_one(
    number: signal.Signals, end: type[BaseException]
) -> None:
    """DuckDB makes a RuntimeError of it, and runs the statement on until it is interrupted, too."""
    with pytest.raises(end), graceful_shutdown(HOUR), closing(duckdb.connect()) as db:
        threading.Timer(0.05, os.kill, [os.getpid(), number]).start()
        db.execute("select count(*) from range(10_000_000_000_000) as t (i) where i % 7 = 3")


def test_an_interrupt_that_a_library_swallows_is_raised_again() -> None:
    with pytest.raises(KeyboardInterrupt), graceful_shutdown():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert not threading.Event().wait(PATIENCE_SECONDS)


def test_an_interrupt_amid_an_import_leaves_no_half_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves the block as soon as the import has ended."""
    (tmp_path / "whole.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGTERM)\nHALVES = 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt), graceful_shutdown():
        whole = importlib.import_module("whole")
        assert whole.HALVES == 2
        assert not threading.Event().wait(PATIENCE_SECONDS)
    assert sys.modules.pop("whole") is whole


def test_what_cleans_up_after_an_interrupt_is_left_in_peace() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), graceful_shutdown():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGALRM)  # the reminder
            done.append("cleaned up")
    assert done == ["cleaned up"]


def test_an_interrupt_that_a_library_swallows_at_the_end_ends_the_block() -> None:
    with pytest.raises(KeyboardInterrupt), graceful_shutdown(), suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_an_error_after_an_interrupt_is_the_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), graceful_shutdown():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise SourceError("the connection was lost") from None


def test_the_deadline_outside_the_main_thread() -> None:
    """No signal reaches it there, but the block that ends in time is left alone."""
    outcome = []

    def work() -> None:
        with graceful_shutdown(HOUR):
            outcome.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert outcome == ["done"]


def test_a_server_that_restarts_meanwhile(
    tmp_path: Path, folders: Path, nightly: Nightly, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_server(18) as server:
        assert server is not None
        fill(server.url, 1_000)
        mine = Nightly(server.url, tmp_path / "mine", folders)
        mine.folder.mkdir()
        mine.run()
        before = mine.digest()
        mine.turn()
        real, done = Loader.refresh, threading.Event()

        def refresh(self: Loader, mirror: Mirror, *rest: object) -> Loaded | None:
            if mirror.name == "b" and not done.is_set():
                done.set()
                server.stop("immediate")
                server.start()
            return real(self, mirror, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Loader, "refresh", refresh)
        with pytest.raises(SourceError):
            mine.run()
        assert done.is_set()
        assert mine.digest() == before
        assert "The latest update failed" in mine.page()
        mine.run()
        assert mine.rounds() == {1}
        assert "The latest update failed" not in mine.page()
