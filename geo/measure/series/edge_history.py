"""A series at the cost of what changed: the boundary edges that are born and die from one snapshot to the next.

Take every ring with its interior on the left. A ledger keeps each boundary edge of a class once, with the snapshots at
which it is born and dies, and reads the series once, one snapshot in memory at a time. The difference of two snapshots
is the edges born and, reversed, the edges that died in between; what both have cancels. So only changed edges are
closed into faces (`edges`). Every edge adds a fixed amount to the area, so the growth of a step is known
before any face is made: each step proves itself (gained minus lost equals the growth), and where it cannot, that one
step is done by a full overlay, and said so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure.areas import areal_only, union
from geo.measure.ellipsoid import areas_km2, edge_areas_km2, running_areas_km2
from geo.measure.series.edges import (
    NO_EDGES,
    NO_HASHES,
    NO_POLYGONS,
    Chain,
    Floats,
    HashedEdges,
    Hashes,
    Ints,
    Objects,
    are_closed,
    bundled,
    chain_areas_km2,
    difference,
    faces,
    hashed,
    net,
    unshared,
)

log = logging.getLogger(__name__)

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
        before, after = sides[k]()
        pieces = [areal_only(g) for g in (shapely.difference(after, before), shapely.difference(before, after))]
        came, went = (shapely.get_parts(np.array([p], dtype=object)) for p in pieces)
        steps.append(Step(came, went, float(areas_km2(came).sum() - areas_km2(went).sum()), True))
    return steps


def _sums_km2(groups: Sequence[Objects]) -> Floats:
    """km² of every group of polygons."""
    total = np.zeros(len(groups))
    if len(groups):
        np.add.at(total, np.repeat(np.arange(len(groups)), [len(g) for g in groups]), areas_km2(np.concatenate(groups)))
    return total


@dataclass(frozen=True)
class Ledger:
    """The boundary edges of one class with their births and deaths over a series of snapshots."""

    edges: Chain
    born: Ints
    died: Ints
    count: int
    whole: Mapping[int, Objects] = field(default_factory=dict)

    def alive(self, i: int) -> Chain:
        """The boundary at snapshot i, without edges that two touching polygons share."""
        there = (self.born <= i) & (self.died > i)
        return net(Chain(self.edges.tails[there], self.edges.heads[there]))

    def ground(self, i: int) -> shapely.Geometry:
        """The ground at snapshot i as one geometry in EPSG:4326."""
        return union([shapely.MultiPolygon(), *faces(bundled([self.alive(i)]))[0][0]])

    def areas_km2(self) -> Floats:
        """The area at every snapshot: a cumulative sum of births minus deaths."""
        growth = np.bincount(self.born, self._amounts, minlength=self.count + 1).astype(np.float64)
        growth -= np.bincount(self.died, self._amounts, minlength=self.count + 1)
        return running_areas_km2(growth[: self.count])

    @cached_property
    def _amounts(self) -> Floats:
        """What each edge adds to the area, measured from one parallel in the middle of all."""
        ends = (self.edges.tails.real, self.edges.tails.imag, self.edges.heads.real, self.edges.heads.imag)
        x0, y0, x1, y1 = (np.ascontiguousarray(v) for v in ends)
        return edge_areas_km2(x0, y0, x1, y1, reference=float(np.median(y0)) if len(y0) else 0.0)

    def steps(self) -> list[Step]:
        """What changed at every snapshot from the one before; the first is from nothing."""
        return list(self._steps)

    @cached_property
    def _steps(self) -> list[Step]:
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
        found = dict(zip(chains, proven(list(chains.values()), sides), strict=True))
        for i, polygons in self.whole.items():
            found[i] = Step(polygons, NO_POLYGONS, float(areas_km2(polygons).sum()), False)
        return [found.get(i, NOTHING) for i in range(self.count)]

    def between(self, i: int, j: int) -> Step:
        """What changed from snapshot i to snapshot j, from the edges that differ alone."""
        before, after = ((self.born <= k) & (self.died > k) for k in (i, j))
        old, new = before & ~after, after & ~before
        sides = [Chain(self.edges.tails[m], self.edges.heads[m]) for m in (old, new)]
        return proven([difference(*sides)], [lambda: (self.ground(i), self.ground(j))])[0]

    def then(self, later: Ledger) -> Ledger:
        """This ledger continued by one of the snapshots that follow; associative, and the same as one made at once."""
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
        """This ledger over more snapshots, at which nothing changes."""
        at = np.array([*place, count], dtype=np.int64)
        whole = {int(at[i]): polygons for i, polygons in self.whole.items()}
        return Ledger(self.edges, at[self.born], at[self.died], count, whole)


def _named(edges: Chain, chosen: NDArray[np.bool_]) -> dict[tuple[complex, complex], list[int]]:
    found: dict[tuple[complex, complex], list[int]] = {}
    for i in np.flatnonzero(chosen).tolist():
        found.setdefault((complex(edges.tails[i]), complex(edges.heads[i])), []).append(i)
    return found


def in_order(edges: Chain, born: Ints, died: Ints, count: int, whole: Mapping[int, Objects]) -> Ledger:
    """A ledger with its entries in the one order, whatever the order they come in."""
    tails, heads = edges
    order = np.lexsort((died, heads.imag, heads.real, tails.imag, tails.real, born))
    return Ledger(Chain(tails[order], heads[order]), born[order], died[order], count, whole)


def nothing(count: int) -> Ledger:
    """The ledger of so many snapshots at which nothing stands."""
    none = np.empty(0, dtype=np.complex128)
    never = np.empty(0, dtype=np.int64)
    return Ledger(Chain(none, none), never, never, count, {})


class Pieces:
    """The ground of a class as pieces that do not overlap: a row by itself, or the union of rows that do."""

    def __init__(self) -> None:
        self.rows: dict[Any, shapely.Geometry] = {}
        self.neighbours: dict[Any, set[Any]] = {}
        self.unions: dict[frozenset[Any], shapely.Geometry] = {}

    def update(self, came: Mapping[Any, shapely.Geometry], went: Sequence[Any]) -> None:
        """Take the rows in that came (name -> areal geometry in EPSG:4326) and those out that went."""
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


class LedgerBuilder:
    """Enters the snapshots of one class, in order, with one of them in memory."""

    def __init__(self) -> None:
        self._count = 0
        self._pieces = Pieces()
        self._edges: dict[Any, HashedEdges] = {}
        self._births: list[tuple[HashedEdges, int]] = []
        self._deaths: list[tuple[Hashes, int]] = []
        self._whole: dict[int, Objects] = {}

    def snapshot(self, shapes: Iterable[shapely.Geometry]) -> None:
        """Enter the next snapshot, whole."""
        named: dict[Any, shapely.Geometry] = {
            blake2b(shapely.to_wkb(shape), digest_size=16).digest(): shape for shape in shapes
        }
        there = self._pieces.rows
        self.step({k: g for k, g in named.items() if k not in there}, [k for k in there if k not in named])

    def step(self, came: Mapping[Any, shapely.Geometry], went: Iterable[Any]) -> None:
        """Enter the next snapshot as what came and what went since the one before."""
        went = list(went)
        if came or went:
            before = self._pieces.standing()
            self._pieces.update(came, went)
            after = self._pieces.standing()
            old = [self._edges.pop(k) for k in before if k not in after]
            new = {k: hashed(shape) for k, shape in after.items() if k not in before}
            self._edges |= new
            if not before:  # pieces do not overlap, so they are the faces
                self._whole[self._count] = shapely.get_parts(np.array(list(after.values()), dtype=object))
            self._record(old, list(new.values()))
        self._count += 1

    def _record(self, old: Sequence[HashedEdges], new: Sequence[HashedEdges]) -> None:
        """Births and deaths. An edge is told by its hash; should two ever clash, the step's chain does not close."""
        sides = [np.concatenate([NO_HASHES, *(e.hashes for e in side)]) for side in (old, new)]
        dead, born = unshared(*sides)
        self._deaths.append((sides[0][dead], self._count))
        chain = Chain(*(np.concatenate([NO_EDGES[s], *(e.chain[s] for e in new)])[born] for s in (0, 1)))
        self._births.append((HashedEdges(chain, sides[1][born]), self._count))

    def ledger(self) -> Ledger:
        """What was entered so far."""
        tails, heads = (np.concatenate([NO_EDGES[s], *(e.chain[s] for e, _ in self._births)]) for s in (0, 1))
        hashes = np.concatenate([NO_HASHES, *(e.hashes for e, _ in self._births)])
        born = _repeated([(len(e.hashes), when) for e, when in self._births])
        dying = np.concatenate([NO_HASHES, *(h for h, _ in self._deaths)])
        died = _ends(hashes, dying, _repeated([(len(h), when) for h, when in self._deaths]), self._count)
        return in_order(Chain(tails, heads), born, died, self._count, dict(self._whole))


def _repeated(runs: Sequence[tuple[int, int]]) -> Ints:
    """Each second number as often as the first one says."""
    counts, values = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    return np.repeat(values, counts)


def _ends(births: Hashes, deaths: Hashes, died: Ints, forever: int) -> Ints:
    """When what was born dies: of an edge the first life ends with the first death; both are listed by date."""
    by_birth, by_death = (np.argsort(v, kind="stable") for v in (births, deaths))
    mine, theirs = births[by_birth], deaths[by_death]
    life = np.arange(len(mine)) - np.searchsorted(mine, mine)
    at = np.searchsorted(theirs, mine) + life
    over = at < np.searchsorted(theirs, mine, side="right")
    ends = np.full(len(births), forever, dtype=np.int64)
    ends[by_birth[over]] = died[by_death[at[over]]]
    return ends
