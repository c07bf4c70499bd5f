"""One geometry on its way in: why it cannot come in, and how it is mended where it can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import FileError
from geo.formats.limits import AGAIN, CROSSINGS, MEETINGS, MENDED, TANGLED, TOUCHED, refuse_too_many
from geo.measure.ellipsoid import areas_km2
from geo.storage.gpkg import polygons_in, without_empty

Objects = NDArray[np.object_]
_SEGMENTS_AT_ONCE = 50
_MANY = 500
_COLLECTION = 7
_TANGLED_AT_MOST = 20  # polygons refused for it, before the whole map is
WORLDS = 520  # degrees: web maps repeat the world, and what is drawn on the next copy goes on counting


def look(geometry: Objects, fresh: NDArray[np.bool_]) -> dict[int, tuple[str, str]]:
    """Why each new geometry cannot be let in at all: index -> (why, way out)."""
    reasons: dict[int, tuple[str, str]] = {}
    for i in np.flatnonzero(fresh):
        why = _why_not(geometry[i])
        if why is not None:
            reasons[int(i)] = why
    _look_at_boxes(geometry, fresh, reasons)
    return reasons


def is_plain(geometry: Objects) -> NDArray[np.bool_]:
    """Which are areas of few parts and corners within the ranges, of which only validity is to be seen."""
    kind = shapely.get_type_id(geometry)
    plain: NDArray[np.bool_] = ((kind == 3) | (kind == 6)) & ~shapely.has_z(geometry) & ~shapely.is_empty(geometry)
    at = np.flatnonzero(plain)
    parts, owner = shapely.get_parts(geometry[at], return_index=True)
    rings, of = shapely.get_rings(parts, return_index=True)
    corners = shapely.get_num_coordinates(rings)
    odd = [np.flatnonzero(np.bincount(owner) > _MANY), owner[shapely.get_num_interior_rings(parts) > _MANY]]
    odd += [owner[shapely.is_empty(parts)], owner[of[(corners == 0) | (corners > AGAIN)]]]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    odd += [owner[of[ring[~(np.abs(xy) < (180.0, 90.0)).all(axis=1)]]]]
    bounds = shapely.bounds(geometry[at])
    odd += [np.flatnonzero(bounds[:, 2] - bounds[:, 0] > 180)]
    plain[at[np.concatenate(odd)]] = False
    return plain


def _look_at_boxes(geometry: Objects, fresh: NDArray[np.bool_], reasons: dict[int, tuple[str, str]]) -> None:
    """Refuse areas of so many equal corners, parts or holes, or these within each other, that a look takes too long."""
    at = np.flatnonzero(fresh)
    parts, owner = shapely.get_parts(geometry[at], return_index=True)
    owner = at[owner]
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > _MANY)
    rings, of = shapely.get_rings(parts, return_index=True)
    long = np.flatnonzero(shapely.get_num_coordinates(rings) > AGAIN)
    found = [(i, "parts", shapely.bounds(parts[owner == i])) for i in np.flatnonzero(np.bincount(owner) > _MANY)]
    found += [(owner[i], "holes", shapely.bounds(shapely.get_rings(parts[i])[1:])) for i in holed]
    found += [(owner[of[i]], "corners", shapely.get_coordinates(rings[i])) for i in long]
    for i, what, drawn in found:
        drawn = drawn[np.lexsort(drawn.T)]
        once = drawn[np.append(True, (drawn[1:] != drawn[:-1]).any(axis=1))]
        try:
            refuse_too_many("the polygon", len(drawn) - len(once), AGAIN, f"{what} drawn again")
            for _ in (
                () if what == "corners" else _meetings(shapely.box(*once.T), f"{what} across or within each other")
            ):
                pass
        except FileError as error:
            reasons.setdefault(int(i), (str(error), f"leave out the {what} that others hold or repeat"))


def _why_not(geometry: shapely.Geometry | None) -> tuple[str, str] | None:
    if geometry is None:
        return "no geometry", "draw it, or leave the row out"
    if geometry.is_empty:
        return "empty geometry", "draw it, or leave the row out"
    if not _has_area_type(geometry):
        return f"a {geometry.geom_type}: only areas are control", "points and lines go into the incidents or stay out"
    if (np.abs(shapely.get_coordinates(geometry)) <= (180.0, 90.0)).all():
        return None
    each = (why_not_degrees(shapely.get_coordinates(part)) for part in polygons_in(geometry))
    return next((why for why in each if why is not None), None)


def why_not_degrees(xy: NDArray[np.float64]) -> tuple[str, str] | None:
    """Why coordinates are no longitudes and latitudes: (why, way out), or None; an area may go on past 180°."""
    if np.isnan(xy).any():
        return "NaN coordinate", "find the gap in the file that made it"
    if np.isinf(xy).any():
        return "infinite coordinate", "find the division or overflow that made it"
    if np.abs(xy).max() > 1000:
        return "metres where degrees are declared", "say which CRS it is: --crs EPSG:3857, for instance"
    if np.abs(xy[:, 1]).max() > 90:
        return "latitude out of range (±90°)", "are latitude and longitude swapped?"
    west, east = xy[:, 0].min(), xy[:, 0].max()
    if max(-west, east) > 180 and (max(-west, east) > WORLDS or not 0 < east - west <= 180):  # a point has no width
        return "longitude out of range (±180°)", "bring it into -180 to 180"
    return None


def past_180(lon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which longitudes are those of the next copy of the world, as in files that count from 0 to 360."""
    return np.asarray((np.abs(lon) > 180) & (np.abs(lon) <= 360))


def _has_area_type(geometry: shapely.Geometry) -> bool:
    if geometry.geom_type == "GeometryCollection":
        return any(_has_area_type(part) for part in geometry.geoms)
    return geometry.geom_type in ("Polygon", "MultiPolygon")


def mend(
    geometry: Objects,
    rows: NDArray[Any],
    fresh: NDArray[np.bool_],
    reasons: dict[int, tuple[str, str]],
    repairs: list[str],
) -> None:
    """Repair what can be repaired, in place, and say what was done."""
    geometry[fresh] = without_empty(geometry[fresh])
    wrong = fresh.copy()
    wrong[list(reasons)] = False
    wrong[wrong] = ~shapely.is_valid(geometry[wrong])
    refuse_too_many("the map", int(wrong.sum()), MENDED + _positions(geometry) // 200, "polygons to mend")
    left, tangled = np.array([CROSSINGS, TANGLED, TOUCHED]), 0
    bounds = shapely.bounds(geometry)
    far = ~((np.abs(bounds) <= 180).all(axis=1) & (bounds[:, 2] - bounds[:, 0] <= 180))
    odd = wrong | (fresh & (far | (shapely.get_type_id(geometry) == _COLLECTION)))
    sound = fresh & ~odd
    sound[list(reasons)] = False
    geometry[sound] = shapely.force_2d(geometry[sound])
    for i in np.flatnonzero(odd):
        if int(i) in reasons:
            continue
        try:
            left -= _crossings(geometry[i], left) if wrong[i] else 0
            mended, said = _mended(geometry[i])
        except FileError as error:
            reasons[int(i)] = (str(error), "draw its ring anew, without lines across it")
            tangled += 1
            refuse_too_many("the map", tangled, _TANGLED_AT_MOST, "polygons whose lines cross too often")
            continue
        if mended.is_empty:
            reasons[int(i)] = ("no area is left once the ring is made valid", "draw it again")
        geometry[i] = mended
        repairs += [f"row {rows[i]}: {what}" for what in said]


def _mended(geometry: shapely.Geometry) -> tuple[shapely.Geometry, list[str]]:
    said: list[str] = []
    if geometry.geom_type == "GeometryCollection":
        geometry = _areal_parts(geometry)
    lon = shapely.get_coordinates(geometry)[:, 0]
    west, east = lon.min(initial=0), lon.max(initial=0)
    wide = east - west > 180 or max(-west, east) > 180
    parts = shapely.get_parts(geometry) if wide else np.empty(0, dtype=object)
    across = [_crosses_antimeridian(part) or np.abs(part.bounds[::2]).max() > 180 for part in parts]
    if any(across):
        brought = [_cut_at_antimeridian(p) if a else (p, "") for p, a in zip(parts, across, strict=True)]
        geometry = _areal_parts(shapely.GeometryCollection([part for part, _ in brought]))
        said += dict.fromkeys(what for _, what in brought if what)
    if not shapely.is_valid(geometry):
        why = shapely.is_valid_reason(geometry)
        before = area_of(geometry)
        geometry = made_valid(geometry)
        said.append(f"made valid ({why}): {before:.3f} km² before, {area_of(geometry):.3f} km² after")
    return shapely.force_2d(geometry), said


def area_of(geometry: shapely.Geometry) -> float:
    """km² of one geometry in EPSG:4326; where holes are larger than their shell, nothing is left."""
    return max(0.0, float(areas_km2(np.array([geometry], dtype=object))[0]))


def made_valid(geometry: shapely.Geometry) -> shapely.Geometry:
    """What the outer rings enclose less what the inner ones do: a hole never becomes ground."""
    # of one ring by itself, as it is drawn; of several holes together, so that what two share stays a hole
    parts = _distinct(polygons_in(geometry))[0]
    rings, owner = shapely.get_rings(parts, return_index=True)
    first = np.concatenate([[True], owner[1:] != owner[:-1]]) if len(rings) else np.zeros(0, dtype=bool)
    once, which = _distinct(rings)
    drawn = shapely.make_valid(shapely.polygons(once))[which]
    whole = []
    for i in range(len(parts)):
        (shell,) = drawn[(owner == i) & first]
        if (holes := drawn[(owner == i) & ~first]).size:
            shell = shapely.difference(_union(shell), shapely.union_all(polygons_in(holes)))
        whole.append(shell)
    return _union(np.array(whole, dtype=object))


def _distinct(shapes: Objects) -> tuple[Objects, NDArray[np.intp]]:
    """Each of the shapes that are drawn alike once, and which of these each shape is."""
    drawn = shapely.to_wkb(shapely.normalize(shapes))
    _, first, which = np.unique(drawn, return_index=True, return_inverse=True)
    return shapes[first], which


def _positions(geometry: Objects) -> int:
    return int(shapely.get_num_coordinates(geometry).sum())


def _crossings(geometry: shapely.Geometry, left: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often lines of a geometry cross, how tangled they are, and how often a ring meets itself at a corner."""
    rings, _ = _distinct(shapely.get_rings(polygons_in(geometry)))  # as often as they are mended
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.stack([xy[:-1], xy[1:]], axis=1).view(np.complex128)[..., 0]
    of, ends = (found[(ring[1:] == ring[:-1]) & (ends[:, 0] != ends[:, 1])] for found in (ring[1:], ends))
    touched = len(of) - len(np.unique(np.stack([of, ends[:, 0]]), axis=1).T)
    ends, drawn = np.unique(np.sort(ends, axis=1), axis=0, return_counts=True)
    segments = shapely.linestrings(np.stack([ends.real, ends.imag], axis=2))
    again = int((drawn * (drawn - 1) // 2)[drawn > 2].sum())
    refuse_too_many("the polygon", again, MEETINGS, "lines drawn again and again")
    crossed, often = np.empty((2, 0), dtype=np.intp), np.empty(0, dtype=int)
    for one, other in _meetings(segments, "lines across each other"):
        crosses = shapely.crosses(segments[one], segments[other])
        crossed = np.hstack([crossed, np.stack([one[crosses], other[crosses]])])
        often = drawn[crossed].prod(axis=0)
        apart = ~crosses & (ends[one, :, None] != ends[other, None, :]).all(axis=(1, 2))
        touched += int(shapely.intersects(segments[one[apart]], segments[other[apart]]).sum())
        refuse_too_many("the polygon", touched, int(left[2]), "corners on its own lines")
        refuse_too_many("the polygon", int(often.sum()), int(left[0]), "crossings of lines with each other")
    times = np.bincount(crossed.ravel(), np.tile(often, 2), minlength=len(segments))
    tangled = int((often * times[crossed].min(axis=0)).sum()) if crossed.size else 0
    refuse_too_many("the polygon", tangled, int(left[1]), "crossings of lines with each other, tangled")
    return np.array([often.sum(), tangled, touched])


def _meetings(shapes: Objects, what: str) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of shapes whose boxes meet, some at a time; raise where they are too many."""
    tree, met = shapely.STRtree(shapes), 0
    for at in range(0, len(shapes), _SEGMENTS_AT_ONCE):
        one, other = tree.query(shapes[at : at + _SEGMENTS_AT_ONCE])
        met += len(one)
        refuse_too_many("the polygon", met, MEETINGS + 5 * len(shapes), what)
        yield one[one + at < other] + at, other[one + at < other]


def _union(geometry: shapely.Geometry | Objects) -> shapely.Geometry:
    """The ground of valid geometries; of one alone its own polygons, which are apart."""
    polygons = polygons_in(geometry if np.size(geometry) == 1 else shapely.union_all(polygons_in(geometry)))
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _areal_parts(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry; several as they stand when they are apart, else as their union."""
    polygons = polygons_in(geometry)
    if len(polygons) == 1:
        return polygons[0]
    together = shapely.multipolygons(polygons)
    return together if shapely.is_valid(together) else made_valid(together)


def _crosses_antimeridian(polygon: shapely.Polygon) -> bool:
    west, _, east, _ = polygon.bounds
    if east - west <= 180:
        return False
    steps = np.concatenate([np.diff(shapely.get_coordinates(ring)[:, 0]) for ring in shapely.get_rings(polygon)])
    wide = np.abs(steps) > 180
    return bool(wide.any() and (np.abs(steps[wide]) < 360).all())


def _cut_at_antimeridian(polygon: shapely.Polygon) -> tuple[shapely.Geometry, str]:
    """Draw it past 180°, cut it there, and bring what lies beyond to the other side; and what was done."""
    past = polygon
    if _crosses_antimeridian(polygon):
        first = polygon.exterior.coords[0][0]
        past = shapely.transform(polygon, lambda xy: xy + 360 * np.round((first - xy) / 360) * (1, 0))
    past = past if past.is_valid else made_valid(past)
    turns = (past.bounds[0] + 180) // 360
    past = shapely.transform(past, lambda xy: xy - [360 * turns, 0])
    if past.bounds[2] <= 180:
        return past, "moved by 360°, its longitudes lie beyond 180°"
    west = shapely.intersection(past, shapely.box(-180, -90, 180, 90))
    east = shapely.transform(shapely.intersection(past, shapely.box(180, -90, 540, 90)), lambda xy: xy - [360, 0])
    return _areal_parts(shapely.GeometryCollection([west, east])), "cut at 180° longitude"
