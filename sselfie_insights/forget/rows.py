"""The rows of one person in one DuckDB file: which they are, and how they go.

Rows go by these rules:

- In the mirror a row belongs to whom its ``user_id`` names. One without an owner belongs to whose
  address or Stripe customer it carries, or, where the table has owners, whom its text mentions.
- What hangs on such a row by a documented foreign key, and has no owner of its own, goes with it.
- In every table made from the mirror, and in the history, a row goes when a column is one of the
  person's identifiers.
- In Stripe's exports, a row goes when it carries an id of Stripe's that is the person's, and every
  id that it carries is theirs too: a refund can name its charge alone.
- Where a row of others mentions the person, the mention alone is replaced.
- The sums of closed months, and who signed them, stay; the rows behind them go.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from sselfie_insights.contract import load_contract
from sselfie_insights.forget.person import FORGOTTEN, Person
from sselfie_insights.sql import literal, quote
from sselfie_insights.stripe.store import SCHEMA as EXPORTS
from sselfie_insights.warehouse.reading import count_rows

OWNER = "user_id"
_CUSTOMER = "stripe_customer_id"
_PAYMENT = re.compile(r"stripe_(payment|invoice|subscription|charge|checkout|session)\w*id")
_EXPORT_IDS = frozenset(
    ("id", "source_id", "charge_id", "payment_intent_id", "invoice_id", "subscription_id")
)
_EXPORT_CUSTOMER = "customer_id"
_GOING = "rows_to_forget"
# What was signed, and by whom, stays as it was signed; of these columns alone mentions go.
_SIGNED = {
    "closed.closings": ("reopened_because",),
    "closed.figures": (),
    "closed.restatements": (),
}
_TEXT = frozenset({"VARCHAR", "JSON", "UUID"})


@dataclass(frozen=True)
class Table:
    """A table that is not empty: its schema, name, and the DuckDB type of each column."""

    schema: str
    name: str
    columns: dict[str, str]

    @property
    def label(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    @property
    def local(self) -> str:
        """Its name, for SQL."""
        return f"{quote(self.schema)}.{quote(self.name)}"

    @property
    def is_mirror(self) -> bool:
        """Whether it mirrors a table of the source."""
        return self.schema == "raw" or self.schema.startswith("raw_")

    @property
    def is_export(self) -> bool:
        """Whether it holds rows of Stripe's exports."""
        return self.schema == EXPORTS and "line" in self.columns

    @property
    def owner(self) -> str | None:
        """The column that says whose a row is; None where rows have no owner."""
        if self.is_mirror and self.name == "users":
            return "id"
        return OWNER if OWNER in self.columns else None

    @property
    def texts(self) -> dict[str, str]:
        """The columns that can mention a person."""
        return {
            name: kind
            for name, kind in self.columns.items()
            if (kind in _TEXT or any(each in kind for each in ("VARCHAR", "JSON", "BLOB")))
            and (self.label not in _SIGNED or name in _SIGNED[self.label])
        }


@dataclass(frozen=True)
class Finding:
    """What concerns the person in one table.

    Attributes:
        table: The table.
        deleted: How many rows go.
        redacted: Rows of others that mention the person.
    """

    table: Table
    deleted: int
    redacted: int


def identify(db: duckdb.DuckDBPyConnection, person: Person) -> None:
    """Add to ``person`` the accounts, and their addresses, that the file knows."""
    for table in _tables(db):
        if table.is_mirror and table.name == "users" and {"id", "email"} <= table.columns.keys():
            found = db.execute(
                f"select id::varchar, lower(trim(email)) from {table.local} where"
                f" {_among('id', person.ids)} or {_among('lower(trim(email))', person.emails)}"
            ).fetchall()
            person.ids |= {account for account, _ in found if account}
            person.emails |= {email for _, email in found if email}


def knows(db: duckdb.DuckDBPyConnection, person: Person) -> bool:
    """Say whether a column that says whose a row is, or an address, names the person."""
    for table in _tables(db):
        conditions = [_among(f"{quote(table.owner)}::varchar", person.ids)] if table.owner else []
        conditions += [
            _among(f"lower(trim({quote(name)}::varchar))", person.emails)
            for name in table.columns
            if name.endswith("email")
        ]
        if conditions and count_rows(db, f"{table.local} where {' or '.join(conditions)}"):
            return True
    return False


def find_rows(db: duckdb.DuckDBPyConnection, person: Person) -> list[Finding]:
    """Return what concerns ``person`` in the open file, and learn Stripe's identifiers from it.

    Nothing is written but temporary tables, so the file may be open for reading only.
    """
    db.execute(f"create or replace temp table {_GOING} (label varchar, number bigint)")
    tables = _tables(db)
    labels = {table.label for table in tables if table.is_mirror}
    deleted = dict.fromkeys((table.label for table in tables), 0)
    is_settled = False
    while not is_settled:
        is_settled = True
        for table in tables:
            conditions = []
            if table.is_mirror:
                conditions = [*_own(table, person), *_hanging(table, labels)]
            elif table.is_export:
                conditions = list(_exported(table, person))
            if conditions and (more := _mark(db, table, " or ".join(conditions))):
                deleted[table.label] += more
                _learn(db, table, person)
                is_settled = False
    keys = person.keys
    for table in tables:
        if not table.is_mirror and table.schema != "meta" and table.label not in _SIGNED:
            names = [quote(name) for name, kind in table.columns.items() if kind in _TEXT]
            among = [_among(f"lower({name}::varchar)", keys) for name in names]
            if among:
                deleted[table.label] += _mark(db, table, " or ".join(among))
    findings = [
        Finding(table, deleted[table.label], _count_mentions(db, table, person)) for table in tables
    ]
    return [finding for finding in findings if finding.deleted or finding.redacted]


def erase(db: duckdb.DuckDBPyConnection, findings: list[Finding], person: Person) -> None:
    """Delete and redact what ``find_rows`` found on this connection; the file must be writable.

    The tables of the mirror that lose something are marked, so that the next sync reads them in
    full: what it knows of them no longer holds.
    """
    db.begin()
    for finding in findings:
        table = finding.table
        db.execute(f"delete from {table.local} where rowid in ({_going(table.label)})")
        pattern = person.pattern(spelled=True)
        if finding.redacted and pattern:
            for name, kind in table.texts.items():
                column = quote(name)
                db.execute(
                    f"update {table.local} set {column} = {_redacted(column, kind, pattern)}"
                    f" where {_mentions(table, [name], person)}"
                )
        if table.is_mirror:
            db.execute(
                "update meta.mirror_tables set is_suspect = true,"
                f" row_count = (select count(*) from {table.local})"
                f" where mirror_schema = {literal(table.schema)}"
                f" and mirror_table = {literal(table.name)}"
            )
    db.commit()


def _tables(db: duckdb.DuckDBPyConnection) -> list[Table]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, name, column, kind in db.execute(
        "select schema_name, table_name, column_name, data_type"
        " from duckdb_columns() semi join (from duckdb_tables() where estimated_size > 0)"
        " using (database_name, schema_name, table_name)"
        " where database_name = current_database() order by all"
    ).fetchall():
        found.setdefault((schema, name), {})[column] = kind
    return [Table(schema, name, columns) for (schema, name), columns in found.items()]


def _own(table: Table, person: Person) -> Iterator[str]:
    """Yield the conditions by which a row of the mirror is the person's own."""
    is_free = "true"
    if table.owner:
        owner = quote(table.owner)
        yield _among(f"{owner}::varchar", person.ids)
        is_free = f"{owner} is null"
    for name in table.columns:
        if name.endswith("email"):
            column = f"lower(trim({quote(name)}::varchar))"
            yield f"({is_free} and {_among(column, person.emails)})"
    if _CUSTOMER in table.columns:
        yield f"({is_free} and {_among(quote(_CUSTOMER), person.customers)})"
    pattern = person.pattern()
    if table.owner and pattern:
        yield f"({is_free} and {_mentions(table, table.texts, person)})"


def _exported(table: Table, person: Person) -> Iterator[str]:
    """Yield the conditions by which a row of an export is the person's."""
    for name in sorted(table.columns.keys() & _EXPORT_IDS):
        yield _among(quote(name), person.payments)
    if _EXPORT_CUSTOMER in table.columns:
        yield _among(quote(_EXPORT_CUSTOMER), person.customers)


def _hanging(table: Table, labels: set[str]) -> Iterator[str]:
    """Yield the conditions by which a row hangs on one that goes, and has no owner of its own."""
    documented = load_contract().get(table.name)
    if documented is None:
        return
    is_free = f"{quote(table.owner)} is null" if table.owner else "true"
    for column in documented.columns:
        parent = f"{table.schema}.{column.references}"
        if (
            column.references not in (None, "users")
            and column.name in table.columns
            and parent in labels
        ):
            key = quote(load_contract()[str(column.references)].primary_key.name)
            yield (
                f"({is_free} and {quote(column.name)} in (select {key} from"
                f" {quote(table.schema)}.{quote(str(column.references))}"
                f" where rowid in ({_going(parent)})))"
            )


def _learn(db: duckdb.DuckDBPyConnection, table: Table, person: Person) -> None:
    """Add to ``person`` the identifiers of Stripe that its rows in ``table`` carry."""
    for name, kind in table.columns.items():
        is_customer = name == (_EXPORT_CUSTOMER if table.is_export else _CUSTOMER)
        is_payment = name in _EXPORT_IDS if table.is_export else _PAYMENT.fullmatch(name)
        into = person.customers if is_customer else person.payments
        if kind == "VARCHAR" and (is_customer or is_payment):
            into |= {
                value
                for (value,) in db.execute(
                    f"select distinct {quote(name)} from {table.local}"
                    f" where rowid in ({_going(table.label)}) and {quote(name)} <> ''"
                ).fetchall()
            }


def _mark(db: duckdb.DuckDBPyConnection, table: Table, condition: str) -> int:
    """Remember that the rows of ``condition`` go; return how many did not go yet."""
    row = db.execute(
        f"insert into {_GOING} select {literal(table.label)}, rowid from {table.local}"
        f" where ({condition}) and rowid not in ({_going(table.label)})"
    ).fetchone()
    return 0 if row is None else int(row[0])


def _going(label: str) -> str:
    return f"select number from {_GOING} where label = {literal(label)}"


def _among(expression: str, values: set[str] | list[str]) -> str:
    if not values:
        return "false"
    listed = ", ".join(literal(value) for value in sorted(values))
    lowered = ", ".join(literal(value.lower()) for value in sorted(values))
    return f"{expression} in ({lowered if expression.startswith('lower') else listed})"


def _mentions(table: Table, names: Iterable[str], person: Person) -> str:
    """Return the condition by which one of the columns mentions the person, in any spelling."""
    plain, spelled = person.pattern(), person.pattern(spelled=True)
    texts = [_text(name, table.columns[name]) for name in names]
    if plain is None or spelled is None or not texts:
        return "false"
    # All at once, as DuckDB prepares each expression anew; the long one only where it can matter.
    text = texts[0] if len(texts) == 1 else f"concat_ws(chr(10), {', '.join(texts)})"
    return (
        f"coalesce(regexp_matches({text}, {literal(plain)}) or regexp_matches({text}, '[%&=\\\\]')"
        f" and regexp_matches({text}, {literal(spelled)}), false)"
    )


def _text(name: str, kind: str) -> str:
    text = f"{quote(name)}::varchar"
    if "BLOB" in kind:  # text in UTF-16 has a zero beside every byte
        text = f"replace(replace({text}, '\\x00', ''), '\\x5C', '\\')"
    return text


def _redacted(column: str, kind: str, pattern: str) -> str:
    """Return the column without the mentions; a value of another type than text is nothing then."""

    def clean(expression: str) -> str:
        # Twice: two mentions can share the character between them.
        once = f"regexp_replace({expression}, {literal(pattern)}, '\\1{FORGOTTEN}\\3', 'g')"
        return f"regexp_replace({once}, {literal(pattern)}, '\\1{FORGOTTEN}\\3', 'g')"

    match kind:
        case "VARCHAR":
            return clean(column)
        case "JSON":
            return f"cast({clean(f'{column}::varchar')} as json)"
        case "VARCHAR[]":
            return f"list_transform({column}, lambda item: {clean('item')})"
        case _:
            return "null"


def _count_mentions(db: duckdb.DuckDBPyConnection, table: Table, person: Person) -> int:
    mentions = _mentions(table, table.texts, person)
    if mentions == "false":
        return 0
    return count_rows(
        db, f"{table.local} where rowid not in ({_going(table.label)}) and {mentions}"
    )
