"""What a source's maps cover, which no figure gives to anybody beyond, and breaks in its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.assets import read_toml
from geo.measure.areas import NOWHERE, areal_only
from geo.measure.ellipsoid import Plane, local_plane
from geo.presentation.language import N_, date_words, ngettext, plain_number

NOT_COVERED = N_("Not covered by this source")
# how far around its maps ground counts that a source leaves out, in degrees
_AROUND = 5.0
# undrawn ground that hangs together by strips narrower than this (in km) is cut off: outlines differ by as much
_STRIP_KM = 3.0


@dataclass(frozen=True)
class Coverage:
    """What a source leaves out: in words, the units in which it does, and the least km² of such ground.

    With `is_all_else` the units are all that its maps cover, and what they leave out is the ground around.
    """

    says: str
    units: Sequence[str]
    least_km2: float = 0.0
    is_all_else: bool = False


_SHIPPED = {name: Coverage(**entry) for name, entry in read_toml("classes/coverage.toml").items()}


def coverage_of(source: str) -> Coverage | None:
    """What our own record of a source leaves out; None where it covers what it is asked of."""
    return _SHIPPED.get(source)


def uncovered_ground(drawn: NDArray[np.object_], units: gpd.GeoDataFrame, coverage: Coverage) -> shapely.Geometry:
    """The undrawn ground of the listed units that drawn ground cuts off from the rest of their country (EPSG:4326)."""
    mine = units[units["unit"].isin(coverage.units)]
    if coverage.is_all_else:
        return _all_else(drawn, mine, units)
    homes = units[(units["level"] == 0) & units["unit"].isin(mine["parent"])]
    if mine.empty or homes.empty or not len(drawn):
        return NOWHERE
    plane, country, where = _laid_units(tuple(homes.geometry), tuple(mine.geometry))
    left = shapely.difference(country, plane.laid(shapely.union_all(drawn)))
    parts = shapely.get_parts(shapely.buffer(left, -_STRIP_KM / 2, quad_segs=2))
    inside = shapely.area(shapely.intersection(parts, where)) > 0.5 * shapely.area(parts)
    size = shapely.area(parts)
    kept = parts[inside & (size >= coverage.least_km2) & (size < size.max(initial=0.0))]
    grown = shapely.buffer(shapely.union_all(kept), _STRIP_KM / 2, quad_segs=2)
    return areal_only(plane.lifted(shapely.intersection(grown, left)))


@lru_cache(maxsize=8)
def _laid_units(
    homes: tuple[shapely.Geometry, ...], units: tuple[shapely.Geometry, ...]
) -> tuple[Plane, shapely.Geometry, shapely.Geometry]:
    """The plane of a source's countries, these, and its units, both laid on it: the same for each of its maps."""
    country = shapely.union_all(homes)
    plane = local_plane(shapely.bounds(country))
    return plane, plane.laid(country), plane.laid(shapely.union_all(units))


def _all_else(drawn: NDArray[np.object_], mine: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> shapely.Geometry:
    """The undrawn ground of the countries around that is in none of the units which a source covers."""
    covered = shapely.union_all([*mine.geometry, *drawn])
    if mine.empty or covered.is_empty:
        return NOWHERE
    west, south, east, north = covered.bounds
    box = (max(west - _AROUND, -180), max(south - _AROUND, -90), min(east + _AROUND, 180), min(north + _AROUND, 90))
    countries = np.asarray(units.geometry.array[(units["level"] == 0).to_numpy()], dtype=object)
    near = shapely.make_valid(shapely.clip_by_rect(countries[shapely.intersects(countries, shapely.box(*box))], *box))
    return areal_only(shapely.difference(shapely.union_all(near), covered))


def is_in(points: NDArray[np.object_], uncovered: shapely.Geometry) -> NDArray[np.bool_]:
    """Which points lie on ground that a source leaves out."""
    shapely.prepare(uncovered)
    return np.asarray(shapely.intersects(uncovered, points), dtype=bool)


COUNT_DAYS, COUNT_TIMES = 28, 3.0
AREA_MAPS, AREA_TIMES = 7, 1.5
Breaks = list[tuple[str, float]]


def breaks_in_counts(days: Mapping[str, int]) -> Breaks:
    """The breaks in how many reports there are a day, and how many times as many there are after: 28 days, 3-fold."""
    if not days:
        return []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    every = [str(first + timedelta(days=i)) for i in range((last - first).days + 1)]
    at = {day: i for i, day in enumerate(every)}
    counts = np.bincount([at[day] for day in days], list(days.values()), minlength=len(every)).astype(float)
    return _breaks(every, counts, window=COUNT_DAYS, times=COUNT_TIMES, least=5.0)


def breaks_in_areas(days: Sequence[str], km2: Sequence[float]) -> Breaks:
    """The breaks in how much ground is drawn, and how many times as much there is after: 7 maps, 1.5-fold."""
    return _breaks(days, np.asarray(km2, dtype=float), window=AREA_MAPS, times=AREA_TIMES, least=1.0)


def _breaks(days: Sequence[str], values: NDArray[np.float64], *, window: int, times: float, least: float) -> Breaks:
    count = len(values) - 2 * window + 1
    if count < 1:
        return []
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    before, after = views[:count], views[window : window + count]
    low, high = (np.median(side, axis=1) for side in (before, after))
    ratio = np.maximum(high, 1.0) / np.maximum(low, 1.0)
    far = (np.maximum(ratio, 1 / ratio) >= times) & (np.maximum(low, high) >= least)
    # where a step lies is seen best in the means of the logarithms
    step = np.abs(np.log1p(after).mean(axis=1) - np.log1p(before).mean(axis=1))
    found: Breaks = []
    at = np.flatnonzero(far)
    for run in np.split(at, np.flatnonzero(np.diff(at) > window) + 1) if len(at) else ():
        best = int(run[np.argmax(step[run])])
        found.append((days[best + window][:10], float(ratio[best])))
    return found


def break_words(breaks: Breaks) -> list[str]:
    """Each break in words."""
    rounded = [(date_words(date.fromisoformat(day)), float(f"{times:.2g}")) for day, times in breaks]
    return [
        ngettext(
            "{day}: {times} time as much as before", "{day}: {times} times as much as before", n,
            day=day, times=plain_number(n),
        )
        for day, n in rounded
    ]  # fmt: skip
