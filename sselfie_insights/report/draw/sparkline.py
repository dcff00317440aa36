"""The course of a number in the space of a word, for terminal and page."""

from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"


def draw_text(values: Sequence[float | None]) -> str:
    """Return one character a value, from the lowest to the highest; a gap is a space."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, spread = min(known), max(known) - min(known)
    top = len(_LEVELS) - 1
    return "".join(
        " " if value is None else _LEVELS[round((value - low) / spread * top) if spread else 0]
        for value in values
    )


def draw_path(values: Sequence[float | None], width: int, height: int) -> str:
    """Return the ``d`` of an SVG path of ``width`` by ``height``; a gap breaks the line."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, spread = min(known), max(known) - min(known)
    step = width / (len(values) - 1)
    path, is_drawing = "", False
    for index, value in enumerate(values):
        if value is not None:
            level = height * (1 - (value - low) / spread) if spread else height / 2
            # A line of no length makes a dot of a value between two gaps.
            path += f"{'L' if is_drawing else 'M'}{index * step:.1f},{level:.1f}"
            path += "" if is_drawing else "h0"
        is_drawing = value is not None
    return path
