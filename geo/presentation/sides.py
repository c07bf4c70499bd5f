"""Colours of sides and statuses: told apart under every common colour blindness, the same on every output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from geo.errors import UsageError

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
CONTESTED = "#efc94c"
SIDES = ("#b2182b", "#2166ac", "#7f00ff", "#828216", "#8c510a", "#01665e", "#c51b7d", "#4d4d4d")


def side_colours(controllers: Iterable[str | None], *, colours: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for every controller, by the order of their names."""
    for name, colour in (colours or {}).items():
        if not _HEX.fullmatch(colour):
            raise UsageError(f"the colour of {name!r} is {colour!r}: write it as #rrggbb")
    names = sorted({c for c in controllers if c})
    chosen = {name: SIDES[i % len(SIDES)] for i, name in enumerate(names)}
    return chosen | {name: colour for name, colour in (colours or {}).items() if name in chosen}
