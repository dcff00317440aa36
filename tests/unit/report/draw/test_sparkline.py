from sselfie_insights.report.draw.sparkline import draw_path, draw_text


def test_a_sparkline_runs_from_low_to_high() -> None:
    assert draw_text([0, 7, None, 3.5]) == "▁█ ▅"
    assert draw_text([2, 2]) == "▁▁"
    assert draw_text([1]) == ""
    assert draw_path([0, 10], 100, 20) == "M0.0,20.0h0L100.0,0.0"
    assert draw_path([0, None, 10, 5], 90, 20) == "M0.0,20.0h0M60.0,0.0h0L90.0,10.0"
