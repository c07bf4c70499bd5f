"""Ground that no unit holds, parted by the unit that lies nearest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from geo.measure.areas import areal_only

_SPACING = 0.005  # degrees between the points that stand for a unit's edge
_STEP = 1e-7  # points nearer than this count once


def parts_by_nearest(
    area: shapely.Geometry, shapes: Sequence[shapely.Geometry], *, within: float
) -> list[shapely.Geometry]:
    """The part of an area nearest to each shape, at most `within` degrees of latitude away (Voronoi cells of edges)."""
    nothing = shapely.MultiPolygon()
    if area.is_empty or not len(shapes):
        return [nothing] * len(shapes)
    _, south, _, north = shapely.bounds(area)
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    flat, outlines = _scaled(area, squeeze), [_scaled(s, squeeze) for s in shapes]
    reach = shapely.buffer(shapely.envelope(flat), within)
    points, owners = _edge_points([shapely.intersection(shapely.boundary(s), reach) for s in outlines])
    if not len(points):
        return [nothing] * len(shapes)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=reach, ordered=True))
    found = []
    for i, outline in enumerate(outlines):
        mine = cells[owners == i]
        cell = shapely.intersection(flat, shapely.union_all(mine)) if len(mine) else nothing
        near = shapely.intersection(cell, shapely.buffer(outline, within)) if not cell.is_empty else cell
        found.append(_scaled(areal_only(near), 1 / squeeze))
    return found


def _edge_points(edges: Sequence[shapely.Geometry]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    points = [shapely.get_coordinates(shapely.segmentize(e, _SPACING)) for e in edges]
    owners = np.repeat(np.arange(len(points)), [len(p) for p in points])
    keys, first = np.unique((np.concatenate(points) / _STEP).round().astype(np.int64), axis=0, return_index=True)
    return keys * _STEP, owners[first]


def _scaled(shape: shapely.Geometry, factor: float) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy * (factor, 1.0))
