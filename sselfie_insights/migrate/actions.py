"""What a statement does to which tables, as far as lint, drift and trace need to know.

This is no SQL parser: it reads the few forms of DDL whose locks matter, and says nothing of the
rest.
"""

from dataclasses import dataclass

from sselfie_insights.migrate.statements import Reader, Statement, Token

Name = tuple[str, ...]

_DROPPED = (
    "table", "materialized view", "view", "index", "schema", "database", "sequence", "function",
    "procedure", "routine", "aggregate", "type", "domain", "extension", "foreign table",
    "trigger", "policy", "role", "owned by", "publication", "subscription",
)  # fmt: skip
_STRONG_ALTERS = frozenset(
    {"add column", "drop column", "alter type", "set not null", "add constraint", "rename",
     "set logged", "set unlogged", "set tablespace", "alter column", "other"}
)  # fmt: skip


@dataclass(frozen=True)
class Action:
    """One thing that a statement does.

    Attributes:
        verb: What, in lower case: ``create table``, ``add column``, ``drop index`` …
        table: The table (or index, view, type) acted upon, in parts; empty if none is named.
        column: The column, constraint or value named, if any.
        tokens: The tokens that follow: a type, a definition.
        is_concurrent: Whether it says CONCURRENTLY.
        is_cascading: Whether it says CASCADE.
        has_condition: Whether it has a WHERE.
    """

    verb: str
    table: Name = ()
    column: str = ""
    tokens: tuple[Token, ...] = ()
    is_concurrent: bool = False
    is_cascading: bool = False
    has_condition: bool = False

    @property
    def words(self) -> str:
        """The tokens that follow, in lower case, a space between each."""
        return " ".join(token.text for token in self.tokens)

    @property
    def locks_table(self) -> bool:
        """Whether it keeps everybody else from writing the table, or from reading it."""
        return self.verb in _STRONG_ALTERS or (
            self.verb in ("create index", "create trigger", "lock table", "cluster", "truncate")
            and not self.is_concurrent
        )


def read_actions(statement: Statement) -> list[Action]:
    """Return what ``statement`` does; nothing for forms that lint has no interest in."""
    reader = Reader(statement.tokens)
    if reader.take("create"):
        return _create(reader)
    if reader.take("alter table"):
        return _alter_table(reader, statement)
    if reader.take("alter type"):
        return _alter_type(reader)
    if reader.take("drop"):
        return _drop(reader, statement)
    return _other(reader, statement)


def read_create_tables(statement: Statement) -> list[Name]:
    """Return the tables that ``statement`` creates."""
    return [action.table for action in read_actions(statement) if action.verb == "create table"]


def _create(reader: Reader) -> list[Action]:
    reader.take("or replace")
    reader.take("unique")
    for word in ("global", "local", "temporary", "temp", "unlogged", "constraint"):
        reader.take(word)
    if reader.take("table"):
        reader.take("if not exists")
        return [Action("create table", reader.name(), tokens=reader.rest())]
    if reader.take("materialized view"):
        reader.take("if not exists")
        return [Action("create table", reader.name())]
    if reader.take("index"):
        concurrent = reader.take("concurrently")
        reader.take("if not exists")
        name = () if reader.take("on") else reader.name()
        if name:
            reader.take("on")
        reader.take("only")
        return [Action("create index", reader.name(), ".".join(name), reader.rest(), concurrent)]
    if reader.take("trigger"):
        name = reader.name()
        while reader.peek() and not reader.take("on"):
            reader.skip()
        return [Action("create trigger", reader.name(), ".".join(name))]
    if reader.take("type"):
        return [Action("create type", reader.name())]
    return []


def _alter_table(reader: Reader, statement: Statement) -> list[Action]:
    reader.take("if exists")
    reader.take("only")
    table = reader.name()
    reader.take("*")
    cascading = _says(statement, "cascade")
    return [_alter_one(Reader(part), table, cascading) for part in _split_at_commas(reader.rest())]


def _alter_one(reader: Reader, table: Name, cascading: bool) -> Action:
    """Return one of the changes that an ALTER TABLE lists."""
    concurrent = any(token.text == "concurrently" for token in reader.rest())
    if reader.take("add"):
        for start in ("constraint", "check", "foreign key", "unique", "primary key", "exclude"):
            if reader.starts(start):
                name = reader.name() if reader.take("constraint") else ()
                return Action("add constraint", table, ".".join(name), reader.rest())
        reader.take("column")
        reader.take("if not exists")
        return Action("add column", table, ".".join(reader.name()), reader.rest())
    if reader.take("drop"):
        if reader.take("constraint"):
            reader.take("if exists")
            constraint = ".".join(reader.name())
            return Action("drop constraint", table, constraint, is_cascading=cascading)
        reader.take("column")
        reader.take("if exists")
        return Action("drop column", table, ".".join(reader.name()), is_cascading=cascading)
    if reader.take("alter"):
        reader.take("column")
        column = ".".join(reader.name())
        if reader.take("set data type") or reader.take("type"):
            return Action("alter type", table, column, reader.rest())
        verb = "set not null" if reader.take("set not null") else "alter column"
        return Action(verb, table, column, reader.rest())
    if reader.take("rename"):
        verb = "rename constraint" if reader.starts("constraint") else "rename"
        return Action(verb, table, tokens=reader.rest())
    for verb in ("validate constraint", "attach partition", "detach partition"):
        if reader.take(verb):
            name = reader.name()
            return Action(verb, table, ".".join(name), reader.rest(), is_concurrent=concurrent)
    for verb in ("set logged", "set unlogged", "set tablespace"):
        if reader.take(verb):
            return Action(verb, table)
    return Action("other", table, tokens=reader.rest())


def _alter_type(reader: Reader) -> list[Action]:
    name = reader.name()
    if reader.take("add value"):
        reader.take("if not exists")
        value = reader.peek().strip("'")
        return [Action("add value", name, value)]
    return []


def _drop(reader: Reader, statement: Statement) -> list[Action]:
    cascading = _says(statement, "cascade")
    for kind in _DROPPED:
        if not reader.take(kind):
            continue
        concurrent = reader.take("concurrently")
        reader.take("if exists")
        if kind in ("trigger", "policy"):
            name = reader.name()
            reader.take("on")
            return [Action(f"drop {kind}", reader.name(), ".".join(name), is_cascading=cascading)]
        names = [reader.name()]
        while reader.take(","):
            names.append(reader.name())
        return [
            Action(f"drop {kind}", name, is_concurrent=concurrent, is_cascading=cascading)
            for name in names
        ]
    return []


def _other(reader: Reader, statement: Statement) -> list[Action]:
    concurrent = _says(statement, "concurrently")
    if reader.take("truncate"):
        reader.take("table")
        reader.take("only")
        names = [reader.name()]
        while reader.take(","):
            names.append(reader.name())
        return [
            Action("truncate", name, is_cascading=_says(statement, "cascade")) for name in names
        ]
    if reader.take("update"):
        reader.take("only")
        return [Action("update", reader.name(), has_condition=_says(statement, "where"))]
    if reader.take("delete from"):
        reader.take("only")
        return [Action("delete", reader.name(), has_condition=_says(statement, "where"))]
    if reader.take("insert into"):
        return [Action("insert", reader.name(), has_condition=_says(statement, "select"))]
    if reader.take("vacuum"):
        if not _says(statement, "full"):
            return []
        while reader.take("full") or reader.take("verbose") or reader.take("analyze"):
            pass
        if reader.take("("):
            while reader.peek() and not reader.take(")"):
                reader.skip()
        return [Action("vacuum full", reader.name())]
    if reader.take("cluster"):
        reader.take("verbose")
        return [Action("cluster", reader.name())]
    if reader.take("reindex"):
        for kind in ("table", "index", "schema", "database", "system"):
            if reader.take(kind):
                reader.take("concurrently")
                return [Action(f"reindex {kind}", reader.name(), is_concurrent=concurrent)]
        return []
    if reader.take("refresh materialized view"):
        reader.take("concurrently")
        return [Action("refresh", reader.name(), is_concurrent=concurrent)]
    if reader.take("lock"):
        reader.take("table")
        reader.take("only")
        return [Action("lock table", reader.name(), tokens=reader.rest())]
    return []


def _says(statement: Statement, word: str) -> bool:
    return any(token.kind == "word" and token.text == word for token in statement.tokens)


def _split_at_commas(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "symbol":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.kind == "symbol" and token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]
