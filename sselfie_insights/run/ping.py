"""Notify a monitor that a run begins, and how it ended; a failure to do so fails no run."""

import json
import threading
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import stamina
from structlog.typing import FilteringBoundLogger

from sselfie_insights import __version__
from sselfie_insights.settings import Settings

TIMEOUT_SECONDS = 5
"""Of each wait for the monitor."""

ATTEMPTS = 3

DEADLINE_SECONDS = 20
"""Of all attempts together, however slowly a monitor answers."""


class Pinger:
    """Posts JSON to the setting ``ping_url``; nothing where that is not set.

    ``{event}`` in the address becomes ``start``, and at the end the exit code of the run: the form
    of https://healthchecks.io/docs/http_api/ (read 2026-11). Without it every event goes to the
    same address, and the body distinguishes them; its ``text`` is what chat webhooks show.
    """

    def __init__(self, settings: Settings, run_id: str, log: FilteringBoundLogger) -> None:
        self._url = settings.ping_url and settings.ping_url.get_secret_value()
        self._about = {"run_id": run_id, "warehouse": settings.warehouse.name}
        self._log = log

    def begin(self) -> None:
        """Report that the run begins."""
        self._post("start", {"event": "start", "text": "sselfie run has begun"})

    def end(self, exit_code: int, error: str | None) -> None:
        """Report how the run ended."""
        body = {
            "event": "failure" if exit_code else "success",
            "exit_code": exit_code,
            "text": f"sselfie run failed: {error}" if exit_code else "sselfie run succeeded",
        }
        self._post(str(exit_code), body)

    def _post(self, event: str, body: dict[str, Any]) -> None:
        if not self._url:
            return
        request = urllib.request.Request(  # noqa: S310 - the setting allows http and https only
            self._url.replace("{event}", event),
            data=json.dumps(body | self._about).encode(),
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"sselfie-insights/{__version__}",
            },
        )
        reason = f"no answer within {DEADLINE_SECONDS} s"

        def send() -> None:
            nonlocal reason
            reason = _send(request)

        # A timeout of a socket is that of one wait: a byte a second outlasts any.
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(DEADLINE_SECONDS)
        if reason:
            # The address is a secret: who has it can say that all is well.
            host = urlsplit(self._url).hostname
            self._log.warning(f"{host} could not be notified of '{event}': {reason}", step="ping")


def _send(request: urllib.request.Request) -> str:
    """Send it; return why it could not be sent, or nothing."""
    # Each attempt would be a line on stdout; the log says what came of them all.
    stamina.instrumentation.set_on_retry_hooks(())
    try:
        for attempt in stamina.retry_context(
            on=(OSError, HTTPException), attempts=ATTEMPTS, wait_initial=0.2, wait_max=2
        ):
            with attempt, urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
                pass
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", None) or type(error).__name__)
    return ""
