"""A busy application: concurrent writers that do everything which fools a naive mirror."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

TOTAL = 200_000
"""The sum of ``account.balance`` and ``vault.balance``, which every transaction preserves."""

SCHEMA = (
    "create type mood as enum ('calm', 'busy')",
    "create table account (id int primary key, balance int not null, note text,"
    " touched_at timestamptz default now())",
    "create table vault (id int primary key, balance int not null, doc jsonb)",
    "create table ledger (owner text, number int, amount numeric(12,2), mood mood,"
    " primary key (owner, number))",
    "create table journal (line text, amount int)",
    "create table region (area text, id int, tags text[], primary key (area, id))"
    " partition by list (area)",
    "create table region_n partition of region for values in ('n')",
    "create table region_s partition of region for values in ('s')",
    "create table scratch (id int primary key, a text, b text)",
    f"insert into account select i, {TOTAL // 200}, 'n' || i from generate_series(1, 200) i",
    "insert into vault select i, 0, null from generate_series(1, 200) i",
    "insert into ledger select 'o' || i % 40, i, i / 100.0, 'calm' from generate_series(1, 400) i",
    "insert into journal select 'line ' || i, i from generate_series(1, 100) i",
    "insert into region select case i % 2 when 0 then 'n' else 's' end, i, array['t' || i]"
    " from generate_series(1, 200) i",
    "insert into scratch select i, 'a' || i, 'b' || i from generate_series(1, 300) i",
    "create materialized view totals as select mood, count(*) as n from ledger group by mood",
)

GIVEN_UP = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.InvalidTextRepresentation,  # an enum value under its other name
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
)
"""What an application meets under this load, and gives up."""

Execute = Callable[[str], object]

LATE, UNDONE, PART_KEPT, PART_UNDONE = (
    "late commit", "rollback", "savepoint released", "savepoint rolled back"
)  # fmt: skip


def _transfer(run: Execute, pick: random.Random) -> None:
    amount = pick.randint(1, 50)
    one, two = pick.randint(1, 200), pick.randint(1, 200)
    first, second = pick.choice([("account", "vault"), ("vault", "account")])
    run(f"update {first} set balance = balance - {amount} where id = {one}")
    run(f"update {second} set balance = balance + {amount} where id = {two}")


def _write_ledger(run: Execute, pick: random.Random) -> None:
    owner, number = f"o{pick.randint(1, 40)}", pick.randint(1, 800)
    run(
        f"insert into ledger values ('{owner}', {number}, {pick.randint(0, 9999)} / 100.0, 'busy')"
        " on conflict (owner, number) do update set amount = excluded.amount"
    )
    run(f"delete from ledger where number % 97 = {pick.randint(0, 96)}")


def _update_keys(run: Execute, pick: random.Random) -> None:
    run(f"update ledger set number = number + 100000 where number = {pick.randint(1, 800)}")
    run("delete from ledger where number > 100000 and random() < 0.3")
    run(f"update region set area = case area when 'n' then 's' else 'n' end"
        f" where id = {pick.randint(1, 200)}")  # fmt: skip


def _swap_keys(run: Execute, pick: random.Random) -> None:
    one, two = pick.sample(range(1, 300), 2)
    run(f"update scratch set id = -1 where id = {one}")
    run(f"update scratch set id = {one} where id = {two}")
    run(f"update scratch set id = {two} where id = -1")


def _append(run: Execute, pick: random.Random) -> None:
    run(f"insert into journal values ('again', {pick.randint(1, 9)})")
    if pick.random() < 0.3:
        run("delete from journal where ctid in (select ctid from journal limit 2)")


def _change(run: Execute, pick: random.Random) -> str:
    """Do one of the changes, and return its name."""
    change = pick.choice(CHANGES)
    change(run, pick)
    return change.__name__


CHANGES = (_transfer, _transfer, _write_ledger, _update_keys, _swap_keys, _append)

DISTURBANCES = (
    "truncate scratch; insert into scratch select i, 'a', 'b' from generate_series(1, 300) i",
    "truncate region_n",
    "insert into region select 'n', i, array[['x','y']] from generate_series(1000, 1005) i"
    " on conflict do nothing; delete from region where id >= 1000",
    "alter table scratch add column extra int default 7",
    "alter table scratch drop column if exists extra",
    "alter table scratch rename column a to a2; alter table scratch rename column a2 to a",
    "alter table scratch alter column b type varchar(500)",
    "alter table scratch alter column b type text",
    "alter type mood rename value 'busy' to 'rushed'; alter type mood rename value 'rushed'"
    " to 'busy'",
    "vacuum full account",
    "vacuum freeze vault",
    "cluster ledger using ledger_pkey",
    "refresh materialized view totals",
    "drop table if exists passing; create table passing (id int primary key);"
    " insert into passing select generate_series(1, 50)",
    "analyze",
)

ACTIONS = {LATE, UNDONE, PART_KEPT, PART_UNDONE, *(change.__name__ for change in CHANGES)} | {
    statement.strip() for disturbance in DISTURBANCES for statement in disturbance.split(";")
}
"""Everything that may happen."""


class Workload:
    """Writers that run until they are stopped; an error of theirs is kept for the test.

    They go as far ahead of a sync as `allow` lets them, so that a slow machine's syncs meet no more
    changes than those of a fast one.
    """

    def __init__(self, url: str, seed: int, writers: int) -> None:
        self._url = url
        self._stop = threading.Event()
        self.errors: list[BaseException] = []
        self._allowed = 0
        self._counting = threading.Lock()
        self.actions: Counter[str] = Counter()
        self._disturbances = threading.Semaphore(0)
        self.transactions = 0
        self.disturbances = 0
        self._threads = [
            threading.Thread(target=self._guard, args=(self._write, seed * 100 + number))
            for number in range(writers)
        ]
        self._threads.append(
            threading.Thread(target=self._guard, args=(self._disturb, seed * 100 + 99))
        )

    @contextmanager
    def running(self) -> Iterator["Workload"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def allow(self, transactions: int) -> None:
        """Let the writers do so many more transactions, and a migration disturb the next sync."""
        self._allowed = self.transactions + transactions
        self._disturbances.release()

    def _guard(self, work: Callable[[random.Random], None], seed: int) -> None:
        try:
            work(random.Random(seed))
        except BaseException as error:
            self.errors.append(error)

    def _write(self, pick: random.Random) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:

            def run(statement: str) -> object:
                return connection.execute(statement.encode())

            while not self._stop.is_set():
                if self.transactions >= self._allowed:
                    self._stop.wait(0.01)
                    continue
                with suppress(*GIVEN_UP):
                    self._transact(run, pick)
                if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    connection.execute("rollback")
                self._stop.wait(pick.choice((0, 0.005, 0.03)))

    def _transact(self, run: Execute, pick: random.Random) -> None:
        done = []
        run("begin")
        for _ in range(pick.randint(1, 3)):
            done.append(_change(run, pick))
            if pick.random() < 0.3:  # a subtransaction has a number of its own
                run("savepoint inner_part")
                part = _change(run, pick)
                if pick.random() < 0.5:
                    run("rollback to inner_part")
                    done.append(PART_UNDONE)
                else:
                    run("release inner_part")
                    done += [part, PART_KEPT]
        if pick.random() < 0.25:  # a late commit: others begin and end before it
            self._stop.wait(pick.uniform(0.05, 0.5))
            done.append(LATE)
        if pick.random() < 0.2:
            run("rollback")
            done = [UNDONE]
        else:
            run("commit")
        with self._counting:
            self.actions.update(done)
            self.transactions += 1

    def _disturb(self, pick: random.Random) -> None:
        disturbances = itertools.cycle(pick.sample(DISTURBANCES, len(DISTURBANCES)))
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.is_set():
                if not self._disturbances.acquire(timeout=0.1):
                    continue
                self._stop.wait(pick.uniform(0, 1))
                for statement in next(disturbances).split(";"):
                    # A migration that fails half-way is one too.
                    with suppress(psycopg.errors.DeadlockDetected, psycopg.errors.DuplicateColumn,
                                  psycopg.errors.UndefinedColumn):  # fmt: skip
                        connection.execute(statement.encode())
                        with self._counting:
                            self.actions[statement.strip()] += 1
                self.disturbances += 1
