"""How a class looks: colour and pattern, so that it can be told in grey print and by every eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

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
    even: str = ""  # filled evenly, without pattern and outline, as what: a status, "gained" or "lost"

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
        if self.even:
            look = f'class="even-{self.even}" color="{self.colour}" fill="{self.fill}"'
            inner = f'<rect width="64" height="64" {look} fill-opacity="{self.tile.opacity}"/>'
            return (
                f'<pattern id="{self.pattern}" patternUnits="userSpaceOnUse" width="64" height="64">{inner}</pattern>'
            )
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
    classes: Iterable[tuple[str | None, str]], *, colours: Mapping[str, str] | None = None, patterns: bool = False
) -> dict[tuple[str | None, str], Symbol]:
    """The symbol of every class, in the one order of classes; maps draw them from the last to the first.

    Without `patterns` held ground has none: what is in doubt, and what is only remembered, keeps its own.
    """
    listed = sorted(set(classes), key=class_order)
    sides = side_colours((side for side, _ in listed), colours=colours)
    turns = _angles(sides)
    found = {
        (side, name): _symbol(f"p{i}", status_of(name), class_colour(side, name, sides), turns.get(side or "", 0))
        for i, (side, name) in enumerate(listed)
    }
    return found if patterns else {key: _even(look, key[1], status_of(key[1]).tint) for key, look in found.items()}


def change_symbols(
    controllers: Iterable[str], *, colours: Mapping[str, str] | None = None, patterns: bool = False
) -> dict[tuple[str, str], Symbol]:
    """The symbols of gained and lost ground of each side."""
    sides = side_colours(controllers, colours=colours)
    turns = _angles(sides)
    found = {
        (side, word): Symbol(f"{word[0]}{i}", tile, colour, turns[side] + tile.turn, "#1c2024", 0.9, dash)
        for i, (side, colour) in enumerate(sides.items())
        for word, (tile, dash) in _CHANGES.items()
    }
    return found if patterns else {key: _even(look, key[1], _STRONG) for key, look in found.items()}


_STRONG = 1.0  # how strongly changed ground is filled
# of a side's colour, how much is left over in the even fill of changed ground, and what is mixed in: on light, on dark
_MIXED = {"gained": ((1.0, "#000000"), (0.6, "#ffffff")), "lost": ((0.4, "#000000"), (0.25, "#ffffff"))}


def _even(look: Symbol, name: str, strength: float) -> Symbol:
    """A symbol without pattern and outline; one in doubt keeps its pattern."""
    if not strength:
        return look
    fill = mixed(look.colour, name) if name in _MIXED else look.colour
    return replace(look, tile=Pattern(64, strength, fill=fill), edge=fill, weight=0.0, dash="", even=name)


def mixed(colour: str, change: str, *, on_dark: bool = False) -> str:
    """A side's colour in the even fill of the ground that it gained or lost; map.css has the same for dark pages."""
    share, other = _MIXED[change][on_dark]
    one, two = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (colour, other))
    pairs = zip(one, two, strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


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
