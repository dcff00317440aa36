"""Describe charts in Vega-Lite's terms, by Altair; ``report/drawing.py`` draws them.

Colours are stand-ins, which the drawing replaces by CSS variables.
"""

from collections.abc import Iterator
from typing import Any

import altair as alt
from altair.utils import schemapi

from sselfie_insights.report.blocks import Chart

# Width and height in px: for a desk and for a telephone.
WIDE = (1040, 300)
NARROW = (330, 220)

_SERIES = tuple(f"#00f0{number:02x}" for number in range(1, 7))
_HATCHES = tuple(f"#00f1{number:02x}" for number in range(1, 7))
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
_PADDING = {"left": 8, "right": 26, "top": 10, "bottom": 4}
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
_FORMATS = {"money": ",.0f", "rate": ".0%", "number": ",.0f"}
_THOUSAND, _TWO_FIGURES = 1_000, 9.95
# A line with more points than this shows a dot only at its end.
_MOST_DOTS = 24


class _Data(dict[str, list[dict[str, Any]]]):
    """The rows of a chart, beside its description: Altair would copy them at every step."""

    def add(self, rows: list[dict[str, Any]]) -> alt.NamedData:
        """Take ``rows`` and return the name by which the chart finds them."""
        name = f"rows-{len(self)}"
        self[name] = rows
        return alt.NamedData(name=name)


def describe_chart(
    chart: Chart, size: tuple[int, int], *, validate: bool = False
) -> dict[str, Any]:
    """Return the Vega-Lite description of ``chart`` in ``size`` (width, height).

    Args:
        chart: What to draw.
        size: Width and height in px; bars take the height that they need.
        validate: Whether to hold the description against Vega-Lite's schema.
    """
    # The tests validate against Vega-Lite's schema; doing so for every page triples the time.
    with schemapi.debug_mode(validate):
        return _describe_layers(chart, size, validate=validate)


def _describe_layers(chart: Chart, size: tuple[int, int], *, validate: bool) -> dict[str, Any]:
    width, height = size
    padding = _PADDING
    data = _Data()
    match chart.kind:
        case "line":
            layers = _draw_lines(chart, width, data)
        case "column":
            layers = _draw_columns(chart, width, data)
        case "bar":
            bars = {row["point"] for row in _long_rows(chart)}
            layers, height = _draw_bars(chart, width, data), 30 * len(bars)
            # Names stand left of the bars, cut to a third of the width, in a font that may be
            # wider: by 2 px for each of the 6 px that a character takes.
            longest = min(max(len(point) for point in chart.points), width // 18)
            padding = _PADDING | {"left": 8 + 2 * longest}
        case "waterfall":
            layers = _draw_waterfall(chart, width, data)
    # Altair's own way to put layers together copies each a dozen times.
    described = [layer.to_dict(validate=validate, context={"top_level": False}) for layer in layers]
    description = {
        "layer": described,
        "width": width,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": padding,
        "background": "transparent",
        "config": _CONFIG,
    }
    if validate:
        alt.LayerChart.from_dict(description)
    return description | {"$schema": alt.SCHEMA_URL, "datasets": data}


def _draw_lines(chart: Chart, width: int, data: _Data) -> list[alt.Chart]:
    x, y = _time_axis(chart, width), _value_axis(chart)
    color = _stroke("paint")
    rows = list(_long_rows(chart))
    # A point without a value breaks the line. From the last complete point on it is dashed.
    dashed = []
    if not chart.complete[-1] and len(chart.points) > 1:
        tail = {len(chart.points) - 2, len(chart.points) - 1}
        dashed = [row for row in rows if row["index"] in tail]
    solid = [row for row in rows if chart.complete[row["index"]]] or rows
    line = alt.Chart(data.add(solid)).mark_line(strokeWidth=2).encode(x=x, y=y, stroke=color)
    parts: list[alt.Chart] = [line]
    if chart.has_intervals:
        band = alt.Chart(data.add(list(_interval_rows(chart)))).mark_area(fillOpacity=0.14)
        low = alt.Y("low:Q", axis=_quiet_axis(chart))
        parts.insert(0, band.encode(x=x, y=low, y2="high:Q", fill=_fill("paint")))
    if dashed:
        parts.append(
            alt.Chart(data.add(dashed))
            .mark_line(strokeWidth=2, strokeDash=[3, 4])
            .encode(x=x, y=y, stroke=color)
        )
    dots = rows if len(chart.points) <= _MOST_DOTS else [r for r in rows if _is_last(r, chart)]
    parts.append(
        alt.Chart(data.add([row | {"fill": _dot(row, chart)} for row in dots]))
        .mark_point(size=34, strokeWidth=1.8, opacity=1)
        .encode(x=x, y=y, stroke=color, fill=_fill("fill"))
    )
    return parts


def _draw_columns(chart: Chart, width: int, data: _Data) -> list[alt.Chart]:
    rows = [row for row in _long_rows(chart) if row["value"]]
    known = [row for row in rows if chart.complete[row["index"]]]
    running = [
        row | {"fill": _HATCHES[_SERIES.index(row["paint"])]}
        for row in rows
        if not chart.complete[row["index"]]
    ]
    x, y, order = _time_axis(chart, width, padding=0.25), _value_axis(chart), alt.Order("rank:Q")
    bars = (
        alt.Chart(data.add(known))
        .mark_bar(binSpacing=0)
        .encode(x=x, y=y, fill=_fill("paint"), order=order)
    )
    hatched = (
        alt.Chart(data.add(running))
        .mark_bar(strokeWidth=1, binSpacing=0)
        .encode(x=x, y=y, fill=_fill("fill"), stroke=_stroke("paint"), order=order)
    )
    return [bars, hatched] if running else [bars]


def _draw_bars(chart: Chart, width: int, data: _Data) -> list[alt.Chart]:
    rows = list(_long_rows(chart))
    axis = alt.Axis(
        domain=False,
        ticks=False,
        labelLimit=width // 3,
        labelExpr=f"slice(datum.label, 0, {width})",  # Vega takes 7 s to cut 10 kB to the limit
        labelColor=_INK,
    )
    y = alt.Y("point:N", sort=list(chart.points), axis=axis)
    whiskers = list(_interval_rows(chart)) if chart.has_intervals else []
    ends = {row["point"]: row["high"] for row in whiskers}
    rows = [row | {"end": ends.get(row["point"], row["value"])} for row in rows]
    scale = alt.Scale(domain=[0, (max((row["end"] for row in rows), default=0) or 1) * 1.15])
    x = alt.X("value:Q", axis=None, scale=scale)
    bars = alt.Chart(data.add(rows)).mark_bar(height=16).encode(x=x, y=y, fill=_fill("paint"))
    texts = (
        alt.Chart(data.add(rows))
        .mark_text(align="left", dx=6, fontSize=12, color=_MUTED)
        .encode(
            x=alt.X("end:Q", axis=None, scale=scale),
            y=y,
            text=alt.Text("value:Q", format=_FORMATS[chart.measure]),
        )
    )
    if not whiskers:
        return [bars, texts]
    lines = (
        alt.Chart(data.add(whiskers))
        .mark_rule(strokeWidth=1.5, color=_INK)
        .encode(x=alt.X("low:Q", axis=None, scale=scale), x2="high:Q", y=y)
    )
    return [bars, lines, texts]


def _draw_waterfall(chart: Chart, width: int, data: _Data) -> list[alt.Chart]:
    colors = {"total": _SERIES[1], "gain": _SERIES[0], "loss": _SERIES[2]}
    signs = {"total": "", "gain": "+", "loss": "\N{MINUS SIGN}"}
    rows = [
        {
            "label": step.label,
            "low": min(step.start, step.end),
            "high": max(step.start, step.end),
            "paint": colors[step.kind],
            "text": signs[step.kind]
            + _write_number(abs(step.end - step.start), chart, is_short=width != WIDE[0]),
        }
        for step in chart.steps
    ]
    x = alt.X(
        "label:N",
        sort=[step.label for step in chart.steps],
        axis=alt.Axis(
            labelAngle=0 if width == WIDE[0] else -45, domain=False, ticks=False, labelLimit=110
        ),
        scale=alt.Scale(paddingInner=0.3),
    )
    y = alt.Y("low:Q", axis=_quiet_axis(chart), scale=alt.Scale(zero=True, nice=True))
    bars = alt.Chart(data.add(rows)).mark_bar().encode(x=x, y=y, y2="high:Q", fill=_fill("paint"))
    texts = (
        alt.Chart(data.add(rows))
        .mark_text(dy=-8, fontSize=12 if width == WIDE[0] else 10, color=_INK)
        .encode(x=x, y=alt.Y("high:Q"), text="text:N")
    )
    return [bars, texts]


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
                }


def _interval_rows(chart: Chart) -> Iterator[dict[str, Any]]:
    for point, ends in zip(chart.points, chart.series[0].ends, strict=True):
        if ends is not None:
            yield {"point": point, "low": ends[0], "high": ends[1], "paint": _SERIES[0]}


def _time_axis(chart: Chart, width: int, *, padding: float = 0.0) -> alt.X:
    """Points along the axis in their order, every nth labelled, counted from the newest."""
    count = len(chart.points)
    # A character takes 8 px, and labels keep 20 px apart.
    fitting = max(1, width // (8 * max(len(point) for point in chart.points) + 20))
    step = -(-count // fitting)
    shown = [chart.points[index] for index in range(count - 1, -1, -step)][::-1]
    domain = list(chart.points)
    scale = (
        alt.Scale(domain=domain, paddingInner=padding)
        if padding
        else alt.Scale(domain=domain, padding=0.4)
    )
    return alt.X(
        "point:N",
        sort=domain,
        scale=scale,
        axis=alt.Axis(values=shown, labelAngle=0, ticks=False, grid=False, labelOverlap=False),
    )


def _value_axis(chart: Chart) -> alt.Y:
    return alt.Y("value:Q", axis=_quiet_axis(chart), scale=alt.Scale(zero=True, nice=True))


def _quiet_axis(chart: Chart) -> alt.Axis:
    step = alt.Undefined if chart.measure == "rate" else 1  # no label twice
    return alt.Axis(
        format=_FORMATS[chart.measure], tickCount=4, tickMinStep=step, domain=False, ticks=False
    )


def _fill(field: str) -> alt.Fill:
    """The field holds the colour itself."""
    return alt.Fill(f"{field}:N", scale=None, legend=None)


def _stroke(field: str) -> alt.Stroke:
    return alt.Stroke(f"{field}:N", scale=None, legend=None)


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
