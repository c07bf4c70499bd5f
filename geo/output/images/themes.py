"""How pictures look: themes, shapes with their sizes of type, and the formats that they are written in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from geo.errors import UsageError
from geo.presentation.statuses import NOBODY

Shape = Literal["slide", "square", "column"]
ThemeName = Literal["light", "dark"]
FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Theme:
    """Colours of everything that is no class of control: those of the dated page."""

    paper: str
    ink: str
    soft: str
    rule: str
    sea: str
    land: str
    line: str
    unit: str
    river: str
    halo: str
    mark: str
    mark_edge: str
    # how strongly held ground's fill and bars are drawn, as the style canvas of the pages has it
    held: tuple[float, float]
    # of an extract of the owner's own
    wood: str
    built: str
    rail: str
    road: str
    water: str  # of its names


THEMES: Mapping[str, Theme] = {
    "light": Theme("#ffffff", "#1c2024", "#5a6168", "#d7dbdf", "#e1e8ec", "#fbfaf7", "#8b9299", "#b9bec3", "#b7cad6",
                   "#fbfaf7", "#1c2024", "#ffffff", (0.45, 0.6), "#eef2e6", "#e9e5de", "#b4b4b4", "#d8cfc0",
                   "#4a6d82"),
    "dark": Theme("#171c20", "#eceff1", "#a9b2ba", "#394148", "#12181d", "#262c31", "#7d868e", "#464e55", "#33424d",
                  "#1b2126", "#ffffff", "#12181d", (0.6, 1.0), "#273029", "#32373b", "#565d63", "#4b4a45",
                  "#8fb0c2"),
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    width: float
    height: float
    dpi: int
    margin: float
    title: float
    subtitle: float
    body: float
    small: float
    credit: float
    marks: float


SHAPES: Mapping[str, Format] = {
    "slide": Format(960, 540, 144, 26, 25, 13, 12, 9.5, 7.5, 1.0),  # 1920 × 1080 pixels
    "square": Format(540, 540, 144, 18, 22, 11, 11, 9, 6.3, 0.85),  # 1080 × 1080
    "column": Format(270, 0, 300, 9, 13.5, 8, 7.5, 6.5, 5.5, 0.6),  # 95 mm, 1125 pixels
}

# of pictures alone: a card for links, whose map has a title and a legend and no table, and a sheet of paper
_SIZES: Mapping[str, Format] = {
    "card": Format(600, 315, 144, 13, 19, 9.5, 9, 8, 5.2, 0.8),  # 1200 × 630
    "a4": Format(595.28, 841.89, 200, 34, 23, 12, 11.5, 9.5, 7, 0.95),
}
_PIXELS = re.compile(r"(\d{3,4})x(\d{3,4})")


def picture_form(size: str) -> Format:
    """The format of a picture's size: a name, or pixels as 1600x900."""
    known = {**SHAPES, **_SIZES}
    pixels = _PIXELS.fullmatch(size)
    if size not in known and pixels is None:
        raise UsageError(f"shape={size!r} is unknown: {', '.join(known)}, or pixels from 100 to 9999, as 1600x900")
    if pixels is None:
        return known[size]
    wide, high = (int(text) / 2 for text in pixels.groups())
    base = SHAPES["slide" if wide >= WIDE * high else "square"]
    k = min(wide / base.width, high / base.height)
    small = {
        name: k * getattr(base, name) for name in ("margin", "title", "subtitle", "body", "small", "credit", "marks")
    }
    return replace(base, width=wide, height=high, **small)


WIDE = 1.25  # width over height from which words stand beside the map


def kind_of(path: Path, known: Sequence[str] = FORMATS) -> str:
    """The format that a file's name asks for."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in known:
        raise UsageError(f"{path}: a picture's name ends in " + ", ".join(f".{k}" for k in known))
    return kind


def chosen(shape: str, theme: str) -> tuple[Format, Theme]:
    if shape not in SHAPES:
        raise UsageError(f"shape={shape!r} is unknown: " + ", ".join(SHAPES))
    if theme not in THEMES:
        raise UsageError(f"theme={theme!r} is unknown: " + ", ".join(THEMES))
    return SHAPES[shape], THEMES[theme]


def is_dark(theme: Theme) -> bool:
    return _luminance(theme.paper) <= 0.5


def legible(colour: str, theme: Theme) -> str:
    """A side's colour as a line on this paper: lighter on dark, the yellow of contested ground darker on light.

    Any colour goes on toward the ink until its contrast is 3 (WCAG 2.2, 1.4.11).
    """
    light = not is_dark(theme)
    toward, share = (theme.ink, 0.35) if not light else ("#3c2d00", 0.4) if colour == NOBODY else (theme.ink, 0.0)
    while _contrast(mixed := _mix(colour, toward, share), theme.paper) < 3 and share < 1:
        share = min(1.0, share + 0.05)
    return mixed


def _mix(colour: str, toward: str, share: float) -> str:
    pairs = zip(_parts(colour), _parts(toward), strict=True)
    return "#" + "".join(f"{round(a * (1 - share) + b * share):02x}" for a, b in pairs)


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (p / 255 for p in _parts(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
