from collections.abc import Iterator
from pathlib import Path

import pytest

from sselfie_insights.errors import SselfieError
from sselfie_insights.report.blocks import Chart, Series
from sselfie_insights.report.draw import drawing
from sselfie_insights.report.draw.charts import NARROW, WIDE
from sselfie_insights.report.draw.drawing import draw_chart, drawing_ahead

POINTS = ("Jan 2026", "Feb 2026")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    draw_chart.cache_clear()
    yield
    draw_chart.cache_clear()


def make(first: float) -> Chart:
    return Chart(
        "line", POINTS, (Series("É <b>", (first, 2.0)),), (), (True, True), "number", "Summary."
    )


def test_another_process_draws_the_same() -> None:
    charts = [make(first) for first in (1.0, 3.0)]
    here = [draw_chart(chart, size) for chart in charts for size in (WIDE, NARROW)]
    draw_chart.cache_clear()
    with drawing_ahead() as draw:
        for chart in [*charts, charts[0]]:
            draw(chart)
        assert len(drawing._ahead) == len(here)
        there = [draw_chart(chart, size) for chart in charts for size in (WIDE, NARROW)]
    assert there == here
    assert drawing._ahead == {}


def test_what_was_not_asked_for_ahead_is_drawn_here() -> None:
    with drawing_ahead() as draw:
        draw(make(1.0))
        assert draw_chart(make(3.0), WIDE).startswith("<svg ")


def test_an_end_of_the_other_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "process.py").write_text("")
    monkeypatch.setattr(drawing, "_PROCESS", tmp_path / "process.py")
    with drawing_ahead() as draw, pytest.raises(SselfieError, match="that draws the charts has"):
        draw(make(1.0))
        draw_chart(make(1.0), WIDE)


def test_a_description_that_cannot_be_drawn_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "describe_chart", lambda chart, size: {"mark": "nothing"})
    with drawing_ahead() as draw, pytest.raises(ValueError, match="Vega-Lite"):
        draw(make(1.0))
        draw_chart(make(1.0), WIDE)
