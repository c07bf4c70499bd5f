"""Areas and changes from frames alone: union first, so that overlaps count once; the unit that ground counts in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.measure.ellipsoid import Plane, areas_km2, local_plane, without_residue
from geo.presentation.statuses import class_order, countries_of_class, named, status_of
from geo.schema import CRS, KM_PER_DEGREE, text_or_none

OUTSIDE = "(outside the units)"
_MARGIN = 1.0  # degrees around a ground in which its zones are made
TOUCHING = 0.001  # degrees: polygons this near to each other touch, as two that are drawn along one line may not quite


class Zone(NamedTuple):
    """A piece of ground that is measured by itself: a unit, a polygon, or everywhere (``shape`` is None)."""

    unit: str | None
    boundary: str | None
    shape: shapely.Geometry | None
    within: Zone | None = None
    units: UnitSet | None = None  # the units of its boundary set and level, of which it is the one at `place`
    place: int = 0
    beyond: shapely.Geometry | None = None  # what of the shape lies beyond the unit: see `class_zones`


EVERYWHERE = (Zone(None, None, None),)
KEY = ("controller", "status", "native", "part")
# a source's separate publications (`part`) are different classes, and never added
ClassKey = tuple[str | None, str, str | None, str]
NOWHERE = shapely.MultiPolygon()


class ClassChange(NamedTuple):
    """A class on two dates: its ground before and after, what it gained and what it lost (EPSG:4326)."""

    key: ClassKey
    before: shapely.Geometry
    after: shapely.Geometry
    gained: shapely.Geometry
    lost: shapely.Geometry


def ground_by_class(frame: gpd.GeoDataFrame, *, by_native: bool = False) -> dict[ClassKey, shapely.Geometry]:
    """The union of every class's polygons."""
    groups: dict[ClassKey, list[shapely.Geometry]] = {}
    natives = frame["native"] if by_native else [None] * len(frame)
    parts = frame["part"] if "part" in frame else [""] * len(frame)
    for controller, status, native, part, shape in zip(
        frame["controller"], frame["status"], natives, parts, frame.geometry, strict=True
    ):
        key = (text_or_none(controller), str(status), text_or_none(native), str(part))
        groups.setdefault(key, []).append(shape)
    ordered = sorted(groups, key=class_order)
    return {key: union(groups[key]) for key in ordered}


def union(shapes: Iterable[shapely.Geometry]) -> shapely.Geometry:
    """One geometry for many: ground that several cover counts once."""
    listed = np.array(list(shapes), dtype=object)
    return listed[0] if len(listed) == 1 else shapely.union_all(listed)


def area_rows(
    frame: gpd.GeoDataFrame, *, zones: Sequence[Zone] = EVERYWHERE, by_native: bool = False, has_doubt: bool = True
) -> list[dict[str, Any]]:
    """km² by class and zone, with the range that contested ground leaves open where the source has any."""
    ground = ground_by_class(frame, by_native=by_native)
    upper = _upper_ground(frame, ground)
    rows = []
    for key, shape in ground.items():
        whole = _km2(shape) if len(zones) > 1 else 0.0
        for zone in _zones_met(class_zones(zones, key, frame.total_bounds), [shape]):
            piece = clip(shape, zone.shape)
            km2 = float(without_residue(_km2(piece), of=whole))
            if not km2 and len(zones) > 1:  # a class without ground in a single zone still has its row of zero
                continue
            most = max(km2, _km2(clip(upper[key], zone.shape))) if key in upper else km2
            rows.append(
                dict(zip(KEY, key, strict=True))
                | {"unit": zone.unit, "boundary": zone.boundary, "area_km2": km2, "beyond_km2": beyond_km2(piece, zone)}
                | {"lower_km2": km2 if has_doubt else None, "upper_km2": most if has_doubt else None}
            )
    return rows


def beyond_km2(piece: shapely.Geometry, zone: Zone) -> float:
    """The km² of a zone's piece of a ground that lie beyond the unit."""
    return 0.0 if zone.beyond is None else _km2(shapely.intersection(areal_only(piece), zone.beyond))


def class_zones(zones: Sequence[Zone], key: ClassKey | None, bounds: Sequence[float]) -> Sequence[Zone]:
    """The zones in which ground of a class counts: units of its country have what lies a little beyond them too.

    Where there is a zone for the ground outside all units, its shape is made here, near the class's own ground alone.
    """
    sets = [z.units for z in _with_around(zones) if z.units is not None]
    pieces = {} if key is None else {s.token: s.beyond(key, bounds) for s in sets}
    if (not zones or zones[-1].unit != OUTSIDE) and not any(pieces.values()):
        return zones
    near = NOWHERE if np.isnan(bounds).any() else shapely.box(*np.add(bounds, np.repeat((-_MARGIN, _MARGIN), 2)))
    around = None if zones[-1].within is None else _widened(zones[-1].within, pieces, near)
    found: list[Zone] = []
    for zone in zones:
        if zone.unit == OUTSIDE:
            asked = (id(pieces.get(sets[0].token)) if sets else None, near.bounds)
            known = sets[0].left if sets and around is None else {}
            if asked not in known:
                known[asked] = _left(zone if around is None else around, found, near)
            found.append(zone._replace(shape=known[asked]))
            continue
        wide = _widened(zone, pieces, near)
        if around is not None and wide.shape is not zone.shape:
            wide = wide._replace(shape=clip(wide.shape, around.shape), beyond=clip(wide.beyond, around.shape))
        found.append(wide)
    return found


def _left(whole: Zone, units: Sequence[Zone], near: shapely.Geometry) -> shapely.Geometry:
    """What units leave of a whole, in a box; only what of them lies in it is united."""
    shapes = np.array([z.shape for z in units], dtype=object)
    taken = shapely.intersection(shapes[shapely.intersects(near, shapes)], near)
    return shapely.difference(clip(near, whole.shape), shapely.union_all(taken))


def _with_around(zones: Sequence[Zone]) -> list[Zone]:
    return [*zones[:1], *(z.within for z in zones[:1] if z.within is not None)]


def _widened(zone: Zone, pieces: Mapping[str, Mapping[int, shapely.Geometry] | None], near: shapely.Geometry) -> Zone:
    """A unit near some ground with its own piece of the ground beyond, and without that of other units."""
    mine = None if zone.units is None else pieces.get(zone.units.token)
    if mine is None or zone.units is None:
        return zone
    shape, past = zone.units.shapes[zone.place], mine.get(zone.place, NOWHERE)
    if not shapely.intersects(near, [shape, past]).any():
        return zone
    wide = zone.units.widened(zone.place, mine)
    return zone if wide is shape else zone._replace(shape=wide, beyond=past)


def change_rows(changes: Sequence[ClassChange], *, zones: Sequence[Zone] = EVERYWHERE) -> list[dict[str, Any]]:
    """Gross gained, gross lost and net by class and zone."""
    rows = []
    for item in changes:
        bounds = shapely.total_bounds(np.array([item.before, item.after], dtype=object))
        for zone in _zones_met(class_zones(zones, item.key, bounds), [item.before, item.after]):
            pieces = [clip(g, zone.shape) for g in item[1:]]
            km2 = areas_km2(np.array(pieces, dtype=object))
            km2 = without_residue(km2, of=km2.max())
            net = float(without_residue(km2[2] - km2[3], of=km2.max(), signed=True))
            rows.append(
                dict(zip(KEY, item.key, strict=True))
                | {"unit": zone.unit, "boundary": zone.boundary, "before_km2": km2[0], "after_km2": km2[1]}
                | {"beyond_km2": beyond_km2(pieces[1], zone)}
                | {"gained_km2": km2[2], "lost_km2": km2[3], "net_km2": net}
            )
    return rows


def overlaid(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, by_native: bool = False) -> list[ClassChange]:
    """What changed of every class on either side, by full overlays: the plain way, which others are held against."""
    old, new = ground_by_class(before, by_native=by_native), ground_by_class(after, by_native=by_native)
    found = []
    for key in classes_of(old, new):
        a, b = old.get(key, NOWHERE), new.get(key, NOWHERE)
        found.append(ClassChange(key, a, b, shapely.difference(b, a), shapely.difference(a, b)))
    return found


def classes_of(*sides: Mapping[ClassKey, Any]) -> list[ClassKey]:
    """The classes of several dates, in the order of all tables."""
    return sorted({key for side in sides for key in side}, key=class_order)


def changed_frame(changes: Sequence[ClassChange]) -> gpd.GeoDataFrame:
    rows = []
    for item in changes:
        for word, ground in (("gained", item.gained), ("lost", item.lost)):
            areal = areal_only(ground)
            if km2 := _km2(areal):
                rows.append((item.key[0], item.key[1], word, km2, areal))
    columns = ["controller", "status", "change", "area_km2", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=CRS)


def zones_by_unit(units: gpd.GeoDataFrame, *, within: Zone | None = None, known: UnitSet | None = None) -> list[Zone]:
    """One zone a unit and one for the ground outside all of them, so that the zones sum to the whole."""
    around = None if within is None else within.shape
    zones = [
        Zone(text_or_none(code) or str(name), boundary, clip(shape, around), within, known, place)
        for place, (code, name, boundary, shape) in enumerate(
            zip(units["unit"], units["name"], units["boundary"], units.geometry, strict=True)
        )
    ]
    return [*zones, Zone(OUTSIDE, None, around, within)]  # its shape is what they leave near a ground: `class_zones`


def clip(shape: shapely.Geometry, zone: shapely.Geometry | None) -> shapely.Geometry:
    """The part of a shape inside a zone; all of it where the zone is everywhere."""
    return shape if zone is None else shapely.intersection(shape, zone)


def areal_only(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons that an overlay left, without the lines and points where borders only touch."""
    parts = shapely.get_parts(_one(shape))
    while (shapely.get_type_id(parts) == 7).any():
        parts = shapely.get_parts(parts)
    return shapely.multipolygons(shapely.get_parts(parts[np.isin(shapely.get_type_id(parts), (3, 6))]))


def _km2(shape: shapely.Geometry) -> float:
    return float(without_residue(areas_km2(_one(shape))[0]))


def _one(shape: shapely.Geometry) -> NDArray[np.object_]:
    return np.array([shape], dtype=object)


def _zones_met(zones: Sequence[Zone], shapes: Sequence[shapely.Geometry]) -> list[Zone]:
    if len(zones) == 1:
        return list(zones)
    return [z for z in zones if z.shape is None or any(shapely.intersects(z.shape, s) for s in shapes)]


def _upper_ground(
    frame: gpd.GeoDataFrame, ground: dict[ClassKey, shapely.Geometry]
) -> dict[ClassKey, shapely.Geometry]:
    """Held ground and the contested ground that touches it, for every held class."""
    contested = frame[frame["status"].isin(named(widens_upper_bound=True))]
    if contested.empty:
        return {}
    parts = shapely.get_parts(np.asarray(contested.geometry.array, dtype=object))
    return {
        key: union([shape, *parts[touching(parts, shapely.get_parts(_one(shape)))]])
        for key, shape in ground.items() if status_of(key[1]).is_held
    }  # fmt: skip


def touching(pieces: NDArray[np.object_], ground: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which polygons touch a ground, or touch one that does, and so on."""
    tree = shapely.STRtree(pieces)
    reached = np.zeros(len(pieces), dtype=bool)
    new = np.unique(tree.query(ground, predicate="dwithin", distance=TOUCHING)[1])
    while len(new):
        reached[new] = True
        near = np.unique(tree.query(pieces[new], predicate="dwithin", distance=TOUCHING)[1])
        new = near[~reached[near]]
    return reached


# -- how far an area may be off by its drawing ----------------------------------------------------------------------
# Perkal (1956) takes a drawn line as a band of a width epsilon on either side, in which the true line lies. The part of
# the band inside a ground may be no such ground, the part outside may be.


class Band(NamedTuple):
    """The ground within an accuracy of a border: inside it and outside it (EPSG:4326), and their km²."""

    inside: shapely.Geometry
    outside: shapely.Geometry
    inside_km2: float
    outside_km2: float


def border_band(
    ground: shapely.Geometry,
    *,
    accuracy_km: float,
    countries: gpd.GeoDataFrame | None = None,
    within: shapely.Geometry | None = None,
) -> Band:
    """The band of a ground's own border."""
    if not accuracy_km > 0:
        raise UsageError(f"an accuracy of {accuracy_km:g} km: give a distance above 0")
    nowhere = shapely.Polygon()
    if ground.is_empty:
        return Band(nowhere, nowhere, 0.0, 0.0)
    plane = local_plane(shapely.total_bounds(np.array([ground], dtype=object)))
    laid = plane.laid(ground)
    line = shapely.boundary(laid)
    if countries is not None:
        line = shapely.difference(line, _edges(countries, ground, plane, accuracy_km))
    band = shapely.buffer(line, accuracy_km)
    pieces = [clip(plane.lifted(shape), within) for shape in
              (shapely.intersection(band, laid), shapely.difference(band, laid))]  # fmt: skip
    inside, outside = (_km2(piece) for piece in pieces)
    return Band(pieces[0], pieces[1], inside, outside)


def _edges(countries: gpd.GeoDataFrame, ground: shapely.Geometry, plane: Plane, accuracy_km: float) -> shapely.Geometry:
    """Border and coast near a ground, as wide as the accuracy to either side."""
    near = shapely.box(*shapely.buffer(shapely.box(*ground.bounds), 0.2 + accuracy_km / 50).bounds)
    shapes = np.asarray(countries.geometry.array, dtype=object)
    outlines = shapely.intersection(shapely.boundary(shapes[shapely.intersects(shapes, near)]), near)
    return shapely.buffer(plane.laid(shapely.union_all(outlines)), accuracy_km)


# Ground of a class up to this far beyond the border and coast of its country counts in the nearest unit of it: what a
# source draws along a border or over a bay is off by its drawing, and no other country's.
BEYOND_KM = 5.0
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
        self.left: dict[Any, shapely.Geometry] = {}  # what all of them leave, by pieces and box

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_found": {}, "_wide": {}, "left": {}}

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
    width = BEYOND_KM / KM_PER_DEGREE
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
