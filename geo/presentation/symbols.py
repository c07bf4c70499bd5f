"""How a class looks: colour and pattern, so that it can be told in grey print and by every eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from geo.presentation.sides import placed_sides, side_colours
from geo.presentation.statuses import NOBODY, Bar, Pattern, Status, class_order, status_of

_ANGLES = (45, 135, 0, 90)
AGREED = "#6f5aa8"
SOURCE_COLOURS = ("#b8691a", "#178a7a", "#3f7fbf", "#c04a8a")
_GAINED = Pattern(6, 0.85, [Bar(1.7, 0.9, colour="#ffffff"), Bar(0.8, 0.9, across=True, colour="#ffffff")], turn=-45)
_LOST = Pattern(8, 0.55, [Bar(2.6, 0.95)], fill="#ffffff")
_CHANGES = {"gained": (_GAINED, ""), "lost": (_LOST, "3 3")}


@dataclass(frozen=True)
class Symbol:
    """A class's look: the id of its pattern, colour and angle, and its outline."""

    pattern: str
    tile: Pattern
    colour: str
    angle: int
    edge: str
    weight: float
    dash: str = ""

    @property
    def fill(self) -> str:
        """The colour between the bars."""
        return self.tile.fill or self.colour

    @property
    def bars(self) -> list[tuple[Bar, str]]:
        """The pattern's bars, each with its colour."""
        return [(bar, bar.colour or self.colour) for bar in self.tile.bars]

    @property
    def svg(self) -> str:
        size, middle, angle = self.tile.size, f"{self.tile.size / 2:g}", self.angle % 180
        inner = f'<rect width="{size}" height="{size}" fill="{self.fill}" fill-opacity="{self.tile.opacity}"/>'
        for bar, colour in self.bars:
            way = f"M0 {middle}H{size}" if bar.across else f"M{middle} 0V{size}"
            inner += f'<path d="{way}" stroke="{colour}" stroke-width="{bar.width}" stroke-opacity="{bar.opacity}"/>'
        if self.tile.dot:
            radius, opacity = self.tile.dot
            inner += f'<circle cx="{middle}" cy="{middle}" r="{radius}" fill="{self.colour}" fill-opacity="{opacity}"/>'
        turn = f' patternTransform="rotate({angle})"' if angle else ""
        name = f'id="{self.pattern}" patternUnits="userSpaceOnUse"'
        if not self.tile.opacity:
            return f'<pattern {name} width="{size}" height="{size}"></pattern>'
        return f'<pattern {name} width="{size}" height="{size}"{turn}>{inner}</pattern>'


UNCOVERED = Symbol("u0", Pattern(6, 0.12, [Bar(1.4, 0.55)]), "#6b7280", 60, "#6b7280", 0.8, "1 3")


def class_colour(side: str | None, status: str, colours: Mapping[str, str]) -> str:
    """The colour of a class: the status's own, or that of its side."""
    return status_of(status).colour or colours.get(side or "", NOBODY)


def class_symbols(
    classes: Iterable[tuple[str | None, str]], *, colours: Mapping[str, str] | None = None
) -> dict[tuple[str | None, str], Symbol]:
    """The symbol of every class, in the one order of classes; maps draw them from the last to the first."""
    listed = sorted(set(classes), key=class_order)
    sides = side_colours((side for side, _ in listed), colours=colours)
    turns = _angles(sides)
    return {
        (side, name): _symbol(f"p{i}", status_of(name), class_colour(side, name, sides), turns.get(side or "", 0))
        for i, (side, name) in enumerate(listed)
    }


def change_symbols(
    controllers: Iterable[str], *, colours: Mapping[str, str] | None = None
) -> dict[tuple[str, str], Symbol]:
    """The symbols of gained and lost ground of each side."""
    sides = side_colours(controllers, colours=colours)
    turns = _angles(sides)
    return {
        (side, word): Symbol(f"{word[0]}{i}", tile, colour, turns[side] + tile.turn, "#1c2024", 0.9, dash)
        for i, (side, colour) in enumerate(sides.items())
        for word, (tile, dash) in _CHANGES.items()
    }


def source_symbols(sources: Iterable[str]) -> dict[str, Symbol]:
    """The symbols of ground by which of several sources says it: all of them first, then one or some alone."""
    found = {}
    for i, source in enumerate(sources):
        if i == 0:
            found[source] = Symbol("v0", Pattern(6, 0.5), AGREED, 0, AGREED, 1.2)
            continue
        colour, angle = SOURCE_COLOURS[(i - 1) % len(SOURCE_COLOURS)], _ANGLES[(i - 1) % len(_ANGLES)]
        found[source] = Symbol(f"v{i}", Pattern(9, 0.22, [Bar(2.2, 0.9)]), colour, angle, colour, 1.8, "5 2")
    return found


def _angles(sides: Iterable[str]) -> dict[str, int]:
    """How far each side's patterns are turned: by its own place, as its colour is its own."""
    return {code: _ANGLES[(side.order or 0) % len(_ANGLES)] for code, side in placed_sides(sides).items()}


def _symbol(name: str, status: Status, colour: str, angle: int) -> Symbol:
    return Symbol(
        name, status.pattern, colour, angle + status.pattern.turn, status.edge or colour, status.weight, status.dash
    )
