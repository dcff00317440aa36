"""Split a migration into statements, exactly as PostgreSQL's lexer sees them.

Strings, dollar quotes, nested comments, ``begin atomic`` bodies and rules in parentheses may all
hold semicolons that end nothing.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sselfie_insights.errors import MigrationError

Kind = Literal["word", "name", "string", "number", "symbol"]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<line_comment>--[^\n]*)
  | (?P<block_comment>/\*)
  | (?P<escape_string>[eE]'[^'\\]*(?:(?:''|\\.)[^'\\]*)*')
  | (?P<string>(?:[bBnNxX]|[uU]&)?'[^']*(?:''[^']*)*')
  | (?P<name>(?:[uU]&)?"[^"]*(?:""[^"]*)*")
  | (?P<dollar>\$(?P<tag>[^\W\d]\w*)?\$)
  | (?P<parameter>\$\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*|\.\d\w*)
  | (?P<symbol>::|[^\s\w])
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical unit: a word in lower case, a quoted name without its quotes, ``?`` for data."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        sql: Its text without the semicolon; comments inside it stay.
        line: The line of its first token, from 1.
        tokens: Its tokens, comments left out.
    """

    sql: str
    line: int
    tokens: tuple[Token, ...]

    @cached_property
    def words(self) -> str:
        """Keywords, names and symbols in lower case, a space between each; literals are ``?``."""
        return " ".join(token.text for token in self.tokens)

    @cached_property
    def names(self) -> frozenset[str]:
        """Whatever in it can be a name: words in lower case, and what stands in quotes."""
        return frozenset(token.text for token in self.tokens if token.kind in ("word", "name"))

    @property
    def is_concurrent(self) -> bool:
        """Whether it says CONCURRENTLY, and so blocks nobody."""
        return any(token.kind == "word" and token.text == "concurrently" for token in self.tokens)

    @property
    def last_line(self) -> int:
        """The line of its end."""
        return self.line + self.sql.count("\n")

    @property
    def beginning(self) -> str:
        """Its first hundred characters, in one line."""
        return " ".join(self.sql[:400].split())[:100]


@dataclass(frozen=True)
class Comment:
    """A comment that begins with ``--``.

    Attributes:
        text: What follows the two dashes.
        line: Its line, from 1.
        stands_alone: Whether it has its line to itself, and stands between two statements.
    """

    text: str
    line: int
    stands_alone: bool


def split(text: str) -> tuple[list[Statement], list[Comment]]:
    """Return the statements of ``text`` and its line comments, both in order.

    Raises:
        MigrationError: A literal or comment is not closed, or a psql command stands in it.
    """
    statements: list[Statement] = []
    comments: list[Comment] = []
    tokens: list[Token] = []
    start = position = 0
    line = first_line = 1
    parentheses = bodies = 0
    while position < len(text):
        kind, found, end = _scan(text, position, line)
        if kind == "comment":
            head = text[text.rfind("\n", 0, position) + 1 : position]
            comments.append(Comment(found, line, not tokens and not head.strip()))
        elif found == ";" and kind == "symbol" and parentheses == 0 and bodies == 0:
            _finish(statements, tokens, first_line, text[start:position])
            tokens = []
        elif kind is not None:
            if not tokens:
                start, first_line = position, line
            tokens.append(Token(kind, found))
            if kind == "symbol":
                parentheses += {"(": 1, ")": -1}.get(found, 0)
            elif kind == "word":
                bodies = max(0, bodies + _body_change(tokens, bodies))
        line += text.count("\n", position, end)
        position = end
    _finish(statements, tokens, first_line, text[start:])
    return statements, comments


def _scan(text: str, position: int, line: int) -> tuple[Kind | Literal["comment"] | None, str, int]:
    """Return the kind (None for space), text and end of the token at ``position``."""
    match = _TOKEN.match(text, position)
    group = match.lastgroup if match else None
    if match is None or group is None:
        raise MigrationError(f"line {line}: a character that is no SQL: {text[position]!r}")
    end = match.end()
    match group:
        case "space":
            return None, "", end
        case "line_comment":
            return "comment", match.group()[2:], end
        case "block_comment":
            return None, "", _end_of_comment(text, position, line)
        case "dollar" | "tag":
            found = match.group()
            end = text.find(found, end)
            if end < 0:
                raise MigrationError(f"line {line}: {found} is opened and never closed")
            return "string", "?", end + len(found)
        case "escape_string" | "string":
            return "string", "?", end
        case "number":
            return "number", "?", end
    found = match.group()
    if group == "name":
        return "name", found[found.index('"') + 1 : -1].replace('""', '"'), end
    if group == "word":
        return "word", found.lower(), end
    if found in ("'", '"'):
        raise MigrationError(f"line {line}: a quote {found} is opened and never closed")
    if found == "\\":
        raise MigrationError(f"line {line}: psql's backslash commands are no SQL")
    return "symbol", found, end


def _end_of_comment(text: str, position: int, line: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, position):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise MigrationError(f"line {line}: a comment /* is opened and never closed")


def _body_change(tokens: list[Token], bodies: int) -> int:
    """Return how the last word changes the depth of ``begin atomic`` … ``end`` bodies."""
    word = tokens[-1].text
    if word == "atomic" and len(tokens) > 1 and tokens[-2].text == "begin":
        return 1
    if bodies and word == "case":
        return 1
    return -1 if bodies and word == "end" else 0


def _finish(statements: list[Statement], tokens: list[Token], line: int, sql: str) -> None:
    if tokens:
        statements.append(Statement(sql.strip(), line, tuple(tokens)))
