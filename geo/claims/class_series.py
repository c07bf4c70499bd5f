"""What a source says of a side's ground at every snapshot, for every set of its classes: a series, not N overlays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.results import FAR, When, moment
from geo.claims.model import Claim, Span
from geo.measure import areas
from geo.measure.areas import Zone
from geo.measure.ellipsoid import areas_km2, running_areas_km2, without_residue
from geo.measure.series.panel import ground_changes
from geo.presentation.language import N_
from geo.presentation.statuses import countries_of_class, named
from geo.schema import parse_instant, text_or_none
from geo.units import units_of_set

if TYPE_CHECKING:
    from geo.archive import Archive


@dataclass(frozen=True)
class Place:
    """Where a claim is measured: a unit with its outline, or everywhere; `country` is whose unit it is."""

    unit: str | None
    name: str | None
    boundary: str | None
    shape: shapely.Geometry | None
    country: str | None
    area_km2: float | None

    def zone(self) -> Zone:
        """The same as a zone of `geo.measure.areas`."""
        return Zone(self.unit, self.boundary, self.shape)


@dataclass(frozen=True)
class ClassSeries:
    """One set of classes of one part of a source, over time, in km²: `values[i]` stands from `times[i]` on."""

    source: str
    part: str
    statuses: tuple[str, ...]
    times: tuple[datetime, ...]
    values: tuple[float, ...]
    rows: gpd.GeoDataFrame
    place: Place
    rest: bool = False
    is_cut: bool = True  # False: all of it lies in the country by the source's own word, whatever the outline says

    def at(self, instant: datetime) -> int | None:
        """Which snapshot answers for an instant; None before the first."""
        past = [i for i, t in enumerate(self.times) if t <= instant]
        return past[-1] if past else None

    def ground(self, instant: datetime, *, clipped: bool = True) -> shapely.Geometry:
        """What is drawn at an instant (EPSG:4326), cut to the place unless it is not to be; of a rest, the others'."""
        alive = self.rows[(self.rows["valid_from"] <= instant) & ~(self.rows["valid_to"] <= instant)]
        drawn = areas.union(alive.geometry) if len(alive) else areas.NOWHERE
        return areas.clip(drawn, self.place.shape) if clipped and self.is_cut else drawn


def place_of(archive: Archive, within: str | shapely.Geometry | None, *, boundary: str | None = None) -> Place:
    if boundary is not None:
        units_of_set(archive.units(), boundary)
    if within is None:
        return Place(None, None, None, None, None, None)
    if not isinstance(within, str):
        return Place("(polygon)", N_("the polygon given"), None, within, None, km2_of([within])[0])
    row = archive.unit(within, boundary=boundary).iloc[0]
    code, shape = text_or_none(row["unit"]) or str(row["name"]), row["geometry"]
    country = code if int(row["level"]) == 0 else text_or_none(row["parent"])
    return Place(code, str(row["name"]), text_or_none(row["boundary"]), shape, country, km2_of([shape])[0])


def class_series_of(
    archive: Archive, source: str, side: str, place: Place, *, as_known_on: When | None = None
) -> list[ClassSeries]:
    """What a source says of a side's ground, for every set of its classes."""
    if place.shape is not None and place.boundary is None:  # a polygon has no name to be remembered by
        return _read_class_series(archive, source, side, place, as_known_on)
    key = ("class series", source, side, place.unit, place.boundary, moment(as_known_on))
    return archive.store.recall(key, lambda: _read_class_series(archive, source, side, place, as_known_on))


def _read_class_series(
    archive: Archive, source: str, side: str, place: Place, as_known_on: When | None
) -> list[ClassSeries]:
    table = archive.reader.snapshots(source, as_known_on=FAR if as_known_on is None else as_known_on)
    instants = sorted({parse_instant(d) for d in table["depicts"]})
    if not instants:
        return []
    rows = archive.polygons(source, as_known_on=as_known_on, over_gaps=True)
    own = place.country == side
    found = []
    for part in sorted(set(rows["part"])):
        mine = rows[rows["part"] == part]
        times = sorted({parse_instant(d) for d in table.loc[table["part"] == part, "depicts"]})
        is_cut = not _in_country(mine, source, part, place)
        if not is_cut:
            mine = _cut_others(mine, source, part, place)
        where = place if is_cut else replace(place, shape=None)
        for statuses, picked in _sets(mine, side, where, times, own=own):
            growth = ground_changes(picked, times, where.zone()).growth[:, 0]
            drawn = running_areas_km2(growth)
            values = without_residue((place.area_km2 or 0.0) - drawn, of=place.area_km2 or 0.0) if own else drawn
            found.append(
                ClassSeries(source, part, statuses, tuple(times), tuple(values.tolist()), picked, place, own, is_cut)
            )
    return found


def _in_country(rows: gpd.GeoDataFrame, source: str, part: str, place: Place) -> bool:
    """Whether a place is a country in which a source says by its own word that classes of its lie."""
    return place.unit is not None and place.unit == place.country and bool(_words_of(rows, source, part, place).any())


def _words_of(rows: gpd.GeoDataFrame, source: str, part: str, place: Place) -> NDArray[np.bool_]:
    """Which rows are of a class that lies in the country by its source's word."""
    classes = zip(map(text_or_none, rows["controller"]), rows["status"], strict=True)
    told = [countries_of_class(source, part, side, status) == (place.unit,) for side, status in classes]
    return np.array(told, dtype=bool)


def _cut_others(rows: gpd.GeoDataFrame, source: str, part: str, place: Place) -> gpd.GeoDataFrame:
    """The rows with all that is not in the country by its source's word cut to its outline."""
    shapes = np.asarray(rows.geometry.array, dtype=object).copy()
    shapely.prepare(place.shape)
    others = ~_words_of(rows, source, part, place)
    others[others] = ~shapely.covers(place.shape, shapes[others])
    shapes[others] = [areas.areal_only(areas.clip(shape, place.shape)) for shape in shapes[others]]
    cut = rows.set_geometry(gpd.GeoSeries(shapes, index=rows.index, crs=rows.crs))
    return gpd.GeoDataFrame(cut[~shapely.is_empty(shapes)])


def _sets(
    rows: gpd.GeoDataFrame, side: str, place: Place, times: Sequence[datetime], *, own: bool
) -> list[tuple[tuple[str, ...], gpd.GeoDataFrame]]:
    """The sets of classes of one part with the polygons that make them."""
    status = rows["status"]
    held, widening = named(is_held=True), named(widens_upper_bound=True)
    contested = rows[status.isin(widening)]
    if own:
        others = rows[rows["controller"].notna() & (rows["controller"] != side) & status.isin(held)]
        others = _meeting(others, place)
        if others.empty:
            return []
        contested = _meeting(contested, place)
        least: tuple[tuple[str, ...], gpd.GeoDataFrame] = (held, _joined(others, contested))
        return [least, ((*held, *widening), others)] if len(contested) else [least]
    own_ground = {
        s: _meeting(rows[(rows["controller"] == side) & (status == s)], place)
        for s in named(has_side=True, is_current=True)
    }
    added = {s: own_ground[s] for s in own_ground if s not in held}
    names, ground = held, _joined(*(own_ground[s] for s in held))
    if ground.empty:
        return [((s,), picked) for s, picked in added.items() if len(picked)]
    near = _touching(contested, ground, times)
    added = {s: _meeting(near[near["status"] == s], place) for s in widening} | added
    sets: list[tuple[tuple[str, ...], gpd.GeoDataFrame]] = [(names, ground)]
    for name in added:
        if len(added[name]):
            names, ground = (*names, name), _joined(ground, added[name])
            sets.append((names, ground))
    return sets


def _joined(*frames: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    full = [f for f in frames if len(f)] or [frames[0]]
    return gpd.GeoDataFrame(pd.concat(full, ignore_index=True), crs=frames[0].crs)


def _meeting(rows: gpd.GeoDataFrame, place: Place) -> gpd.GeoDataFrame:
    if place.shape is None or rows.empty:
        return rows
    shapely.prepare(place.shape)
    return rows[shapely.intersects(place.shape, np.asarray(rows.geometry.array, dtype=object))]


def _touching(contested: gpd.GeoDataFrame, held: gpd.GeoDataFrame, times: Sequence[datetime]) -> gpd.GeoDataFrame:
    """Contested ground for as long as it touches held ground at snapshots, as in `Archive.area`."""
    parts, ground = contested.explode(ignore_index=True), held.explode(ignore_index=True)
    touches = np.zeros((len(parts), len(times)), dtype=bool)
    alive = [_alive(frame, times) for frame in (parts, ground)]
    shapes = [np.asarray(frame.geometry.array, dtype=object) for frame in (parts, ground)]
    seen: dict[bytes, NDArray[np.bool_]] = {}
    for t in range(len(times)):
        there = [lives[:, t] for lives in alive]
        key = b"".join(np.packbits(one).tobytes() for one in there)
        if key not in seen:
            seen[key] = np.zeros(len(parts), dtype=bool)
            seen[key][there[0]] = areas.touching(shapes[0][there[0]], shapes[1][there[1]])
        touches[:, t] = seen[key]
    found = []
    stamps = np.array([*times, None], dtype=object)
    for row in range(len(parts)):
        steps = np.flatnonzero(np.diff(np.concatenate([[False], touches[row], [False]]).astype(int)))
        found += [(row, stamps[a], stamps[b]) for a, b in zip(steps[::2], steps[1::2], strict=True)]
    at, first, last = zip(*found, strict=True) if found else ((), (), ())
    chosen = parts.iloc[list(at)].reset_index(drop=True)
    kinds = {"valid_from": contested["valid_from"].dtype, "valid_to": contested["valid_to"].dtype}
    return chosen.assign(valid_from=list(first), valid_to=list(last)).astype(kinds)


def _alive(rows: gpd.GeoDataFrame, times: Sequence[datetime]) -> NDArray[np.bool_]:
    """Which rows stand at which times."""
    first, last = (rows[name].to_numpy(dtype="datetime64[us]")[:, None] for name in ("valid_from", "valid_to"))
    at = pd.to_datetime(list(times), utc=True).to_numpy(dtype="datetime64[us]")
    return np.asarray((first <= at) & ~(last <= at), dtype=bool)


def holders(archive: Archive, source: str, place: Place, *, as_known_on: When | None = None) -> set[str]:
    """The sides that a source shows any ground of in a place, held or claimed, at any date."""
    rows = archive.polygons(source, as_known_on=as_known_on, over_gaps=True)
    rows = _meeting(rows[rows["status"].isin(named(shows_presence=True))], place)
    return {c for c in map(text_or_none, rows["controller"]) if c}


def km2_of(shapes: Sequence[shapely.Geometry]) -> list[float]:
    return [float(v) for v in areas_km2(np.array(list(shapes), dtype=object))]


Figures = Sequence[float | None]


def series_of(claim: Claim, series: ClassSeries, *, base: float | None, places: gpd.GeoDataFrame | None) -> Figures:
    """The claim's quantity at every snapshot of a series."""
    km2 = np.array(series.values)
    if claim.quantity == "share retaken":
        most = np.maximum.accumulate(km2) if base is None else np.full(len(km2), base)
        return [float(100 * (1 - v / m)) if m > 0 else None for v, m in zip(km2, most, strict=True)]
    if claim.quantity == "settlements held":
        return [] if places is None else _counts(series, places)
    if claim.value_unit == "percent":
        return [100 * float(v) / (series.place.area_km2 or math.inf) for v in km2]
    return [float(v) for v in km2]


def _counts(series: ClassSeries, places: gpd.GeoDataFrame) -> list[float | None]:
    """How many places stand on the ground of a series at each snapshot, from one meeting of places and polygons."""
    points = np.asarray(places.geometry.array, dtype=object)
    if series.place.shape is not None:
        points = points[shapely.intersects(series.place.shape, points)]
    polygon, point = shapely.STRtree(points).query(
        np.asarray(series.rows.geometry.array, dtype=object), predicate="intersects"
    )
    there = [float(len(np.unique(point[alive[polygon]]))) for alive in _alive(series.rows, series.times).T]
    return [len(points) - count if series.rest else count for count in there]


def last_true_of(series: ClassSeries, values: Figures, span: Span, instant: datetime, unit: str) -> dict[str, Any]:
    """When a series last agreed with a claim, up to an instant."""
    known = [i for i, t in enumerate(series.times) if t <= instant and i < len(values) and values[i] is not None]
    entry: dict[str, Any] = {
        "source": series.source, "part": series.part, "statuses": list(series.statuses), "unit": unit,
    }  # fmt: skip
    spans = runs(known, lambda i: span.agrees(values[i] or 0.0))
    if not spans:
        near = min(known, key=lambda i: span.away(values[i] or 0.0), default=None)
        return entry | {
            "from": None, "to": None, "value_from": None, "value_to": None, "holds_on_date": False,
            "nearest_value": None if near is None else values[near],
            "nearest_date": None if near is None else stamp(series.times[near]),
        }  # fmt: skip
    a, b = spans[-1]
    return entry | {
        "from": stamp(series.times[a]), "to": stamp(series.times[b]), "value_from": values[a], "value_to": values[b],
        "holds_on_date": b == known[-1],
    }  # fmt: skip


def bases_of(series: ClassSeries, span: Span, instant: datetime) -> dict[str, Any] | None:
    """What a share retaken may be of, by one series: the most there was, and the dates that make it true on a day."""
    at = series.at(instant)
    if at is None or max(series.values[: at + 1]) <= 0:
        return None
    now, peak = series.values[at], int(np.argmax(series.values[: at + 1]))
    # the bases of which the rest is what there is now
    low, high = (math.inf if end >= 100 else now / (1 - max(end, 0.0) / 100) for end in span[:2])
    earlier = [i for i in range(at + 1) if series.values[i] > 0]
    agreeing = runs(earlier, lambda i: span.agrees(100 * (1 - now / series.values[i])))
    true_for = [
        {
            "from": stamp(series.times[a]), "to": stamp(series.times[b]),
            "low_km2": min(series.values[a : b + 1]), "high_km2": max(series.values[a : b + 1]),
        }
        for a, b in agreeing
    ]  # fmt: skip
    return {
        "source": series.source, "part": series.part, "statuses": list(series.statuses), "now_km2": now,
        "now_date": stamp(series.times[at]), "peak_km2": series.values[peak], "peak_date": stamp(series.times[peak]),
        "share_of_peak_percent": 100 * (1 - now / series.values[peak]), "base_low_km2": low,
        "base_high_km2": None if math.isinf(high) else high, "true_for": true_for,
    }  # fmt: skip


def runs(indexes: Sequence[int], holds: Any) -> list[tuple[int, int]]:
    """The first and last of every unbroken run of indexes that hold."""
    flagged = [(i, bool(holds(i))) for i in indexes]
    found = []
    for agrees, group in groupby(flagged, key=lambda pair: pair[1]):
        listed = [i for i, _ in group]
        if agrees:
            found.append((listed[0], listed[-1]))
    return found


def stamp(instant: datetime) -> str:
    """An instant as figures print it: a day where it is 00:00 UTC."""
    midnight = (instant.hour, instant.minute, instant.second) == (0, 0, 0)
    return instant.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
