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


def draw_points(values: Sequence[float | None], width: int, height: int) -> str:
    """Return the ``points`` of an SVG polyline of ``width`` by ``height``; gaps are bridged."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low = min(value for _, value in known)
    spread = max(value for _, value in known) - low
    step = width / (len(values) - 1)

    def level(value: float) -> float:
        return height * (1 - (value - low) / spread) if spread else height / 2

    return " ".join(f"{index * step:.1f},{level(value):.1f}" for index, value in known)
