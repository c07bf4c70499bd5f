"""More incidents than a map can show one by one: those near each other share a mark that says how many they are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.area import lengths_km
from geo.spots import Spot

SPOT_LIMIT = 500  # incidents that are drawn one by one; a page of them takes 300 KB
MARKS = 120  # what a map shows of more, so that the ground under them is still seen
_FINEST = 1 / 64  # of the ground that they lie on: the first mesh that is tried
_NAMED = 3  # values of a fact that are named
_TOLD = ("Event", "Verification", "Source")


def thinned(spots: Sequence[Spot], *, limit: int = SPOT_LIMIT, marks: int = MARKS) -> list[Spot]:
    """Incidents as marks: one each where they are few, else one for those near each other."""
    if len(spots) <= limit:
        return list(spots)
    at = np.array([(s.lon, s.lat) for s in spots])
    reach = max(float(np.ptp(at[:, 0])), float(np.ptp(at[:, 1])), 1e-6)
    mesh = reach * _FINEST
    groups = _grouped(spots, at, mesh)
    while sum(spots[members[0]].kind != "region" for members in groups) > marks and mesh < 4 * reach:
        mesh *= 1.5
        groups = _grouped(spots, at, mesh)
    made = [_mark([spots[i] for i in members], at[members]) for members in groups]
    return sorted(made, key=lambda mark: -mark.count)


def swell(count: int) -> float:
    """By how much the radius of a mark grows for the incidents that share it, in pixels; 0 for one alone."""
    return round(min(14.0, 2 * math.log2(count)), 1)


def shared_words(spots: Sequence[Spot]) -> str:
    """What is to be said where incidents share marks, "" where each has its own."""
    if all(spot.count == 1 for spot in spots):
        return ""
    count = sum(spot.count for spot in spots)
    return (
        f"{count:,} incidents, more than can be told apart here: those near each other, or known to the same region,"
        f" share a mark, the larger the more they are ({len(spots):,} marks). geo incidents lists them one by one, and"
        " so do a site's downloads"
    )


def _grouped(spots: Sequence[Spot], at: NDArray[np.float64], mesh: float) -> list[list[int]]:
    cells = np.floor(at / mesh).astype(np.int64).tolist()
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, (spot, cell) in enumerate(zip(spots, cells, strict=True)):
        groups[(spot.area_name,) if spot.kind == "region" else (spot.kind, *cell)].append(i)
    return list(groups.values())


def _mark(members: Sequence[Spot], at: NDArray[np.float64]) -> Spot:
    if len(members) == 1:
        return members[0]
    lon, lat = at.mean(axis=0).tolist()
    km = lengths_km(shapely.linestrings(np.stack([at, np.broadcast_to((lon, lat), at.shape)], axis=1)))
    first = members[0]
    within = f"within {max(1, round(float(km.max()))):,} km"
    where = f"somewhere in {first.area_name}" if first.kind == "region" else within
    radius = max(1000 * d + s.radius_m for d, s in zip(km.tolist(), members, strict=True)) if first.radius_m else 0.0
    told = [(name, _values([dict(spot.facts).get(name, "") for spot in members])) for name in _TOLD]
    facts = [("Incidents", f"{len(members):,}"), ("Date", _span(members)), ("Where", where), *told]
    title = f"{len(members):,} incidents {where}"
    return replace(first, lat=lat, lon=lon, radius_m=radius, title=title, facts=[(k, v) for k, v in facts if v],
                   count=len(members))  # fmt: skip


def _span(members: Sequence[Spot]) -> str:
    days = [day for spot in members for day in dict(spot.facts).get("Date", "").split(" to ") if day]
    return " to ".join(dict.fromkeys((min(days), max(days)))) if days else ""


def _values(said: Sequence[str]) -> str:
    """The most frequent values of a fact, each with how often it stands."""
    counts = Counter(text for text in said if text)
    named = counts.most_common(_NAMED)
    parts = [f"{text} ({count:,})" for text, count in named]
    rest = sum(counts.values()) - sum(count for _, count in named)
    return "; ".join([*parts, f"others ({rest:,})"] if rest else parts)
