"""Run the business: draw everyone's history, write its rows, add it to the answer key."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from sselfie_insights.clock import parse_zone
from sselfie_insights.errors import UsageError
from sselfie_insights.postgres import connect
from sselfie_insights.simulate import (
    account_rows,
    house_rows,
    load,
    payment_rows,
    study_rows,
    usage_rows,
)
from sselfie_insights.simulate.answers import Answers, answer
from sselfie_insights.simulate.events import History, Shape
from sselfie_insights.simulate.instants import to_micros
from sselfie_insights.simulate.members import GRACE_DAYS
from sselfie_insights.simulate.people import Population
from sselfie_insights.simulate.sheets import Sheets
from sselfie_insights.simulate.stripe_books import StripeBooks
from sselfie_insights.simulate.stripe_files import write_exports
from sselfie_insights.simulate.tally import Tally

CHUNK = 4000  # Users whose rows are held in memory at once.

COLUMNS = {
    table: tuple(names.split())
    for module in (account_rows, payment_rows, usage_rows, study_rows, house_rows)
    for table, names in module.COLUMNS.items()
}


@dataclass
class _Business:
    users: int
    seed: int
    now: int
    months: int
    shape: Shape

    def __post_init__(self) -> None:
        if self.users < 1 or self.months < 1:
            raise UsageError(
                f"{self.users} users over {self.months} months is no business",
                remedy="give at least one of each",
            )
        self.population = Population(self.seed, self.now, self.months, self.shape)
        self.sheets = Sheets(COLUMNS)

    def histories(self, numbers: range) -> Iterator[History]:
        for number in numbers:
            yield self.population.history(number)
            guest = self.population.guest(number)
            if guest:
                yield guest

    def run(self, tally: Tally, *, chunk: int, books: StripeBooks | None = None) -> Iterator[int]:
        """Draw everyone, a chunk at a time; yield how many are done. Rows wait in the sheets."""
        accounts = account_rows.AccountRows(self.sheets, self.now)
        payments = payment_rows.PaymentRows(self.sheets, self.now, books)
        usage = usage_rows.UsageRows(self.sheets, self.now, self.shape)
        study = study_rows.StudyRows(self.sheets, self.now, self.shape)
        for start in range(0, self.users, chunk):
            numbers = range(start, min(self.users, start + chunk))
            for person in self.histories(numbers):
                rng = Random(f"{self.seed}:rows:{person.number}:{person.role}")  # noqa: S311
                if person.number == 0 and person.user_id is not None:
                    house_rows.write_house(
                        self.sheets,
                        rng,
                        person.user_id,
                        self.population.opened_at,
                        self.now,
                        self.shape,
                    )
                tally.add(person, payments.write(rng, person))
                if person.user_id is not None:
                    accounts.write(rng, person)
                    usage.write(rng, person)
                    study.write(rng, person)
            yield numbers.stop

    def tally(self, as_of: int, timezone: str, grace_days: int) -> Tally:
        zone = parse_zone(timezone)
        return Tally(self.population.opened_at, as_of, zone, grace_days, self.shape)


def simulate(
    url: str,
    *,
    users: int,
    seed: int,
    as_of: datetime,
    months: int = 18,
    shape: Shape | str = Shape.DOCUMENTED,
    timezone: str = "UTC",
    stripe_exports: Path | None = None,
    chunk: int = CHUNK,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Answers:
    """Fill the empty, migrated database at ``url`` with a synthetic business.

    Nothing is written unless everything is: there is one transaction. The same ``users``,
    ``seed``, ``as_of``, ``months`` and ``shape`` always give the same rows, whatever ``chunk`` is.

    Args:
        url: The database.
        users: How many accounts to draw; some of them are internal or test accounts.
        seed: Names the business.
        as_of: The instant of the database's state (aware).
        months: How long before ``as_of`` the business opened.
        shape: ``documented``, or ``live`` for a database as the application really leaves it.
        timezone: The reporting zone of the answer key; the rows do not depend on it.
        stripe_exports: A folder for Stripe's exports, which say what the database does not; the
            answer key counts them.
        chunk: How many users' rows to hold in memory at once.
        on_progress: Called with the users done, all users, and what they are.

    Returns:
        The answer key as of ``as_of``.

    Raises:
        UsageError: An argument is out of range, or the database is not empty.
        SourceError: The database cannot be reached, is not migrated, or refuses a row.
    """
    business = _Business(users, seed, to_micros(as_of), months, Shape(shape))
    tally = business.tally(business.now, timezone, GRACE_DAYS)
    books = None
    if stripe_exports:
        books = StripeBooks(seed, business.population.opened_at, business.now)
    with connect(url) as connection, ThreadPoolExecutor(max_workers=1) as writer:
        load.require_empty(connection)
        written: Future[None] | None = None
        for done in business.run(tally, chunk=chunk, books=books):
            # While Postgres takes one chunk in, the next is drawn; never more than two.
            if written:
                written.result()
            written = writer.submit(load.copy_tables, connection, COLUMNS, business.sheets.take())
            if on_progress:
                on_progress(done, users, "users")
        if written:
            written.result()
        load.advance_sequences(connection, business.sheets.last_id)
        if business.shape is Shape.LIVE:
            load.drift(connection)
    if books and stripe_exports:
        write_exports(books, stripe_exports)
    return answer(tally, books)


def answer_key(
    *,
    users: int,
    seed: int,
    as_of: datetime,
    months: int = 18,
    shape: Shape | str = Shape.DOCUMENTED,
    timezone: str = "UTC",
    at: datetime | None = None,
) -> Answers:
    """Return the answer key of the business that ``simulate`` would write, without a database.

    Args:
        users: As for ``simulate``.
        seed: As for ``simulate``.
        as_of: As for ``simulate``: the instant of the database's state.
        months: As for ``simulate``.
        shape: As for ``simulate``.
        timezone: The reporting zone.
        at: The instant the key speaks for, if earlier than ``as_of``: later events do not exist,
            while what the database overwrites is as it is at ``as_of``.

    Raises:
        UsageError: An argument is out of range.
    """
    business = _Business(users, seed, to_micros(as_of), months, Shape(shape))
    tally = business.tally(to_micros(at or as_of), timezone, GRACE_DAYS)
    for _ in business.run(tally, chunk=CHUNK):
        business.sheets.take()
    return answer(tally)
