"""Boundaries as directed edges, interior on the left, and closed chains of edges as faces.

A position is one complex number, longitude + latitude·i in degrees. The difference of two grounds is a closed chain of
edges; a face is gained where the chain winds around it once, lost where it winds around it once the other way. Where
the chain falls into loops that are apart, a loop is a face as it stands; elsewhere the edges are noded and polygonized.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure.ellipsoid import edge_areas_km2

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Positions = NDArray[np.complex128]

NO_POLYGONS: Objects = np.array([], dtype=object)
Hashes = NDArray[np.uint64]
NO_HASHES: Hashes = np.empty(0, dtype=np.uint64)
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
# A loop below this, in square degrees (about a square centimetre), is a vertex put on an old edge.
_NO_GROUND = 1e-14


class Chain(NamedTuple):
    """Directed edges: tails and heads, each of shape (n,); an edge that counts twice is there twice."""

    tails: Positions
    heads: Positions


def boundary_edges(shape: shapely.Geometry) -> Chain:
    """The directed edges of a polygon or multipolygon, interior on the left."""
    rings, polygon = shapely.get_rings(shapely.get_parts(shape), return_index=True)
    if not len(rings):
        return NO_EDGES
    positions = np.ascontiguousarray(shapely.get_coordinates(rings)).view(np.complex128).ravel()
    ends = np.cumsum(shapely.get_num_coordinates(rings))
    first, last = np.concatenate([[0], ends[:-1]]), ends - 1
    hole = np.concatenate([[False], polygon[1:] == polygon[:-1]])
    tails, heads = positions[:-1], positions[1:]
    # twice the planar area of each ring about its own first vertex; a shell should be positive, a hole negative
    origin = np.repeat(positions[first], last - first + 1)[:-1]
    a, b = tails - origin, heads - origin
    cross = a.real * b.imag - a.imag * b.real
    inner = np.ones(len(tails), dtype=bool)
    inner[last[:-1]] = False
    cross[~inner] = 0.0
    turned = (np.add.reduceat(cross, first) > 0) == hole
    if turned.any():
        flip = np.repeat(turned, last - first + 1)[:-1]
        tails, heads = np.where(flip, heads, tails), np.where(flip, tails, heads)
    return Chain(tails[inner], heads[inner])


NO_EDGES = Chain(np.array([], dtype=np.complex128), np.array([], dtype=np.complex128))


class EdgeChains(NamedTuple):
    """Many chains, one after the other: each in the one order of its edges, without those that cancel."""

    tails: Positions
    heads: Positions
    ends: Ints
    starts: Ints
    goals: Ints

    def chain(self, i: int) -> Chain:
        mine = slice(self.ends[i], self.ends[i + 1])
        return Chain(self.tails[mine], self.heads[mine])

    @property
    def owner(self) -> Ints:
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))


def bundled(chains: Sequence[Chain]) -> EdgeChains:
    """Chains brought into one order, whatever the order their edges came in, without edges that run both ways."""
    owner = np.repeat(np.arange(len(chains)), [len(c.tails) for c in chains])
    tails, heads = (np.concatenate([NO_EDGES[side], *(c[side] for c in chains)]) for side in (0, 1))
    places, number = np.unique(np.concatenate([tails, heads]), return_inverse=True)
    starts, goals = (v + owner * len(places) for v in np.split(number, 2))
    order = np.lexsort((goals, starts))
    starts, goals = starts[order], goals[order]
    kept = _uncancelled(starts, goals)
    order, starts, goals = order[kept], starts[kept], goals[kept]
    ends = np.searchsorted(owner[order], np.arange(len(chains) + 1))
    return EdgeChains(tails[order], heads[order], ends, starts, goals)


def _uncancelled(starts: Ints, goals: Ints) -> Ints:
    """The edges that are left where one and its reverse cancel; the edges are in order."""
    low, high = np.minimum(starts, goals), np.maximum(starts, goals)
    order = np.lexsort((high, low))
    line = np.empty(len(order), dtype=np.int64)  # the same for an edge and its reverse
    line[order] = _runs(low[order], high[order])
    run = _runs(starts, goals)
    times = np.bincount(run)[run] if len(run) else run
    reverse = np.where(starts == goals, times, np.bincount(line)[line] - times) if len(run) else run
    again = np.arange(len(run)) - np.searchsorted(run, run)
    return np.flatnonzero(again < times - reverse)


def _runs(a: Ints, b: Ints) -> Ints:
    """Numbers for the runs of equal pairs."""
    new = (np.diff(a, prepend=-1) != 0) | (np.diff(b, prepend=-1) != 0)
    return np.asarray(np.cumsum(new) - 1)


def net(chain: Chain) -> Chain:
    """A chain without the edges that it runs both ways, in one order whatever the order they came in."""
    return bundled([chain]).chain(0)


def difference(old: Chain, new: Chain) -> Chain:
    """The new edges and, reversed, the old ones; what cancels is there both ways until it is `bundled`."""
    return Chain(np.concatenate([new.tails, old.heads]), np.concatenate([new.heads, old.tails]))


def are_closed(bundle: EdgeChains) -> NDArray[np.bool_]:
    """Of every chain, whether as many edges leave every position as come to it."""
    off = np.concatenate([[0], np.cumsum(bundle.starts != np.sort(bundle.goals))])
    return np.asarray(off[bundle.ends[1:]] == off[bundle.ends[:-1]])


def chain_areas_km2(bundle: EdgeChains) -> Floats:
    """The areas that closed chains enclose, counted with their winding numbers."""
    sizes = np.diff(bundle.ends)
    total = np.zeros(len(sizes))
    some = np.flatnonzero(sizes)
    if not len(some):
        return total
    first = bundle.ends[some]
    # measured from a parallel nearby, so that no digit is lost
    parallel = np.repeat(bundle.tails.imag[first], sizes[some])
    ends = (bundle.tails.real, bundle.tails.imag, bundle.heads.real, bundle.heads.imag)
    x0, y0, x1, y1 = (np.ascontiguousarray(v) for v in ends)
    total[some] = np.add.reduceat(edge_areas_km2(x0, y0, x1, y1, reference=parallel), first)
    return total


def faces(bundle: EdgeChains) -> list[tuple[Objects, Objects]]:
    """The faces of closed chains with winding number +1 (gained) and -1 (lost)."""
    count = len(bundle.ends) - 1
    rings, owner = _walked(bundle)
    if not rings:
        return [(NO_POLYGONS, NO_POLYGONS)] * count
    xy = np.concatenate(rings).view(np.float64).reshape(-1, 2)
    closed = shapely.linearrings(xy, indices=np.repeat(np.arange(len(rings)), [len(r) for r in rings]))
    polygons = shapely.polygons(closed)
    left = shapely.is_ccw(closed)
    ground = shapely.area(polygons) > _NO_GROUND
    # among these are loops like an eight, whose halves are equal: +1 and -1 come to nothing
    slight = np.flatnonzero(~ground)
    ground[slight] = shapely.area(shapely.convex_hull(polygons[slight])) > _NO_GROUND
    kept = np.flatnonzero(ground)
    tangled = np.zeros(len(rings), dtype=bool)
    tangled[kept[_tangled(polygons[kept], owner[kept])]] = True
    ends = np.searchsorted(owner, np.arange(count + 1))
    found = []
    for i in range(count):
        mine = np.arange(ends[i], ends[i + 1])
        plain = mine[ground[mine] & ~tangled[mine]]
        gained, lost = polygons[plain[left[plain]]], polygons[plain[~left[plain]]]
        knot = [rings[k] for k in mine[tangled[mine]].tolist()]
        if knot:
            more, less = _noded_faces(knot)
            gained, lost = np.concatenate([gained, more]), np.concatenate([lost, less])
        found.append((gained, lost))
    return found


def _walked(bundle: EdgeChains) -> tuple[list[Positions], Ints]:
    """Every chain as loops, each with its first position again at its end; and the chain of every loop."""
    owner = bundle.owner
    branching = np.zeros(len(bundle.ends) - 1, dtype=bool)
    branching[owner[1:][np.diff(bundle.starts) == 0]] = True
    branching |= ~are_closed(bundle)
    plain = np.flatnonzero(~branching[owner])
    onward = np.searchsorted(bundle.starts[plain], bundle.goals[plain]).tolist()
    path: list[int] = []
    firsts: list[int] = []
    for start in range(len(onward)):
        edge = start
        if onward[edge] < 0:
            continue
        firsts.append(len(path))
        while onward[edge] >= 0:
            path.append(edge)
            onward[edge], edge = -1, onward[edge]
        path.append(start)
    tails = bundle.tails[plain]
    loops = np.split(tails[path], firsts[1:]) if firsts else []
    owners = owner[plain][np.array(path, dtype=np.int64)[firsts]].tolist()
    for i in np.flatnonzero(branching).tolist():
        more = _loops(bundle.chain(i))
        loops += [np.array(loop) for loop in more]
        owners += [i] * len(more)
    order = np.argsort(np.array(owners, dtype=np.int64), kind="stable")
    return [loops[k] for k in order.tolist()], np.array(owners, dtype=np.int64)[order]


def _loops(chain: Chain) -> list[list[complex]]:
    """A closed chain as loops, each without a position twice but its first; the chain's own order decides which."""
    out: dict[complex, list[complex]] = {}
    tails, heads = chain.tails.tolist(), chain.heads.tolist()
    for tail, head in zip(tails, heads, strict=True):
        out.setdefault(tail, []).append(head)
    ways = _ways_on(tails, heads, out)
    loops = []
    for start in tails:
        while out[start]:
            path, at = [start], {start: 0}
            before, here = start, out[start].pop()
            while True:
                if here in at:  # closed: cut the loop off, and go on from where it began
                    cut = at[here]
                    loop = path[cut:]
                    loops.append([*loop, loop[0]])
                    for position in loop[1:]:
                        del at[position]
                    del path[cut + 1 :]
                    if cut == 0:
                        break
                    before, here = path[cut - 1], path[cut]
                else:
                    at[here] = len(path)
                    path.append(here)
                ahead = out[here]
                wish = ways.get((before, here))
                onward = wish if wish in ahead else ahead[-1]
                ahead.remove(onward)
                before, here = here, onward
    return loops


def _ways_on(
    tails: Sequence[complex], heads: Sequence[complex], out: dict[complex, list[complex]]
) -> dict[tuple[complex, complex], complex]:
    """Where the chain branches: (from, over) -> to, so that no two ways cross."""
    branching = {p for p, ahead in out.items() if len(ahead) > 1}
    if not branching:
        return {}
    arms: dict[complex, list[tuple[float, complex, bool]]] = {p: [] for p in branching}
    for tail, head in zip(tails, heads, strict=True):
        if tail in branching:
            arms[tail].append((math.atan2((head - tail).imag, (head - tail).real), head, True))
        if head in branching:
            arms[head].append((math.atan2((tail - head).imag, (tail - head).real), tail, False))
    ways = {}
    for position, around in arms.items():
        open_arms: list[tuple[complex, bool]] = []
        for _, other, leaving in sorted(around, key=lambda a: (a[0], a[2])):
            if open_arms and open_arms[-1][1] != leaving:
                partner, _ = open_arms.pop()
                ways[(partner, position) if leaving else (other, position)] = other if leaving else partner
            else:
                open_arms.append((other, leaving))
    return ways


def _tangled(polygons: Objects, owner: Ints) -> NDArray[np.bool_]:
    """Loops that cross themselves, or share ground with another of the same owner, or may do so with such a one."""
    knotted = ~shapely.is_valid(polygons)
    start = np.searchsorted(owner, owner)
    counts = np.arange(len(owner)) - start
    # every polygon with the ones before it of the same owner
    later = np.repeat(np.arange(len(owner)), counts)
    earlier = np.arange(len(later)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(start, counts)
    x0, y0, x1, y1 = shapely.bounds(polygons).T
    meet = (x0[later] < x1[earlier]) & (x0[earlier] < x1[later]) & (y0[later] < y1[earlier]) & (y0[earlier] < y1[later])
    later, earlier = later[meet], earlier[meet]
    share = knotted[later] | knotted[earlier]
    share[~share] = shapely.relate_pattern(polygons[later[~share]], polygons[earlier[~share]], "T********")
    knotted[later[share]] = True
    knotted[earlier[share]] = True
    return np.asarray(knotted)


def _noded_faces(loops: Sequence[Positions]) -> tuple[Objects, Objects]:
    """Faces of loops that meet, by noding, polygonizing and the winding number of each."""
    tails, heads = (np.concatenate([loop[cut] for loop in loops]) for cut in (slice(-1), slice(1, None)))
    # whole loops: a line stays one line between two nodes, so that there is less to put together again
    xy = np.concatenate(loops).view(np.float64).reshape(-1, 2)
    lines = shapely.linestrings(xy, indices=np.repeat(np.arange(len(loops)), [len(loop) for loop in loops]))
    made = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
    made = made[shapely.area(made) > _NO_GROUND]
    winding = winding_numbers(Chain(tails, heads), shapely.point_on_surface(made))
    return made[winding == 1], made[winding == -1]


def winding_numbers(chain: Chain, points: Objects) -> Ints:
    """How often a chain runs around each point, counter-clockwise counted positive."""
    xy = shapely.get_coordinates(points)
    order = np.argsort(xy[:, 1], kind="stable")
    x, y = xy[order].T
    # every edge with the points between its two latitudes, the lower one included: a range of the sorted points
    low, high = (np.searchsorted(y, f(chain.tails.imag, chain.heads.imag)) for f in (np.minimum, np.maximum))
    edge = np.repeat(np.arange(len(low)), high - low)
    point = np.arange(len(edge)) - np.repeat(np.cumsum(high - low) - high, high - low)
    tail, head = chain.tails[edge], chain.heads[edge]
    side = (head.real - tail.real) * (y[point] - tail.imag) - (x[point] - tail.real) * (head.imag - tail.imag)
    up = head.imag > tail.imag
    turns = np.where(up, side > 0, -(side < 0).astype(np.int64))
    total = np.zeros(len(points), dtype=np.int64)
    np.add.at(total, order[point], turns)
    return total


# -- edges told apart by a hash of their four numbers: what two boundaries share is found without comparing them -------


class HashedEdges(NamedTuple):
    """The edges of a piece, each with a hash of its four numbers."""

    chain: Chain
    hashes: Hashes


def hashed(shape: shapely.Geometry) -> HashedEdges:
    """The boundary edges of a piece (EPSG:4326), each with its hash."""
    chain = boundary_edges(shape)
    hashes = np.zeros(len(chain.tails), dtype=np.uint64)
    for side, numbers in enumerate(chain):
        bits = (np.ascontiguousarray(numbers).view(np.float64) + 0.0).view(np.uint64).reshape(-1, 2)
        for k in (0, 1):  # one multiplication and one shift for each number, so that near positions come out far apart
            hashes = (hashes ^ bits[:, k]) * _MIX[2 * side + k]
            hashes ^= hashes >> np.uint64(29)
    return HashedEdges(chain, hashes)


def unshared(old: Hashes, new: Hashes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each side, which hashes the other has not."""
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


def differing(before: shapely.Geometry, after: shapely.Geometry) -> Chain:
    """The chain around what differs between two grounds in EPSG:4326."""
    sides = [hashed(ground) for ground in (before, after)]
    alone = unshared(*(side.hashes for side in sides))
    return difference(*(Chain(s.chain.tails[m], s.chain.heads[m]) for s, m in zip(sides, alone, strict=True)))


def _agreeing(a: Hashes, b: Hashes) -> int:
    """How many numbers two arrays of one length have in common from their beginning."""
    differ = a != b
    first = int(differ.argmax()) if len(a) else 0
    return first if len(a) and differ[first] else len(a)


def _among(hashes: Hashes, chosen: Hashes) -> NDArray[np.bool_]:
    """Which of the hashes are chosen; those are sorted."""
    if not len(chosen):
        return np.zeros(len(hashes), dtype=bool)
    at = np.searchsorted(chosen, hashes)
    at[at == len(chosen)] = 0
    return np.asarray(chosen[at] == hashes)
