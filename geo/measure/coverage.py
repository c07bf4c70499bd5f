"""Coverage: ground that a source leaves out of its maps, as its record says; no figure gives it to anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.assets import read_toml
from geo.measure.areas import NOWHERE, areal_only
from geo.measure.ellipsoid import local_plane

NOT_COVERED = "Not covered by this source"
# undrawn ground that hangs together by strips narrower than this (in km) is cut off: outlines differ by as much
_STRIP_KM = 1.0


@dataclass(frozen=True)
class Coverage:
    """What a source leaves out: in words, the units in which it does, and the least km² of such ground."""

    says: str
    units: Sequence[str]
    least_km2: float


@cache
def _shipped() -> dict[str, Coverage]:
    table = read_toml("classes/coverage.toml")
    return {name: Coverage(**entry) for name, entry in table.items()}


def coverage_of(source: str) -> Coverage | None:
    """What the record of a source leaves out; None where it covers what it is asked of."""
    return _shipped().get(source)


def register_coverage(source: str, coverage: Coverage) -> None:
    """Say what a source leaves out, for as long as the program runs: a desk's own, or in place of ours."""
    _shipped()[source] = coverage


def uncovered_ground(drawn: NDArray[np.object_], units: gpd.GeoDataFrame, coverage: Coverage) -> shapely.Geometry:
    """The undrawn ground of the listed units that drawn ground cuts off from the rest of their country (EPSG:4326)."""
    mine = units[units["unit"].isin(coverage.units)]
    homes = units[(units["level"] == 0) & units["unit"].isin(mine["parent"])]
    if mine.empty or homes.empty or not len(drawn):
        return NOWHERE
    country = shapely.union_all(np.asarray(homes.geometry.array, dtype=object))
    plane = local_plane(shapely.bounds(country))
    left = shapely.difference(plane.laid(country), plane.laid(shapely.union_all(drawn)))
    parts = shapely.get_parts(shapely.buffer(left, -_STRIP_KM / 2, quad_segs=2))
    where = plane.laid(shapely.union_all(np.asarray(mine.geometry.array, dtype=object)))
    inside = shapely.area(shapely.intersection(parts, where)) > 0.5 * shapely.area(parts)
    size = shapely.area(parts)
    kept = parts[inside & (size >= coverage.least_km2) & (size < size.max(initial=0.0))]
    grown = shapely.buffer(shapely.union_all(kept), _STRIP_KM / 2, quad_segs=2)
    return areal_only(plane.lifted(shapely.intersection(grown, left)))
