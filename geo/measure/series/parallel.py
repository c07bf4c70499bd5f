"""A long series in spans, each by itself, in this process or by Dask; the same figures to the last bit either way.

A span is a run of snapshots with the one before it to start from. What changed at a snapshot depends on that snapshot
and the one before alone, so the spans' changes put one after the other are those of the whole.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial, reduce
from importlib import import_module
from pathlib import Path
from socket import gethostname
from typing import Any, NamedTuple, TypeVar

import geopandas as gpd
import numpy as np
import shapely

from geo.errors import UsageError
from geo.measure.areas import ClassKey, Zone
from geo.measure.location_checks import counted_ground
from geo.measure.series.edge_history import Ledger, in_order, nothing
from geo.measure.series.edges import Chain
from geo.measure.series.panel import ZoneChanges, class_ledgers, joined, zone_changes
from geo.presentation.statuses import class_order
from geo.schema import CRS
from geo.storage.store import Store

# a span costs the reading of one whole snapshot, so it should not be much shorter than this
_SHORTEST = 16
_SPANS_A_WORKER = 4
_IN_MEMORY = 400  # snapshots whose polygons are in memory at once
# the zones are shared by a worker's threads, and GEOS builds the index of a prepared shape while it is first asked
_ONE_AT_A_TIME = threading.Lock()
Progress = Callable[[int, int], None]
T = TypeVar("T")
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
    return _by_dask(store.path, source, instants, zones, by_native, known, progress, workers, scheduler, only)


def span_changes(
    path: Path,
    source: str,
    instants: Sequence[datetime],
    has_lead: bool,
    zones: Sequence[Zone],
    by_native: bool,
    known: datetime | None,
    progress: Progress | None = None,
    only: ClassFilter = EVERY_CLASS,
) -> dict[ClassKey, ZoneChanges]:
    """What changed in one span; with a lead, its first instant is only what the second is compared with."""
    ledgers = source_ledgers(
        Store(path), source, instants, by_native=by_native, only=only, known=known, progress=progress
    )
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
    with _ONE_AT_A_TIME:
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


def spans_of(count: int, pieces: int) -> list[tuple[int, int]]:
    """The spans [first, last) of so many snapshots, none much shorter than is worth its lead."""
    size = max(_SHORTEST, math.ceil(count / max(pieces, 1)))
    return [(a, min(a + size, count)) for a in range(0, count, size)]


def _by_dask(
    path: Path,
    source: str,
    instants: Sequence[datetime],
    zones: Sequence[Zone],
    by_native: bool,
    known: datetime | None,
    progress: Progress | None,
    workers: int | None,
    scheduler: str | None,
    only: ClassFilter = EVERY_CLASS,
) -> dict[ClassKey, ZoneChanges]:
    with dask_client(workers, scheduler) as client:
        shared = client.scatter([list(zones)], broadcast=True)[0]
        spans = spans_of(len(instants), _SPANS_A_WORKER * max(len(client.scheduler_info(n_workers=-1)["workers"]), 1))
        jobs = []
        for a, b in spans:
            lead = int(a > 0)
            jobs.append(
                (path.resolve(), source, list(instants[a - lead : b]), bool(lead), shared, by_native, known, None, only)
            )
        sizes = [b - a for a, b in spans]
        found = gathered(client, _span_in_worker, jobs, sizes=sizes, progress=progress)
    return joined(list(zip(sizes, found, strict=True)), len(zones))


def _span_in_worker(path: Path, *job: Any) -> dict[ClassKey, ZoneChanges]:
    return span_changes(seen_by_worker(path), *job)


@contextmanager
def dask_client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """A client of a running scheduler, or of as many workers started on this machine for as long as it is held."""
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot work: 1 or more")
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "workers and schedulers need Dask, which is not installed: pip install 'geo-control[cluster]'"
        ) from None
    with ExitStack() as open_ones:
        try:
            at = scheduler
            if at is None:
                local = distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
                at = open_ones.enter_context(local)
            client = open_ones.enter_context(distributed.Client(at, timeout="20s"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the Dask scheduler {scheduler or 'of this machine'} cannot be reached: {error}"
            ) from None
        yield client


def gathered(
    client: Any,
    done: Callable[..., T],
    jobs: Sequence[tuple[Any, ...]],
    *,
    sizes: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> list[T]:
    """What comes of each job, in their order; a job's size is what it counts in the progress."""
    sizes = [1] * len(jobs) if sizes is None else sizes
    tasks = {client.submit(done, *job, pure=False): number for number, job in enumerate(jobs)}
    found: dict[int, T] = {}
    for task, result in import_module("distributed").as_completed(tasks, with_results=True):
        if isinstance(result, BaseException):  # Dask hands over what it cancelled as if it were a result
            raise UsageError(f"the Dask cluster lost its workers ({result}): the same call without it still works")
        found[tasks[task]] = result
        if progress is not None:
            progress(sum(sizes[number] for number in found), sum(sizes))
    return [found[number] for number in range(len(jobs))]


def seen_by_worker(path: Path) -> Path:
    """The path, where the worker that asks sees a file there."""
    if not path.is_file():
        worker = import_module("distributed").get_worker().address
        raise UsageError(
            f"{path}: the worker {worker} on {gethostname()} sees no such file: give it the folder under the same path"
        )
    return path
