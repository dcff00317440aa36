"""Deliver the digest by mail and chat webhook: once a week, with patience, never in the way."""

import json
import smtplib
import ssl
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPException
from typing import get_args
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

import stamina

from sselfie_insights import __version__
from sselfie_insights.clock import parse_zone
from sselfie_insights.digest.content import Digest
from sselfie_insights.digest.write import write_json, write_mail, write_slack
from sselfie_insights.errors import UsageError
from sselfie_insights.files import make_folder, storage_error
from sselfie_insights.setting_types import Weekday
from sselfie_insights.settings import Settings
from sselfie_insights.warehouse.paths import digests_dir

ATTEMPTS = 3

FIRST_PAUSE_SECONDS = 2
"""Before the second attempt; the third waits longer."""

TIMEOUT_SECONDS = 20
"""Of each wait for a server."""

DEADLINE_SECONDS = 90
"""Of all attempts at one channel together, however slowly its server answers."""

_SLACK = "hooks.slack.com"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_TRANSIENT = (OSError, HTTPException, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)
_WEEKDAYS: tuple[str, ...] = get_args(Weekday)


def due_day(settings: Settings, now: datetime | None = None) -> date:
    """Return the day of the latest digest that is due: the last ``digest_day`` up to today."""
    today = (now or datetime.now(UTC)).astimezone(parse_zone(settings.timezone)).date()
    return today - timedelta(days=(today.weekday() - _WEEKDAYS.index(settings.digest_day)) % 7)


def send_once(
    settings: Settings, make: Callable[[], Digest], *, now: datetime | None = None
) -> dict[str, str]:
    """Send the digest over every channel that did not get this week's, and return how it went.

    A digest counts as sent before it is sent, and no longer if that fails: whoever is killed in
    between, nobody gets two. What fails is tried again by the next call.

    Args:
        settings: The channels, and the day.
        make: Makes the digest; called only where there is something to send.
        now: The present; by default the clock's.

    Returns:
        By channel, ``mail`` and ``webhook``: ``sent``, ``sent already``, or why it failed.

    Raises:
        UsageError: No channel is set, or the mark that it was sent cannot be written.
    """
    channels = _list_channels(settings)
    if not channels:
        raise UsageError(
            "there is nowhere to send the digest to",
            remedy="set SSELFIE_SMTP_URL and SSELFIE_DIGEST_TO, or SSELFIE_DIGEST_WEBHOOK",
        )
    now = now or datetime.now(UTC)
    due = due_day(settings, now)
    made: list[Digest] = []
    outcome = {}
    for name, send in channels.items():
        mark = digests_dir(settings.warehouse) / f"{name}-{due}"
        try:
            make_folder(mark.parent)
            mark.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            outcome[name] = "sent already"
            continue
        except OSError as error:
            raise storage_error(f"{mark} cannot be written", error) from None
        reason = "interrupted"
        try:
            made = made or [make()]
            reason = _send_in_time(send, made[0], now)
        finally:
            if reason:
                mark.unlink(missing_ok=True)
        outcome[name] = reason or "sent"
        _forget_marks(settings, name, due)
    return outcome


def _list_channels(settings: Settings) -> dict[str, Callable[[Digest, datetime], None]]:
    channels: dict[str, Callable[[Digest, datetime], None]] = {}
    if settings.smtp_url and settings.digest_to:
        channels["mail"] = lambda digest, at: _send_mail(settings, digest, at)
    if settings.digest_webhook:
        channels["webhook"] = lambda digest, _: _post(settings, digest)
    return channels


def _send_in_time(send: Callable[[Digest, datetime], None], digest: Digest, now: datetime) -> str:
    """Send it; return why it could not be sent, or nothing."""
    reason = f"no answer within {DEADLINE_SECONDS} s"
    # Each attempt would be a line on stdout; the outcome says what came of them all.
    stamina.instrumentation.set_on_retry_hooks(())

    def attempt() -> None:
        nonlocal reason
        try:
            for each in stamina.retry_context(
                on=_is_transient, attempts=ATTEMPTS, wait_initial=FIRST_PAUSE_SECONDS, wait_max=10
            ):
                with each:
                    send(digest, now)
        except (OSError, HTTPException, ValueError) as error:
            # The words of a server may repeat an address or a password.
            reason = _describe(error)
        else:
            reason = ""

    # A timeout of a socket is that of one wait: a byte a second outlasts any.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(DEADLINE_SECONDS)
    return reason


def _is_transient(error: Exception) -> bool:
    """Whether another attempt may help: not against a refusal that the server meant."""
    match error:
        case HTTPError():
            return error.code >= 500 or error.code == 429
        case smtplib.SMTPResponseException():
            return error.smtp_code < 500
        case smtplib.SMTPRecipientsRefused():
            return all(code < 500 for code, _ in error.recipients.values())
        case smtplib.SMTPNotSupportedError() | ssl.SSLCertVerificationError():
            return False
        case _:
            return isinstance(error, _TRANSIENT)


def _describe(error: Exception) -> str:
    match error:
        case HTTPError():
            return f"the server answered {error.code}"
        case smtplib.SMTPAuthenticationError():
            return "the server refused the user or the password"
        case smtplib.SMTPResponseException():
            return f"the server answered {error.smtp_code}"
        case smtplib.SMTPRecipientsRefused():
            return f"the server refused {len(error.recipients)} recipients"
        case smtplib.SMTPNotSupportedError():
            return "the server offers no STARTTLS"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not to be trusted: {error.verify_message}"
        case URLError(reason=Exception() as cause):
            return _describe(cause)
        case _:
            return str(getattr(error, "strerror", None) or type(error).__name__)


def _send_mail(settings: Settings, digest: Digest, now: datetime) -> None:
    assert settings.smtp_url is not None  # noqa: S101  # it is a channel
    url = urlsplit(settings.smtp_url.get_secret_value())
    host = url.hostname or ""
    mail = write_mail(
        digest,
        sender=settings.digest_from or settings.digest_to[0],
        recipients=settings.digest_to,
        at=now,
    )
    context = ssl.create_default_context()
    connect: Callable[[], smtplib.SMTP]
    if url.scheme == "smtps":
        connect = lambda: smtplib.SMTP_SSL(  # noqa: E731
            host, url.port or 465, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connect = lambda: smtplib.SMTP(host, url.port or 587, timeout=TIMEOUT_SECONDS)  # noqa: E731
    with connect() as server:
        if url.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls") or host not in _HERE:
                server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(mail)


def _post(settings: Settings, digest: Digest) -> None:
    assert settings.digest_webhook is not None  # noqa: S101  # it is a channel
    url = settings.digest_webhook.get_secret_value()
    is_slack = urlsplit(url).hostname == _SLACK
    body = write_slack(digest) if is_slack else write_json(digest)
    request = urllib.request.Request(  # noqa: S310 - the setting allows http and https only
        url,
        data=json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "User-Agent": f"sselfie-insights/{__version__}",
        },
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
        pass


def _forget_marks(settings: Settings, name: str, due: date) -> None:
    """Remove the marks of earlier weeks."""
    for mark in digests_dir(settings.warehouse).glob(f"{name}-*"):
        if mark.name < f"{name}-{due}":
            with suppress(OSError):
                mark.unlink()
