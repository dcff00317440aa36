"""Sending, to a real mail server and a real webhook on loopback."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from sselfie_insights.cli import app
from sselfie_insights.digest import Digest, send, send_once
from sselfie_insights.digest.send import due_day
from sselfie_insights.errors import SselfieError, UsageError
from sselfie_insights.query import library
from sselfie_insights.run import pipeline
from sselfie_insights.run.logs import open_log
from sselfie_insights.run.pipeline import RunReport
from sselfie_insights.settings import load_settings
from sselfie_insights.warehouse.paths import digests_dir
from tests.support.monitor import Monitor, running_monitor

NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)
"""A Wednesday: the digest of Monday the 23rd is due."""

USER, PASSWORD = "reports", "p@ss/w%rd"


class Mailbox:
    """What a mail server got; ``answers`` are given first, instead of taking a mail."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.attempts = 0
        self.answers: list[str] = []
        self.was_encrypted = False

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        self.attempts += 1
        if self.answers:
            return self.answers.pop(0)
        self.was_encrypted = session.ssl is not None
        self.mails.append(envelope)
        return "250 OK"


def authenticate(
    server: Any, session: Any, envelope: Any, mechanism: str, given: Any
) -> AuthResult:
    is_known = isinstance(given, LoginPassword) and (given.login, given.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=is_known, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own making for localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server(mailbox: Mailbox, certificate: Path) -> Iterator[Controller]:
    """A mail server that wants STARTTLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    controller = Controller(
        mailbox, hostname="localhost", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=authenticate, auth_required=True,
    )  # fmt: skip
    yield from serve(controller)


@pytest.fixture
def plain_server(mailbox: Mailbox) -> Iterator[Controller]:
    """A mail server without TLS, as it may stand on the machine itself."""
    yield from serve(Controller(mailbox, hostname="127.0.0.1", port=free_port()))


def serve(controller: Controller) -> Iterator[Controller]:
    controller.start()
    yield controller
    controller.stop()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as monitor:
        yield monitor


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "FIRST_PAUSE_SECONDS", 0.01)


def settings(folder: Path, **values: object) -> Any:
    return load_settings(warehouse=folder / "w.duckdb", **values)


def mail_settings(folder: Path, port: int, **values: Any) -> Any:
    return settings(
        folder,
        smtp_url=f"smtp://127.0.0.1:{port}",
        digest_to=("growth@example.com", "boss@example.com"),
    ).model_copy(update=values)


def test_a_mail_goes_out_encrypted_to_everybody_and_once(
    tmp_path: Path,
    digest: Digest,
    server: Controller,
    mailbox: Mailbox,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"smtp://{USER}:p%40ss%2Fw%25rd@localhost:{server.port}"
    chosen = settings(
        tmp_path,
        smtp_url=url,
        digest_to=("growth@example.com", "boss@example.com"),
        digest_from="reports@example.com",
    )
    assert send_once(chosen, lambda: digest, now=NOW) == {"mail": "sent"}
    assert send_once(chosen, lambda: digest, now=NOW + timedelta(days=2)) == {
        "mail": "sent already"
    }
    [mail] = mailbox.mails
    assert mailbox.was_encrypted
    assert mail.rcpt_tos == ["growth@example.com", "boss@example.com"]
    assert mail.mail_from == "reports@example.com"
    content = mail.content
    assert isinstance(content, bytes)
    assert b"Subject: The week to Sunday 15 November 2026" in content
    assert PASSWORD.encode() not in content
    assert digests_dir(chosen.warehouse).stat().st_mode & 0o777 == 0o700
    next_week = NOW + timedelta(days=7)
    assert send_once(chosen, lambda: digest, now=next_week) == {"mail": "sent"}
    assert len(list(digests_dir(chosen.warehouse).iterdir())) == 1


def test_a_server_that_nobody_vouches_for_gets_nothing(
    tmp_path: Path, digest: Digest, server: Controller, mailbox: Mailbox
) -> None:
    url = f"smtp://{USER}:secret-word@localhost:{server.port}"
    chosen = settings(tmp_path, smtp_url=url, digest_to=("a@example.com",))
    outcome = send_once(chosen, lambda: digest, now=NOW)
    assert "certificate is not to be trusted" in outcome["mail"]
    assert "secret-word" not in outcome["mail"]
    assert mailbox.mails == []


def test_without_tls_nothing_leaves_the_machine(
    tmp_path: Path,
    digest: Digest,
    plain_server: Controller,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = mail_settings(tmp_path, plain_server.port)
    monkeypatch.setattr(send, "_HERE", frozenset())  # as if the server were elsewhere
    assert send_once(chosen, lambda: digest, now=NOW) == {"mail": "the server offers no STARTTLS"}
    assert mailbox.mails == []
    monkeypatch.undo()
    assert send_once(chosen, lambda: digest, now=NOW) == {"mail": "sent"}


def test_what_may_pass_is_tried_again_and_a_refusal_is_not(
    tmp_path: Path, digest: Digest, plain_server: Controller, mailbox: Mailbox
) -> None:
    chosen = mail_settings(tmp_path, plain_server.port)
    mailbox.answers = ["451 later", "451 later"]
    assert send_once(chosen, lambda: digest, now=NOW) == {"mail": "sent"}
    assert mailbox.attempts == 3
    other = mail_settings(tmp_path, plain_server.port, warehouse=tmp_path / "b.duckdb")
    mailbox.answers, mailbox.attempts = ["550 growth@example.com is unknown"], 0
    assert send_once(other, lambda: digest, now=NOW) == {"mail": "the server answered 550"}
    assert mailbox.attempts == 1
    assert send_once(other, lambda: digest, now=NOW) == {"mail": "sent"}


def test_a_wrong_password_is_said_and_not_repeated(
    tmp_path: Path,
    digest: Digest,
    server: Controller,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"smtp://{USER}:wrong-word@localhost:{server.port}"
    chosen = settings(tmp_path, smtp_url=url, digest_to=("a@example.com",))
    outcome = send_once(chosen, lambda: digest, now=NOW)
    assert outcome == {"mail": "the server refused the user or the password"}


def test_a_webhook_gets_the_digest_once_whatever_happens(
    tmp_path: Path, digest: Digest, monitor: Monitor
) -> None:
    chosen = settings(tmp_path, digest_webhook=monitor.url("/hook"))
    monitor.refusals = 2
    assert send_once(chosen, lambda: digest, now=NOW) == {"webhook": "sent"}
    assert send_once(chosen, lambda: digest, now=NOW) == {"webhook": "sent already"}
    [(path, body)] = monitor.received
    assert path == "/hook"
    assert body["title"] == "The week to Sunday 15 November 2026"
    assert body["text"].startswith(body["title"])
    assert "blocks" not in body


def test_slack_gets_its_own_form(
    tmp_path: Path, digest: Digest, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "_SLACK", "127.0.0.1")
    chosen = settings(tmp_path, digest_webhook=monitor.url("/services/T0/B0/x"))
    assert send_once(chosen, lambda: digest, now=NOW) == {"webhook": "sent"}
    [(_, body)] = monitor.received
    assert body["blocks"][0]["type"] == "header"
    assert body["text"] == "The week to Sunday 15 November 2026"


def test_one_channel_does_not_wait_for_the_other(
    tmp_path: Path, digest: Digest, plain_server: Controller, mailbox: Mailbox
) -> None:
    hook = settings(tmp_path, digest_webhook="http://127.0.0.1:1/secret").digest_webhook
    chosen = mail_settings(tmp_path, plain_server.port, digest_webhook=hook)
    outcome = send_once(chosen, lambda: digest, now=NOW)
    assert outcome["mail"] == "sent"
    assert "secret" not in outcome["webhook"]
    assert "refused" in outcome["webhook"]
    assert len(mailbox.mails) == 1


def test_a_server_that_drips_holds_nobody_up(
    tmp_path: Path, digest: Digest, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "DEADLINE_SECONDS", 0.5)
    monitor.drips = True
    chosen = settings(tmp_path, digest_webhook=monitor.url("/hook"))
    assert send_once(chosen, lambda: digest, now=NOW) == {"webhook": "no answer within 0.5 s"}


def test_the_command_says_what_failed(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CliRunner().invoke(app, ["digest", "--send", "--warehouse", str(published)])
    assert isinstance(done.exception, UsageError)
    assert "SSELFIE_DIGEST_WEBHOOK" in str(done.exception)
    monkeypatch.setenv("SSELFIE_DIGEST_WEBHOOK", "http://127.0.0.1:1/secret-path")
    done = CliRunner().invoke(app, ["digest", "--send", "--warehouse", str(published)])
    assert isinstance(done.exception, SselfieError)
    assert "was not sent by webhook" in str(done.exception)
    assert "secret-path" not in f"{done.output}{done.exception}"


@pytest.mark.parametrize(
    ("day", "zone", "now", "due"),
    [
        ("monday", "UTC", "2026-11-23T00:00", "2026-11-23"),
        ("monday", "UTC", "2026-11-22T23:59", "2026-11-16"),
        ("monday", "Pacific/Auckland", "2026-11-22T12:00", "2026-11-23"),  # there it is 01:00
        ("monday", "America/New_York", "2026-11-23T04:59", "2026-11-16"),  # Sunday, 23:59
        ("sunday", "UTC", "2026-11-23T12:00", "2026-11-22"),
        ("friday", "UTC", "2026-11-27T12:00", "2026-11-27"),
    ],
)
def test_a_digest_is_due_from_its_day_on(
    tmp_path: Path, day: str, zone: str, now: str, due: str
) -> None:
    chosen = settings(tmp_path, digest_day=day, timezone=zone)
    assert due_day(chosen, datetime.fromisoformat(f"{now}+00:00")) == date.fromisoformat(due)


def test_two_runs_in_one_week_send_one_message_and_a_failure_fails_no_run(
    published: Path,
    tmp_path: Path,
    monitor: Monitor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = tmp_path / "w.duckdb"
    shutil.copy(published, warehouse)
    query = library.load_query("revenue/mrr_movements")  # all that the runs export
    monkeypatch.setattr(library, "load_library", lambda **_: {query.name: query})

    def run(**values: object) -> RunReport:
        chosen = load_settings(warehouse=warehouse, output_dir=tmp_path / "out", **values)
        return pipeline.run(chosen, open_log("text"), steps=("export",), digest=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSELFIE_DIGEST_WEBHOOK", "http://127.0.0.1:1/secret")
        patch.setattr(send, "ATTEMPTS", 1)
        assert run().export is not None
    assert "the digest was not sent by webhook" in capsys.readouterr().err
    assert run().export is not None
    assert "there is nowhere to send the digest to" in capsys.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSELFIE_DIGEST_WEBHOOK", monitor.url("/hook"))
        assert "digest by webhook: sent" in run().done
        assert "digest by webhook: sent already" in run().done
    assert len(monitor.received) == 1
