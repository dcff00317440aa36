"""Run the benchmarks that are named, or all of them."""

import argparse
import sys
from collections.abc import Callable

from tests.bench import (
    build,
    calibration,
    command,
    masking,
    mirror,
    nightly,
    ranges,
    retention,
    scale,
    small,
    statistics,
)

BENCHES: dict[str, Callable[[int], bool]] = {
    "mirror": mirror.run,
    "build": build.run,
    "calibration": calibration.run,
    "command": command.run,
    "masking": masking.run,
    "nightly": nightly.run,
    "ranges": ranges.run,
    "retention": retention.run,
    "scale": scale.run,
    "small": small.run,
    "statistics": statistics.run,
}
"""Name and function: it takes the rows to measure on, prints, and says whether all targets hold."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument(
        "--rows",
        type=int,
        default=8_000_000,
        help="of the source; businesses of each world (calibration, 400 at most) or in all (small)",
    )
    given = parser.parse_args()
    unknown = set(given.names) - BENCHES.keys()
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    held = [BENCHES[name](given.rows) for name in given.names or BENCHES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
