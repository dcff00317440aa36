"""An HTTP server of the tests' own, for what posts to one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Monitor:
    """An HTTP server that remembers what it was sent, and refuses the first few, or babbles.

    Or it drips: it answers a byte at a time, without end.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
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
                    monitor.received.append((self.path, json.loads(body)))
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


@contextmanager
def running_monitor() -> Iterator[Monitor]:
    """Give a server that runs until the end."""
    monitor = Monitor()
    thread = threading.Thread(target=monitor.server.serve_forever)
    thread.start()
    try:
        yield monitor
    finally:
        monitor.over.set()
        monitor.server.shutdown()
        thread.join()
        monitor.server.server_close()
