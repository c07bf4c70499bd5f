"""The ground of a class as pieces that do not overlap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from geo.measure.areas import areal_only, union
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.edges import NO_POLYGONS, Chain, Floats, Objects, are_closed, bundled, chain_areas_km2, faces


class Pieces:
    """The ground of a class as pieces that do not overlap: a row by itself, or the union of rows that do."""

    def __init__(self) -> None:
        self.rows: dict[Any, shapely.Geometry] = {}
        self.neighbours: dict[Any, set[Any]] = {}
        self.unions: dict[frozenset[Any], shapely.Geometry] = {}

    def update(self, came: Mapping[Any, shapely.Geometry], went: Sequence[Any]) -> None:
        """Take the rows in that came (name -> areal geometry in EPSG:4326) and those out that went."""
        for row in went:
            del self.rows[row]
            for other in self.neighbours.pop(row):
                self.neighbours[other].discard(row)
        self.rows |= came
        self.neighbours |= {row: set() for row in came}
        if not came or len(self.rows) == 1:
            return
        names, new = list(self.rows), list(came)
        shapes, fresh = np.array(list(self.rows.values()), dtype=object), np.array(list(came.values()), dtype=object)
        i, j = shapely.STRtree(shapes).query(fresh)
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            one, other = new[a], names[b]
            # rows that only touch share no ground, and their common edges cancel
            if one != other and shapely.relate_pattern(fresh[a], shapes[b], "T********"):
                self.neighbours[one].add(other)
                self.neighbours[other].add(one)

    def standing(self) -> dict[frozenset[Any], shapely.Geometry]:
        """Piece by piece, by the rows that make it, in the order of the rows' names."""
        seen: set[Any] = set()
        found: dict[frozenset[Any], shapely.Geometry] = {}
        for row in sorted(self.neighbours):
            if row in seen:
                continue
            group, stack = {row}, [row]
            while stack:
                for other in self.neighbours[stack.pop()] - group:
                    group.add(other)
                    stack.append(other)
            seen |= group
            key = frozenset(group)
            found[key] = self.rows[row] if len(group) == 1 else self._union(key)
        self.unions = {k: g for k, g in self.unions.items() if k in found}
        return found

    def _union(self, key: frozenset[Any]) -> shapely.Geometry:
        if key not in self.unions:
            self.unions[key] = union(self.rows[k] for k in sorted(key))
        return self.unions[key]


log = logging.getLogger("geo.measure.series.edge_history")  # the name that the documents give

# What a step may be off by before it counts as not proven: of the changed area, and of the sum of edge amounts.
TOLERANCE_KM2 = 1e-7
TOLERANCE = 1e-9


class Step(NamedTuple):
    """What changed of one class from the snapshot before: the polygons gained and lost, and the growth in km²."""

    gained: Objects
    lost: Objects
    growth_km2: float
    overlay: bool


Sides = tuple[shapely.Geometry, shapely.Geometry]
NOTHING = Step(NO_POLYGONS, NO_POLYGONS, 0.0, False)


def proven(chains: Sequence[Chain], sides: Sequence[Callable[[], Sides]]) -> list[Step]:
    """Chains as steps; one whose faces do not give its growth is done again by a full overlay of its sides."""
    bundle = bundled(chains)
    growth = chain_areas_km2(bundle)
    found, closed = faces(bundle), are_closed(bundle)
    gained, lost = (_sums_km2([side[k] for side in found]) for k in (0, 1))
    steps = []
    for k in range(len(chains)):
        off = abs(gained[k] - lost[k] - growth[k])
        if off <= TOLERANCE_KM2 + TOLERANCE * (gained[k] + lost[k]) and closed[k]:
            steps.append(Step(*found[k], float(growth[k]), False))
            continue
        log.info("a step was done by a full overlay: its faces differ from its edges by %.9f km²", off)
        steps.append(_overlay(*sides[k]()))
    return steps


def _sums_km2(groups: Sequence[Objects]) -> Floats:
    """km² of every group of polygons."""
    total = np.zeros(len(groups))
    if len(groups):
        np.add.at(total, np.repeat(np.arange(len(groups)), [len(g) for g in groups]), areas_km2(np.concatenate(groups)))
    return total


def _overlay(before: shapely.Geometry, after: shapely.Geometry) -> Step:
    pieces = [areal_only(g) for g in (shapely.difference(after, before), shapely.difference(before, after))]
    gained, lost = (shapely.get_parts(np.array([p], dtype=object)) for p in pieces)
    return Step(gained, lost, float(areas_km2(gained).sum() - areas_km2(lost).sum()), True)
