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
  | (?P<escape_string>[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<string>(?:[bBnNxX]|[uU]&)?'(?:[^']|'')*')
  | (?P<name>(?:[uU]&)?"(?:[^"]|"")*")
  | (?P<dollar>\$(?P<tag>[^\W\d]\w*)?\$)
  | (?P<parameter>\$\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d[\w.]*|\.\d\w*)
  | (?P<symbol>::|[^\s\w])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """One lexical unit: a word in lower case, a quoted name without its quotes, a literal."""

    kind: Kind
    text: str
    line: int


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
        return " ".join(
            "?" if token.kind in ("string", "number") else token.text for token in self.tokens
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Whatever in it can be a name: words in lower case, and what stands in quotes."""
        return frozenset(token.text for token in self.tokens if token.kind in ("word", "name"))


class Reader:
    """Reads a statement token by token: keywords are taken or not, names are read whole."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self.position = 0

    def take(self, keywords: str) -> bool:
        """Step over ``keywords`` (separated by spaces) if they come next, and say whether."""
        wanted = keywords.split()
        coming = self._tokens[self.position : self.position + len(wanted)]
        if [token.text for token in coming if token.kind in ("word", "symbol")] != wanted:
            return False
        self.position += len(wanted)
        return True

    def starts(self, keywords: str) -> bool:
        """Say whether ``keywords`` come next, without stepping over them."""
        position = self.position
        found = self.take(keywords)
        self.position = position
        return found

    def skip(self) -> None:
        """Step over one token."""
        self.position += 1

    def rest(self) -> tuple[Token, ...]:
        """Return the tokens to come."""
        return self._tokens[self.position :]

    def peek(self) -> str:
        """Return the text of the token that comes next, empty at the end."""
        return self._tokens[self.position].text if self.position < len(self._tokens) else ""

    def name(self) -> tuple[str, ...]:
        """Return the parts of the (qualified) name that comes next; none if none does."""
        parts: list[str] = []
        while self.position < len(self._tokens):
            token = self._tokens[self.position]
            if token.kind not in ("word", "name"):
                break
            parts.append(token.text)
            self.position += 1
            if not self.take("."):
                break
        return tuple(parts)


def split(text: str) -> list[Statement]:
    """Return the statements of ``text`` in order.

    Raises:
        MigrationError: A literal or comment is not closed, or a psql command stands in it.
    """
    statements: list[Statement] = []
    tokens: list[Token] = []
    start = position = 0
    line = 1
    parentheses = bodies = 0
    while position < len(text):
        kind, found, end = _scan(text, position, line)
        if found == ";" and kind == "symbol" and parentheses == 0 and bodies == 0:
            _finish(statements, tokens, text[start:position])
            tokens = []
        elif kind is not None:
            if not tokens:
                start = position
            tokens.append(Token(kind, found, line))
            if kind == "symbol":
                parentheses += {"(": 1, ")": -1}.get(found, 0)
            elif kind == "word":
                bodies = max(0, bodies + _body_change(tokens, bodies))
        line += text.count("\n", position, end)
        position = end
    _finish(statements, tokens, text[start:])
    return statements


def _scan(text: str, position: int, line: int) -> tuple[Kind | None, str, int]:
    """Return the kind (None for space and comments), text and end of the token at ``position``."""
    match = _TOKEN.match(text, position)
    group = match.lastgroup if match else None
    if match is None or group is None:
        raise MigrationError(f"line {line}: a character that is no SQL: {text[position]!r}")
    found = match.group()
    if group in ("space", "line_comment"):
        return None, "", match.end()
    if group == "block_comment":
        return None, "", _end_of_comment(text, position, line)
    if group in ("dollar", "tag"):
        end = text.find(found, match.end())
        if end < 0:
            raise MigrationError(f"line {line}: {found} is opened and never closed")
        return "string", "", end + len(found)
    if group in ("escape_string", "string"):
        return "string", found, match.end()
    if group == "name":
        return "name", found[found.index('"') + 1 : -1].replace('""', '"'), match.end()
    if group == "word":
        return "word", found.lower(), match.end()
    if group == "number":
        return "number", found, match.end()
    if found in ("'", '"'):
        raise MigrationError(f"line {line}: a quote {found} is opened and never closed")
    if found == "\\":
        raise MigrationError(f"line {line}: psql's backslash commands are no SQL")
    return "symbol", found, match.end()


def _end_of_comment(text: str, position: int, line: int) -> int:
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, position):
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


def _finish(statements: list[Statement], tokens: list[Token], sql: str) -> None:
    if tokens:
        statements.append(Statement(sql.strip(), tokens[0].line, tuple(tokens)))
