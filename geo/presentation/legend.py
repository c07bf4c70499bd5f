"""What a map's legend says, in the one order of classes: classes, changes, the front line, incidents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

import shapely

from geo.presentation.language import N_, gettext, number, plain_number
from geo.presentation.sides import side_of
from geo.presentation.statuses import ClassKey, class_order
from geo.presentation.symbols import Symbol

if TYPE_CHECKING:
    from geo.measure.front_line import Front

Mark = Literal["class", "change", "front", "settlement", "place", "several", "region", "circle"]
_REGION = N_("Incident known to lie somewhere in this region")
_CIRCLE = N_("Incident known to lie somewhere in this circle")


@dataclass(frozen=True)
class StyledLayer:
    """Polygons that are drawn alike: what they are called, how they look, and what is known of them."""

    label: str
    symbol: Symbol
    shapes: Sequence[shapely.Geometry]
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    key: ClassKey | None = None  # the class, where it is one
    since: Sequence[date] = ()  # since when each of the shapes has been drawn so, where that is known
    name: str = ""  # of its group in an SVG: held-RU, gained-RU, contested


@dataclass(frozen=True)
class LegendEntry:
    """A line of a legend: its words and the mark beside them; `layer` is the place of a class or change in its list."""

    label: str
    mark: Mark
    symbol: Symbol | None = None
    layer: int = 0


def group_name(what: str, side: str | None) -> str:
    """The id of a class's or change's group in an SVG; a side's code may be any text."""
    return "-".join([what, *([re.sub(r"[^A-Za-z0-9_.]+", "-", side)] if side else [])])


def in_order(layers: Sequence[StyledLayer]) -> list[StyledLayer]:
    """Layers in the one order of classes; those that are no class come last, as they stand."""
    return sorted(layers, key=lambda layer: (99,) if layer.key is None else class_order(layer.key))


def legend_of(
    classes: Sequence[StyledLayer], changes: Sequence[StyledLayer] = (), *, front: str = "",
    settlements: Sequence[StyledLayer] = (), incidents: Sequence[str] = (), shares_marks: bool = False,
) -> list[LegendEntry]:  # fmt: skip
    """The legend of a map of these layers, a front line of these words, settlements, and incidents of these kinds."""
    entries: dict[str, LegendEntry] = {}
    for i, item in enumerate(in_order(classes)):
        entries.setdefault(item.label, LegendEntry(item.label, "class", item.symbol, i))
    for i, item in enumerate(changes):
        entries.setdefault(item.label, LegendEntry(item.label, "change", item.symbol, i))
    found = list(entries.values())
    if front:
        found.append(LegendEntry(front, "front"))
    found += [LegendEntry(item.label, "settlement", item.symbol, i) for i, item in enumerate(settlements)]
    if "place" in incidents:
        many = gettext("Incidents near each other, the larger the more")
        found.append(LegendEntry(many if shares_marks else gettext("Incident"), "place"))
    if sum(kind == "place" for kind in incidents) > 1:
        apart = "" if shares_marks else gettext("; zoomed in, they come apart")
        found.append(LegendEntry(gettext("So many incidents close together") + apart, "several"))
    if "region" in incidents:
        found.append(LegendEntry(gettext(_REGION), "region"))
    if "circle" in incidents:
        found.append(LegendEntry(gettext(_CIRCLE), "circle"))
    return found


def change_label(change: str, side: str, since: str) -> str:
    """Ground that a side gained or lost, in words."""
    said = {"gained": N_("Gained by {side} since {date}"), "lost": N_("Lost by {side} since {date}")}
    return gettext(said[change], side=side_of(side).label, date=since)


def front_words(front: Front) -> str:
    """What a front line shows, with what its length rests on."""
    whose = gettext("held ground ends")
    if len(front.sides) > 1:
        whose = gettext(
            "ground held by {sides} ends", sides=gettext(" or ").join(side_of(s).label for s in front.sides)
        )
    return gettext(
        "Front line: where {ground_ends}, {inset} km or more inside border and coast;"
        " {length} km as drawn (tolerance {tolerance} km)",
        ground_ends=whose, inset=plain_number(front.inset_km), length=number(front.length_km),
        tolerance=plain_number(front.tolerance_km),
    )  # fmt: skip
