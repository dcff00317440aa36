"""Who is left alone, so that the effect of writing to the others can be measured."""

from hashlib import sha256

# A share is told in whole percent; a hash is taken as a number below this.
_SPACE = 2**64


def is_held_out(segment: str, customer_key: str, percent: int) -> bool:
    """Say whether a person is in a segment's holdout group.

    The same person is always in the same group of a segment, and independently so in another one:
    the hash is salted with the segment's name. A larger share holds out the same people and more.

    Args:
        segment: The segment's short name.
        customer_key: The person.
        percent: The share to hold out, 0-100.
    """
    digest = sha256(f"{segment}\x00{customer_key}".encode()).digest()
    return int.from_bytes(digest[:8]) * 100 < percent * _SPACE
