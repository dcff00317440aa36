import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator, ValidationError

from sselfie_insights.report import Page
from sselfie_insights.report.blocks import Chart, Series
from sselfie_insights.report.draw.charts import NARROW, WIDE, describe_chart
from sselfie_insights.report.draw.drawing import draw_chart

POINTS = ("Jan 2026", "Feb 2026", "Mar 2026")


def make(kind: str, *values: float | None, complete: bool = False) -> Chart:
    return Chart(
        kind, POINTS, (Series("A", values),), (), (True, True, complete), "number", "Summary.",  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def validate() -> Callable[[dict[str, Any]], None]:
    """Hold a description, as vl-convert gets it, against the schema that Altair ships."""
    schema = json.loads(
        files("altair").joinpath("vegalite/v6/schema/vega-lite-schema.json").read_text()
    )
    validator = Draft7Validator(schema)
    return lambda description: validator.validate(json.loads(json.dumps(description)))


def test_every_chart_is_valid_vega_lite(
    pages: dict[str, Page], validate: Callable[[dict[str, Any]], None]
) -> None:
    charts = [
        block.chart
        for page in pages.values()
        for block in page.data.values()
        if block.chart is not None
    ]
    assert {chart.kind for chart in charts} >= {"line", "bar"}
    for chart in charts:
        for size in (WIDE, NARROW):
            validate(describe_chart(chart, size))
        svg = ElementTree.fromstring(draw_chart(chart, WIDE))  # noqa: S314
        assert svg.tag.endswith("svg")


def test_the_schema_refuses_what_vega_lite_does_not_know(
    validate: Callable[[dict[str, Any]], None],
) -> None:
    description = describe_chart(make("line", 1.0, 2.0, 3.0), WIDE)
    validate(description)
    description["layer"][0]["mark"]["strokeWith"] = 2
    with pytest.raises(ValidationError):
        validate(description)


@pytest.mark.parametrize("kind", ["line", "bar", "column"])
def test_colours_are_the_pages_own(kind: str) -> None:
    svg = draw_chart(make(kind, 1.0, 2.0, 3.0), WIDE)
    assert "var(--series-1)" in svg
    assert not re.search(r'="#[0-9a-f]{3,6}"', svg)


def test_the_interval_is_drawn_as_a_band_or_as_thin_lines(
    validate: Callable[[dict[str, Any]], None],
) -> None:
    ends = ((0.1, 0.4), None, (0.2, 0.3))
    for kind, drawn in (("line", 'fill-opacity="0.1'), ("bar", 'stroke="var(--ink)"')):
        plain = make(kind, 0.2, 0.5, 0.25, complete=True)
        printed = replace(plain, series=(replace(plain.series[0], ends=ends),))
        assert printed.has_intervals and not plain.has_intervals
        validate(describe_chart(printed, WIDE))
        assert drawn in draw_chart(printed, WIDE)
        assert drawn not in draw_chart(plain, WIDE)


def test_a_chart_of_zeros_and_gaps_is_blank() -> None:
    assert make("line", None, None).is_blank and make("column", 0.0, None, 0.0).is_blank
    assert not make("line", 0.0, None, 1.0).is_blank
    zeros = make("line", 0.0, 0.0)
    printed = replace(zeros, series=(replace(zeros.series[0], ends=((0.0, 0.4), None)),))
    assert not printed.is_blank, "a share of none says something, with its interval"


def test_a_running_bar_is_hatched() -> None:
    assert draw_chart(make("column", 1.0, 2.0, 3.0), WIDE).count("url(#hatch-1)") == 1
    assert "hatch" not in draw_chart(make("column", 1.0, 2.0, 3.0, complete=True), WIDE)


def test_the_point_of_a_running_period_is_hollow_and_its_line_dashed() -> None:
    svg = draw_chart(make("line", 1.0, 2.0, 3.0), WIDE)
    assert svg.count('fill="var(--paper)"') == 1
    assert svg.count("stroke-dasharray") == 1
    done = draw_chart(make("line", 1.0, 2.0, 3.0, complete=True), WIDE)
    assert "stroke-dasharray" not in done and 'fill="var(--paper)"' not in done


def test_a_missing_value_breaks_the_line() -> None:
    lines = re.findall(r'<path d="([^"]+)"[^>]*stroke-width="2"', draw_chart(
        make("line", 1.0, None, 3.0, complete=True), WIDE))  # fmt: skip
    assert all("L" not in line.split("Z")[0] or line.count("M") == 2 for line in lines)


def test_text_of_the_data_is_left_alone() -> None:
    hostile = 'a<b> 9.99 class="x" #00f101 </script>'
    chart = Chart("bar", (hostile,), (Series("A", (1.0,)),), (), (True,), "number", "Summary.")
    tree = ElementTree.fromstring(draw_chart(chart, WIDE))  # noqa: S314
    assert hostile in [text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_a_name_of_any_length_leaves_room_for_the_bars() -> None:
    chart = Chart("bar", ("x" * 10_000,), (Series("A", (1.0,)),), (), (True,), "number", "Summary.")
    for size in (WIDE, NARROW):
        [bar] = re.findall(r'd="M0,0h([0-9.]+)v', draw_chart(chart, size))
        assert float(bar) > size[0] / 4


def test_the_narrow_drawing_is_narrow() -> None:
    assert 'viewBox="0 0 330 ' in draw_chart(make("line", 1.0, 2.0, 3.0), NARROW)


def line(*values: float | None, ends: tuple[Any, ...] = (), hidden: tuple[str, ...] = ()) -> Chart:
    points = tuple(f"p{n}" for n in range(len(values)))
    titles = tuple(f"A, {point}: {value}" for point, value in zip(points, values, strict=True))
    return Chart(
        "line", points, (Series("A", values, ends, titles),), (), (True,) * len(values), "rate",
        "A chart.", hidden=hidden,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "ends", "expected", "is_cut"),
    [
        # Everything between 0.80 and 1.00: the axis begins a quarter of that below.
        ((0.8, 1.0), (), (0.75, 1.0), False),
        ((0.4, 1.0), (), (0.0, 1.0), False),
        ((-0.2, 1.0), (), (-0.2, 1.0), False),
        # An interval up to 0.40 is shown, one up to 0.80 would flatten the line.
        ((0.25, 0.05), ((0.1, 0.40), (0.0, 0.1)), (0.0, 0.40), False),
        ((0.25, 0.05), ((0.1, 0.80), (0.0, 0.1)), (0.0, 0.25), True),
        ((None, None), (), (0.0, 0.0), False),
    ],
    ids=str,
)
def test_the_axis_fits_what_is_drawn(
    values: Any, ends: Any, expected: tuple[float, float], is_cut: bool
) -> None:
    chart = line(*values, ends=ends)
    assert chart.range == pytest.approx(expected)
    assert chart.is_cut == is_cut


def test_what_is_hidden_is_drawn_and_no_zero() -> None:
    drawn = draw_chart(line(0.5, None, 0.6, hidden=("", "<5", "")), WIDE)
    open_drawn = draw_chart(line(0.5, None, 0.6), WIDE)
    assert drawn.count('stroke="var(--muted)"') == open_drawn.count('stroke="var(--muted)"') + 1
    bars = replace(
        line(0.5, None, None, hidden=("", "<5", "hidden")),
        kind="bar",
        points=("one", "few", "near"),
    )
    drawn = draw_chart(bars, WIDE)
    # A large group that would give the small one away is not called small.
    assert drawn.count(">&lt;5<") == drawn.count(">hidden<") == 1


def test_values_are_at_line_ends_and_under_the_pointer() -> None:
    wide, narrow = (draw_chart(line(0.5, 0.62), size) for size in (WIDE, NARROW))
    assert ">62%</text>" in wide and ">62%</text>" in narrow
    assert "<title>A, p0: 0.5</title></path>" in wide
    assert "<title>" not in narrow, "nothing points at a telephone"


def test_lines_that_coincide_are_both_seen() -> None:
    one = line(0.5, 0.6, 0.7, 0.8)
    apart = replace(one.series[0], label="B", values=(0.1, 0.2, 0.3, 0.4))
    same = replace(one.series[0], label="B")
    widths = {
        name: re.findall(r'stroke-width="([\d.]+)"', draw_chart(replace(one, series=pair), WIDE))
        for name, pair in {"apart": (one.series[0], apart), "same": (one.series[0], same)}.items()
    }
    assert "4.5" in widths["same"] and "4.5" not in widths["apart"]
