"""A claim over time: its quantity at every snapshot, when a source last agreed with it, which bases make it true."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from geo.claims.class_series import Strand
    from geo.claims.model import Claim, Span

Figures = Sequence[float | None]


class Times(NamedTuple):
    """A strand and the claim's quantity at each of its snapshots."""

    strand: Strand
    values: Figures


@dataclass(frozen=True)
class Base:
    """What a share retaken may be of, by one set of classes: the most there was, and the dates that make it true."""

    source: str
    part: str
    statuses: tuple[str, ...]
    now_km2: float
    now_date: str
    peak_km2: float
    peak_date: str
    share_of_peak_percent: float
    base_low_km2: float
    base_high_km2: float | None
    true_for: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """The base as JSON takes it."""
        return asdict(self) | {"statuses": list(self.statuses), "true_for": [dict(t) for t in self.true_for]}


def series_of(claim: Claim, strand: Strand, *, base: float | None, places: gpd.GeoDataFrame | None) -> Figures:
    """The claim's quantity at every snapshot of a strand."""
    km2 = np.array(strand.values)
    if claim.quantity == "share retaken":
        most = np.maximum.accumulate(km2) if base is None else np.full(len(km2), base)
        return [float(100 * (1 - v / m)) if m > 0 else None for v, m in zip(km2, most, strict=True)]
    if claim.quantity == "settlements held":
        return [] if places is None else _counts(strand, places)
    if claim.value_unit == "percent":
        return [100 * float(v) / (strand.place.area_km2 or math.inf) for v in km2]
    return [float(v) for v in km2]


def _counts(strand: Strand, places: gpd.GeoDataFrame) -> list[float | None]:
    """How many places stand on a strand's ground at each snapshot, from one meeting of places and polygons."""
    points = np.asarray(places.geometry.array, dtype=object)
    if strand.place.shape is not None:
        points = points[shapely.intersects(strand.place.shape, points)]
    polygon, point = shapely.STRtree(points).query(
        np.asarray(strand.rows.geometry.array, dtype=object), predicate="intersects"
    )
    counts: list[float | None] = []
    for time in strand.times:
        alive = ((strand.rows["valid_from"] <= time) & ~(strand.rows["valid_to"] <= time)).to_numpy()
        there = float(len(np.unique(point[alive[polygon]])))
        counts.append(len(points) - there if strand.rest else there)
    return counts


def last_true_of(times: Times, span: Span, instant: datetime, unit: str) -> dict[str, Any]:
    """When a strand last agreed with a claim, up to an instant."""
    strand, values = times
    known = [i for i, t in enumerate(strand.times) if t <= instant and i < len(values) and values[i] is not None]
    entry: dict[str, Any] = {
        "source": strand.source, "part": strand.part, "statuses": list(strand.statuses), "unit": unit,
    }  # fmt: skip
    spans = runs(known, lambda i: span.holds(values[i] or 0.0))
    if not spans:
        near = min(known, key=lambda i: span.away(values[i] or 0.0), default=None)
        return entry | {
            "from": None, "to": None, "value_from": None, "value_to": None, "holds_on_date": False,
            "nearest_value": None if near is None else values[near],
            "nearest_date": None if near is None else stamp(strand.times[near]),
        }  # fmt: skip
    a, b = spans[-1]
    return entry | {
        "from": stamp(strand.times[a]), "to": stamp(strand.times[b]), "value_from": values[a], "value_to": values[b],
        "holds_on_date": b == known[-1],
    }  # fmt: skip


def bases_of(strand: Strand, span: Span, instant: datetime) -> Base | None:
    """Which base dates make a share retaken true on a day, by one strand."""
    at = strand.at(instant)
    if at is None or max(strand.values[: at + 1]) <= 0:
        return None
    now, peak = strand.values[at], int(np.argmax(strand.values[: at + 1]))
    low, high = needed_base(now, span)
    earlier = [i for i in range(at + 1) if strand.values[i] > 0]
    agreeing = runs(earlier, lambda i: span.holds(100 * (1 - now / strand.values[i])))
    true_for = tuple(
        {
            "from": stamp(strand.times[a]), "to": stamp(strand.times[b]),
            "low_km2": min(strand.values[a : b + 1]), "high_km2": max(strand.values[a : b + 1]),
        }
        for a, b in agreeing
    )  # fmt: skip
    share = 100 * (1 - now / strand.values[peak])
    return Base(
        strand.source, strand.part, strand.statuses, now, stamp(strand.times[at]), strand.values[peak],
        stamp(strand.times[peak]), share, low, None if math.isinf(high) else high, true_for,
    )  # fmt: skip


def needed_base(now: float, span: Span) -> tuple[float, float]:
    """The bases in km² of which the rest is `now`, for shares retaken in percent: low and high."""
    ends = [max(min(v, 100.0), 0.0) for v in span[:2]]
    low, high = (math.inf if e >= 100 else now / (1 - e / 100) for e in ends)
    return low, high


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
