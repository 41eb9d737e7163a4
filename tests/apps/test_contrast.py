"""Text is legible in both themes: at least 4.5 to 1 against what it stands on (WCAG AA)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import apps.dashboard
from interp.figures.theme import ALLOWED_CYCLIC, template

CSS = (Path(apps.dashboard.__file__).parent / "assets" / "app.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root[^{]*\{([^}]*)", CSS)
)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["card", "ground", "notice", "code"])
@pytest.mark.parametrize("text", ["text", "muted", "accent", "good", "bad"])
def test_text_on_every_ground(theme, ground, text):
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_in_figures(theme):
    layout = template(theme).layout
    assert contrast(layout.font.color, layout.paper_bgcolor) >= 7
    assert contrast(layout.title.subtitle.font.color, layout.paper_bgcolor) >= 4.5
    assert layout.paper_bgcolor == (DARK if theme == "dark" else LIGHT)["card"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colours", ALLOWED_CYCLIC.values(), ids=str)
def test_a_phase_stands_out_from_the_paper(theme, colours):
    assert min(contrast(colour, template(theme).layout.paper_bgcolor) for colour in colours) >= 2


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
