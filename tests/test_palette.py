"""Colours and patterns of classes: told apart by every eye, and in grey print."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from geo.output.images.themes import THEMES, is_dark
from geo.presentation.statuses import HELD_FILL, status_of
from geo.presentation.symbols import Symbol, change_symbols, class_symbols, mixed

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB
EYES = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
SIDES = ["A", "B", "C", "D"]
STATUSES = ("held", "claimed", "advance", "liberated")
ROOT = Path(__file__).resolve().parents[1]


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def lab(colour: np.ndarray, eye: np.ndarray) -> np.ndarray:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(eye @ linear, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def strength(opacity: str, theme: str) -> float:
    """How strongly a class is filled: as its symbol says, or as the style sheet says for dark pages."""
    text = (ROOT / "geo" / "assets" / "map.css").read_text(encoding="utf-8")
    stronger = dict(re.findall(r'rect\[fill-opacity="([\d.]+)"\] \{ fill-opacity: ([\d.]+); \}', text))
    assert stronger == {str(HELD_FILL): str(THEMES["dark"].held[0])}
    even = re.search(r"\.even-held \{ fill-opacity: ([\d.]+); \}", text)
    assert even is not None
    assert float(even[1]) == THEMES["dark"].held[0]
    assert status_of("held").tint == HELD_FILL
    return float(stronger.get(opacity, opacity) if theme == "dark" else opacity)


def fill(symbol: Symbol, ground: np.ndarray, theme: str) -> np.ndarray:
    """The colour of a class between its bars, over the ground."""
    found = re.search(r'<rect [^>]*fill="(#\w{6})" fill-opacity="([\d.]+)"', symbol.svg)
    assert found is not None
    share = strength(found[2], theme)
    return share * rgb(found[1]) + (1 - share) * ground


def themes() -> dict[str, dict[str, str]]:
    """Land and sea of both themes, from the style sheet itself."""
    text = (ROOT / "geo" / "assets" / "map.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", text, flags=re.S)
    return {
        name: dict(re.findall(r"--(\w+): (#\w{6})", block))
        for name, block in zip(("light", "dark"), blocks, strict=False)
    }


@pytest.mark.parametrize("patterns", [False, True])
@pytest.mark.parametrize(("theme", "least"), [("light", 15.0), ("dark", 10.0)])
def test_classes_are_told_apart_by_every_eye(theme: str, least: float, patterns: bool) -> None:
    colours = themes()[theme]
    land = rgb(colours["land"])
    symbols = class_symbols([*((side, "held") for side in SIDES), (None, "contested")], patterns=patterns)
    seen = {f"{side or ''} {status}": fill(s, land, theme) for (side, status), s in symbols.items()}
    seen |= {"land": land, "sea": rgb(colours["sea"])}
    for eye, matrix in EYES.items():
        at = {name: lab(colour, matrix) for name, colour in seen.items()}
        for one, other in itertools.combinations(at, 2):
            if {one, other} != {"land", "sea"}:
                # bare ground beside the first side's red is what falls below 15, in dark pages
                near = {one, other} & {"land", "sea"} and "A held" in (one, other)
                wanted = least if near else 15.0
                assert np.linalg.norm(at[one] - at[other]) >= wanted, (theme, eye, one, other)


def test_red_and_green_would_fail() -> None:
    """The measure can fail: the colours of traffic lights are one to a deuteranope."""
    one, other = (lab(0.45 * rgb(c) + 0.55, EYES["deuteranopia"]) for c in ("#b2182b", "#4d7c0f"))
    assert np.linalg.norm(one - other) < 15


def test_every_class_has_a_pattern_of_its_own_without_its_colour() -> None:
    classes = [*((side, status) for side in SIDES for status in STATUSES), (None, "contested")]
    found = {**class_symbols(classes, patterns=True), **change_symbols(SIDES, patterns=True)}
    grey = {key: re.sub(r"#\w{6}|id=\"\w+\"", "", symbol.svg) for key, symbol in found.items()}
    assert len(grey) == 4 * 4 + 1 + 8
    assert len(set(grey.values())) == len(grey)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_a_side_holds_gained_and_lost_is_told_apart_in_grey(theme: str) -> None:
    """By lightness (CIELAB), without patterns: held, gained and lost are 15 and more apart; held ground has no bars."""
    land, paper = rgb(themes()[theme]["land"]), THEMES[theme]
    held = class_symbols([(side, "held") for side in SIDES])
    changed = change_symbols(SIDES)
    for side in SIDES:
        looks = {
            word: rgb(mixed(changed[side, word].colour, word, on_dark=theme == "dark")) for word in ("gained", "lost")
        }
        looks |= {"held": fill(held[side, "held"], land, theme), "land": land}
        lightness = sorted((lab(colour, np.eye(3))[0], name) for name, colour in looks.items())
        for (one, a), (other, b) in itertools.pairwise(lightness):
            assert other - one >= (10 if "land" in (a, b) else 15), (theme, side, a, b)
    assert is_dark(paper) is (theme == "dark")
    doubt = class_symbols([("A", "held"), ("A", "claimed"), ("A", "advance"), (None, "contested"), ("A", "liberated")])
    assert {status for (_, status), look in doubt.items() if not look.bars} == {"held"}


def test_pages_and_pictures_mix_the_same_colours() -> None:
    """What the style sheet mixes in dark pages is what pictures have."""
    text = (ROOT / "geo" / "assets" / "map.css").read_text(encoding="utf-8")
    for word in ("gained", "lost"):
        found = re.search(rf"\.even-{word} \{{ fill: color-mix\(in srgb, currentColor (\d+)%, (#\w+)\)", text)
        assert found is not None
        share = int(found[1]) / 100
        wanted = share * rgb("#b2182b") + (1 - share) * rgb(found[2])
        np.testing.assert_allclose(rgb(mixed("#b2182b", word, on_dark=True)), wanted, atol=0.003)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_what_is_under_them(theme: str) -> None:
    """WCAG contrast of text, soft text and links on paper, and of place names on their halo: at least 4.5."""
    colours = themes()[theme]

    def light(name: str) -> float:
        c = rgb(colours[name])
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    for over, under in (("ink", "paper"), ("soft", "paper"), ("focus", "paper"), ("label", "halo"), ("label", "land")):
        high, low = sorted((light(over), light(under)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (over, under)
