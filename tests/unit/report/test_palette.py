"""The pages' colours by arithmetic: WCAG 2.2 contrast, and series that colour blindness spares."""

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from sselfie_insights.resources import resource_dir

Array = NDArray[np.float64]

# What protanopes and deuteranopes see of linear RGB: Machado, Oliveira and Fernandes (2009), A
# physiologically-based model for simulation of color vision deficiency, severity 1.0.
VISIONS = {
    "all": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
# A just noticeable difference is about 2.3 in CIELAB; thin lines and small swatches need more.
LEAST_DIFFERENCE = 15


def read_modes() -> dict[str, dict[str, str]]:
    """The colours by mode and name."""
    css = (resource_dir("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    blocks = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
        if "--paper:" in block
    ]
    light, dark, paper = blocks
    # Whoever reads in the dark prints on white, too.
    return {"light": light, "dark": light | dark, "print": light | dark | paper}


MODES = read_modes()


def linear(color: str) -> Array:
    return to_linear(srgb(color))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((linear(one) @ LUMINANCE, linear(other) @ LUMINANCE))
    return float((light + 0.05) / (dark + 0.05))


def lab(rgb: Array) -> Array:
    share = XYZ @ rgb / WHITE
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: str, other: str, vision: Array) -> float:
    seen = [lab(np.clip(vision @ linear(color), 0, 1)) for color in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def test_the_arithmetic_gives_published_values() -> None:
    assert contrast("#ffffff", "#000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # W3C's own example
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["ink", "muted", "accent", "good", "bad"])
@pytest.mark.parametrize("ground", ["paper", "card"])
def test_text_can_be_read(mode: str, name: str, ground: str) -> None:
    assert contrast(MODES[mode][name], MODES[mode][ground]) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(1, 7))
def test_marks_can_be_seen(mode: str, number: int) -> None:
    assert contrast(MODES[mode][f"series-{number}"], MODES[mode]["paper"]) >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("vision", VISIONS)
def test_series_can_be_distinguished(mode: str, vision: str) -> None:
    series = [MODES[mode][f"series-{number}"] for number in range(1, 7)]
    near = {
        pair: difference(*pair, VISIONS[vision])
        for pair in combinations(series, 2)
        if difference(*pair, VISIONS[vision]) < LEAST_DIFFERENCE
    }
    assert not near


def test_heat_separates_62_from_75_percent_and_its_text_can_be_read() -> None:
    css = (resource_dir("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    strengths = [int(share) / 100 for share in re.findall(r"--shade: (\d+)%", css)]
    for mode, strength in zip(MODES.values(), strengths, strict=True):
        paper, accent = (srgb(mode[name]) for name in ("paper", "accent"))

        def shade(share: float, paper: Array = paper, accent: Array = accent,
                  strength: float = strength) -> Array:  # fmt: skip
            return paper + (accent - paper) * share * strength

        # A grid from 30 to 95 %: the two cells are 13 of its 65 points apart.
        apart = lab(to_linear(shade(45 / 65))) - lab(to_linear(shade(32 / 65)))
        assert np.linalg.norm(apart) >= 7
        ink, ground = linear(mode["ink"]) @ LUMINANCE, to_linear(shade(1)) @ LUMINANCE
        dark, light = sorted((float(ink), float(ground)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def srgb(color: str) -> Array:
    digits = color[1:] if len(color) == 7 else "".join(each * 2 for each in color[1:])
    return np.array([int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)])


def to_linear(value: Array) -> Array:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
