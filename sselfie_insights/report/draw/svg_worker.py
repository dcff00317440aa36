"""vl-convert in a process of its own, since it lets nothing else run in the one that calls it.

``drawing.drawing_ahead`` runs this file; nothing imports it. A line of stdin is a description in
Vega-Lite's JSON; a line of stdout is the drawing, or what was wrong.
"""

import json
import signal
import sys

import vl_convert


def main() -> None:
    """Draw until stdin ends, as it does when whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(line)}
        except ValueError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
