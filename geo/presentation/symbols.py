"""How a class looks: colour and pattern, so that it can be told in grey print and by every eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from geo.presentation.sides import CONTESTED, side_colours

_ANGLES = (45, 135, 0, 90)


@dataclass(frozen=True)
class Symbol:
    """A class's look: the id of its pattern, the pattern as SVG, and its outline."""

    pattern: str
    svg: str
    edge: str
    weight: float
    dash: str = ""


def class_symbols(
    classes: Iterable[tuple[str | None, str]], *, colours: Mapping[str, str] | None = None
) -> dict[tuple[str | None, str], Symbol]:
    """The symbol of every class, in the order in which they are drawn (``held`` on top of ``liberated``)."""
    listed = sorted(set(classes), key=lambda c: (_ORDER.index(c[1]), c[0] or ""))
    sides = side_colours((c for c, _ in listed), colours=colours)
    return {
        (controller, status): _symbol(
            f"p{i}", status, sides.get(controller or "", CONTESTED), _angle(controller, sides)
        )
        for i, (controller, status) in enumerate(listed)
    }


def change_symbols(
    controllers: Iterable[str], *, colours: Mapping[str, str] | None = None
) -> dict[tuple[str, str], Symbol]:
    """The symbols of gained and lost ground of each side."""
    sides = side_colours(controllers, colours=colours)
    found = {}
    for i, (name, colour) in enumerate(sides.items()):
        gained = _pattern(
            f"g{i}",
            6,
            _angle(name, sides) - 45,
            _rect(6, colour, 0.85) + _bar(6, "#ffffff", 1.7, 0.9) + _across(6, "#ffffff", 0.8, 0.9),
        )
        lost = _pattern(f"l{i}", 8, _angle(name, sides), _rect(8, "#ffffff", 0.55) + _bar(8, colour, 2.6, 0.95))
        found[name, "gained"] = Symbol(f"g{i}", gained, "#1c2024", 0.9)
        found[name, "lost"] = Symbol(f"l{i}", lost, "#1c2024", 0.9, "3 3")
    return found


def voice_symbols(voices: Iterable[str]) -> dict[str, Symbol]:
    """The symbols of ground by which of several sources says it: all of them first, then one or some alone."""
    found = {}
    for i, voice in enumerate(voices):
        name = f"v{i}"
        if i == 0:
            found[voice] = Symbol(name, _pattern(name, 6, 0, _rect(6, AGREED, 0.5)), AGREED, 1.2)
            continue
        colour = VOICES[(i - 1) % len(VOICES)]
        inner = _rect(9, colour, 0.22) + _bar(9, colour, 2.2, 0.9)
        found[voice] = Symbol(name, _pattern(name, 9, _ANGLES[(i - 1) % len(_ANGLES)], inner), colour, 1.8, "5 2")
    return found


HELD_FILL = 0.45  # of a held side; dark pages and pictures have it at 0.6
AGREED = "#6f5aa8"
VOICES = ("#b8691a", "#178a7a", "#3f7fbf", "#c04a8a")
_ORDER = ("liberated", "contested", "advance", "claimed", "held")


def _angle(controller: str | None, sides: Mapping[str, str]) -> int:
    return 0 if controller is None else _ANGLES[list(sides).index(controller) % len(_ANGLES)]


def _symbol(name: str, status: str, colour: str, angle: int) -> Symbol:
    if status == "held":
        inner, size = _rect(7, colour, HELD_FILL) + _bar(7, colour, 1.1, 0.6), 7
        return Symbol(name, _pattern(name, size, angle, inner), colour, 1.6)
    if status == "contested":
        inner = _rect(8, colour, 0.6) + _bar(8, "#6b5410", 0.8, 0.75) + _across(8, "#6b5410", 0.8, 0.75)
        return Symbol(name, _pattern(name, 8, 45, inner), "#8a6d1a", 1.2, "4 3")
    if status == "claimed":
        inner = _rect(11, colour, 0.1) + _bar(11, colour, 1.6, 0.8)
        return Symbol(name, _pattern(name, 11, angle, inner), colour, 1.6, "7 4")
    if status == "advance":
        dot = f'<circle cx="3.5" cy="3.5" r="1.5" fill="{colour}" fill-opacity="0.85"/>'
        inner = _rect(7, colour, 0.15) + _bar(7, colour, 0.7, 0.6) + dot
        return Symbol(name, _pattern(name, 7, angle, inner), colour, 1.2, "2 3")
    inner = _rect(10, colour, 0.1) + _across(10, colour, 0.7, 0.5)
    return Symbol(name, _pattern(name, 10, angle - 45, inner), colour, 0.7)


def _pattern(name: str, size: int, angle: int, inner: str) -> str:
    turn = f' patternTransform="rotate({angle % 180})"' if angle % 180 else ""
    return f'<pattern id="{name}" patternUnits="userSpaceOnUse" width="{size}" height="{size}"{turn}>{inner}</pattern>'


def _rect(size: int, colour: str, opacity: float) -> str:
    return f'<rect width="{size}" height="{size}" fill="{colour}" fill-opacity="{opacity}"/>'


def _bar(size: int, colour: str, width: float, opacity: float) -> str:
    middle = size / 2
    return f'<path d="M{middle:g} 0V{size}" stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}"/>'


def _across(size: int, colour: str, width: float, opacity: float) -> str:
    middle = size / 2
    return f'<path d="M0 {middle:g}H{size}" stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}"/>'
