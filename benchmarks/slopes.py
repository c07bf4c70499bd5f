"""What more of everything costs: each piece of work at two sizes, the slope between, and what that makes of a plan.

``python -m benchmarks slopes [--conflicts 300] [--sources 6] [--days 366] [--incidents 100000000]``
"""

from __future__ import annotations

import os
import platform
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import DATA
from benchmarks.load import incident_file, listing, measured

DATES, DETAILED, ROWS, PAGES = (100, 353), (60, 222), (10_000, 40_000), (4, 12)


class Slope(NamedTuple):
    """What one more costs: seconds of computing and bytes on the disk; peak MB at the larger size."""

    work: str
    one: str
    seconds: float
    bytes: float
    peak: float
    sizes: tuple[int, int]


def _slope(work: str, one: str, sizes: tuple[int, int], done: Callable[[int], tuple[float, float, float]]) -> Slope:
    (less, small, _), (more, large, peak) = (done(size) for size in sizes)
    count = sizes[1] - sizes[0]
    return Slope(work, one, (more - less) / count, (large - small) / count, peak, sizes)


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size


def slopes(folder: Path) -> Iterator[Slope]:
    """Every slope, measured one after the other."""

    def imported(name: str, source: str, files: Sequence[Path]) -> Callable[[int], tuple[float, float, float]]:
        def done(count: int) -> tuple[float, float, float]:
            archive = folder / f"{name}{count}.gpkg"
            found = measured("import", archive, source, listing(folder, name, files[:count]))
            return found.cpu, _size(archive), found.peak

        return done

    def asked(name: str, task: str, *args: str) -> Callable[[int], tuple[float, float, float]]:
        def done(count: int) -> tuple[float, float, float]:
            found = measured(task, folder / f"{name}{count}.gpkg", *args)
            return found.cpu, 0.0, found.peak

        return done

    def drawn(count: int) -> tuple[float, float, float]:
        out = folder / f"maps{count}"
        found = measured("maps", folder / f"mirror{DATES[1]}.gpkg", str(count), str(out))
        return found.cpu, _size(out), found.peak

    def incidents(count: int) -> tuple[float, float, float]:
        table = incident_file(folder / f"incidents{count}.csv", count, 365)
        return imported(f"events{count}-", "incidents", [table] * count)(1)

    mirror, raw = (sorted((DATA / f"deepstate-{kind}").glob("*.geojson")) for kind in ("mirror", "raw"))
    yield _slope("import, one class of 2,900 corners", "map", DATES, imported("mirror", "deepstate-mirror", mirror))
    yield _slope("import, nine classes of 9,000 corners", "map", DETAILED, imported("raw", "deepstate", raw))
    yield _slope("series of every class", "map", DATES, asked("mirror", "series", "", ""))
    yield _slope("the same by 137 units of level 1", "map", DATES, asked("mirror", "panel"))
    yield _slope("a page of a date, front and changes in it", "page", PAGES, drawn)
    yield _slope("import of incidents", "incident", ROWS, incidents)
    for count in ROWS:
        (folder / f"events{count}-1.gpkg").rename(folder / f"events{count}.gpkg")
    yield _slope("incidents counted by type", "incident", ROWS, asked("events", "counted", "type"))
    yield _slope("incidents counted by unit", "incident", ROWS, asked("events", "counted", "unit"))


def _options(args: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks slopes")
    for name, value in (("conflicts", 300), ("sources", 6), ("days", 366), ("incidents", 100_000_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args(args)


def run(args: list[str]) -> int:
    """Print the slopes, and what they make of the plan."""
    plan = _options(args)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}\n")
    print("| work | from, to | one more | s of computing | KB | peak MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        found = []
        for slope in slopes(Path(name)):
            found.append(slope)
            sizes = " to ".join(f"{size:,}" for size in slope.sizes)
            told = f"{slope.seconds:.2g} | {slope.bytes / 1000:,.3g} | {slope.peak:,.0f}"
            print(f"| {slope.work} | {sizes} | {slope.one} | {told} |", flush=True)
    maps = plan.conflicts * plan.sources * plan.days
    counts = {"map": maps, "page": plan.conflicts * plan.days, "incident": plan.incidents}
    print(
        f"\n{plan.conflicts} conflicts, {plan.sources} sources, {plan.days} days: {maps:,} maps,"
        f" {counts['page']:,} pages (one a conflict and day), {plan.incidents:,} incidents\n"
    )
    print("| work | times | hours, one worker | GB |\n|---|---|---|---|")
    for slope in found:
        count = counts[slope.one]
        size = f"{count * slope.bytes / 1e9:,.3g}" if slope.bytes else ""
        print(f"| {slope.work} | {count:,} | {count * slope.seconds / 3600:,.3g} | {size} |")
    return 0
