"""Where a statement of a migration file ends."""

import pytest

from sselfie_insights.migrate.statements import split


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select ';' ; select 'it''s;'", ["select ';'", "select 'it''s;'"]),
        (r"select E'\';', 'a\'; select 2", [r"select E'\';', 'a\'", "select 2"]),
        ("select E'a'\n  'it\\'s;'; select 2", ["select E'a'\n  'it\\'s;'", "select 2"]),
        ("select $$;$$; select $a$ $$;$b$ $a$", ["select $$;$$", "select $a$ $$;$b$ $a$"]),
        ('select "a;""b"; select 2', ['select "a;""b"', "select 2"]),
        ("select 1 /* ;/* ;*/ ;*/; select 2 -- ;\n", ["select 1 /* ;/* ;*/ ;*/", "select 2 -- ;"]),
        ("select a$1, $1; select 2", ["select a$1, $1", "select 2"]),
        ("create rule r as on insert to t do (select 1; select 2); select 3",
         ["create rule r as on insert to t do (select 1; select 2)", "select 3"]),
        ("create function f() returns int begin atomic select case when true then 1 end; end;"
         "select 2",
         ["create function f() returns int begin atomic select case when true then 1 end; end",
          "select 2"]),
        (";;\n;", []),
    ],
)  # fmt: skip
def test_split(text: str, statements: list[str]) -> None:
    assert [statement.sql for statement in split(text)[0]] == statements


def test_lines_are_those_of_the_first_word() -> None:
    found, _ = split("-- head\n\nselect 1;\n/* two\nlines */ select\n2;\nselect '\n';select 4")
    assert [statement.line for statement in found] == [3, 5, 7, 8]
