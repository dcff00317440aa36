"""A private Sail server, which speaks Spark Connect."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def running_sail() -> Iterator[str]:
    """Start Sail, yield its address, and stop it."""
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    try:
        host, port = server.listening_address
        yield f"sc://{host}:{port}"
    finally:
        server.stop()
