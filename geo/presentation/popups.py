"""What a click on ground says: each class and each change as a layer with its look and its facts.

Incidents' popups: `geo.incidents.markers.marker_of`; the front line's: `geo.output.html.map_page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from geo.presentation.labels import class_key, class_label, figure
from geo.presentation.legend import StyledLayer
from geo.presentation.statuses import ClassKey, class_order, side_of
from geo.presentation.symbols import Symbol, class_symbols

if TYPE_CHECKING:
    import shapely


def class_layers(
    rows: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    shown: str,
    colours: Mapping[str, str] | None,
    place: str,
) -> list[StyledLayer]:
    """The ground of each class, with its look and what a click on it says."""
    shapes: dict[ClassKey, list[shapely.Geometry]] = {}
    since: dict[ClassKey, list[date]] = {}
    for row in rows:
        shapes.setdefault(class_key(row), []).append(row["geometry"])
        since.setdefault(class_key(row), []).append(row["valid_from"].date())
    km2 = {class_key(row): row for row in figures}
    symbols = class_symbols({key[:2] for key in shapes}, colours=colours)
    drawn = []
    for key in sorted(shapes, key=class_order):
        known = km2.get(key)
        facts = [("Source", shown)]
        if known is not None:
            facts = [("All of it" + place, f"{figure(known['area_km2'])} km²"), *facts, ("Snapshot", known["snapshot"])]
        drawn.append(StyledLayer(class_label(*key), symbols[key[:2]], shapes[key], facts, key, since[key]))
    return drawn


def change_layers(
    rows: Sequence[Mapping[str, Any]], base: str, facts: Sequence[tuple[str, str]], symbols: Mapping[Any, Symbol]
) -> list[StyledLayer]:
    """The ground that was gained and lost."""
    return [
        StyledLayer(
            f"{row['change'].capitalize()} by {side_of(row['controller']).label} since {base}",
            symbols[row["controller"], row["change"]], [row["geometry"]],
            [("Area", f"{figure(row['area_km2'])} km²"), *facts],
        )
        for row in rows
    ]  # fmt: skip
