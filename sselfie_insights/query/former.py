"""Keys that headers of earlier versions may have."""

from typing import NamedTuple


class Former(NamedTuple):
    """Why a key is refused, and what to do; ``{path}`` is the file."""

    reason: str
    remedy: str


FORMER = {
    "drill_down": Former("it is called 'rows' now", "run: sed -i 's/^drill_down:/rows:/' {path}"),
    "computed": Former(
        "every query is SQL now, over tables of the schema growth",
        "write what 'sselfie query show growth/segment_sizes' shows; see also growth/alerts_now",
    ),
    "seasons": Former(
        "a usual course is that of all earlier periods now",
        "run: sed -i -E 's/seasons: *[0-9]+,? *//' {path}",
    ),
    "deviations": Former(
        "how far is unusual follows from 'level' now, how often chance alone may go that far",
        "run: sed -i -E 's/deviations: *[0-9.]+,? *//' {path}",
    ),
}
"""Keys that files of earlier versions may have, and what to do about them."""
