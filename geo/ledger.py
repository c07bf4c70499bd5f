"""A series at the cost of what changed: the boundary edges that are born and die from one snapshot to the next.

Take every ring with its interior on the left. The boundary of (after minus before), as a signed chain, is the edges
born and the edges that died, reversed; shared edges cancel. So only the changed edges are closed into faces; a face
changed hands by the winding number of that chain around it: +1 gained, -1 lost. Every edge adds a fixed amount to the
area, so the growth of a step is known before any face is made: each step proves itself (gained minus lost equals the
growth), and where it cannot, that one step is done by a full overlay, and said so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.area import areas_km2, edge_areas_km2
from geo.measures import OUTSIDE, ClassKey, Zone, areal_only, union
from geo.schema import text_or_none

log = logging.getLogger(__name__)

# What a step may be off by before it counts as not proven: of the changed area, and of the sum of edge amounts.
TOLERANCE_KM2 = 1e-7
TOLERANCE = 1e-9

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Step(NamedTuple):
    """What changed of one class from the snapshot before: the polygons gained and lost, and the growth in km².

    ``overlay`` says that a full overlay was needed.
    """

    gained: Objects
    lost: Objects
    growth_km2: float
    overlay: bool


@dataclass(frozen=True)
class Chain:
    """Boundary edges as positions: tails, heads (n, 2) in degrees, and how often each counts (n,), in one direction."""

    tails: Floats
    heads: Floats
    counts: Ints


def class_steps(
    rows: gpd.GeoDataFrame,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[ClassKey, list[Step]]:
    """Every step of every class of a series.

    Parameters
    ----------
    rows : geopandas.GeoDataFrame
        Columns controller, status, native, part, valid_from, valid_to (UTC; NaT is open) and areal, valid geometry in
        EPSG:4326: each polygon once for as long as it stands, as the archive's layer has it.
    instants : sequence of datetime.datetime
        The snapshots, in order.
    by_native : bool
        Keep the source's own classes apart.
    progress : callable or None
        Called with (done, of how many) after every step of every class.

    Returns
    -------
    dict
        (controller, status, native or None, part) -> one step an instant; the first is from nothing.

    Raises
    ------
    GateError
        A geometry cannot be measured (`geo.area.areas_km2`).
    """
    first, last = _lifetimes(rows, instants)
    geometry = np.asarray(rows.geometry.array, dtype=object)
    natives = rows["native"] if by_native else [None] * len(rows)
    keys = [
        (text_or_none(c), str(s), text_or_none(n), str(p))
        for c, s, n, p in zip(rows["controller"], rows["status"], natives, rows["part"], strict=True)
    ]
    found: dict[ClassKey, list[Step]] = {}
    ordered = sorted(set(keys), key=lambda k: (k[0] or "~", k[1], k[2] or "", k[3]))
    for key in ordered:
        mine = np.flatnonzero([k == key for k in keys])
        found[key] = []
        for step in _steps(geometry[mine], first[mine], last[mine], len(instants)):
            found[key].append(step)
            if progress is not None:
                progress(len(found) * len(instants) - len(instants) + len(found[key]), len(ordered) * len(instants))
    return found


def _lifetimes(rows: gpd.GeoDataFrame, instants: Sequence[datetime]) -> tuple[Ints, Ints]:
    """The first snapshot that has each row, and the first after it that has not."""
    stamps = np.array([_nanoseconds(i) for i in instants], dtype=np.int64)
    starts = np.array([_nanoseconds(v) for v in rows["valid_from"]], dtype=np.int64)
    forever = np.iinfo(np.int64).max
    ends = np.array([forever if pd.isna(v) else _nanoseconds(v) for v in rows["valid_to"]], dtype=np.int64)
    return np.searchsorted(stamps, starts), np.searchsorted(stamps, ends)


def _nanoseconds(moment: datetime) -> int:
    return pd.Timestamp(moment).value


def _steps(geometry: Objects, first: Ints, last: Ints, count: int) -> Iterator[Step]:
    """The steps of one class, one snapshot after the other."""
    pieces = _Pieces(geometry)
    alive: set[int] = set()
    for i in range(count):
        came = np.flatnonzero((first == i) & (last > i)).tolist()
        went = [r for r in alive if last[r] <= i]
        if not came and not went:
            yield NOTHING
            continue
        before = pieces.standing()
        alive = (alive - set(went)) | set(came)
        pieces.update(came, went)
        after = pieces.standing()
        old = [before[k] for k in before.keys() - after.keys()]
        new = [after[k] for k in after.keys() - before.keys()]
        yield _step(old, new)


class _Pieces:
    """The ground of a class as pieces that do not overlap: a row by itself, or the union of rows that do."""

    def __init__(self, geometry: Objects) -> None:
        self.geometry = geometry
        self.neighbours: dict[int, set[int]] = {}
        self.unions: dict[frozenset[int], shapely.Geometry] = {}

    def update(self, came: Sequence[int], went: Sequence[int]) -> None:
        for row in went:
            for other in self.neighbours.pop(row):
                self.neighbours[other].discard(row)
        for row in came:
            self.neighbours[row] = set()
        there = np.array(sorted(self.neighbours), dtype=int)
        if not len(came) or not len(there):
            return
        tree = shapely.STRtree(self.geometry[there])
        new = np.array(list(came), dtype=int)
        i, j = tree.query(self.geometry[new], predicate="intersects")
        pairs = {(min(a, b), max(a, b)) for a, b in zip(new[i].tolist(), there[j].tolist(), strict=True) if a != b}
        for a, b in pairs:
            # rows that only touch share no ground, and their common edges cancel
            if shapely.relate_pattern(self.geometry[a], self.geometry[b], "T********"):
                self.neighbours[a].add(b)
                self.neighbours[b].add(a)

    def standing(self) -> dict[frozenset[int], shapely.Geometry]:
        """Piece by piece, by the rows that make it."""
        seen: set[int] = set()
        found: dict[frozenset[int], shapely.Geometry] = {}
        for row in self.neighbours:
            if row in seen:
                continue
            group, stack = {row}, [row]
            while stack:
                for other in self.neighbours[stack.pop()]:
                    if other not in group:
                        group.add(other)
                        stack.append(other)
            seen |= group
            key = frozenset(group)
            found[key] = self.geometry[row] if len(group) == 1 else self._union(key)
        return found

    def _union(self, key: frozenset[int]) -> shapely.Geometry:
        if key not in self.unions:
            self.unions[key] = union(self.geometry[sorted(key)])
        return self.unions[key]


NOTHING = Step(np.array([], dtype=object), np.array([], dtype=object), 0.0, False)


def _step(old: Sequence[shapely.Geometry], new: Sequence[shapely.Geometry]) -> Step:
    """What changed between pieces that went and pieces that came."""
    if not old or not new:  # all of it: pieces do not overlap, so they are the faces
        whole = shapely.get_parts(np.array([*old, *new], dtype=object))
        km2 = float(areas_km2(whole).sum())
        return Step(whole, NOTHING.lost, km2, False) if new else Step(NOTHING.gained, whole, -km2, False)
    chain = changed_chain(old, new)
    growth = chain_area_km2(chain)
    gained, lost = faces(chain)
    proof = float(areas_km2(gained).sum() - areas_km2(lost).sum())
    size = float(areas_km2(gained).sum() + areas_km2(lost).sum())
    if abs(proof - growth) <= TOLERANCE_KM2 + TOLERANCE * size:
        return Step(gained, lost, growth, False)
    log.info("a step was done by a full overlay: its faces give %.9f km², its edges %.9f km²", proof, growth)
    nothing = shapely.MultiPolygon()
    before, after = (union(g) if g else nothing for g in (list(old), list(new)))
    pieces = [areal_only(g) for g in (shapely.difference(after, before), shapely.difference(before, after))]
    gained, lost = (shapely.get_parts(np.array([p], dtype=object)) for p in pieces)
    return Step(gained, lost, float(areas_km2(gained).sum() - areas_km2(lost).sum()), True)


def changed_chain(old: Sequence[shapely.Geometry], new: Sequence[shapely.Geometry]) -> Chain:
    """The edges of the new boundary and, reversed, those of the old; what both have cancels.

    Parameters
    ----------
    old, new : sequences of shapely geometries
        Areal, in EPSG:4326 degrees; within each, interiors apart. Rings may turn either way.

    Returns
    -------
    Chain
        ``counts`` is 1 or more; an edge and its reverse are never both there.

    Raises
    ------
    GateError
        Never.
    """
    parts = [(np.asarray(list(shapes), dtype=object), sign) for shapes, sign in ((old, -1), (new, 1)) if len(shapes)]
    tails, heads, signs = [], [], []
    for shapes, sign in parts:
        a, b = boundary_edges(shapes)
        tails.append(a)
        heads.append(b)
        signs.append(np.full(len(a), sign))
    if not tails:
        return Chain(np.empty((0, 2)), np.empty((0, 2)), np.empty(0, dtype=np.int64))
    return _net(np.concatenate(tails), np.concatenate(heads), np.concatenate(signs))


def boundary_edges(shapes: Objects) -> tuple[Floats, Floats]:
    """Directed edges of polygons, interior on the left: tails and heads, each (n, 2) in degrees.

    Parameters
    ----------
    shapes : numpy.ndarray of polygons and multipolygons
        Valid; rings may turn either way.

    Raises
    ------
    GateError
        Never.
    """
    polygons = shapely.get_parts(shapes)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    is_hole = np.concatenate([[False], owner[1:] == owner[:-1]])
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    edge = ring_of[1:] == ring_of[:-1]
    tails, heads = xy[:-1][edge], xy[1:][edge]
    # a shell should run counter-clockwise, a hole clockwise: turn the others round
    turned = (shapely.is_ccw(rings) == is_hole)[ring_of[:-1][edge]]
    return np.where(turned[:, None], heads, tails), np.where(turned[:, None], tails, heads)


def _net(tails: Floats, heads: Floats, signs: NDArray[np.int64]) -> Chain:
    points = np.concatenate([tails, heads])
    _, ids = np.unique(points.view(np.complex128).ravel(), return_inverse=True)
    a, b = ids[: len(tails)], ids[len(tails) :]
    flip = a > b
    low, high = np.where(flip, b, a), np.where(flip, a, b)
    code, index, inverse = np.unique(low * (ids.max() + 1) + high, return_index=True, return_inverse=True)
    counts = np.zeros(len(code), dtype=np.int64)
    np.add.at(counts, inverse, np.where(flip, -signs, signs))
    keep = counts != 0
    first, counts = index[keep], counts[keep]
    # an edge is kept in the direction in which it counts positively
    back = flip[first] != (counts < 0)
    return Chain(
        np.where(back[:, None], heads[first], tails[first]),
        np.where(back[:, None], tails[first], heads[first]),
        np.abs(counts),
    )


def chain_area_km2(chain: Chain) -> float:
    """The area that a closed chain encloses, counted with its winding numbers, in km².

    Parameters
    ----------
    chain : Chain
        Closed: as many edges leave each position as come to it.

    Returns
    -------
    float
        km², signed.

    Raises
    ------
    GateError
        Never.
    """
    if not len(chain.counts):
        return 0.0
    (x0, y0), (x1, y1) = chain.tails.T, chain.heads.T
    amounts = edge_areas_km2(*(np.ascontiguousarray(v) for v in (x0, y0, x1, y1)), reference=float(y0[0]))
    return float((amounts * chain.counts).sum())


def faces(chain: Chain) -> tuple[Objects, Objects]:
    """The faces of a closed chain with winding number +1 (gained) and -1 (lost).

    Parameters
    ----------
    chain : Chain
        As `changed_chain` gives it.

    Returns
    -------
    tuple of (numpy.ndarray, numpy.ndarray)
        Polygons in EPSG:4326.

    Raises
    ------
    GateError
        Never: a face wound more than once is in neither, and the step's own proof finds that out.
    """
    if not len(chain.counts):
        return NOTHING.gained, NOTHING.lost
    loops = _simple_loops(chain)
    if loops is not None:
        return loops
    lines = shapely.linestrings(np.stack([chain.tails, chain.heads], axis=1))
    made = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
    winding = winding_numbers(chain, shapely.point_on_surface(made))
    return made[winding == 1], made[winding == -1]


def _simple_loops(chain: Chain) -> tuple[Objects, Objects] | None:
    """The chain as loops that are faces as they stand, or None where it branches or loops meet."""
    ids: dict[tuple[float, float], int] = {}
    tails = [ids.setdefault(p, len(ids)) for p in map(tuple, chain.tails.tolist())]
    heads = [ids.setdefault(p, len(ids)) for p in map(tuple, chain.heads.tolist())]
    if len(set(tails)) < len(tails) or len(set(heads)) < len(heads) or (chain.counts > 1).any():
        return None
    after = dict(zip(tails, heads, strict=True))
    positions = list(ids)
    loops = []
    while after:
        start, here = after.popitem()
        ring = [positions[start]]
        while here != start:
            ring.append(positions[here])
            here = after.pop(here)
        loops.append([*ring, ring[0]])
    made = shapely.polygons([shapely.LinearRing(ring) for ring in loops])
    if not shapely.is_valid(made).all() or _boxes_meet(made):
        return None
    left = shapely.is_ccw(shapely.get_exterior_ring(made))
    return made[left], made[~left]


def _boxes_meet(polygons: Objects) -> bool:
    if len(polygons) == 1:
        return False
    i, j = shapely.STRtree(polygons).query(polygons)
    return bool((i != j).any())


def winding_numbers(chain: Chain, points: Objects) -> Ints:
    """How often a chain runs around each point, counter-clockwise counted positive.

    Parameters
    ----------
    chain : Chain
        Closed, n edges.
    points : numpy.ndarray of points, shape (m,)
        Not on the chain.

    Returns
    -------
    numpy.ndarray of int64, shape (m,)

    Raises
    ------
    GateError
        Never.
    """
    (x0, y0), (x1, y1) = chain.tails.T, chain.heads.T
    x, y = shapely.get_x(points)[:, None], shapely.get_y(points)[:, None]
    up, down = (y0 <= y) & (y1 > y), (y1 <= y) & (y0 > y)
    side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
    turns = (up & (side > 0)).astype(np.int64) - (down & (side < 0)).astype(np.int64)
    total: Ints = (turns * chain.counts).sum(axis=1)
    return total


def panel(
    steps: Mapping[ClassKey, Sequence[Step]], zones: Sequence[Zone], *, instants: Sequence[datetime]
) -> pd.DataFrame:
    """Area, gross gain and gross loss of every class in every zone at every instant, in km².

    Parameters
    ----------
    steps : mapping
        As `class_steps` gives them.
    zones : sequence of geo.measures.Zone
        A zone whose shape is None is everywhere; units do not overlap each other.
    instants : sequence of datetime.datetime
        Those of the steps.

    Returns
    -------
    pandas.DataFrame
        instant, controller, status, native, part, unit, area_km2, gained_km2, lost_km2; only zones that a class has
        ever had ground in, or the one zone there is.

    Raises
    ------
    GateError
        A geometry cannot be measured (`geo.area.areas_km2`).
    """
    frames = []
    for key, listed in steps.items():
        gained, lost = (_by_zone([getattr(step, side) for step in listed], zones) for side in ("gained", "lost"))
        growth = gained - lost
        if len(zones) == 1 and zones[0].shape is None:  # by the edges, which lose no digit in a face
            growth = np.array([[step.growth_km2] for step in listed])
        area = np.cumsum(growth, axis=0)
        held = np.flatnonzero((gained > 0).any(axis=0)).tolist() if len(zones) > 1 else range(len(zones))
        for z in held:
            table = {"instant": instants, "area_km2": area[:, z], "gained_km2": gained[:, z], "lost_km2": lost[:, z]}
            names = dict(zip(("controller", "status", "native", "part"), key, strict=True))
            frames.append(pd.DataFrame(table).assign(unit=zones[z].unit, **names))
    columns = ["instant", "controller", "status", "native", "part", "unit", "area_km2", "gained_km2", "lost_km2"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _by_zone(polygons: Sequence[Objects], zones: Sequence[Zone]) -> Floats:
    """km² of each step's polygons in each zone: those inside a zone as they are, the others cut."""
    step = np.repeat(np.arange(len(polygons)), [len(p) for p in polygons])
    every = np.concatenate([*polygons, NOTHING.gained])
    km2 = areas_km2(every)
    total = np.zeros((len(polygons), len(zones)))
    if len(zones) == 1 and zones[0].shape is None:
        np.add.at(total[:, 0], step, km2)
        return total
    # the ground outside all units is what they leave: its shape has all their borders, and need never be met
    rest = next((i for i, z in enumerate(zones) if z.unit == OUTSIDE and z.within is None), None)
    met = np.array([i for i in range(len(zones)) if i != rest])
    shapes = np.array([zones[i].shape for i in met], dtype=object)
    shapely.prepare(shapes)
    zone, who = shapely.STRtree(every).query(shapes, predicate="intersects")
    inside = shapely.contains(shapes[zone], every[who])
    np.add.at(total, (step[who[inside]], met[zone[inside]]), km2[who[inside]])
    cut_zone, cut_who = zone[~inside], who[~inside]
    pieces = areas_km2(shapely.intersection(every[cut_who], shapes[cut_zone]))
    np.add.at(total, (step[cut_who], met[cut_zone]), pieces)
    if rest is not None:
        whole = np.zeros(len(polygons))
        np.add.at(whole, step, km2)
        left = whole - total.sum(axis=1)
        # what is below the rounding of the sums is nothing
        total[:, rest] = np.where(left > 1e-9 * whole, left, 0.0)
    return total
