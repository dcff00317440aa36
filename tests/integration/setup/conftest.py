"""A small source with what matters to a reader: credentials, and row-level security."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import temporary_database
from tests.support.pages import business

__all__ = ["business", "source"]

TABLES = """
create table users (id text primary key, email text);
create table instagram_connections (id integer primary key, user_id text, access_token text);
create table subscriptions (id integer primary key, user_id text);
alter table subscriptions enable row level security;
insert into users values ('u1', 'a@example.org'), ('u2', 'b@example.org');
insert into instagram_connections values (1, 'u1', 'hunter2');
insert into subscriptions values (1, 'u1'), (2, 'u2');
"""

# Roles belong to the server: one that another test has left keeps its rights under another name.
NO_READER_YET = """
do $$ begin
    if exists (select from pg_roles where rolname = 'sselfie_reader') then
        execute format('alter role sselfie_reader rename to %I', 'reader_' || gen_random_uuid());
    end if;
end $$;
"""


@pytest.fixture
def source(server: str) -> Iterator[str]:
    """The connection string of its owner."""
    with temporary_database(server) as url:
        with psycopg.connect(url) as connection:
            connection.execute(TABLES + NO_READER_YET)
        yield url
