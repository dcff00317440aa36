"""Connection strings and their errors: the target is named, the password never."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.postgres import connect, describe_target, drop_foreign_parameters


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("postgresql://me:secret@db.example:6543/app", "db.example:6543/app"),
        ("postgresql://me:secret@db.example/app", "db.example/app"),
        ("host=/run/pg dbname=app password=secret", "/run/pg/app"),
        ("postgresql://a:1,b:2/app", "a,b:1,2/app"),
        ("service=app", "the default server"),
    ],
)
def test_describe_target(url: str, target: str) -> None:
    assert describe_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s%zzcret@db/app",
        "postgresql://me:s@cret@db/app",
        "postgresql://me:s/cret@db/app",
        "postgresql://me:secret@db:cret/app",
        "cret",
    ],
)
def test_what_cannot_be_understood_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        connect(url)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept", "foreign"),
    [
        # What Prisma's documentation lists and libpq refuses.
        *(("postgresql://me@db/app", "", f"{name}=x") for name in (
            "schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout",
            "sslaccept", "sslidentity", "statement_cache_size")),
        # What libpq understands, too.
        *(("postgresql://me@db/app", f"?{name}=x", "") for name in (
            "sslmode", "sslcert", "sslpassword", "connect_timeout", "application_name", "options")),
        ("postgresql://me:a%3Fschema=b@db/app", "", ""),
        ("host=db dbname=app password=a?schema=b", "", ""),
    ],
)  # fmt: skip
def test_what_only_prisma_understands_is_left_out(url: str, kept: str, foreign: str) -> None:
    given = f"{url}{kept or '?'}&{foreign}" if foreign else f"{url}{kept}"
    assert drop_foreign_parameters(given) == (f"{url}{kept}", (foreign,) if foreign else ())


def test_an_unreachable_server() -> None:
    with pytest.raises(SourceError) as caught:
        connect("postgresql://me:secret@127.0.0.1:1/app")
    assert caught.value.message == "cannot connect to 127.0.0.1:1/app: Connection refused"
    assert "server is running" in caught.value.remedy


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Yield the port of something that answers the first words of a client, and hangs up."""

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1024)
            client.sendall(answer)
            client.recv(1024)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def refusal(code: str, text: str) -> bytes:
    """Return an ErrorResponse of PostgreSQL's protocol, as poolers send it, too."""
    fields = b"".join(
        kind + value.encode() + b"\0"
        for kind, value in ((b"S", "FATAL"), (b"C", code), (b"M", text))
    )
    return b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"


@pytest.mark.parametrize(
    ("answer", "parameters", "message", "remedy"),
    [
        # PgBouncer's own words, before 1.20 and since.
        (refusal("08P01", "unsupported startup parameter: options"), "sslmode=disable",
         "unsupported startup parameter: options", "this is a pooler (PgBouncer): use"),
        (refusal("08P01", "unsupported startup parameter in options: search_path"),
         "sslmode=disable", "in options: search_path", "this is a pooler (PgBouncer): use"),
        (refusal("53300", "sorry, too many clients already"), "sslmode=disable",
         "too many clients already", "close other connections"),
        # A server that speaks TLS, and a client without the authority's certificate.
        (b"S", "sslmode=verify-full&sslrootcert=/nowhere/root.crt",
         'root certificate file "/nowhere/root.crt" does not exist', "sslrootcert=system"),
    ],
)  # fmt: skip
def test_what_helps_is_advised(answer: bytes, parameters: str, message: str, remedy: str) -> None:
    with answering(answer) as port, pytest.raises(SourceError) as caught:
        connect(f"postgresql://me:secret@127.0.0.1:{port}/app?{parameters}")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert "secret" not in str(caught.value)
