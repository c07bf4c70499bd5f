"""The front: where a side's ground ends inside border and coast, how long that is, and how far it moved.

The length of a line grows with its detail, and with how near to border and coast it is followed. So a length is never
given without its tolerance and its inset. The front is cut to the countries first, each drawn in by the inset, and then
simplified (Douglas and Peucker 1973) in an equal-area plane about the middle of the ground; lengths are those of
geodesics between its vertices on the WGS 84 ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import MapError, UsageError
from geo.measure.areas import areal_only, clip, union
from geo.measure.ellipsoid import areas_km2, lengths_km, local_plane, without_residue
from geo.presentation.basemap import Box, water
from geo.presentation.language import gettext
from geo.schema import text_or_none

SECTOR_COLUMNS = (
    "sector", "front_km", "gained_km2", "lost_km2", "mean_advance_km", "greatest_advance_km", "mean_retreat_km",
    "greatest_retreat_km",
)  # fmt: skip
# classes of one side drawn apart leave cracks this narrow at most (in km), which are no front
_CRACK_KM = 0.02
# between two edges of one side's ground there is no front: a strip on land up to this wide, or water up to that wide
_STRIP_KM, _WATER_KM = 1.0, 24.0
# sources and basemaps draw a bank this far apart
_BANK_KM = 1.5
# of the outline of such a gap at least so much is the side's own edge
_OWN_EDGE = 0.7
# depths are taken along outlines at this spacing
_SPACING_KM = 0.25


@dataclass(frozen=True)
class Front:
    """A front as lines (MultiLineString, EPSG:4326), with the tolerance and inset that its length rests on."""

    lines: shapely.Geometry
    length_km: float
    tolerance_km: float
    inset_km: float
    source: str | None = None
    snapshot: str | None = None
    snapshot_age_days: float | None = None
    boundary: str | None = None
    sides: tuple[str, ...] = ()  # whose edges the line is; where two do not meet, both count


def front_of(
    frame: gpd.GeoDataFrame,
    countries: gpd.GeoDataFrame,
    *,
    controller: str | None = None,
    against: str | None = None,
    statuses: Sequence[str] = ("held",),
    tolerance_km: float = 0.0,
    inset_km: float = 0.0,
    gap_km: float = 0.1,
    within: shapely.Geometry | None = None,
    uncovered: shapely.Geometry | None = None,
) -> Front:
    """The front on a date; `uncovered` is ground that the source leaves out, whose edge is none."""
    if min(tolerance_km, inset_km, gap_km) < 0:
        raise UsageError("tolerance, inset and gap are distances in km, 0 or more")
    ground = ground_of_sides(frame, statuses)
    for side in (controller, against):
        if side is not None and side not in ground:
            there = ", ".join(sorted(ground)) or "no side"
            raise UsageError(f"{side} has no ground ({', '.join(statuses)}) here; the source draws that of {there}")
    if against is not None and controller in (None, against):
        raise UsageError("a front against a side needs another controller, whose front it is")
    whose = list(ground.values()) if controller is None else [ground[controller]]
    if not whose:
        return Front(shapely.MultiLineString(), 0.0, tolerance_km, inset_km)
    try:
        bounds: Box = tuple(shapely.total_bounds(np.array(whose, dtype=object)).tolist())
        plane = local_plane(bounds)
        laid = [_without_cracks(plane.laid(shape)) for shape in whose]
        names = list(ground) if controller is None else [controller]
        filled = [_filled(shape, _not_of(frame, name), bounds) for name, shape in zip(names, laid, strict=True)]
        edges = [shapely.boundary(shape) for shape in filled]
        # unary union of the outlines: where two sides meet, the line counts once
        lines = shapely.union_all(edges)
        if against is not None:
            lines = shapely.intersection(lines, shapely.buffer(plane.laid(ground[against]), max(gap_km, 1e-6)))
        lines = shapely.union_all(shapely.intersection(lines, _inside(countries, whose, bounds, inset_km)))
        if within is not None:
            lines = shapely.intersection(_lines_only(lines), plane.laid(within))
        if uncovered is not None and not uncovered.is_empty:
            lines = shapely.difference(_lines_only(lines), shapely.buffer(plane.laid(uncovered), _STRIP_KM))
        merged = shapely.line_merge(_lines_only(lines))
    except shapely.errors.GEOSException as error:
        raise MapError(f"the front line cannot be drawn and is left out ({error}); areas and changes stand") from error
    cut = plane.lifted(shapely.simplify(merged, tolerance_km) if tolerance_km else merged)
    parts = shapely.multilinestrings(shapely.get_parts(np.array([cut], dtype=object)))
    length = float(lengths_km(np.array([parts], dtype=object))[0])
    sides = tuple(n for n, edge in zip(names, edges, strict=True) if shapely.dwithin(edge, merged, 1e-6))
    return Front(parts, length, tolerance_km, inset_km, sides=sides)


def _without_cracks(shape: shapely.Geometry) -> shapely.Geometry:
    """A ground in the plane with the long narrow gaps between its own polygons closed, and nothing else changed."""
    half = _CRACK_KM / 2
    # mitred corners come back as they were, so that little but the gaps is left to look through
    closed = shapely.buffer(shape, half, join_style="mitre", mitre_limit=3)
    closed = shapely.buffer(closed, -half, join_style="mitre", mitre_limit=3)
    gaps = shapely.get_parts(np.array([shapely.difference(closed, shape)], dtype=object))
    # what a sharp inner corner leaves is short, what the last digits of a straight edge leave has no area
    cracks = gaps[(shapely.length(gaps) > 10 * _CRACK_KM) & (shapely.area(gaps) > 1e-7)]
    return union([shape, *shapely.buffer(cracks, 1e-6)]) if len(cracks) else shape


def _not_of(frame: gpd.GeoDataFrame, side: str) -> NDArray[np.object_]:
    """All that a map draws of others, whatever its status."""
    others = (frame["controller"] != side).to_numpy()
    shapes: NDArray[np.object_] = np.asarray(frame.geometry.array, dtype=object)[others]
    return shapes


def _filled(shape: shapely.Geometry, others: NDArray[np.object_], bounds: Box) -> shapely.Geometry:
    """A side's ground in the plane with what lies between two of its edges: strips on land, and wider water."""
    plane = local_plane(bounds)
    box = shapely.box(*plane.lifted(shapely.box(*shape.bounds)).bounds)
    near = plane.laid(others[shapely.intersects(others, box)])
    strips = _gaps(shape, _STRIP_KM, near)
    shape = shapely.union_all([shape, *strips])
    wet = _gaps(shape, _WATER_KM, near, water=_water_and_banks(box.bounds, bounds))
    return shapely.union_all([shape, *wet]) if len(wet) else shape


@lru_cache(maxsize=16)  # day after day the ground of a side has the same bounds
def _water_and_banks(box: Box, bounds: Box) -> tuple[shapely.Geometry, shapely.Geometry]:
    """The water of a box in the plane of the ground's bounds, and all from which a gap over it could be closed."""
    banks = shapely.buffer(local_plane(bounds).laid(water(box)), _BANK_KM, quad_segs=2)
    # a round corner of so few segments is up to 8 % nearer, and the simpler outline a kilometre
    return banks, shapely.buffer(shapely.simplify(banks, 1.0), 1.2 * _WATER_KM, quad_segs=2)


def _closed(coarse: shapely.Geometry, width_km: float) -> shapely.Geometry:
    return shapely.buffer(shapely.buffer(coarse, width_km / 2, quad_segs=4), -width_km / 2, quad_segs=4)


@lru_cache(maxsize=16)  # day after day the ground near water is the same
def _closed_over(banks: shapely.Geometry, near: shapely.Geometry) -> shapely.Geometry:
    return shapely.intersection(_closed(near, _WATER_KM), banks)


def _gaps(
    shape: shapely.Geometry,
    width_km: float,
    others: NDArray[np.object_],
    *,
    water: tuple[shapely.Geometry, shapely.Geometry] | None = None,
) -> NDArray[np.object_]:
    """The undrawn gaps of a ground up to a width, or over water, whose outline is mostly the ground's own edge."""
    coarse = shapely.simplify(shape, width_km / 200)
    if water is None:
        closed = _closed(coarse, width_km)
    else:
        closed = _closed_over(water[0], shapely.intersection(coarse, water[1]))
    gap = shapely.difference(closed, shape)
    drawn = others[shapely.intersects(others, gap)]
    parts = _polygons(shapely.difference(gap, shapely.union_all(drawn)) if len(drawn) else gap)
    parts = parts[shapely.area(parts) > (_CRACK_KM * _STRIP_KM if water is None else _STRIP_KM)]
    if not len(parts):
        return np.asarray(parts, dtype=object)
    # to a metre: along a bay or a bend a part is narrow, and its open side is near the ground's edge as well
    around = shapely.union_all(shapely.box(*np.add(shapely.bounds(parts), (-0.01, -0.01, 0.01, 0.01)).T))
    edge = shapely.buffer(shapely.intersection(shapely.boundary(shape), around), 1e-3, quad_segs=1)
    outlines = shapely.boundary(parts)
    pieces = shapely.STRtree(shapely.get_parts(edge))  # each outline is held against those near it alone
    which, near = pieces.query(outlines, predicate="intersects")
    met = shapely.length(shapely.intersection(outlines[which], pieces.geometries[near]))
    own = np.bincount(which, met, minlength=len(outlines))
    kept = parts[own >= _OWN_EDGE * shapely.length(outlines)]
    # closed by a hair, so that no crack is left between a gap and its banks
    return np.asarray(shapely.buffer(kept, max(width_km / 200, 0.01), join_style="mitre"), dtype=object)


def ground_of_sides(frame: gpd.GeoDataFrame, statuses: Sequence[str]) -> dict[str, shapely.Geometry]:
    """The union of each side's ground of these statuses."""
    listed: dict[str, list[shapely.Geometry]] = {}
    for side, status, shape in zip(frame["controller"], frame["status"], frame.geometry, strict=True):
        if text_or_none(side) is not None and status in statuses:
            listed.setdefault(str(side), []).append(shape)
    return {side: union(listed[side]) for side in sorted(listed)}


def _inside(
    countries: gpd.GeoDataFrame, ground: Sequence[shapely.Geometry], bounds: Box, inset_km: float
) -> NDArray[np.object_]:
    """The countries in which the ground lies, each without a strip along border and coast."""
    shapes = np.asarray(countries.geometry.array, dtype=object)
    met = shapes[shapely.intersects(shapes, shapely.union_all([shapely.box(*g.bounds) for g in ground]))]
    return _drawn_in(tuple(met.tolist()), bounds, inset_km)


@lru_cache(maxsize=16)
def _drawn_in(countries: tuple[shapely.Geometry, ...], bounds: Box, inset_km: float) -> NDArray[np.object_]:
    west, south, east, north = bounds
    # what is far from the ground need not be drawn in
    near = shapely.intersection(np.array(countries), shapely.box(west - 2, south - 2, east + 2, north + 2))
    laid = local_plane(bounds).laid(near)
    return np.asarray(shapely.buffer(laid, -inset_km) if inset_km else laid, dtype=object)


def _lines_only(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(np.array([shape], dtype=object))
    while (shapely.get_type_id(parts) >= 5).any():
        parts = shapely.get_parts(parts)
    return shapely.multilinestrings(parts[np.isin(shapely.get_type_id(parts), (1, 2))])


def distance_km(front: Front, lat: float, lon: float) -> float:
    """How far a point lies from a front, in km."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise UsageError(f"{lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
    if front.lines.is_empty:
        raise UsageError("there is no front to be far from on that date, at that inset")
    point = shapely.Point(lon, lat)
    # about the point itself the plane's distances are at their truest; the last digit comes from the geodesic
    plane = local_plane(point.bounds)
    nearest = shapely.shortest_line(plane.laid(point), plane.laid(front.lines))
    return float(lengths_km(np.array([plane.lifted(nearest)], dtype=object))[0])


def movement(
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    front: Front,
    *,
    controller: str | None = None,
    statuses: Sequence[str] = ("held",),
    sectors: Sequence[tuple[str, shapely.Geometry]] = (),
    within: shapely.Geometry | None = None,
) -> pd.DataFrame:
    """How far a front moved between two dates, as a whole and by sector."""
    old, new = ground_of_sides(before, statuses), ground_of_sides(after, statuses)
    sides = sorted(old.keys() | new.keys())
    if controller is None and len(sides) != 1:
        raise UsageError(f"name the side whose front moved (--controller): {', '.join(sides) or 'there is none'}")
    side = controller or sides[0]
    nothing = shapely.MultiPolygon()
    a, b = old.get(side, nothing), new.get(side, nothing)
    gained, lost = shapely.difference(b, a), shapely.difference(a, b)
    rows, short = [], []
    for name, area in ((None, within), *sectors):
        mine = [_polygons(clip(g, area)) for g in (gained, lost)]
        lines = np.array([_lines_only(clip(front.lines, area))], dtype=object)
        length = front.length_km if name is None else float(lengths_km(lines)[0])
        km2 = [float(without_residue(areas_km2(polygons).sum())) for polygons in mine]
        if name is not None and not length and not any(km2):
            continue
        deepest = [_greatest_km(polygons, a) for polygons in mine]
        # ground for each km of front; none where that is too short to be what the ground moved across
        means = [k / length if length and k / length <= d else None for k, d in zip(km2, deepest, strict=True)]
        short += [name or gettext("the whole")] if any(k and m is None for k, m in zip(km2, means, strict=True)) else []
        rows.append((name, length, *km2, means[0], deepest[0], means[1], deepest[1]))
    table = pd.DataFrame(rows, columns=list(SECTOR_COLUMNS), dtype=object)
    table = table.astype(dict.fromkeys(SECTOR_COLUMNS[1:], "float64"))
    if short:
        table.attrs["notes"] = (
            gettext(
                "no mean for {sectors}: the front there is too short for the ground that moved",
                sectors=", ".join(short),
            ),
        )
    return table


def _polygons(shape: shapely.Geometry) -> NDArray[np.object_]:
    parts = shapely.get_parts(np.array([areal_only(shape)], dtype=object))
    return np.asarray(parts[~shapely.is_empty(parts)], dtype=object)


def _greatest_km(polygons: NDArray[np.object_], ground: shapely.Geometry) -> float:
    """The distance from an outline to the farthest point of polygons, in km; 0 where there are none."""
    if not len(polygons) or ground.is_empty:
        return 0.0
    plane = local_plane(shapely.total_bounds(polygons))
    line = shapely.boundary(plane.laid(ground))
    outlines = shapely.segmentize(shapely.boundary(plane.laid(polygons)), _SPACING_KM)
    points = shapely.points(shapely.get_coordinates(outlines))
    # the farthest point may lie inside: the pole of each polygon's room is tried too
    inner = shapely.get_point(shapely.maximum_inscribed_circle(plane.laid(polygons), 0.01), 0)
    shapely.prepare(line)
    return float(shapely.distance(np.concatenate([points, inner]), line).max())
