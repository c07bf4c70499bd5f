"""A series at the cost of what changed: the boundary edges that are born and die from one snapshot to the next.

Take every ring with its interior on the left. A ledger keeps each boundary edge of a class once, with the snapshots at
which it is born and dies, and reads the series once, one snapshot in memory at a time. The difference of two snapshots
is the edges born and, reversed, the edges that died in between; what both have cancels. So only changed edges are
closed into faces (`geo.series.edges`). Every edge adds a fixed amount to the area, so the growth of a step is known
before any face is made: each step proves itself (gained minus lost equals the growth), and where it cannot, that one
step is done by a full overlay, and said so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.area import areas_km2, edge_areas_km2
from geo.measures import NOWHERE, ClassKey, Moved, areal_only, classes_of, ground_by_class, union
from geo.schema import text_or_none
from geo.series.edges import (
    NO_EDGES,
    NO_POLYGONS,
    Chain,
    Floats,
    Ints,
    Objects,
    are_closed,
    boundary_edges,
    bundled,
    chain_areas_km2,
    difference,
    faces,
    net,
)

log = logging.getLogger(__name__)

# What a step may be off by before it counts as not proven: of the changed area, and of the sum of edge amounts.
TOLERANCE_KM2 = 1e-7
TOLERANCE = 1e-9


class Step(NamedTuple):
    """What changed of one class from the snapshot before: the polygons gained and lost, and the growth in km².

    ``overlay`` says that a full overlay was needed.
    """

    gained: Objects
    lost: Objects
    growth_km2: float
    overlay: bool


Sides = tuple[shapely.Geometry, shapely.Geometry]
NOTHING = Step(NO_POLYGONS, NO_POLYGONS, 0.0, False)


@dataclass(frozen=True)
class Ledger:
    """The boundary edges of one class with their births and deaths over a series of snapshots.

    ``edges`` has one entry for each life of an edge, ``born`` and ``died`` (int64, indexes of snapshots) say when: it
    is there from ``born`` until before ``died``; ``count`` snapshots in all. ``whole`` has the polygons of the steps
    from nothing. The order of entries does not depend on how the ledger was made.
    """

    edges: Chain
    born: Ints
    died: Ints
    count: int
    whole: Mapping[int, Objects] = field(default_factory=dict)

    def alive(self, i: int) -> Chain:
        """The boundary at snapshot i, without edges that two touching polygons share.

        Raises
        ------
        GateError
            Never.
        """
        there = (self.born <= i) & (self.died > i)
        return net(Chain(self.edges.tails[there], self.edges.heads[there]))

    def ground(self, i: int) -> shapely.Geometry:
        """The ground at snapshot i as one geometry in EPSG:4326.

        Raises
        ------
        GateError
            Never.
        """
        return union([shapely.MultiPolygon(), *faces(bundled([self.alive(i)]))[0][0]])

    def areas_km2(self) -> Floats:
        """The area at every snapshot: a cumulative sum of births minus deaths.

        Returns
        -------
        numpy.ndarray of float64, shape (count,)
            km².

        Raises
        ------
        GateError
            Never.
        """
        growth = np.bincount(self.born, self._amounts, minlength=self.count + 1)
        growth -= np.bincount(self.died, self._amounts, minlength=self.count + 1)
        return np.asarray(np.cumsum(growth[: self.count]))

    @cached_property
    def _amounts(self) -> Floats:
        """What each edge adds to the area, measured from one parallel in the middle of all."""
        ends = (self.edges.tails.real, self.edges.tails.imag, self.edges.heads.real, self.edges.heads.imag)
        x0, y0, x1, y1 = (np.ascontiguousarray(v) for v in ends)
        return edge_areas_km2(x0, y0, x1, y1, reference=float(np.median(y0)) if len(y0) else 0.0)

    def steps(self) -> list[Step]:
        """What changed at every snapshot from the one before; the first is from nothing.

        Raises
        ------
        GateError
            A geometry cannot be measured (`geo.area.areas_km2`).
        """
        by_death = np.argsort(self.died, kind="stable")
        births = np.searchsorted(self.born, np.arange(self.count + 1))
        deaths = np.searchsorted(self.died[by_death], np.arange(self.count + 1))
        changed = np.flatnonzero((np.diff(births) > 0) | (np.diff(deaths) > 0)).tolist()
        chains = {}
        for i in changed:
            came, went = slice(births[i], births[i + 1]), by_death[deaths[i] : deaths[i + 1]]
            if i not in self.whole:
                new = Chain(self.edges.tails[came], self.edges.heads[came])
                chains[i] = difference(Chain(self.edges.tails[went], self.edges.heads[went]), new)
        sides = [lambda i=i: (self.ground(i - 1), self.ground(i)) for i in chains]
        found = dict(zip(chains, _proven(list(chains.values()), sides), strict=True))
        for i, polygons in self.whole.items():
            found[i] = Step(polygons, NO_POLYGONS, float(areas_km2(polygons).sum()), False)
        return [found.get(i, NOTHING) for i in range(self.count)]

    def between(self, i: int, j: int) -> Step:
        """What changed from snapshot i to snapshot j, from the edges that differ alone.

        Raises
        ------
        GateError
            A geometry cannot be measured (`geo.area.areas_km2`).
        """
        before, after = ((self.born <= k) & (self.died > k) for k in (i, j))
        old, new = before & ~after, after & ~before
        sides = [Chain(self.edges.tails[m], self.edges.heads[m]) for m in (old, new)]
        return _proven([difference(*sides)], [lambda: (self.ground(i), self.ground(j))])[0]

    def then(self, later: Ledger) -> Ledger:
        """This ledger continued by one of the snapshots that follow; associative, and the same as one made at once.

        Parameters
        ----------
        later : Ledger
            Of the next snapshots of the same class, from nothing.

        Raises
        ------
        GateError
            Never.
        """
        open_edges = self.died == self.count
        first = later.born == 0
        here = _named(self.edges, open_edges)
        died = np.concatenate([self.died, later.died + self.count])
        keep = np.ones(len(died), dtype=bool)
        for edge, lives in _named(later.edges, first).items():
            for mine, theirs in zip(here.get(edge, []), lives, strict=False):
                died[mine] = later.died[theirs] + self.count
                keep[len(self.died) + theirs] = False
        edges = Chain(*(np.concatenate([self.edges[s], later.edges[s]])[keep] for s in (0, 1)))
        born = np.concatenate([self.born, later.born + self.count])[keep]
        whole = dict(self.whole) | {i + self.count: p for i, p in later.whole.items() if i or not open_edges.any()}
        return in_order(edges, born, died[keep], self.count + later.count, whole)

    def spread(self, place: Sequence[int], count: int) -> Ledger:
        """This ledger over more snapshots, at which nothing changes.

        Parameters
        ----------
        place : sequence of int
            Where its own snapshots stand among them, in order.
        count : int
            How many there are in all.

        Raises
        ------
        GateError
            Never.
        """
        at = np.array([*place, count], dtype=np.int64)
        whole = {int(at[i]): polygons for i, polygons in self.whole.items()}
        return Ledger(self.edges, at[self.born], at[self.died], count, whole)


def _proven(chains: Sequence[Chain], sides: Sequence[Callable[[], Sides]]) -> list[Step]:
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


def _named(edges: Chain, chosen: NDArray[np.bool_]) -> dict[tuple[complex, complex], list[int]]:
    """The entries of every chosen edge."""
    found: dict[tuple[complex, complex], list[int]] = {}
    for i in np.flatnonzero(chosen).tolist():
        found.setdefault((complex(edges.tails[i]), complex(edges.heads[i])), []).append(i)
    return found


def in_order(edges: Chain, born: Ints, died: Ints, count: int, whole: Mapping[int, Objects]) -> Ledger:
    """A ledger with its entries in the one order, whatever the order they come in.

    Raises
    ------
    GateError
        Never.
    """
    tails, heads = edges
    order = np.lexsort((died, heads.imag, heads.real, tails.imag, tails.real, born))
    return Ledger(Chain(tails[order], heads[order]), born[order], died[order], count, whole)


def nothing(count: int) -> Ledger:
    """The ledger of so many snapshots at which nothing stands.

    Raises
    ------
    GateError
        Never.
    """
    none = np.empty(0, dtype=np.complex128)
    never = np.empty(0, dtype=np.int64)
    return Ledger(Chain(none, none), never, never, count, {})


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


class Clerk:
    """Enters the snapshots of one class, in order, with one of them in memory."""

    def __init__(self) -> None:
        self._count = 0
        self._pieces = _Pieces()
        self._edges: dict[Any, _Hashed] = {}
        self._births: list[tuple[_Hashed, int]] = []
        self._deaths: list[tuple[NDArray[np.uint64], int]] = []
        self._whole: dict[int, Objects] = {}

    def snapshot(self, shapes: Iterable[shapely.Geometry]) -> None:
        """Enter the next snapshot, whole.

        Parameters
        ----------
        shapes : iterable of shapely.Polygon and shapely.MultiPolygon
            Valid, EPSG:4326; where they overlap, ground counts once.

        Raises
        ------
        GateError
            Never.
        """
        named: dict[Any, shapely.Geometry] = {
            blake2b(shapely.to_wkb(shape), digest_size=16).digest(): shape for shape in shapes
        }
        there = self._pieces.rows
        self.step({k: g for k, g in named.items() if k not in there}, [k for k in there if k not in named])

    def step(self, came: Mapping[Any, shapely.Geometry], went: Iterable[Any]) -> None:
        """Enter the next snapshot as what came and what went since the one before.

        Parameters
        ----------
        came : mapping
            Name -> valid polygon or multipolygon in EPSG:4326; names can be sorted.
        went : iterable
            Names that came before.

        Raises
        ------
        GateError
            Never.
        """
        went = list(went)
        if came or went:
            before = self._pieces.standing()
            self._pieces.update(came, went)
            after = self._pieces.standing()
            old = [self._edges.pop(k) for k in before if k not in after]
            new = {k: _hashed(shape) for k, shape in after.items() if k not in before}
            self._edges |= new
            if not before:  # pieces do not overlap, so they are the faces
                self._whole[self._count] = shapely.get_parts(np.array(list(after.values()), dtype=object))
            self._record(old, list(new.values()))
        self._count += 1

    def _record(self, old: Sequence[_Hashed], new: Sequence[_Hashed]) -> None:
        """Births and deaths. An edge is told by its hash; should two ever clash, the step's chain does not close."""
        sides = [np.concatenate([_NO_HASHES, *(e.hashes for e in side)]) for side in (old, new)]
        dead, born = _alone(*sides)
        self._deaths.append((sides[0][dead], self._count))
        chain = Chain(*(np.concatenate([NO_EDGES[s], *(e.chain[s] for e in new)])[born] for s in (0, 1)))
        self._births.append((_Hashed(chain, sides[1][born]), self._count))

    def ledger(self) -> Ledger:
        """What was entered so far.

        Raises
        ------
        GateError
            Never.
        """
        tails, heads = (np.concatenate([NO_EDGES[s], *(e.chain[s] for e, _ in self._births)]) for s in (0, 1))
        hashes = np.concatenate([_NO_HASHES, *(e.hashes for e, _ in self._births)])
        born = _repeated([(len(e.hashes), when) for e, when in self._births])
        dying = np.concatenate([_NO_HASHES, *(h for h, _ in self._deaths)])
        died = _ends(hashes, dying, _repeated([(len(h), when) for h, when in self._deaths]), self._count)
        return in_order(Chain(tails, heads), born, died, self._count, dict(self._whole))


def _repeated(runs: Sequence[tuple[int, int]]) -> Ints:
    """Each second number as often as the first one says."""
    counts, values = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    return np.repeat(values, counts)


def _ends(births: NDArray[np.uint64], deaths: NDArray[np.uint64], died: Ints, forever: int) -> Ints:
    """When what was born dies: of an edge the first life ends with the first death; both are listed by date."""
    by_birth, by_death = (np.argsort(v, kind="stable") for v in (births, deaths))
    mine, theirs = births[by_birth], deaths[by_death]
    life = np.arange(len(mine)) - np.searchsorted(mine, mine)
    at = np.searchsorted(theirs, mine) + life
    over = at < np.searchsorted(theirs, mine, side="right")
    ends = np.full(len(births), forever, dtype=np.int64)
    ends[by_birth[over]] = died[by_death[at[over]]]
    return ends


class _Hashed(NamedTuple):
    """The edges of a piece, each with a hash of its four numbers."""

    chain: Chain
    hashes: NDArray[np.uint64]


def _difference(before: shapely.Geometry, after: shapely.Geometry) -> Chain:
    """The chain around what differs between two grounds."""
    sides = [_hashed(ground) for ground in (before, after)]
    alone = _alone(*(side.hashes for side in sides))
    return difference(*(Chain(s.chain.tails[m], s.chain.heads[m]) for s, m in zip(sides, alone, strict=True)))


_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
_NO_HASHES = np.empty(0, dtype=np.uint64)


def _hashed(shape: shapely.Geometry) -> _Hashed:
    chain = boundary_edges(shape)
    hashes = np.zeros(len(chain.tails), dtype=np.uint64)
    for side, numbers in enumerate(chain):
        bits = (np.ascontiguousarray(numbers).view(np.float64) + 0.0).view(np.uint64).reshape(-1, 2)
        for k in (0, 1):  # one multiplication and one shift for each number, so that near positions come out far apart
            hashes = (hashes ^ bits[:, k]) * _MIX[2 * side + k]
            hashes ^= hashes >> np.uint64(29)
    return _Hashed(chain, hashes)


def _alone(old: NDArray[np.uint64], new: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each side, the hashes that the other has not."""
    shorter = min(len(old), len(new))
    # most of a boundary stands where it stood: what both begin and end with is left out first
    head = _agreeing(old[:shorter], new[:shorter])
    tail = _agreeing(old[head:][::-1][: shorter - head], new[head:][::-1][: shorter - head])
    middles = [slice(head, len(side) - tail) for side in (old, new)]
    every = np.concatenate([old[middles[0]], new[middles[1]]])
    every.sort()
    alone = np.ones(len(every), dtype=bool)
    same = every[1:] == every[:-1]
    alone[1:] &= ~same
    alone[:-1] &= ~same
    found = []
    for side, middle in zip((old, new), middles, strict=True):
        mine = np.zeros(len(side), dtype=bool)
        mine[middle] = _among(side[middle], every[alone])
        found.append(mine)
    return found[0], found[1]


def _agreeing(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """How many numbers two arrays of one length have in common from their beginning."""
    differ = a != b
    first = int(differ.argmax()) if len(a) else 0
    return first if len(a) and differ[first] else len(a)


def _among(hashes: NDArray[np.uint64], chosen: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the hashes are chosen; those are sorted."""
    if not len(chosen):
        return np.zeros(len(hashes), dtype=bool)
    at = np.searchsorted(chosen, hashes)
    at[at == len(chosen)] = 0
    return np.asarray(chosen[at] == hashes)


class _Pieces:
    """The ground of a class as pieces that do not overlap: a row by itself, or the union of rows that do."""

    def __init__(self) -> None:
        self.rows: dict[Any, shapely.Geometry] = {}
        self.neighbours: dict[Any, set[Any]] = {}
        self.unions: dict[frozenset[Any], shapely.Geometry] = {}

    def update(self, came: Mapping[Any, shapely.Geometry], went: Sequence[Any]) -> None:
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


def class_ledgers(
    rows: gpd.GeoDataFrame,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[ClassKey, Ledger]:
    """The ledger of every class of a series.

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
        Called with (done, of how many) after every snapshot of every class.

    Returns
    -------
    dict
        (controller, status, native or None, part) -> its ledger, in the order of the classes.

    Raises
    ------
    GateError
        Never: the gate lets only valid geometry in.
    """
    first, last = _lifetimes(rows, instants)
    geometry = np.asarray(rows.geometry.array, dtype=object)
    natives = rows["native"] if by_native else [None] * len(rows)
    keys = [
        (text_or_none(c), str(s), text_or_none(n), str(p))
        for c, s, n, p in zip(rows["controller"], rows["status"], natives, rows["part"], strict=True)
    ]
    members: dict[ClassKey, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    ordered = sorted(members, key=lambda k: (k[0] or "~", k[1], k[2] or "", k[3]))
    found = {}
    for done, key in enumerate(ordered):
        clerk = Clerk()
        came: dict[int, list[int]] = {}
        went: dict[int, list[int]] = {}
        for row in members[key]:
            if first[row] < last[row]:
                came.setdefault(int(first[row]), []).append(row)
                went.setdefault(int(last[row]), []).append(row)
        for i in range(len(instants)):
            clerk.step({row: geometry[row] for row in came.get(i, [])}, went.get(i, []))
            if progress is not None:
                progress(done * len(instants) + i + 1, len(ordered) * len(instants))
        found[key] = clerk.ledger()
    return found


def changed_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, by_native: bool = False) -> list[Moved]:
    """What changed of every class between two dates, from the edges that differ alone.

    Parameters
    ----------
    before, after : geopandas.GeoDataFrame
        One source at two instants: controller, status, native, part and areal, valid geometry in EPSG:4326.
    by_native : bool
        Keep the source's own classes apart.

    Returns
    -------
    list of Moved
        In the order of the classes; as `geo.measures.overlaid`, at a quarter of the time.

    Raises
    ------
    GateError
        A geometry cannot be measured (`geo.area.areas_km2`).
    """
    old, new = (ground_by_class(frame, by_native=by_native) for frame in (before, after))
    found = []
    for key in classes_of(old, new):
        sides = old.get(key, NOWHERE), new.get(key, NOWHERE)
        if NOWHERE in sides:
            gained, lost = sides[1], sides[0]
        else:
            step = _proven([_difference(*sides)], [partial(tuple, sides)])[0]
            gained, lost = (union([NOWHERE, *polygons]) for polygons in step[:2])
        found.append(Moved(key, *sides, gained, lost))
    return found


def class_steps(
    rows: gpd.GeoDataFrame,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[ClassKey, list[Step]]:
    """Every step of every class of a series: the ledgers' steps, with the parameters of `class_ledgers`.

    Raises
    ------
    GateError
        A geometry cannot be measured (`geo.area.areas_km2`).
    """
    ledgers = class_ledgers(rows, instants, by_native=by_native, progress=progress)
    return {key: ledger.steps() for key, ledger in ledgers.items()}


def _lifetimes(rows: gpd.GeoDataFrame, instants: Sequence[datetime]) -> tuple[Ints, Ints]:
    """The first snapshot that has each row, and the first after it that has not."""
    stamps = np.array([_nanoseconds(i) for i in instants], dtype=np.int64)
    starts = np.array([_nanoseconds(v) for v in rows["valid_from"]], dtype=np.int64)
    forever = np.iinfo(np.int64).max
    ends = np.array([forever if pd.isna(v) else _nanoseconds(v) for v in rows["valid_to"]], dtype=np.int64)
    return np.searchsorted(stamps, starts), np.searchsorted(stamps, ends)


def _nanoseconds(moment: datetime) -> int:
    return pd.Timestamp(moment).value
