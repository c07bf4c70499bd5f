"""Ground that no unit of a country holds, parted by the unit that lies nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure.areas import NOWHERE, areal_only
from geo.presentation.statuses import countries_of_class

# Ground of a class up to this far beyond the border and coast of its country counts in the nearest unit of it: what a
# source draws along a border or over a bay is off by its drawing, and no other country's.
BEYOND_KM = 5.0
_KM_A_DEGREE = 111.2
_BOX = 5  # degrees: the extents of ground are rounded up to this, so that many have one
_SPACING = 0.005  # degrees between the points that stand for a unit's edge


Pieces = dict[int, shapely.Geometry]  # by the place of the unit in its set


class UnitSet:
    """The units of one boundary set and level, with the country of each, as a source's classes are counted in them."""

    def __init__(self, source: str, shapes: NDArray[np.object_], countries: NDArray[np.object_]) -> None:
        self.source, self.shapes, self.countries = source, shapes, countries
        self.token = uuid4().hex  # copies of one set in another process are one set
        self._found: dict[Any, list[tuple[Sequence[float], Pieces]]] = {}  # by countries, for the boxes asked so far
        self._wide: dict[tuple[int, int], shapely.Geometry] = {}  # by pieces, and the unit's place

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_found": {}, "_wide": {}}

    def beyond(self, key: tuple[str | None, str, str | None, str], bounds: Sequence[float]) -> Pieces | None:
        """The ground beyond those units that have any of a class, in a box; None where its country is not stated."""
        homes = countries_of_class(self.source, key[3], key[0], key[1])
        mine = np.flatnonzero(np.isin(self.countries, homes))
        if not len(mine) or np.isnan(bounds).any():
            return None
        box = (*np.floor(np.array(bounds[:2]) / _BOX) * _BOX, *np.ceil(np.array(bounds[2:]) / _BOX) * _BOX)
        known = self._found.setdefault(homes, [])
        for around, found in known:  # a wider box has the same answer for each place
            if (np.array(around[:2]) <= box[:2]).all() and (np.array(around[2:]) >= box[2:]).all():
                return found
        pieces = _around(self.shapes[mine], shapely.box(*box))
        known.append((box, {i: g for i, g in zip(mine.tolist(), pieces, strict=True) if not g.is_empty}))
        return known[-1][1]

    def widened(self, place: int, pieces: Mapping[int, shapely.Geometry]) -> shapely.Geometry:
        """A unit with its own piece of the ground beyond, and without that of other units."""
        key = (id(pieces), place)
        if key not in self._wide:
            shape, past = self.shapes[place], pieces.get(place, NOWHERE)
            shapely.prepare(shape)
            others = [g for i, g in pieces.items() if i != place and shapely.intersects(shape, g)]
            left = shapely.difference(shape, shapely.union_all(others)) if others else shape
            self._wide[key] = left if past.is_empty else shapely.union(left, past)
        return self._wide[key]


def _around(shapes: NDArray[np.object_], box: shapely.Geometry) -> list[shapely.Geometry]:
    """What lies up to `BEYOND_KM` off shapes that share borders, each place with the nearest shape."""
    width = BEYOND_KM / _KM_A_DEGREE
    reach = shapely.buffer(box, 3 * width)
    meet = np.flatnonzero(shapely.intersects(shapes, reach))
    found, shapes = [NOWHERE] * len(shapes), shapes[meet]
    cut = shapely.intersection(shapes, reach)
    whole = shapely.union_all(cut) if len(cut) > 1 else cut[0]
    # divided into steps before they are cut to the box, so that a place has one answer whatever the box
    steps = shapely.segmentize(shapely.boundary(shapes), _SPACING)
    xy, owner = shapely.get_coordinates(steps, return_index=True)
    in_reach = shapely.intersects_xy(reach, *xy.T)
    xy, owner = xy[in_reach], owner[in_reach]
    shapely.prepare(whole)
    kept = ~shapely.contains_xy(whole, *xy.T)
    if not kept.any():
        return found
    keys, first = np.unique((xy[kept] / _SPACING).round(), axis=0, return_index=True)
    owner = owner[kept][first]
    laid = shapely.multipoints(_mercator(shapely.points(keys * _SPACING)))
    cells = shapely.get_parts(shapely.voronoi_polygons(laid, extend_to=_mercator(reach), ordered=True))
    free = shapely.difference(box, whole)
    for i in np.unique(owner).tolist():
        squeeze = float(np.cos(np.radians(shapes[i].centroid.y)))
        flat = _scaled(shapely.intersection(shapely.simplify(shapes[i], _SPACING / 5), reach), squeeze)
        near = _mercator(_scaled(shapely.buffer(flat, width), 1 / squeeze))
        cell = _joined(cells[owner == i])
        piece = _mercator(shapely.intersection(cell, near), back=True)
        found[meet[i]] = areal_only(shapely.intersection(piece, free))
    return found


def _joined(cells: NDArray[np.object_]) -> shapely.Geometry:
    try:  # several times as fast, where the cells fit to the last bit
        return shapely.coverage_union_all(cells)
    except shapely.errors.GEOSException:
        return shapely.union_all(cells)


def _mercator(shapes: Any, *, back: bool = False) -> Any:
    """Degrees on Mercator's plane, where near distances keep their order, or the other way."""

    def moved(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        y = np.arctan(np.sinh(np.radians(xy[:, 1]))) if back else np.arcsinh(np.tan(np.radians(xy[:, 1])))
        return np.column_stack([xy[:, 0], np.degrees(y)])

    return shapely.transform(shapes, moved)


def _scaled(shape: shapely.Geometry, factor: float) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy * (factor, 1.0))
