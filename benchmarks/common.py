"""What several benchmarks share: the real series, read as rows and as units, and the median of a few runs."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.archive import open_archive
from geo.importing.importer import import_files
from geo.schema import parse_instant

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RUNS = 5
CLOCK = time.process_time if "--processor" in sys.argv else time.perf_counter


def median(work: Callable[[], Any], *, runs: int = RUNS) -> float:
    """Seconds, the median of several runs."""
    taken = []
    for _ in range(runs):
        start = CLOCK()
        work()
        taken.append(CLOCK() - start)
    return statistics.median(taken)


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


def units_of(folder: Path) -> gpd.GeoDataFrame:
    """The first divisions of Ukraine, as an archive of the series has them."""
    archive = open_archive(folder / "units.gpkg")
    import_files(archive, "deepstate-mirror", sorted((DATA / "deepstate-mirror").glob("*.geojson"))[:1])
    units = archive.units(1)
    return units[units["parent"] == "UA"]
