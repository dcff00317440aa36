"""Where there is no server to try things on, squawk reads, and doubts need a waiver."""

from pathlib import Path

import pytest

from sselfie_insights.errors import UsageError
from sselfie_insights.migrate import lint_folder
from sselfie_insights.migrate import squawk as squawk_module
from sselfie_insights.migrate.lint import Finding
from tests.integration.migrate.conftest import Folder

ALONE = "-- migrate: no-transaction\n"


def findings(path: Path) -> list[Finding]:
    return list(lint_folder(path, None, large_table_bytes=0).findings)


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sselfie_insights.migrate.lint.has_scratch", lambda _: False)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("drop table public.users;", ["ban-drop-table"]),
        ("create index i on public.users (email);", ["require-concurrent-index-creation"]),
        ("do $$ begin null; end $$;", ["unjudged"]),
        ("execute stored;", ["unjudged"]),
        ("select public.purge();", ["unjudged"]),
        ("update public.users set visits = f(1) where id = 1;", ["unjudged"]),
        ("alter table users add a text;", ["unjudged"]),
        ("delete from public.users;", ["unjudged"]),
        ("delete from public.users where id in (1, 2);", []),
        ("update public.users set visits = 1;", ["unjudged"]),
        ("update public.users set visits = 1 where id = 1;", []),
        ("insert into public.users (id, email) values (1, 'a'), (-2, null);", []),
        ("insert into public.users values (public.purge());", ["unjudged"]),
        ("truncate public.users;", ["unjudged"]),
        ("lock table public.users;", ["unjudged"]),
        ("alter table public.users disable trigger all;", ["unjudged"]),
        ("alter table public.users add a int check (a > 0);", ["unjudged"]),
        ("alter table public.users add a serial;", ["unjudged"]),
        ("drop policy p on public.users;", ["unjudged"]),
        ("explain analyze delete from public.users;", ["unjudged"]),
        ("copy public.users to program 'cat';", ["unjudged"]),
        ("alter role r nologin;", ["unjudged"]),
        ("create trigger t after insert on public.users execute function f();", ["unjudged"]),
        (f"{ALONE}vacuum (full) public.users;", ["unjudged"]),
        (f"{ALONE}vacuum public.users;", []),
        (f"{ALONE}alter system set work_mem = 64;", ["unjudged"]),
        ("create materialized view public.v as select 1;", ["unjudged"]),
        ("comment on table public.users is 'x'; grant select on public.users to public;", []),
        ("create table public.x (id bigint);", []),
        ("drop table /* squawk-ignore ban-drop-table */ public.users;", ["ban-drop-table"]),
    ],
)
def test_what_text_tells(folder: Folder, text: str, rules: list[str]) -> None:
    assert [each.rule for each in findings(folder(text))] == rules


@pytest.mark.parametrize("program", ["true", "false"])
def test_a_squawk_that_says_nothing_has_not_looked(
    folder: Folder, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(squawk_module, "find_squawk", lambda: program)
    with pytest.raises(Exception, match=r"squawk failed with exit \d: nothing said"):
        findings(folder("drop table public.small;"))


def test_neither_server_nor_squawk(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squawk_module, "find_squawk", lambda: None)
    with pytest.raises(UsageError, match="no server to try migrations on, and no squawk"):
        findings(folder("select 1;"))
