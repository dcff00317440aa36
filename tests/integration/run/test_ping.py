"""What a run tells a monitor."""

import socket
import urllib.request
from collections.abc import Iterator

import pytest

from sselfie_insights.errors import SourceError
from sselfie_insights.run import ping
from sselfie_insights.run.logs import open_log
from sselfie_insights.settings import describe_settings
from sselfie_insights.warehouse.paths import journal_path
from tests.integration.run.conftest import Nightly
from tests.support.monitor import Monitor, running_monitor

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as monitor:
        yield monitor


def test_a_monitor_is_told_of_the_start_and_the_end(nightly: Nightly, monitor: Monitor) -> None:
    monitor.refusals = 1
    report = nightly.run(ping_url=monitor.url("/secret/{event}"))
    assert [path for path, _ in monitor.received] == ["/secret/start", "/secret/0"]
    assert [body["event"] for _, body in monitor.received] == ["start", "success"]
    assert {body["run_id"] for _, body in monitor.received} == {report.run_id}
    with pytest.raises(SourceError):
        nightly.run(ping_url=monitor.url("/hook"), database_url=NOWHERE)
    assert [(path, body["event"]) for path, body in monitor.received[2:]] == [
        ("/hook", "start"),
        ("/hook", "failure"),
    ]
    assert monitor.received[-1][1]["exit_code"] == 3
    assert "cannot connect to 127.0.0.1:1/none" in monitor.received[-1][1]["text"]


def test_attempts_to_reach_a_monitor_write_nothing_by_themselves(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Cron mails every line, and the library that repeats them has its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        assert "refused" in ping._send(urllib.request.Request(url))
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


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
    assert (
        "warning: 127.0.0.1 could not be notified of 'start': BadStatusLine"
        in capsys.readouterr().err
    )
    nightly.run(ping_url="http://127.0.0.1:1/hunter2")
    printed = capsys.readouterr().err
    assert "warning: 127.0.0.1 could not be notified of 'start': " in printed
    assert "warning: 127.0.0.1 could not be notified of '0': " in printed
    assert "hunter2" not in printed + journal_path(nightly.warehouse).read_text()
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
    assert "127.0.0.1 could not be notified of '0': no answer within 1 s" in capsys.readouterr().err
