import pytest
from psycopg.conninfo import conninfo_to_dict

from sselfie_insights.errors import UsageError
from sselfie_insights.init import add_password, pgpass_line, remove_password


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
    assert conninfo_to_dict(add_password(shorter, "x y"))["password"] == "x y"


def test_an_url_that_cannot_be_understood_is_not_repeated() -> None:
    with pytest.raises(UsageError) as told:
        remove_password("postgresql://me:pass@word/x@host/db")
    assert "word" not in str(told.value)


def test_the_line_of_pgpass_escapes_what_it_separates_by() -> None:
    assert pgpass_line("host=h port=5433 dbname='a:b' user=me") == r"h:5433:a\:b:me:PASSWORD"
    assert pgpass_line("postgresql://me@host/db") == "host:5432:db:me:PASSWORD"
