"""The popups of ground: what a click on a class or a change says, beside its shapes and its look.

Incidents' popups: `geo.incidents.markers.marker_of`; the front line's: `MapContent.front_facts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from geo.presentation.labels import area, class_key, class_label
from geo.presentation.language import gettext
from geo.presentation.legend import StyledLayer, change_label, group_name
from geo.presentation.statuses import ClassKey, class_order
from geo.presentation.symbols import Symbol, class_symbols

if TYPE_CHECKING:
    import shapely


def classes_with_popups(
    rows: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    shown: str,
    colours: Mapping[str, str] | None,
    place: str,
    *,
    patterns: bool = False,
) -> list[StyledLayer]:
    """The ground of each class, with its look and the facts of its popup."""
    shapes: dict[ClassKey, list[shapely.Geometry]] = {}
    since: dict[ClassKey, list[date]] = {}
    for row in rows:
        shapes.setdefault(class_key(row), []).append(row["geometry"])
        since.setdefault(class_key(row), []).append(row["valid_from"].date())
    km2 = {class_key(row): row for row in figures}
    symbols = class_symbols({key[:2] for key in shapes}, colours=colours, patterns=patterns)
    drawn = []
    for key in sorted(shapes, key=class_order):
        known = km2.get(key)
        facts = [(gettext("Source"), shown)]
        if known is not None:
            whole = gettext("All of it{place}", place=place), area(known["area_km2"])
            facts = [whole, *facts]
        name = group_name(key[1], key[0])
        drawn.append(StyledLayer(class_label(*key), symbols[key[:2]], shapes[key], facts, key, since[key], name))
    return drawn


def changes_with_popups(
    rows: Sequence[Mapping[str, Any]], base: str, facts: Sequence[tuple[str, str]], symbols: Mapping[Any, Symbol]
) -> list[StyledLayer]:
    """The ground that was gained and lost, with its look and the facts of its popup."""
    return [
        StyledLayer(
            change_label(row["change"], row["controller"], base),
            symbols[row["controller"], row["change"]], [row["geometry"]],
            [(gettext("All of it{place}", place=""), area(row["area_km2"])), *facts],
            name=group_name(row["change"], row["controller"]),
        )
        for row in rows
    ]  # fmt: skip
