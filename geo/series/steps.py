"""What changed of a class from one snapshot to another, each step proven by its own edges."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import shapely

from geo.area import areas_km2
from geo.measures import areal_only
from geo.series.edges import NO_POLYGONS, Chain, Floats, Objects, are_closed, bundled, chain_areas_km2, faces

log = logging.getLogger("geo.series.ledger")  # the name that the documents give

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
