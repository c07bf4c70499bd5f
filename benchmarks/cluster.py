"""A panel of over 100,000 snapshots from GeoParquet partitions, by Dask: fifty conflicts, six sources each, a year."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.common import DATA, as_series, units_of
from geo.measure.areas import zones_by_unit
from geo.measure.series.edge_history import Ledger, in_order
from geo.measure.series.edges import Chain
from geo.measure.series.panel import class_ledgers, zone_changes
from geo.measure.series.parallel import ledger_of, partition_of

CONFLICTS, SOURCES = 50, 6


def moved(ledger: Ledger, by: complex) -> Ledger:
    """The same series elsewhere."""
    edges = Chain(ledger.edges.tails + by, ledger.edges.heads + by)
    return in_order(edges, ledger.born, ledger.died, ledger.count, {})


def panel_of_partition(path: str, count: int, units: gpd.GeoDataFrame, east: float) -> tuple[int, float]:
    """How many figures a partition gives, and the km² that were gained in all."""
    place = units.assign(geometry=[shapely.transform(g, lambda xy: np.add(xy, (east, 0))) for g in units.geometry])
    changes = zone_changes(ledger_of(gpd.read_parquet(path), count).steps(), zones_by_unit(place))
    return changes.growth.size, float(changes.gained.sum())


def run() -> int:
    """Write the partitions, build the panel with one worker and with two, and print the figures."""
    from distributed import Client, LocalCluster

    _, rows, instants = as_series(sorted((DATA / "deepstate-mirror").glob("*.geojson")))
    (ledger,) = class_ledgers(rows, instants).values()
    print(
        f"{CONFLICTS * SOURCES * ledger.count:,} snapshots, {CONFLICTS * SOURCES * len(ledger.born):,} lives of edges"
    )
    with tempfile.TemporaryDirectory() as folder:
        units = units_of(Path(folder))[["unit", "name", "boundary", "geometry"]]
        start = time.perf_counter()
        jobs = []
        for conflict in range(CONFLICTS):
            east = -100.0 + 3 * conflict
            for source in range(SOURCES):
                path = Path(folder) / f"conflict={conflict}" / f"source={source}.parquet"
                path.parent.mkdir(exist_ok=True)
                partition_of(moved(ledger, east + 1e-4j * source)).to_parquet(path, compression="zstd")
                jobs.append((str(path), ledger.count, units, east))
        size = sum(p.stat().st_size for p in Path(folder).rglob("source=*.parquet")) / 1e6
        print(f"partitions written in {time.perf_counter() - start:.0f} s, {size:.0f} MB")
        sums = []
        for workers in (1, 2):
            local = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            with local as cluster, Client(cluster) as client:
                start = time.perf_counter()
                found = client.gather(client.map(panel_of_partition, *zip(*jobs, strict=True), pure=False))
                taken = time.perf_counter() - start
            sums.append(found)
            print(f"{workers} worker(s): {taken:.0f} s, {sum(n for n, _ in found):,} figures")
        assert sums[0] == sums[1], "shared out otherwise, the figures differ"
        assert np.isfinite([km2 for _, km2 in sums[0]]).all()
    return 0
