"""Connection strings and their errors: the target is named, the password never."""

import pytest

from sselfie_insights.errors import SourceError, UsageError
from sselfie_insights.postgres import connect, describe_target


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


def test_an_unreachable_server() -> None:
    with pytest.raises(SourceError) as caught:
        connect("postgresql://me:secret@127.0.0.1:1/app")
    assert caught.value.message == "cannot connect to 127.0.0.1:1/app: Connection refused"
    assert "server is running" in caught.value.remedy
