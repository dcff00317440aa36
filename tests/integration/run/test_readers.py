"""Analysts read while run after run publishes: no error, no torn result, and nobody waits."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

from sselfie_insights.warehouse.publish import private_copy, publish
from sselfie_insights.warehouse.reading import OpenWarehouse

READERS = 8
PUBLICATIONS = 10
ROWS = 2_000
PATIENCE_SECONDS = 600
PAUSE_SECONDS = 0.01
"""Between two looks, so that eight analysts leave something of the processors to others."""


def read_until_told(warehouse: Path, pipe: Connection) -> None:
    """Open, query, close, again and again; answer every question with what was read since."""
    seen: list[int] = []
    try:
        while True:
            with OpenWarehouse(warehouse) as opened:
                db = opened.connection
                left = db.execute("select min(round), max(round), sum(v) from marts.a").fetchone()
                right = db.execute("select min(round), max(round), sum(v) from marts.b").fetchone()
            assert left is not None
            assert left == right, f"torn: {left} and {right}"
            assert left[0] == left[1], f"torn: {left}"
            assert left[2] == sum(range(ROWS)) * left[0], f"torn: {left}"
            assert not seen or seen[-1] <= left[0], "an older publication came back"
            seen.append(left[0])
            if pipe.poll(PAUSE_SECONDS):
                if not pipe.recv():
                    return
                pipe.send(len(seen))
    except Exception as error:
        pipe.send(repr(error))


def write(private: Path, number: int) -> None:
    with duckdb.connect(private) as db:
        db.execute("create schema if not exists marts")
        for name in ("a", "b"):
            db.execute(
                f"create or replace table marts.{name} as"
                f" select {number} as round, i * {number} as v from range({ROWS}) r (i)"
            )


def test_eight_analysts_and_ten_publications(tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with private_copy(warehouse) as private:
        write(private, 1)
        publish(private, warehouse)
    context = multiprocessing.get_context("spawn")
    pipes, readers = [], []
    for _ in range(READERS):
        mine, theirs = context.Pipe()
        reader = context.Process(target=read_until_told, args=(warehouse, theirs), daemon=True)
        reader.start()
        pipes.append(mine)
        readers.append(reader)

    def counts() -> list[int]:
        """How often each has read by now, once each of them has read once more."""
        for pipe in pipes:
            pipe.send(True)
        answers = []
        for pipe in pipes:
            assert pipe.poll(PATIENCE_SECONDS), "a reader waits"
            answers.append(pipe.recv())
        assert all(isinstance(answer, int) for answer in answers), answers
        return answers

    try:
        before = counts()
        for number in range(2, PUBLICATIONS + 2):
            with private_copy(warehouse) as private:
                write(private, number)
                # While the writer holds the warehouse, every analyst reads on.
                during = counts()
                assert all(later > earlier for earlier, later in zip(before, during, strict=True))
                publish(private, warehouse)
            before = during
        for pipe in pipes:
            pipe.send(False)
        deadline = time.monotonic() + PATIENCE_SECONDS
        for reader in readers:
            reader.join(max(0, deadline - time.monotonic()))
            assert reader.exitcode == 0
    finally:
        for reader in readers:
            reader.kill()
    with OpenWarehouse(warehouse) as opened:
        found = opened.connection.sql("select any_value(round) from marts.a").fetchall()
    assert found == [(PUBLICATIONS + 1,)]
