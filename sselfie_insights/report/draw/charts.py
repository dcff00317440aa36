"""Describe charts in Vega-Lite's terms; ``drawing.py`` draws them.

Colours are stand-ins, which the drawing replaces by CSS variables.
"""

from collections.abc import Iterator
from itertools import combinations, compress
from typing import Any

from sselfie_insights.report.blocks import Chart

Layer = dict[str, Any]
"""A layer of a chart: its rows, its mark and how the one draws the other."""

# Width and height in px: for a desk and for a telephone.
WIDE = (1040, 300)
NARROW = (330, 220)

_SERIES = tuple(f"#00f0{number:02x}" for number in range(1, 7))
_HATCHES = tuple(f"#00f1{number:02x}" for number in range(1, 7))
# The points of each line: lines differ by more than colour.
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_INK, _MUTED, _RULE, _PAPER = "#00f201", "#00f202", "#00f203", "#00f204"
PAINTS = (
    {color: f"var(--series-{number})" for number, color in enumerate(_SERIES, start=1)}
    | {color: f"url(#hatch-{number})" for number, color in enumerate(_HATCHES, start=1)}
    | {
        _INK: "var(--ink)",
        _MUTED: "var(--muted)",
        _RULE: "var(--rule)",
        _PAPER: "var(--paper)",
    }
)
# Room for half of the last label, and for a font that is wider than vl-convert's.
_PADDING = {"left": 8, "right": 52, "top": 10, "bottom": 4}
_CONFIG = {
    "aria": False,
    "font": "sans-serif",
    "view": {"strokeOpacity": 0},
    "axis": {
        "labelColor": _MUTED,
        "domainColor": _RULE,
        "gridColor": _RULE,
        "tickColor": _RULE,
        "labelFontSize": 12,
        "labelPadding": 6,
        "labelLimit": 0,  # else every label is measured once more
        "title": None,
    },
}
_QUIET = {"domain": False, "ticks": False}
_FORMATS = {"money": ",.0f", "rate": ".0%", "number": ",.0f"}
_THOUSAND, _TWO_FIGURES = 1_000, 9.95
# A line with more points than this shows a dot only at its end.
_MOST_DOTS = 24


def describe_chart(chart: Chart, size: tuple[int, int]) -> dict[str, Any]:
    """Return the Vega-Lite description of ``chart`` in ``size`` (width, height).

    Args:
        chart: What to draw.
        size: Width and height in px; bars take the height that they need.
    """
    width, height = size
    padding = _PADDING
    match chart.kind:
        case "line":
            layers = [*_draw_lines(chart, width), *_draw_events(chart, width)]
        case "column":
            layers = [*_draw_columns(chart, width), *_draw_events(chart, width, padding=0.25)]
        case "bar":
            few = compress(chart.points, chart.hidden)
            bars = {row["point"] for row in _long_rows(chart)} | set(few)
            layers, height = _draw_bars(chart, width), 30 * len(bars)
            # Names stand left of the bars, cut to a third of the width, in a font that may be
            # wider: by 2 px for each of the 6 px that a character takes.
            longest = min(max(len(point) for point in chart.points), width // 18)
            padding = _PADDING | {"left": 8 + 2 * longest}
        case "waterfall":
            layers = _draw_waterfall(chart, width)
    return {
        "layer": layers,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": padding,
        "background": "transparent",
        "config": _CONFIG,
    }


def _draw_lines(chart: Chart, width: int) -> list[Layer]:
    shared = {"x": _time_axis(chart, width), "y": _value_axis(chart), "stroke": _paint("paint")}
    rows = list(_long_rows(chart))
    # A point without a value breaks the line. From the last complete point on it is dashed.
    dashed = []
    if not chart.complete[-1] and len(chart.points) > 1:
        tail = {len(chart.points) - 2, len(chart.points) - 1}
        dashed = [row for row in rows if row["index"] in tail]
    solid = [row for row in rows if chart.complete[row["index"]]] or rows
    line = {"type": "line", "strokeWidth": 2}
    layers = [_layer(of, line | {"strokeWidth": width}, **shared)
              for width, of in _by_width(chart, solid)]  # fmt: skip
    if chart.has_intervals:
        band = _layer(
            list(_interval_rows(chart)),
            {"type": "area", "fillOpacity": 0.14},
            x=shared["x"],
            y=_number("low", axis=_quiet_axis(chart)),
            y2={"field": "high"},
            fill=_paint("paint"),
        )
        layers.insert(0, band)
    if dashed:
        layers.append(_layer(dashed, line | {"strokeDash": [3, 4]}, **shared))
    dots = rows if len(chart.points) <= _MOST_DOTS else [r for r in rows if _is_last(r, chart)]
    painted = [
        row | {"fill": _dot(row, chart), "shape": _SHAPES[row["rank"] % len(_SHAPES)]}
        for row in dots
    ]
    mark = {"type": "point", "size": 34, "strokeWidth": 1.8, "opacity": 1, "aria": width == WIDE[0]}
    points = shared | {"fill": _paint("fill"), "shape": _paint("shape")} | _title(width)
    layers.append(_layer(painted, mark, **points))
    ends = list(_end_rows(chart))
    text = {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "color": _INK}
    layers.append(_layer(ends, text, x=shared["x"], y=shared["y"], text=_name("text")))
    return [*layers, *_draw_hidden(chart, shared["x"])]


def _by_width(chart: Chart, rows: list[dict[str, Any]]) -> Iterator[tuple[float, list[Layer]]]:
    """The rows by the width of their lines: of lines that coincide the first is the widest."""
    low, high = chart.range
    near = (high - low) / 100
    pairs = [
        (one, other)
        for before, last in combinations(chart.series, 2)
        for one, other in zip(before.values, last.values, strict=True)
        if one is not None and other is not None
    ]
    is_covered = sum(abs(one - other) <= near for one, other in pairs) * 4 > len(pairs)
    for rank in range(len(chart.series)):
        more = len(chart.series) - 1 - rank if is_covered else 0
        yield 2 + 2.5 * more, [row for row in rows if row["rank"] == rank]


def _end_rows(chart: Chart) -> Iterator[dict[str, Any]]:
    """The last value of each line as text, where it is not in the way of another's."""
    low, high = chart.range
    taken: list[float] = []
    for row in _long_rows(chart):
        value = row["value"]
        if not _is_last(row, chart) or value is None:
            continue
        if all(abs(value - other) > (high - low) / 12 for other in taken):
            taken.append(value)
            yield row | {"text": _write_number(value, chart, is_short=True)}


def _draw_events(chart: Chart, width: int, *, padding: float = 0.0) -> list[Layer]:
    """A rule with a number at the period of each event; the caption says what they are."""
    numbers: dict[int, list[str]] = {}
    for number, (position, _) in enumerate(chart.events, start=1):
        numbers.setdefault(position, []).append(str(number))
    rows = [
        {"point": chart.points[position], "text": ", ".join(texts)}
        for position, texts in numbers.items()
    ]
    if not rows:
        return []
    x = _time_axis(chart, width, padding=padding)
    rule = {"type": "rule", "strokeWidth": 1.2, "strokeDash": [2, 3], "color": _MUTED}
    text = {"type": "text", "y": 2, "dx": 4, "align": "left", "baseline": "top", "fontSize": 12,
            "color": _INK}  # fmt: skip
    return [_layer(rows, rule, x=x), _layer(rows, text, x=x, text=_name("text"))]


def _draw_hidden(chart: Chart, x: dict[str, Any]) -> list[Layer]:
    """Hollow squares on the axis where something is hidden: it is not 0."""
    low = chart.range[0]
    rows = [{"point": point, "value": low} for point in compress(chart.points, chart.hidden)]
    mark = {"type": "point", "shape": "square", "size": 50, "strokeWidth": 1.5, "opacity": 1,
            "stroke": _MUTED, "fill": _PAPER}  # fmt: skip
    return [_layer(rows, mark, x=x, y=_value_axis(chart))] if rows else []


def _draw_columns(chart: Chart, width: int) -> list[Layer]:
    rows = [row for row in _long_rows(chart) if row["value"]]
    known = [row for row in rows if chart.complete[row["index"]]]
    running = [
        row | {"fill": _HATCHES[_SERIES.index(row["paint"])]}
        for row in rows
        if not chart.complete[row["index"]]
    ]
    mark = {"type": "bar", "binSpacing": 0, "aria": width == WIDE[0]}
    shared = {
        "x": _time_axis(chart, width, padding=0.25),
        "y": _value_axis(chart),
        "order": _number("rank"),
    } | _title(width)
    squares = _draw_hidden(chart, shared["x"])
    bars = _layer(known, mark, **shared, fill=_paint("paint"))
    if not running:
        return [bars, *squares]
    shared |= {"fill": _paint("fill"), "stroke": _paint("paint")}
    return [bars, _layer(running, mark | {"strokeWidth": 1}, **shared), *squares]


def _draw_bars(chart: Chart, width: int) -> list[Layer]:
    # Vega takes 7 s to cut 10 kB to the limit.
    cut = {"labelLimit": width // 3, "labelExpr": f"slice(datum.label, 0, {width})"}
    axis = {**_QUIET, **cut, "labelColor": _INK}
    y = _name("point", sort=chart.points, axis=axis)
    whiskers = list(_interval_rows(chart)) if chart.has_intervals else []
    ends = {row["point"]: row["high"] for row in whiskers}
    rows = [row | {"end": ends.get(row["point"], row["value"])} for row in _long_rows(chart)]
    longest = max((row["end"] for row in rows), default=0) or 1
    along = {"axis": None, "scale": {"domain": [0, longest * 1.15]}}
    bars = _layer(
        rows,
        {"type": "bar", "height": 16, "aria": width == WIDE[0]},
        x=_number("value", **along),
        y=y,
        fill=_paint("paint"),
        **_title(width),
    )
    few = [
        {"point": point, "value": 0, "text": mark}
        for point, mark in zip(chart.points, chart.hidden, strict=False)
        if mark
    ]
    small = _layer(
        few,
        {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": _MUTED},
        x=_number("value", **along),
        y=y,
        text=_name("text"),
    )
    texts = _layer(
        rows,
        {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": _MUTED},
        x=_number("end", **along),
        y=y,
        text=_number("value", format=_FORMATS[chart.measure]),
    )
    if not whiskers:
        return [bars, texts, small]
    lines = _layer(
        whiskers,
        {"type": "rule", "strokeWidth": 1.5, "color": _INK},
        x=_number("low", **along),
        x2={"field": "high"},
        y=y,
    )
    return [bars, lines, texts, small]


def _draw_waterfall(chart: Chart, width: int) -> list[Layer]:
    colors = {"total": _SERIES[1], "gain": _SERIES[0], "loss": _SERIES[2]}
    signs = {"total": "", "gain": "+", "loss": "\N{MINUS SIGN}"}
    is_wide = width == WIDE[0]
    rows = [
        {
            "label": step.label,
            "low": max(min(step.start, step.end), chart.range[0]),
            "high": max(step.start, step.end),
            "paint": colors[step.kind],
            "text": signs[step.kind]
            + _write_number(abs(step.end - step.start), chart, is_short=not is_wide),
        }
        for step in chart.steps
    ]
    axis = {**_QUIET, "labelAngle": 0 if is_wide else -45, "labelLimit": 110}
    labels = [step.label for step in chart.steps]
    x = _name("label", sort=labels, axis=axis, scale={"paddingInner": 0.3})
    bars = _layer(
        rows,
        {"type": "bar"},
        x=x,
        y=_number("low", axis=_quiet_axis(chart), scale=_value_scale(chart)),
        y2={"field": "high"},
        fill=_paint("paint"),
    )
    texts = _layer(
        rows,
        {"type": "text", "dy": -8, "fontSize": 12 if is_wide else 10, "color": _INK},
        x=x,
        y=_number("high"),
        text=_name("text"),
    )
    return [bars, texts]


def _layer(rows: list[dict[str, Any]], mark: dict[str, Any], **encoding: Any) -> Layer:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def _number(field: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", **more}


def _name(field: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "type": "nominal", **more}


def _title(width: int) -> dict[str, Any]:
    """What a mark says when it is pointed at, as on a desk; ``drawing.py`` makes it a title."""
    return {"description": _name("title")} if width == WIDE[0] else {}


def _paint(field: str) -> dict[str, Any]:
    """The field holds the colour, or the shape, itself."""
    return _name(field, scale=None, legend=None)


def _long_rows(chart: Chart) -> Iterator[dict[str, Any]]:
    for rank, series in enumerate(chart.series):
        for index, value in enumerate(series.values):
            if value is not None or chart.kind == "line":
                yield {
                    "index": index,
                    "point": chart.points[index],
                    "value": value,
                    "rank": rank,
                    "paint": _SERIES[rank % len(_SERIES)],
                    "title": series.titles[index] if series.titles else "",
                }


def _interval_rows(chart: Chart) -> Iterator[dict[str, Any]]:
    for point, ends in zip(chart.points, chart.series[0].ends, strict=True):
        if ends is not None:
            # Bars have an axis of their own; lines cut what reaches out of it.
            high = min(ends[1], chart.range[1]) if chart.kind == "line" else ends[1]
            yield {"point": point, "low": ends[0], "high": high, "paint": _SERIES[0]}


def _time_axis(chart: Chart, width: int, *, padding: float = 0.0) -> dict[str, Any]:
    """Points along the axis in their order, every nth labelled, counted from the newest."""
    count = len(chart.points)
    # A character takes 8 px, and labels keep 20 px apart.
    fitting = max(1, width // (8 * max(len(point) for point in chart.points) + 20))
    step = -(-count // fitting)
    shown = [chart.points[index] for index in range(count - 1, -1, -step)][::-1]
    room = {"paddingInner": padding} if padding else {"padding": 0.4}
    return _name(
        "point",
        sort=chart.points,
        scale={"domain": chart.points, **room},
        axis={
            "values": shown,
            "labelAngle": 0,
            "ticks": False,
            "grid": False,
            "labelOverlap": False,
        },
    )


def _value_axis(chart: Chart) -> dict[str, Any]:
    return _number("value", axis=_quiet_axis(chart), scale=_value_scale(chart))


def _value_scale(chart: Chart) -> dict[str, Any]:
    """From 0 to a round number, or just as far as the lines are."""
    low, high = chart.range
    if low <= 0 and not chart.is_cut:
        return {"zero": True, "nice": True}
    return {"domain": [min(low, 0) if low <= 0 else low, high], "nice": low <= 0}


def _quiet_axis(chart: Chart) -> dict[str, Any]:
    step = {} if chart.measure == "rate" else {"tickMinStep": 1}  # no label twice
    return {**_QUIET, **step, "format": _FORMATS[chart.measure], "tickCount": 4}


def _is_last(row: dict[str, Any], chart: Chart) -> bool:
    return bool(row["index"] == len(chart.points) - 1)


def _dot(row: dict[str, Any], chart: Chart) -> str:
    return str(row["paint"]) if chart.complete[row["index"]] else _PAPER


def _write_number(value: float, chart: Chart, *, is_short: bool) -> str:
    """The number as text; a short one in thousands or millions, to two or three figures."""
    if chart.measure == "rate":
        return f"{value:.0%}"
    if not is_short or value < _THOUSAND:
        return f"{value:,.0f}"
    scaled, suffix = (
        (value / _THOUSAND, "k") if value < _THOUSAND**2 else (value / _THOUSAND**2, "M")
    )
    return f"{scaled:.1f}{suffix}" if scaled < _TWO_FIGURES else f"{scaled:.0f}{suffix}"
