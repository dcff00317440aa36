"""Which rows changed since a snapshot: the rule of ``xmin``, safe across its wraparound.

Every row version carries ``xmin``, the low 32 bits of the transaction that wrote it. A row that
an earlier snapshot did not show was written by a transaction that had not begun then, or was
still running: none is older than that snapshot's own xmin. So the rows to read again are those
whose writer, counted back from now, is not older. Timestamps and ``max(xmin)`` miss late commits.
"""

EPOCH = 1 << 32
MAX_GAP = 1 << 31
"""Transactions after which a 32-bit number no longer separates old from new."""

FIRST_NORMAL = 3
"""Lower transaction numbers mark rows that are older than every snapshot."""


def changed_since(since: int, now: int) -> str:
    """Return the condition, for Postgres, that a row may have changed after a snapshot.

    Big-endian bytes compare like the number they spell, and far faster than text does.

    Args:
        since: The 64-bit ``pg_snapshot_xmin`` of the earlier snapshot.
        now: The 64-bit ``pg_snapshot_xmax`` of the snapshot that is read.

    Raises:
        ValueError: The snapshots lie too far apart, or the wrong way round.
    """
    if not since <= now < since + MAX_GAP:
        raise ValueError(f"the gap from transaction {since} to {now} cannot be derived from xmin")
    if since == now:
        return "false"
    first, last = since % EPOCH, (now - 1) % EPOCH
    if first <= last:
        return f"xidsend(xmin) between {_bytes(max(first, FIRST_NORMAL))} and {_bytes(last)}"
    return (
        f"(xidsend(xmin) >= {_bytes(first)}"
        f" or xidsend(xmin) between {_bytes(FIRST_NORMAL)} and {_bytes(last)})"
    )


def _bytes(number: int) -> str:
    return f"'\\x{number:08x}'::bytea"
