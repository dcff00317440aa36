"""Connection strings and their errors: the target is named, the password never."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import sselfie_insights
from sselfie_insights.errors import SourceError, SselfieError, UsageError
from sselfie_insights.postgres import (
    SECRET_PARAMETERS,
    connect,
    describe_target,
    drop_foreign_parameters,
)
from sselfie_insights.settings import load_settings
from sselfie_insights.setup.init import remove_password


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


def read_as_libpq_does(url: str) -> bool:
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return True


# What RFC 3986 reserves, and what is special to libpq, in a connection string, a shell or a log.
SPECIAL = "%@/:?#[]&=+ '\"\\!$*,;^`{|}~<>"
PLACES = (
    "s{0}cretcret",
    "{0}cretcret",
    "cretcret{0}",
    "12{0}cretcret",
    "cr{0}41{0}etcret",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("character", SPECIAL)
def test_no_character_of_a_password_makes_it_appear(
    character: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read as meant, or the URL is refused; no part of the password is a part of the rest."""
    password = place.format(character)
    for url in (
        f"postgresql://me:{password}@127.0.0.1:1/app",
        f"postgres://me:{password}@127.0.0.1:1/app?sslmode=disable",
        f"postgresql://me:{password}@/app?host=127.0.0.1&port=1",
        f"postgresql://127.0.0.1:1/app?user=me&password={password}",
        f"host=127.0.0.1 port=1 user=me password={password} dbname=app",
        f"host=127.0.0.1 port=1 user=me dbname=app password='{password}'",
    ):
        monkeypatch.setenv("SSELFIE_DATABASE_URL", url)
        with pytest.raises(SselfieError) as caught:
            connect(load_settings().require_database_url())
        assert "cret" not in str(caught.value), url
        assert caught.value.__cause__ is None
        settings = load_settings()
        try:
            assert "cret" not in settings.describe_foreign_parameters()
            written = remove_password(settings.require_database_url())
        except UsageError:
            continue
        assert "cret" not in written, url
        assert conninfo_to_dict(written) == {
            name: value
            for name, value in conninfo_to_dict(settings.require_database_url()).items()
            if name != "password"
        }


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", sorted(SECRET_PARAMETERS))
def test_init_writes_no_secret_parameter(name: str, encoded: bool) -> None:
    value = "a%40b%26cret" if encoded else "abcret"
    url = f"postgresql://me@db/app?sslmode=require&{name}={value}&connect_timeout=3"
    if not read_as_libpq_does(url):
        pytest.skip(f"this libpq knows no {name}")
    assert "cret" not in remove_password(url)
    rest = {"user": "me", "host": "db", "dbname": "app", "sslmode": "require"}
    written = {name: str(value) for name, value in conninfo_to_dict(remove_password(url)).items()}
    assert written == rest | {"connect_timeout": "3"}
    in_words = remove_password(f"host=db dbname=app {name}={value}")
    assert conninfo_to_dict(in_words) == {"host": "db", "dbname": "app"}


def test_the_parser_is_the_only_one() -> None:
    """Whatever reads a URL of its own would repeat what libpq says of it."""
    folder = Path(sselfie_insights.__file__).parent
    readers = [
        path.name for path in folder.rglob("*.py") if "conninfo_to_dict(" in path.read_text("utf-8")
    ]
    assert readers == ["postgres.py"]
