"""Areas of control and what changed hands, from frames alone: union first, so that overlaps count once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.measure.ellipsoid import Plane, areas_km2, local_plane, without_residue
from geo.presentation.statuses import class_order, named, status_of
from geo.schema import CRS, text_or_none
from geo.units import Countries

OUTSIDE = "(outside the units)"
# Of its ground a side must hold this share in a country before that country's contested ground may be its too.
FOOTHOLD = 0.1


class Zone(NamedTuple):
    """A piece of ground that is measured by itself: a unit, a polygon, or everywhere (``shape`` is None)."""

    unit: str | None
    boundary: str | None
    shape: shapely.Geometry | None
    within: shapely.Geometry | None = None


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
    frame: gpd.GeoDataFrame,
    *,
    zones: Sequence[Zone] = EVERYWHERE,
    by_native: bool = False,
    countries: Countries | None = None,
) -> list[dict[str, Any]]:
    """km² by class and zone, with the range that contested ground leaves open."""
    ground = ground_by_class(frame, by_native=by_native)
    upper = _upper_ground(frame, ground, countries)
    rows = []
    for key, shape in ground.items():
        for zone, piece in ((zone, clip(shape, zone.shape)) for zone in _zones_met(zones, [shape])):
            km2 = _km2(piece)
            if not km2 and len(zones) > 1:  # a class without ground in a single zone still has its row of zero
                continue
            most = _km2(clip(upper[key], zone.shape)) if key in upper else km2
            rows.append(
                dict(zip(KEY, key, strict=True))
                | {"unit": zone.unit, "boundary": zone.boundary}
                | {"area_km2": km2, "lower_km2": km2, "upper_km2": max(km2, most)}
            )
    return rows


def change_rows(changes: Sequence[ClassChange], *, zones: Sequence[Zone] = EVERYWHERE) -> list[dict[str, Any]]:
    """Gross gained, gross lost and net by class and zone."""
    rows = []
    for item in changes:
        for zone in _zones_met(zones, [item.before, item.after]):
            pieces = [clip(g, zone.shape) for g in item[1:]]
            km2 = areas_km2(np.array(pieces, dtype=object))
            km2 = without_residue(km2, of=km2.max())
            net = float(without_residue(km2[2] - km2[3], of=km2.max(), signed=True))
            rows.append(
                dict(zip(KEY, item.key, strict=True))
                | {"unit": zone.unit, "boundary": zone.boundary, "before_km2": km2[0], "after_km2": km2[1]}
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
    """The polygons that changed hands."""
    rows = []
    for item in changes:
        for word, ground in (("gained", item.gained), ("lost", item.lost)):
            areal = areal_only(ground)
            if km2 := _km2(areal):
                rows.append((item.key[0], item.key[1], word, km2, areal))
    columns = ["controller", "status", "change", "area_km2", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=CRS)


def zones_by_unit(units: gpd.GeoDataFrame, *, within: shapely.Geometry | None = None) -> list[Zone]:
    """One zone a unit and one for the ground outside all of them, so that the zones sum to the whole."""
    zones = [
        Zone(text_or_none(code) or str(name), boundary, clip(shape, within))
        for code, name, boundary, shape in zip(
            units["unit"], units["name"], units["boundary"], units.geometry, strict=True
        )
    ]
    everything = union(z.shape for z in zones) if zones else shapely.MultiPolygon()
    rest = shapely.difference(within if within is not None else shapely.box(-180, -90, 180, 90), everything)
    return [*zones, Zone(OUTSIDE, None, rest, within)]


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
    frame: gpd.GeoDataFrame, ground: dict[ClassKey, shapely.Geometry], countries: Countries | None
) -> dict[ClassKey, shapely.Geometry]:
    """Held ground and the contested ground of its countries, for every held class."""
    contested = frame[frame["status"].isin(named(widens_upper_bound=True))]
    if countries is None or contested.empty:
        return {}
    parts = shapely.get_parts(np.asarray(contested.geometry.array, dtype=object))
    where = _countries_of_parts(parts, countries)
    upper = {}
    for key, shape in ground.items():
        if status_of(key[1]).is_held:
            home = home_countries(shape, countries)
            upper[key] = union([shape, *parts[np.isin(where, list(home))]])
    return upper


def _countries_of_parts(parts: NDArray[np.object_], countries: Countries) -> NDArray[np.object_]:
    points = shapely.point_on_surface(parts)
    return countries.locate(shapely.get_x(points), shapely.get_y(points))


def home_countries(shape: shapely.Geometry, countries: Countries) -> set[str]:
    """The countries in which at least a tenth of a ground lies (by km²)."""
    parts = shapely.get_parts(_one(shape))
    codes, km2 = _countries_of_parts(parts, countries), areas_km2(parts)
    return {c for c in set(codes.tolist()) if c and km2[codes == c].sum() >= FOOTHOLD * km2.sum()}


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
