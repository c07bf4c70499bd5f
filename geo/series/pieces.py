"""The ground of a class as pieces that do not overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from geo.measures import union


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
