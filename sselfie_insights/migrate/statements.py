"""Split a migration into statements, exactly as PostgreSQL's lexer sees them.

Strings, dollar quotes, nested comments, ``begin atomic`` bodies and rules in parentheses may all
hold semicolons that end nothing.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from sselfie_insights.errors import MigrationError

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<literal>
        [eE]'[^'\\]*(?:(?:''|\\.|'\s*\n\s*')[^'\\]*)*'
      | (?:[bBnNxX]|[uU]&)?'[^']*(?:''[^']*)*'
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
      | \d[\w.]* | \.\d\w*
    )
  | (?P<name>(?:[uU]&)?"[^"]*(?:""[^"]*)*")
  | (?P<open>\$(?:[^\W\d]\w*)?\$|['"])
  | (?P<word>[^\W\d][\w$]*)
  | (?P<symbol>::|\$\d+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*')
_COMMENT_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        sql: Its text without the semicolon; comments inside it stay.
        line: The line of its first word, from 1.
        words: Its words in lower case, quoted names, symbols and ``?`` for data, with a space
            between each; comments left out.
    """

    sql: str
    line: int
    words: str

    @property
    def command(self) -> str:
        """Its first word."""
        return self.words.partition(" ")[0]

    @cached_property
    def names(self) -> frozenset[str]:
        """Whatever in it can be a name: words in lower case, and what stands in quotes."""
        return frozenset(
            found[1:-1].replace('""', '"') if found.startswith('"') else found
            for found in _NAME.findall(self.words)
        )

    @property
    def is_concurrent(self) -> bool:
        """Whether it says CONCURRENTLY, and so blocks nobody."""
        return "concurrently" in _NAME.findall(self.words)

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
    words: list[str] = []
    start = position = parentheses = bodies = 0
    line = first_line = 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None  # noqa: S101  # its last part is any character
        kind, found, end = match.lastgroup, match[0], match.end()
        if kind == "comment":
            head = text[text.rfind("\n", 0, position) + 1 : position]
            comments.append(Comment(found[2:], line, not words and not head.strip()))
        elif kind == "block":
            end = _end_of_comment(text, position, line)
        elif found == ";" and parentheses == 0 and bodies == 0:
            if words:
                sql = text[start:position].strip()
                statements.append(Statement(sql, first_line, " ".join(words)))
            words = []
        elif kind != "space":
            if not words:
                start, first_line = position, line
            words.append(_read_word(kind, found, line))
            if found in ("(", ")"):
                parentheses += 1 if found == "(" else -1
            elif kind == "word":
                bodies += _body_change(words, bodies)
        line += text.count("\n", position, end)
        position = end
    if words:
        statements.append(Statement(text[start:].strip(), first_line, " ".join(words)))
    return statements, comments


def _read_word(kind: str | None, found: str, line: int) -> str:
    if kind == "open":
        what = f"a quote {found}" if len(found) == 1 else found
        raise MigrationError(f"line {line}: {what} is opened and never closed")
    if found == "\\":
        raise MigrationError(f"line {line}: psql's backslash commands are no SQL")
    if kind == "literal":
        return "?"
    # A name with Unicode escapes stays a name.
    return found[found.index('"') :] if kind == "name" else found.lower()


def _end_of_comment(text: str, position: int, line: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, position):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise MigrationError(f"line {line}: a comment /* is opened and never closed")


def _body_change(words: list[str], bodies: int) -> int:
    """Return how the last word changes the depth of ``begin atomic`` … ``end`` bodies."""
    if words[-2:] == ["begin", "atomic"] or (bodies and words[-1] == "case"):
        return 1
    return -1 if bodies and words[-1] == "end" else 0
