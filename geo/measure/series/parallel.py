"""A long series in spans, each by itself, in this process or by Dask; the same figures to the last bit either way.

A span is a run of snapshots with the one before it to start from. What changed at a snapshot depends on that snapshot
and the one before alone, so the spans' changes put one after the other are those of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, reduce
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo.measure.areas import ClassKey, Zone
from geo.measure.location_checks import counted_ground
from geo.measure.series.edge_history import Ledger, in_order, nothing
from geo.measure.series.edges import Chain
from geo.measure.series.panel import ZoneChanges, class_ledgers, joined, zone_changes
from geo.presentation.statuses import class_order
from geo.schema import CRS
from geo.storage.store import Store
from geo.workers import share_out

# a span costs the reading of one whole snapshot, so it should not be much shorter than this
_SHORTEST = 16
_SPANS = 32  # at least, of a long series, so that many workers have something to do
_IN_MEMORY = 400  # snapshots whose polygons are in memory at once
Progress = Callable[[int, int], None]
# starting workers takes 7 s, a snapshot 1.2 ms: two workers are 1.6 times as fast as one process from so many on
_LOCAL_WORKERS_PAY = 50_000


class ClassFilter(NamedTuple):
    """The side and the statuses that are measured (None is all), and whether ground of no side far off is, too."""

    controller: str | None = None
    statuses: tuple[str, ...] | None = None
    has_far: bool = False


EVERY_CLASS = ClassFilter()


def series_changes(
    archive: Path | Store,
    source: str,
    instants: Sequence[datetime],
    zones: Sequence[Zone],
    *,
    by_native: bool = False,
    only: ClassFilter = EVERY_CLASS,
    known: datetime | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> dict[ClassKey, ZoneChanges]:
    """What changed of every class at every snapshot in every zone."""
    store = archive if isinstance(archive, Store) else Store(archive)
    if scheduler is None and workers is not None and workers > 0 and len(instants) < _LOCAL_WORKERS_PAY:
        workers = None
    if workers is None and scheduler is None:
        ledgers = source_ledgers(
            store, source, instants, by_native=by_native, only=only, known=known, progress=progress
        )
        return joined([(len(instants), _zone_changes(ledgers, zones, False))], len(zones))
    path = store.path.absolute()
    spans, parts = spans_of(len(instants)), []
    jobs = [(list(instants[a - (a > 0) : b]), a > 0) for a, b in spans]
    measure = partial(span_changes, path, source, zones=list(zones), by_native=by_native, known=known, only=only)
    found = share_out(measure, jobs, workers=workers, scheduler=scheduler, files=[path], at_once=1)
    for (a, b), changes in zip(spans, found, strict=True):
        parts.append((b - a, changes))
        if progress is not None:
            progress(b, len(instants))
    return joined(parts, len(zones))


def span_changes(
    path: Path,
    source: str,
    instants: Sequence[datetime],
    has_lead: bool,
    *,
    zones: Sequence[Zone],
    by_native: bool = False,
    known: datetime | None = None,
    only: ClassFilter = EVERY_CLASS,
) -> dict[ClassKey, ZoneChanges]:
    """What changed in one span; with a lead, its first instant is only what the second is compared with."""
    ledgers = source_ledgers(Store(path), source, instants, by_native=by_native, only=only, known=known)
    return _zone_changes(ledgers, zones, has_lead)


def source_ledgers(
    store: Store,
    source: str,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    only: ClassFilter = EVERY_CLASS,
    known: datetime | None = None,
    progress: Progress | None = None,
) -> dict[ClassKey, Ledger]:
    """The ledger of every class of a source's series; made once for as long as the archive is held."""

    def made() -> dict[ClassKey, Ledger]:
        count = len(instants)
        parts = []
        with store.holding():  # all spans from one state of the archive
            for a in range(0, max(count, 1), _IN_MEMORY):
                some = instants[a : a + _IN_MEMORY]
                report = None if progress is None else partial(_report, progress, a, len(some), count)
                rows = _chosen(store.rows_between(source, some, known), only)
                parts.append((len(some), class_ledgers(rows, some, by_native=by_native, progress=report)))
        return parts[0][1] if len(parts) == 1 else _continued(parts)

    return store.recall(("ledgers", source, tuple(instants), by_native, only, known), made)


def _report(progress: Progress, a: int, size: int, count: int, done: int, of: int) -> None:
    """How far a span is, as how far the whole is."""
    progress(a + size * done // max(of, 1), count)


def _continued(parts: Sequence[tuple[int, Mapping[ClassKey, Ledger]]]) -> dict[ClassKey, Ledger]:
    """The ledgers of consecutive spans as those of the whole; where a span has not a class, nothing of it stood."""
    keys = {key for _, found in parts for key in found}
    whole = {}
    for key in sorted(keys, key=class_order):
        ledgers = [found.get(key) or nothing(count) for count, found in parts]
        whole[key] = reduce(Ledger.then, ledgers)
    return whole


def _zone_changes(
    ledgers: Mapping[ClassKey, Ledger], zones: Sequence[Zone], has_lead: bool
) -> dict[ClassKey, ZoneChanges]:
    return {key: zone_changes(ledger.steps()[int(has_lead) :], zones, key) for key, ledger in ledgers.items()}


def _chosen(rows: gpd.GeoDataFrame, only: ClassFilter) -> gpd.GeoDataFrame:
    """The rows of a side and of statuses; every class has a ledger of its own, so the others need not be read."""
    rows = rows if only.has_far else counted_ground(rows)
    if only.controller is not None:
        rows = rows[rows["controller"] == only.controller]
    return (rows if only.statuses is None else rows[rows["status"].isin(only.statuses)]).reset_index(drop=True)


def partition_of(ledger: Ledger) -> gpd.GeoDataFrame:
    """A ledger as rows for GeoParquet: one edge a row, interior on the left, with the snapshots of birth and death."""
    ends = np.stack(list(ledger.edges), axis=1).view(np.float64).reshape(-1, 2, 2)
    frame = gpd.GeoDataFrame({"born": ledger.born, "died": ledger.died}, geometry=shapely.linestrings(ends), crs=CRS)
    frame.attrs["count"] = ledger.count
    return frame


def ledger_of(frame: gpd.GeoDataFrame, count: int) -> Ledger:
    """The ledger of a partition: what `partition_of` made rows of."""
    xy = shapely.get_coordinates(np.asarray(frame.geometry.array, dtype=object))
    positions = np.ascontiguousarray(xy).view(np.complex128).reshape(-1, 2)
    edges = Chain(positions[:, 0].copy(), positions[:, 1].copy())
    return in_order(edges, frame["born"].to_numpy(), frame["died"].to_numpy(), count, {})


def spans_of(count: int) -> list[tuple[int, int]]:
    """The spans [first, last) of so many snapshots, none much shorter than is worth its lead."""
    size = min(max(_SHORTEST, math.ceil(count / _SPANS)), _IN_MEMORY)
    return [(a, min(a + size, count)) for a in range(0, count, size)]
