"""Stripe's books are drawn beside the database, and their files say the same each time."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sselfie_insights.simulate.events import Shape
from sselfie_insights.simulate.instants import to_micros
from sselfie_insights.simulate.payment_rows import COLUMNS, PaymentRows
from sselfie_insights.simulate.people import Population
from sselfie_insights.simulate.sheets import Sheets
from sselfie_insights.simulate.stripe_books import StripeBooks
from sselfie_insights.simulate.stripe_files import write_exports
from sselfie_insights.stripe.reading import parse_export

NOW = to_micros(datetime(2026, 11, 22, 12, tzinfo=UTC))
USERS = 400

Rows = dict[str, list[tuple[object, ...]]]


def keep_books(*, with_books: bool = True) -> tuple[StripeBooks, Rows]:
    """Draw a business; return its books, and the rows of its database."""
    population = Population(5, NOW, 18, Shape.DOCUMENTED)
    books = StripeBooks(5, population.opened_at, NOW)
    sheets = Sheets({table: tuple(names.split()) for table, names in COLUMNS.items()})
    rows = PaymentRows(sheets, NOW, books if with_books else None)
    for person in map(population.history, range(USERS)):
        rows.write(Random(person.number), person)
    return books, sheets.take()


def test_the_database_does_not_depend_on_the_books() -> None:
    assert keep_books()[1] == keep_books(with_books=False)[1]


def test_files_are_the_same_each_time_and_are_read_in_full(tmp_path: Path) -> None:
    books, _ = keep_books()
    for folder in ("a", "b"):
        write_exports(books, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    contents = [[(tmp_path / folder / name).read_bytes() for name in names] for folder in "ab"]
    assert contents[0] == contents[1]
    exports = {
        name: parse_export(name, content) for name, content in zip(names, contents[0], strict=True)
    }
    itemized = [export for export in exports.values() if export.format.kind == "itemized"]
    told = {row["id"]: row for export in itemized for row in export.rows}
    assert len(told) == len(books.moves)
    for move in books.moves:
        row = told[move.id]
        assert (row["gross"], row["fee"], row["category"]) == (move.gross, move.fee, move.category)
        assert row.get("facing") == move.facing
    assert sum(len(export.rows) for export in itemized) > len(books.moves)  # they lap over


def test_all_that_a_database_lacks_is_there() -> None:
    books, _ = keep_books()
    categories = {move.category for move in books.moves}
    assert {"refund", "refund_failure", "dispute", "dispute_reversal", "fee", "payout"} < categories
    assert {move.currency for move in books.moves} == {"usd", "eur"}
    assert {each.kind for each in books.differences} == {
        "matched", "only_database", "only_stripe", "amount_differs", "month_differs", "duplicate",
    }  # fmt: skip
