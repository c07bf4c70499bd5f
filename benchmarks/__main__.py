"""Ours beside the rivals', in one run, on the same files: ``python -m benchmarks``.

It needs the real series of ../shared/data and prints ratios of medians; a ratio of 10 says ten times as fast.
``python -m benchmarks growth F.svg`` draws how time and memory grow with dates and vertices; ``… cluster`` builds a
panel of 100,000 snapshots from GeoParquet partitions by Dask; ``… pages`` measures dated pages and the timeline;
``… load``, ``… kills`` and ``… hands`` are what docs/trust.md tells of;
``… geoparsing`` how often the geocoder is right; ``… reading`` how right briefings and sentences are read;
``… millions`` counts incidents in attached Parquet;
``… slopes`` what more maps and incidents cost, and what that makes of a plan; ``… start`` how long the command takes
to begin. ``--processor`` counts the time of computing, not the clock's.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from benchmarks.common import DATA, as_series, median, units_of
from geo import __version__
from geo.archive import open_archive
from geo.importing.importer import import_files
from geo.measure import areas
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.edge_history import Step
from geo.measure.series.panel import class_ledgers, panel, zone_changes
from geo.output.html.map_page import draw_maps

FINE = 136  # districts that Ukraine has
PAGES = 20
OVERLAY_DAYS = 6  # the rival's overlay of a day takes about a second: it is timed on a few days and multiplied


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
        frame = gpd.read_file(file)
        # files of a series differ in their fields, and a layer that is appended to cannot
        frame = frame[[c for c in ("name", "geometry") if c in frame]].assign(day=file.stem)
        frame.to_file(path, layer="control", driver="GPKG", mode="a" if i else "w")


def rival_page(file: Path, out: Path) -> None:
    """The polygons of a date, as the plainest script with geopandas and folium."""
    page = folium.Map(tiles=None)
    folium.GeoJson(gpd.read_file(file)).add_to(page)
    page.save(out)


def rival_script(files: list[Path], units: gpd.GeoDataFrame) -> None:
    """Areas, changes and panel of a few days, as a short geopandas script does them."""
    before = None
    for file in files:
        frame = gpd.read_file(file)[["geometry"]].dissolve()
        frame.to_crs(6933).area.sum()
        parts = gpd.overlay(frame, units, how="intersection")
        parts.to_crs(6933).area.groupby(parts["unit"]).sum()
        if before is not None:
            frame.difference(before).to_crs(6933).area.sum()
            before.difference(frame).to_crs(6933).area.sum()
        before = frame


def rows_of_table(folder: Path) -> Iterator[tuple[str, float, float, float]]:
    """(work, our seconds, the rival's seconds, the goal for their ratio) of everything that is compared."""
    files = sorted((DATA / "deepstate-mirror").glob("*.geojson"))
    shapes, rows, instants = as_series(files)
    units = units_of(folder)
    zones = areas.zones_by_unit(units)
    geod = median(lambda: rival_areas(shapes))
    yield "areas of all dates, from geometries in memory", median(lambda: areas_km2(shapes)), geod, 10
    (built,) = class_ledgers(rows, instants).values()
    built.areas_km2()
    yield "areas of all dates, from a built ledger", median(built.areas_km2), geod, 200
    ours = median(lambda: _steps(rows, instants))
    yield "gained and lost of every step, ledger included", ours, median(lambda: rival_changes(shapes)), 25
    ours = median(lambda: _panel(rows, instants, zones))
    yield f"panel by unit of all dates ({len(units)} units), ledger included", ours, _rival_panel(shapes, units), 40
    fine = _finer(units)
    zones, corners = areas.zones_by_unit(fine), int(shapely.get_num_coordinates(fine.geometry.array).sum())
    ours = median(lambda: _panel(rows, instants, zones), runs=3)
    yield f"the same by {len(fine)} units of {corners:,} corners", ours, _rival_panel(shapes, fine), 40
    for name in ("deepstate-mirror", "deepstate"):
        yield _archives(name, folder)
    ours = median(lambda: _end_to_end(folder / "whole.gpkg", files), runs=3)
    yield "files to areas, changes and panel, end to end", ours, _rival_end_to_end(files, units), 8
    archive = open_archive(folder / "deepstate-mirror.gpkg")
    day = median(lambda: archive.control("2025-01-11"), runs=25)
    rival, name = folder / "deepstate-mirror-rival.gpkg", files[180].stem
    read = median(lambda: gpd.read_file(rival, where=f"day = '{name}'"), runs=25)
    yield "one date of the archive to a GeoDataFrame", day, read, 1
    yield from _pages(files[100 : 100 + PAGES], folder)


def _pages(files: list[Path], folder: Path) -> Iterator[tuple[str, float, float, float]]:
    """`geo maps` of some dates beside folium's plainest pages of the same polygons."""
    import_files(folder / "few.gpkg", "deepstate-mirror", files)
    archive = open_archive(folder / "few.gpkg")
    rival = median(lambda: [rival_page(file, folder / "rival.html") for file in files], runs=3)
    for front in (False, True):
        ours = median(lambda f=front: list(draw_maps(archive, folder / "maps", with_front=f)), runs=3)
        name = f"{len(files)} dated pages, {'with' if front else 'without'} the front"
        yield f"{name}; folium's of the polygons alone", ours, rival, 5


def start_up() -> None:
    """Print how long the command takes to begin: the least of ten runs."""
    command = str(Path(sys.executable).with_name("geo"))
    print("| command | s | of computing | goal |\n|---|---|---|---|")
    for args, goal in ((["--version"], 0.15), (["--help"], 0.15), (["area", "--help"], 0.15)):
        found = []
        for _ in range(10):
            before, start = os.times(), time.perf_counter()
            subprocess.run([command, *args], stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            worked = after.children_user + after.children_system - before.children_user - before.children_system
            found.append((time.perf_counter() - start, worked))
        seconds, worked = (min(each) for each in zip(*found, strict=True))
        print(f"| geo {' '.join(args)} | {seconds:.2f} | {worked:.2f} | {goal:g} |", flush=True)


def _steps(rows: gpd.GeoDataFrame, instants: list[datetime]) -> dict[areas.ClassKey, list[Step]]:
    return {key: ledger.steps() for key, ledger in class_ledgers(rows, instants).items()}


def _panel(rows: gpd.GeoDataFrame, instants: list[datetime], zones: list[areas.Zone]) -> pd.DataFrame:
    steps = _steps(rows, instants)
    return panel({k: zone_changes(s, zones) for k, s in steps.items()}, zones, instants=instants)


def _few(listed: Any) -> Any:
    return listed[:: len(listed) // OVERLAY_DAYS][:OVERLAY_DAYS]


def _finer(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Made-up units of the second level: the country in as many cells, with as many corners as surveyed ones have."""
    ground = units.geometry.union_all()
    seeds = np.random.default_rng(1).uniform(ground.bounds[:2], ground.bounds[2:], size=(4 * FINE, 2))
    inside = shapely.points(seeds[shapely.contains_xy(ground, seeds)][:FINE])
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(inside), extend_to=ground))
    shapes = shapely.segmentize(shapely.intersection(cells, ground), 0.002)
    names = [f"cell {i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame({"unit": names, "name": names, "boundary": "made up"}, geometry=shapes, crs=4326)


def _rival_panel(shapes: np.ndarray, units: gpd.GeoDataFrame) -> float:
    frames = [gpd.GeoDataFrame(geometry=[s], crs=4326) for s in _few(shapes)]
    few = median(lambda: [gpd.overlay(f, units[["unit", "geometry"]], how="intersection") for f in frames])
    return few / len(frames) * len(shapes)


def _end_to_end(path: Path, files: list[Path]) -> None:
    path.unlink(missing_ok=True)
    import_files(path, "deepstate-mirror", files)
    archive = open_archive(path)
    archive.series()
    archive.series(by="unit", level=1)


def _rival_end_to_end(files: list[Path], units: gpd.GeoDataFrame) -> float:
    few = _few(files)
    return median(lambda: rival_script(few, units[["unit", "geometry"]]), runs=3) / len(few) * len(files)


def _archives(name: str, folder: Path) -> tuple[str, float, float, float]:
    source = {"deepstate": "deepstate-raw"}.get(name, name)
    files = sorted((DATA / source).glob("*.geojson"))

    def ours() -> None:
        (folder / f"{name}.gpkg").unlink(missing_ok=True)
        import_files(folder / f"{name}.gpkg", name, files)

    mine = median(ours)
    theirs = median(lambda: rival_archive(files, folder / f"{name}-rival.gpkg"))
    sizes = [(folder / f"{name}{end}.gpkg").stat().st_size / 1e6 for end in ("", "-rival")]
    return f"files to archive, {source} ({sizes[0]:.1f} MB beside {sizes[1]:.1f} MB)", mine, theirs, 4


def main(args: list[str]) -> int:
    """Print the table, or draw the growth of time and memory, or share a long series out; 1 without the real series."""
    if args[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if args[:1] == ["reading"]:
        from benchmarks.reading import run as read

        return read(args[1:])
    if args[:1] == ["start"]:
        start_up()
        return 0
    if args[:1] == ["millions"]:
        from benchmarks.millions import run as count

        return count(args[1:])
    if not DATA.is_dir() and args[:1] not in (["load"], ["kills"], ["hands"]):
        print(f"needs the real series of {DATA}, which are not part of the project", file=sys.stderr)
        return 1
    if args[:1] == ["growth"]:
        from benchmarks.growth import run as grow

        return grow(Path(args[1]) if len(args) > 1 else Path("growth.svg"))
    if args[:1] == ["slopes"]:
        from benchmarks.slopes import run as extrapolate

        return extrapolate(args[1:])
    if args[:1] == ["cluster"]:
        from benchmarks.cluster import run as share_out

        return share_out()
    if args[:1] == ["load"]:
        from benchmarks.load import run as bear

        return bear(DATA, args[1:])
    if args[:1] == ["kills"]:
        from benchmarks.kills import main as kill

        return kill(args[1:])
    if args[:1] == ["hands"]:
        from benchmarks.hands import main as lend

        return lend(args[1:])
    if args[:1] == ["geoparsing"]:
        from benchmarks.geoparsing import run as geoparse

        return geoparse(DATA)
    if args[:1] == ["pages"]:
        from benchmarks.pages import run as draw

        return draw(DATA)
    if args and args != ["--processor"]:
        print(f"{args[0]!r} is no benchmark:\n\n{__doc__}", file=sys.stderr)
        return 2
    versions = f"geo-control {__version__}, Python {platform.python_version()}, shapely {shapely.__version__}"
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {versions}, geopandas {gpd.__version__}\n")
    print("| work | ours, s | rival, s | ratio | goal |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for work, ours, rival, goal in rows_of_table(Path(folder)):
            print(f"| {work} | {ours:.4f} | {rival:.3f} | {rival / ours:.1f} | {goal:g} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
