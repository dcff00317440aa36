"""Stripe's exports of a simulated business, as its owner would download them."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sselfie_insights.files import make_folder
from sselfie_insights.money import to_major
from sselfie_insights.simulate.instants import DAY, to_datetime
from sselfie_insights.simulate.stripe_books import Move, StripeBooks, spans

_ITEMIZED: Final = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
    "charge_id,payment_intent_id,invoice_id,customer_id,customer_email,customer_facing_amount,"
    "customer_facing_currency"
)
_HISTORY: Final = (
    "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,"
    "Customer Facing Amount,Customer Facing Currency"
)
_PAYMENTS: Final = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    "Converted Currency,Fee,Refunded date (UTC),Status,Customer ID,Invoice ID,PaymentIntent ID"
)
_IN_HISTORY: Final = {
    "refund_failure": "adjustment",
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
    "fee": "stripe_fee",
}
_OVERLAP = 10 * DAY


def write_exports(books: StripeBooks, folder: Path) -> None:
    """Write the exports of ``books`` to ``folder``, readable by their owner.

    Three itemized reports that lap over each other hold everything. A balance history, and a
    payments file, of days that they cover tell nothing else.
    """
    make_folder(folder)
    moves = sorted(books.moves, key=lambda move: (move.at, move.id))
    for number, span in enumerate(spans(books.opened_at, books.now, 3, _OVERLAP), start=1):
        text = _table(_ITEMIZED, map(_itemized, _within(moves, span)))
        content = gzip.compress(text, mtime=0) if number == 2 else text
        _write(folder / f"itemized-{number}.csv{'.gz' if content is not text else ''}", content)
    third = (books.now - books.opened_at) // 3
    middle = (books.opened_at + third, books.now - third)
    _write(folder / "balance_history.csv", _table(_HISTORY, map(_history, _within(moves, middle))))
    charges = [move for move in _within(moves, middle) if move.category == "charge"]
    refunds = {move.charge: move for move in moves if move.category == "refund"}
    rows = (_payment(move, refunds.get(move.charge)) for move in charges)
    _write(folder / "unified_payments.csv", _table(_PAYMENTS, rows))


def _within(moves: Iterable[Move], span: tuple[int, int]) -> Iterator[Move]:
    first, last = span
    return (move for move in moves if first <= move.at <= last)


def _itemized(move: Move) -> list[str]:
    return [
        move.id,
        _second(move.at),
        move.currency,
        _amount(move.gross, move.currency),
        _amount(move.fee, move.currency),
        _amount(move.gross - move.fee, move.currency),
        move.category,
        move.source,
        move.charge,
        move.intent,
        move.invoice,
        move.customer,
        f"{move.customer}@customers.example" if move.customer else "",
        "" if move.facing is None else _amount(move.facing, move.facing_currency),
        move.facing_currency,
    ]


def _history(move: Move) -> list[str]:
    words = f"{move.category} of {move.charge}" if move.charge else "STRIPE"
    return [
        move.id,
        _IN_HISTORY.get(move.category, move.category),
        move.source,
        _amount(move.gross, move.currency),
        _amount(move.fee, move.currency),
        _amount(move.gross - move.fee, move.currency),
        move.currency,
        _second(move.at)[:-3],
        _second(move.at)[:-3],
        words,
        "" if move.facing is None else _amount(move.facing, move.facing_currency),
        move.facing_currency,
    ]


def _payment(move: Move, refund: Move | None) -> list[str]:
    facing = move.facing or 0
    refunded = -(refund.facing or 0) if refund else 0
    return [
        move.charge,
        _second(move.at),
        _amount(facing, move.facing_currency),
        _amount(refunded, move.facing_currency),
        move.facing_currency,
        "true",
        _amount(move.gross, move.currency),
        move.currency,
        _amount(move.fee, move.currency),
        _second(refund.at) if refund else "",
        "Refunded" if refunded == facing else "Paid",
        move.customer,
        move.invoice,
        move.intent,
    ]


def _amount(cents: int, currency: str) -> str:
    return str(to_major(cents, currency))


def _second(at: int) -> str:
    return f"{to_datetime(at):%Y-%m-%d %H:%M:%S}"


def _table(header: str, rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(f"{header}\n")
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
