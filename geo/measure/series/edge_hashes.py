"""Edges told by a hash of their four numbers: what two boundaries have in common is found without comparing them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure.series.edges import Chain, boundary_edges, difference

Hashes = NDArray[np.uint64]
NO_HASHES: Hashes = np.empty(0, dtype=np.uint64)
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


class Hashed(NamedTuple):
    """The edges of a piece, each with a hash of its four numbers."""

    chain: Chain
    hashes: Hashes


def hashed(shape: shapely.Geometry) -> Hashed:
    """The boundary edges of a piece (EPSG:4326), each with its hash."""
    chain = boundary_edges(shape)
    hashes = np.zeros(len(chain.tails), dtype=np.uint64)
    for side, numbers in enumerate(chain):
        bits = (np.ascontiguousarray(numbers).view(np.float64) + 0.0).view(np.uint64).reshape(-1, 2)
        for k in (0, 1):  # one multiplication and one shift for each number, so that near positions come out far apart
            hashes = (hashes ^ bits[:, k]) * _MIX[2 * side + k]
            hashes ^= hashes >> np.uint64(29)
    return Hashed(chain, hashes)


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
