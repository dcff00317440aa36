"""Draw charts as SVG whose colours the page's style sheet decides.

vl-convert draws what ``charts.py`` describes. The stand-ins for colours are replaced by CSS
variables afterwards, so that one drawing serves the light, the dark and the printed page.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import vl_convert

from sselfie_insights.errors import SselfieError
from sselfie_insights.report.blocks import Chart
from sselfie_insights.report.draw.charts import NARROW, PAINTS, WIDE, describe_chart
from sselfie_insights.system import child_environment

_PROCESS = Path(__file__).with_name("svg_worker.py")
_BACKGROUND = re.compile(r'<path class="(?:background|foreground)"[^>]*/>')
_TITLED = re.compile(r'(<path)(?: aria-label="([^"]+)")([^>]*)/>')
_UNREAD = re.compile(
    r' (?:class|role|aria-[a-z]+|pointer-events|version|xmlns:xlink|font-family|opacity)="[^"]*"'
    r'| stroke-width="1"'  # as it is anyway
)
# Drawings that another process was asked for.
_ahead: dict[tuple[Chart, tuple[int, int]], Future[str]] = {}


@cache
def draw_chart(chart: Chart, size: tuple[int, int]) -> str:
    """Return ``chart`` as an ``<svg>`` element of ``size`` (width, height), drawn once."""
    if (chart, size) in _ahead:
        return _recolor(_ahead[chart, size].result())
    return _recolor(vl_convert.vegalite_to_svg(describe_chart(chart, size)))


@contextmanager
def drawing_ahead() -> Iterator[Callable[[Chart], None]]:
    """Give a function that has another process draw a chart; inside, ``draw_chart`` waits for it.

    Drawing is half of the work of a site, and can go on while the next page is made.

    Raises:
        SselfieError: That process ended, from ``draw_chart``.
    """
    with (
        subprocess.Popen(
            [sys.executable, "-P", str(_PROCESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=child_environment("PYTHON"),
        ) as process,
        ThreadPoolExecutor(1) as thread,
    ):

        def start(chart: Chart) -> None:
            for size in (WIDE, NARROW):
                if (chart, size) not in _ahead:
                    description = json.dumps(describe_chart(chart, size))
                    _ahead[chart, size] = thread.submit(_ask, process, description)

        try:
            yield start
        finally:
            _ahead.clear()
            thread.shutdown(cancel_futures=True)
            process.communicate()


def _ask(process: "subprocess.Popen[str]", description: str) -> str:
    """Have ``process`` draw; return the SVG."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes
    try:
        process.stdin.write(description + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise SselfieError("the process that draws the charts has ended", remedy="free some memory")
    answer = json.loads(line)
    if "error" in answer:
        raise ValueError(answer["error"])
    return str(answer["svg"])


def _recolor(svg: str) -> str:
    """Put CSS variables for the stand-ins, and drop what only Vega's own viewer reads.

    Only tags are touched, never the text between them.
    """
    svg = _TITLED.sub(r"\1\3><title>\2</title></path>", _BACKGROUND.sub("", svg))
    svg = re.sub(r"<[^>]+>", lambda tag: _clean_tag(tag[0]), svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _clean_tag(tag: str) -> str:
    tag = re.sub(r"#00f[012][0-9a-f]{2}", lambda match: PAINTS[match[0]], _UNREAD.sub("", tag))
    return re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), tag)
