"""Who is left alone, so that the effect of writing to the others can be measured."""

from hashlib import sha256

# A share is stated in whole percent; a hash is taken as a number below this.
_SPACE = 2**64


def is_held_out(customer_key: str, percent: int) -> bool:
    """Say whether a person is held out.

    The same people are held out of every segment, so that no other message reaches who is to be
    left alone. A larger share holds out the same people and more.

    Args:
        customer_key: The person.
        percent: The share to hold out, 0-100.
    """
    digest = sha256(f"holdout\x00{customer_key}".encode()).digest()
    return int.from_bytes(digest[:8]) * 100 < percent * _SPACE
