"""What a run tells others: a monitor, and the application's own table of jobs."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sselfie_insights.errors import SourceError
from sselfie_insights.run import ping
from sselfie_insights.run.logs import open_log
from sselfie_insights.settings import describe_settings
from sselfie_insights.warehouse.paths import journal_path
from tests.integration.run.conftest import Nightly

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class Monitor:
    """An HTTP server that remembers what it was told, and refuses the first few, or babbles.

    Or it drips: it answers a byte at a time, without end.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.refusals = 0
        self.babbles = self.drips = False
        self.over = threading.Event()
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refused = monitor.refusals > 0
                monitor.refusals -= refused
                if not refused:
                    monitor.told.append((self.path, json.loads(body)))
                while monitor.drips and not monitor.over.wait(0.05):
                    self.wfile.write(b"H")
                if monitor.babbles:
                    self.wfile.write(b"hello\r\n\r\n")
                else:
                    self.send_response(503 if refused else 200)
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    monitor = Monitor()
    thread = threading.Thread(target=monitor.server.serve_forever)
    thread.start()
    yield monitor
    monitor.over.set()
    monitor.server.shutdown()
    thread.join()
    monitor.server.server_close()


def test_a_monitor_is_told_of_the_start_and_the_end(nightly: Nightly, monitor: Monitor) -> None:
    monitor.refusals = 1
    report = nightly.run(ping_url=monitor.url("/secret/{event}"))
    assert [path for path, _ in monitor.told] == ["/secret/start", "/secret/0"]
    assert [body["event"] for _, body in monitor.told] == ["start", "success"]
    assert {body["run_id"] for _, body in monitor.told} == {report.run_id}
    with pytest.raises(SourceError):
        nightly.run(ping_url=monitor.url("/hook"), database_url=NOWHERE)
    assert [(path, body["event"]) for path, body in monitor.told[2:]] == [
        ("/hook", "start"),
        ("/hook", "failure"),
    ]
    assert monitor.told[-1][1]["exit_code"] == 3
    assert "cannot connect to 127.0.0.1:1/none" in monitor.told[-1][1]["text"]


def test_a_monitor_that_is_gone_fails_no_run_and_stays_secret(
    nightly: Nightly,
    monitor: Monitor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ping, "ATTEMPTS", 1)
    monitor.babbles = True
    pinger = ping.Pinger(nightly.settings(ping_url=monitor.url("/")), "run", open_log("text"))
    pinger.begin()
    assert "warning: 127.0.0.1 could not be told 'start': BadStatusLine" in capsys.readouterr().err
    nightly.run(ping_url="http://127.0.0.1:1/hunter2")
    told = capsys.readouterr().err
    assert "warning: 127.0.0.1 could not be told 'start': " in told
    assert "warning: 127.0.0.1 could not be told '0': " in told
    assert "hunter2" not in told + journal_path(nightly.warehouse).read_text()
    assert nightly.rounds() == {0}
    monkeypatch.setenv("SSELFIE_PING_URL", "https://hc.example/hunter2")
    assert "hunter2" not in str(describe_settings())


def test_a_monitor_that_answers_without_end_is_left(
    nightly: Nightly,
    monitor: Monitor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ping, "DEADLINE_SECONDS", 1)
    monitor.drips = True
    pinger = ping.Pinger(nightly.settings(ping_url=monitor.url("/")), "run", open_log("text"))
    pinger.end(0, None)
    assert "127.0.0.1 could not be told '0': no answer within 1 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "columns",
    [
        "cron_name text, status text, started_at timestamptz, completed_at timestamptz,"
        " error_message text",
        "job_name text, status text, started_at timestamptz, finished_at timestamptz,"
        " error_message text",
    ],
    ids=["documented", "live"],
)
def test_each_run_leaves_a_row_in_the_applications_table(nightly: Nightly, columns: str) -> None:
    writer = make_conninfo(nightly.url, user="run_recorder")
    with psycopg.connect(nightly.url, autocommit=True) as connection:
        connection.execute(f"create table admin_cron_runs (id serial, {columns})".encode())
        connection.execute("drop role if exists run_recorder")
        connection.execute("create role run_recorder login")
        connection.execute("grant select, insert, update on admin_cron_runs to run_recorder")
        connection.execute("grant usage on sequence admin_cron_runs_id_seq to run_recorder")
    try:
        nightly.run(cron_record_url=writer)
        with pytest.raises(SourceError):
            nightly.run(cron_record_url=writer, database_url=NOWHERE)
        name, done = columns.split()[0], columns.split(", ")[3].split()[0]
        with psycopg.connect(nightly.url) as connection:
            rows = connection.execute(
                f"select {name}, status, started_at < {done}, left(error_message, 14)"
                " from admin_cron_runs order by id".encode()
            ).fetchall()
        assert rows == [
            ("sselfie run", "success", True, None),
            ("sselfie run", "failed", True, "cannot connect"),
        ]
    finally:
        with psycopg.connect(nightly.url, autocommit=True) as connection:
            connection.execute("drop owned by run_recorder; drop role run_recorder")


def test_a_row_that_cannot_be_written_fails_no_run(
    nightly: Nightly, capsys: pytest.CaptureFixture[str]
) -> None:
    nightly.run(cron_record_url=nightly.url)  # there is no such table
    assert "warning: admin_cron_runs could not be written: relation" in capsys.readouterr().err
    nightly.run(cron_record_url="postgresql://me:hunter2@127.0.0.1:1/none")
    told = capsys.readouterr().err
    assert "warning: admin_cron_runs could not be written: cannot connect" in told
    assert "hunter2" not in told
    assert nightly.last()["exit_code"] == 0
