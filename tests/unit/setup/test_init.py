import stat
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import PGconn

from sselfie_insights.errors import UsageError
from sselfie_insights.setup.init import keep_password, pgpass_line, remove_password


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("postgresql://me:s%40crt@host:5433/db", "postgresql://me@host:5433/db"),
        ("postgresql://me:x@[::1]/db?sslmode=require", "postgresql://me@[::1]/db?sslmode=require"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me@host/db?password=x", "user=me dbname=db host=host"),
        ("host=host user=me password='a b' dbname=db", "host=host user=me dbname=db"),
    ],
)
def test_the_password_is_taken_out_of_a_connection(url: str, without: str) -> None:
    shorter = remove_password(url)
    assert conninfo_to_dict(shorter) == conninfo_to_dict(without)
    assert shorter.startswith("postgresql:") == without.startswith("postgresql:")


def test_an_url_that_cannot_be_understood_is_not_repeated() -> None:
    with pytest.raises(UsageError) as printed:
        remove_password("postgresql://me:pass@word/x@host/db")
    assert "word" not in str(printed.value)


def test_the_line_of_pgpass_escapes_what_it_separates_by() -> None:
    assert pgpass_line("host=h port=5433 dbname='a:b' user=me", "x") == r"h:5433:a\:b:me:x"
    assert pgpass_line("postgresql://me@host/db", r"a:\b") == r"host:5432:db:me:a\:\\b"


@pytest.mark.parametrize(
    "url",
    ["postgresql://m%3Ae@[::1]:1/d%5Cb?application_name=x", "host=127.0.0.1 port=1 user=me"],
)
def test_postgres_finds_the_password_that_was_kept(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pgpass"
    path.write_text("*:*:*:*:another")  # others may read it, so PostgreSQL would not
    monkeypatch.setenv("PGPASSFILE", str(path))
    keep_password(url, r"p@ss:w\rd ")
    assert PGconn.connect_start(url.encode()).password == rb"p@ss:w\rd "
    assert PGconn.connect_start(b"host=127.0.0.1 port=2").password == b"another"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
