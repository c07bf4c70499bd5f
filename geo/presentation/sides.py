"""The table of sides: label, colour and order. A side without a row is called by its code and has the next colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from geo.errors import UsageError

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
PALETTE = ("#b2182b", "#2166ac", "#7f00ff", "#828216", "#8c510a", "#01665e", "#c51b7d", "#4d4d4d")
NOBODY = "#efc94c"  # ground that no side is said to have


@dataclass(frozen=True)
class Side:
    """A side: the code that archives write, its label, its colour ("" is the next of the palette), and its order."""

    code: str
    label: str
    colour: str = ""
    order: int = 0


_TABLE: dict[str, Side] = {}  # empty as shipped: which sides there are is the archive's to say


def side_of(code: str) -> Side:
    """The row of a side; one that is in no row is called by its code."""
    return _TABLE.get(code) or Side(code, code)


def side_order(code: str | None) -> tuple[bool, int, str]:
    """What sides are sorted by; nobody is last."""
    return (code is None, 0, "") if code is None else (False, side_of(code).order, code)


def side_colours(controllers: Iterable[str | None], *, colours: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for every controller, in the order of sides."""
    for name, colour in (colours or {}).items():
        _check_colour(name, colour)
    names = sorted({c for c in controllers if c}, key=side_order)
    chosen = {name: side_of(name).colour or PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}
    return chosen | {name: colour for name, colour in (colours or {}).items() if name in chosen}


def register(side: Side) -> None:
    """Add a side to the table, or replace its row, for as long as the program runs; every output then knows it."""
    if side.colour:
        _check_colour(side.code, side.colour)
    twin = next((s for s in _TABLE.values() if s.label == side.label and s.code != side.code), None)
    if twin is not None:
        raise UsageError(
            f"side {side.code}: {side.label!r} is what {twin.code} is called: nobody could tell them apart"
        )
    _TABLE[side.code] = side


@contextmanager
def registered(side: Side) -> Iterator[Side]:
    """A side that is in the table inside the ``with`` alone."""
    before = _TABLE.get(side.code)
    register(side)
    try:
        yield side
    finally:
        del _TABLE[side.code]
        if before is not None:
            _TABLE[side.code] = before


def _check_colour(name: str, colour: str) -> None:
    if not _HEX.fullmatch(colour):
        raise UsageError(f"the colour of {name!r} is {colour!r}: write it as #rrggbb")
