"""Common table expressions that an engine lacks or computes too often, evaluated one at a time.

Sail has no ``with recursive``, and Spark's allows no window function in the step. What it means is
simple (SQL:1999, 7.13): the rows of its base are the first level; its step, which sees the rows of
one level in its place, makes the next; it is all levels together. Each level is a statement of its
own here, so the engine is asked for nothing but plain selects.

Neither keeps what ``as materialized`` asks to be kept. An expression that is read twice is computed
twice, and a chain of such expressions 2ⁿ times, so these are statements of their own, too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import Any

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|\w+|[^\s\w]""", re.DOTALL
)
"""Comments, quoted text and names, words, and single other characters."""

_DEPTHS = {"(": 1, ")": -1}


@dataclass(frozen=True)
class Expression:
    """A common table expression: its name, its query, and whether it is to be computed once."""

    name: str
    query: str
    is_materialized: bool = False


@dataclass(frozen=True)
class Statement:
    """A statement with common table expressions.

    Attributes:
        before: What stands before ``with``.
        expressions: The common table expressions, in their order.
        after: What follows the last of them, up to the end of the statement.
    """

    before: str
    expressions: tuple[Expression, ...]
    after: str


def parse(sql: str) -> Statement | None:
    """Return the parts around the first list of expressions that an engine is to be spared.

    Raises:
        ValueError: A parenthesis is not closed.
    """
    tokens = _tokens(sql)
    words = [word for word, _, _ in tokens]
    for start, word in enumerate(words):
        if word != "with":
            continue
        is_recursive = words[start + 1] == "recursive"
        place = start + 1 + is_recursive
        expressions = []
        while words[place + 1 : place + 2] == ["as"]:
            is_materialized = words[place + 2] == "materialized"
            opens = place + 2 + is_materialized
            closes = _closing(words, opens)
            name, query = _between(sql, tokens[place]), sql[tokens[opens][2] : tokens[closes][1]]
            expressions.append(Expression(name, query, is_materialized))
            place = closes + 2
            if words[closes + 1 : place] != [","]:
                break
        if is_recursive or any(expression.is_materialized for expression in expressions):
            after = sql[tokens[closes][2] :]
            return Statement(sql[: tokens[start][1]], tuple(expressions), after)
    return None


def split_recursion(expression: Expression) -> tuple[str, str] | None:
    """Return the base and the step of a recursive expression; None of one that is not recursive.

    Raises:
        ValueError: It reads itself and is no ``union all``.
    """
    if expression.name.lower() not in _read_names(expression.query):
        return None
    tokens = _tokens(expression.query)
    depth = 0
    for (word, begins, _), (following, _, ends) in pairwise(tokens):
        depth += _DEPTHS.get(word, 0)
        if depth == 0 and (word, following) == ("union", "all"):
            return expression.query[:begins], expression.query[ends:]
    raise ValueError(f"{expression.name} reads itself and has no 'union all'")


class Evaluator:
    """Evaluates expressions on a session of Spark Connect.

    Args:
        session: The session.
        folder: Where the engine keeps their rows.
    """

    def __init__(self, session: Any, folder: str) -> None:
        self._session = session
        self._folder = folder
        self._numbers = count(1)

    def simplify(self, sql: str) -> str:
        """Return a plain statement that has the rows of ``sql``."""
        while statement := parse(sql):
            known: list[Expression] = []
            for expression in statement.expressions:
                if parts := split_recursion(expression):
                    known = self._recurse(known, expression.name, *parts)
                elif expression.is_materialized:
                    query = self._compute(known, f"select * from ({expression.query}) as kept")[0]
                    known.append(Expression(expression.name, query))
                else:
                    known.append(expression)
            sql = f"{statement.before}{_with(known)}{statement.after}"
        return sql

    def keep(self, query: str, path: str, name: str) -> Any:
        """Compute a query once and let a view have its rows; return their schema.

        Args:
            query: A plain query.
            path: The folder to be made for its rows.
            name: The view's name.
        """
        frame = self._session.sql(query)
        frame.write.parquet(path)
        # Sail says of a union that it has the types of its first branch, and leaves no file, and
        # so no schema, where there is no row.
        written = self._session.read.parquet(path).schema
        schema = written if written.fields else frame.schema
        self._view(schema, [path], name)
        return schema

    def _recurse(
        self, known: Sequence[Expression], name: str, base: str, step: str
    ) -> list[Expression]:
        """Return ``known`` and the expression ``name``, with all that was computed in place."""
        # The step reads them at every level.
        read = _read_names(base) | _read_names(step)
        kept: list[Expression] = []
        for earlier in known:
            if earlier.name.lower() in read:
                query = self._compute(kept, f"select * from ({earlier.query}) as kept")[0]
                earlier = replace(earlier, query=query)
            kept.append(earlier)
        rows, schema, path = self._compute(kept, f"select * from ({base}) as base")
        columns = ", ".join(field.name for field in schema)
        typed = ", ".join(
            f"cast({field.name} as {field.dataType.simpleString()}) as {field.name}"
            for field in schema
        )
        paths = [path]
        while self._session.sql(f"select 1 from ({rows}) as level limit 1").collect():
            rows, _, path = self._compute(
                [*kept, Expression(name, rows)],
                f"select {typed} from ({step}) as step ({columns})",
            )
            paths.append(path)
        all_levels = f"kept_{next(self._numbers)}"
        self._view(schema, paths[:-1] or paths, all_levels)
        return [*kept, Expression(name, f"select * from {all_levels}")]

    def _compute(self, known: Sequence[Expression], query: str) -> tuple[str, Any, str]:
        """Compute a query; return a query of its rows, their schema and where they lie."""
        number = next(self._numbers)
        name, path = f"kept_{number}", f"{self._folder}/{number}"
        schema = self.keep(f"{_with(known)} {query}", path, name)
        return f"select * from {name}", schema, path

    def _view(self, schema: Any, paths: list[str], name: str) -> None:
        self._session.read.schema(schema).parquet(*paths).createOrReplaceTempView(name)


def _with(expressions: Sequence[Expression]) -> str:
    listed = ", ".join(f"{expression.name} as ({expression.query})" for expression in expressions)
    return f"with {listed}" if expressions else ""


def _read_names(query: str) -> set[str]:
    """Return the words after ``from`` and ``join``."""
    words = [word for word, _, _ in _tokens(query)]
    return {following for word, following in pairwise(words) if word in ("from", "join")}


def _closing(words: Sequence[str], place: int) -> int:
    depth = 0
    for position in range(place, len(words)):
        depth += _DEPTHS.get(words[position], 0)
        if depth == 0:
            return position
    raise ValueError("a parenthesis is not closed")


def _between(sql: str, token: tuple[str, int, int]) -> str:
    return sql[token[1] : token[2]]


def _tokens(sql: str) -> list[tuple[str, int, int]]:
    """Return words and other tokens in lower case, with where they begin and end."""
    return [
        (match.group().lower(), match.start(), match.end())
        for match in _TOKEN.finditer(sql)
        if not match.group().startswith(("--", "/*"))
    ]
