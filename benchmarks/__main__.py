"""Ours beside the rivals', in one run, on the same files: ``python -m benchmarks``.

It needs the real series of ../shared/data and prints ratios of medians; a ratio of 10 says ten times as fast.
"""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from geo import __version__, ledger, measures
from geo.archive import open_archive
from geo.area import areas_km2
from geo.intake import import_files
from geo.panel import panel
from geo.schema import parse_instant

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RUNS = 5
OVERLAY_DAYS = 6  # the rival's overlay of a day takes about a second: it is timed on a few days and multiplied


def median(work: Callable[[], Any], *, runs: int = RUNS) -> float:
    """Seconds, the median of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def rival_areas(shapes: np.ndarray) -> None:
    geod = Geod(ellps="WGS84")
    for shape in shapes:
        geod.geometry_area_perimeter(shape)


def rival_changes(shapes: np.ndarray) -> None:
    shapely.difference(shapes[1:], shapes[:-1])
    shapely.difference(shapes[:-1], shapes[1:])


def rival_archive(files: list[Path], path: Path) -> None:
    path.unlink(missing_ok=True)
    for i, file in enumerate(files):
        frame = gpd.read_file(file).assign(day=file.stem)
        frame.to_file(path, layer="control", driver="GPKG", mode="a" if i else "w")


def as_series(files: list[Path]) -> tuple[np.ndarray, gpd.GeoDataFrame, list[datetime]]:
    """Every day's geometry in memory, and the same as rows with their intervals."""
    shapes = np.array([gpd.read_file(f).geometry.iloc[0] for f in files], dtype=object)
    instants = [parse_instant(f"{f.stem[-8:-4]}-{f.stem[-4:-2]}-{f.stem[-2:]}") for f in files]
    ends = [*instants[1:], pd.NaT]
    columns = {
        "controller": "RU",
        "status": "held",
        "native": "n",
        "part": "",
        "valid_from": instants,
        "valid_to": ends,
    }
    return shapes, gpd.GeoDataFrame(columns, geometry=shapes, crs=4326), instants


def rows_of_table(folder: Path) -> list[tuple[str, float, float]]:
    """(work, our seconds, the rival's seconds) of everything that is compared."""
    files = sorted((DATA / "deepstate-mirror").glob("*.geojson"))
    shapes, rows, instants = as_series(files)
    zones = measures.zones_by_unit(_units(folder))
    table = [
        (
            "areas of all dates, geometries in memory",
            median(lambda: areas_km2(shapes)),
            median(lambda: rival_areas(shapes)),
        )
    ]
    steps = ledger.class_steps(rows, instants)
    whole = median(lambda: panel(steps, measures.EVERYWHERE, instants=instants))
    table.append(("areas of all dates, from a built ledger", whole, table[0][2]))
    ours = median(lambda: ledger.class_steps(rows, instants))
    table.append(
        ("gained and lost of every step, ledger included", ours, median(lambda: rival_changes(shapes), runs=3))
    )
    ours = median(lambda: panel(ledger.class_steps(rows, instants), zones, instants=instants))
    table.append(("panel by first-level unit, ledger included", ours, _rival_panel(shapes, zones)))
    for name in ("deepstate-mirror", "deepstate"):
        table.append(_archives(name, folder))
    archive = open_archive(folder / "deepstate.gpkg")
    day = median(lambda: archive.control("2025-01-11"), runs=15)
    read = median(lambda: gpd.read_file(folder / "deepstate-rival.gpkg", where="day = '1736623460'"), runs=15)
    table.append(("one date of the archive as a GeoDataFrame (raw series)", day, read))
    return table


def _units(folder: Path) -> gpd.GeoDataFrame:
    archive = open_archive(folder / "units.gpkg")
    import_files(archive, "deepstate-mirror", sorted((DATA / "deepstate-mirror").glob("*.geojson"))[:1])
    units = archive.units(1)
    return units[units["parent"] == "UA"]


def _rival_panel(shapes: np.ndarray, zones: list[measures.Zone]) -> float:
    units = gpd.GeoDataFrame({"unit": [z.unit for z in zones[:-1]]}, geometry=[z.shape for z in zones[:-1]], crs=4326)
    few = shapes[:: len(shapes) // OVERLAY_DAYS][:OVERLAY_DAYS]
    start = time.perf_counter()
    for shape in few:
        gpd.overlay(gpd.GeoDataFrame(geometry=[shape], crs=4326), units, how="intersection")
    return (time.perf_counter() - start) / len(few) * len(shapes)


def _archives(name: str, folder: Path) -> tuple[str, float, float]:
    source = {"deepstate": "deepstate-raw"}.get(name, name)
    files = sorted((DATA / source).glob("*.geojson"))

    def ours() -> None:
        (folder / f"{name}.gpkg").unlink(missing_ok=True)
        import_files(folder / f"{name}.gpkg", name, files)

    mine = median(ours, runs=3)
    theirs = median(lambda: rival_archive(files, folder / f"{name}-rival.gpkg"), runs=1)
    sizes = [(folder / f"{name}{end}.gpkg").stat().st_size / 1e6 for end in ("", "-rival")]
    return f"files to archive, {source} ({sizes[0]:.1f} MB beside {sizes[1]:.1f} MB)", mine, theirs


def main() -> int:
    """Print the table; 1 where the real series are not there."""
    if not DATA.is_dir():
        print(f"needs the real series of {DATA}, which are not part of the project", file=sys.stderr)
        return 1
    versions = f"geo-control {__version__}, Python {platform.python_version()}, shapely {shapely.__version__}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {versions}, geopandas {gpd.__version__}\n")
    print("| work | ours, s | rival, s | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for work, ours, rival in rows_of_table(Path(folder)):
            print(f"| {work} | {ours:.3f} | {rival:.3f} | {rival / ours:.1f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
