"""A long war and a million incidents in one archive: ``python -m benchmarks load [--share 0.2]``.

Every measurement is a process of its own, so that its memory is its own: seconds are those of the work without
Python's start, memory is the process's peak. Limits are held against the seconds of computing: with nothing else to do
a machine takes as long by the clock. The control maps are the real daily series, drawn with more vertices and
replayed there and back; where it is not at hand, polygons are made up. The incidents are all made up.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

DATES, VERTICES, INCIDENTS, CROWD = 4_000, 10_000, 1_000_000, 20_000
FIRST = date(2014, 1, 1)
BUSY = FIRST + timedelta(days=700)  # the day on which a crowd of incidents falls
MEMORY_MB = 1_024
TYPES = ("Battles", "Explosions/Remote violence", "Violence against civilians", "Protests", "Strategic developments")


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def last_day(share: float) -> date:
    return day_of(int(DATES * share) - 1)


# -- what goes in ---------------------------------------------------------------------------------------------------


def real_states(folder: Path) -> list[Any]:
    """The geometry of every daily file."""
    states = []
    for path in sorted(folder.glob("*.geojson")):
        features = json.loads(path.read_bytes())["features"]
        states.append(shapely.union_all([shapely.from_geojson(json.dumps(f["geometry"])) for f in features]))
    return states


def made_up_states(count: int = 353) -> list[Any]:
    """A ragged polygon whose edge moves a little from day to day, and a few that stay."""
    chance = np.random.default_rng(7)
    angles = np.linspace(0, 2 * np.pi, 3_000, endpoint=False)
    reach = 1 + 0.2 * chance.random(3_000)
    states = []
    for _ in range(count):
        at = chance.integers(0, 2_900)
        reach[at : at + 60] += 0.02 * (chance.random() - 0.5)
        ring = np.column_stack([37 + 2 * reach * np.cos(angles), 48.5 + reach * np.sin(angles)])
        staying = [shapely.box(30 + i, 44, 30.4 + i, 44.3) for i in range(6)]
        states.append(shapely.multipolygons([shapely.make_valid(shapely.polygons(ring)), *staying]))
    return states


def with_vertices(shape: Any, least: int) -> Any:
    """The same ground drawn with at least so many vertices."""
    step = shapely.length(shape) / least
    while shapely.get_num_coordinates(shape) < least:
        shape = shapely.segmentize(shape, step)
        step /= 1.4
    return shape


def control_files(data: Path, folder: Path, dates: int) -> list[Path]:
    """One file a day, as a desk would draw it: few files under many names, the series there and back again."""
    source = data / "deepstate-mirror"
    states = real_states(source) if source.is_dir() else made_up_states()
    kept = []
    for i, shape in enumerate(states):
        path = folder / f"state{i}.json"
        feature = {
            "type": "Feature",
            "properties": {"controller": "RU", "status": "held"},
            "geometry": json.loads(shapely.to_geojson(with_vertices(shape, VERTICES))),
        }
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        kept.append(path)
    turn = [*range(len(kept)), *range(len(kept) - 2, 0, -1)]
    listed = []
    for i in range(dates):
        link = folder / f"control_{day_of(i):%Y%m%d}.geojson"
        link.unlink(missing_ok=True)
        link.symlink_to(kept[turn[i % len(turn)]])
        listed.append(link)
    return listed


def incident_file(path: Path, count: int, dates: int) -> Path:
    """A desk's table of so many incidents; many of them fall on one day."""
    chance = np.random.default_rng(11)
    days = chance.integers(0, dates, count)
    crowd = min(CROWD, count // 10)
    days[:crowd] = min(700, dates - 1)
    lat, lon = 46 + 5 * chance.random(count), 31 + 8 * chance.random(count)
    kind, killed = chance.integers(0, len(TYPES), count), chance.integers(0, 5, count)
    names = [day_of(i).isoformat() for i in range(dates)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["event_id", "date_start", "where_coordinates", "adm_1", "latitude", "longitude", "where_prec",
                         "event_type", "best", "claimed_by", "verification", "source", "notes"])  # fmt: skip
        for i in range(count):
            writer.writerow([f"M{i:07d}", names[days[i]], f"Place {i % 5000}", f"Region {i % 25}", f"{lat[i]:.4f}",
                             f"{lon[i]:.4f}", 1 + i % 2, TYPES[kind[i]], killed[i], "nobody: made up",
                             "not verified", "made up for a measurement", f"what happened, no. {i}"])  # fmt: skip
    return path


# -- what is measured: each in a process of its own -----------------------------------------------------------------


def _import(archive: Path, source: str, listing: str) -> str:
    from geo.importing.importer import import_files

    files = Path(listing).read_text(encoding="utf-8").splitlines()
    receipts = import_files(archive, source, files)
    bad = [r for r in receipts if r.outcome not in ("stored", "superseded")]
    if bad:
        raise SystemExit(f"{bad[0].file}: {bad[0].outcome} {bad[0].error}")
    return f"{sum(r.rows_stored for r in receipts):,} rows"


def _area(archive: Path, when: str, within: str = "") -> str:
    from geo.archive import open_archive

    table = open_archive(archive).area(when, within=within or None)
    return f"{table['area_km2'].sum():,.0f} km²"


def _change(archive: Path, first: str, last: str) -> str:
    from geo.archive import open_archive

    return f"{open_archive(archive).change(first, last)['gained_km2'].sum():,.0f} km² gained"


def _series(archive: Path, first: str, last: str) -> str:
    from geo.archive import open_archive

    return f"{len(open_archive(archive).series(from_=first or None, to=last or None)):,} rows"


def _panel(archive: Path) -> str:
    from geo.archive import open_archive

    return f"{len(open_archive(archive).series(by='unit', level=1)):,} rows"


def _maps(archive: Path, count: str, out: str) -> str:
    from geo.archive import open_archive
    from geo.output.html.map_page import draw_maps

    first = date(2024, 12, 1)
    last = first + timedelta(days=int(count) - 1)
    return f"{sum(1 for _ in draw_maps(open_archive(archive), Path(out), from_=first, to=last))} pages"


def _known(archive: Path, when: str) -> str:
    from geo.archive import open_archive

    return f"{len(open_archive(archive).control(when, as_known_on=datetime.now(UTC)))} polygons"


def _map(archive: Path, when: str) -> str:
    from geo.archive import open_archive
    from geo.output.html.map_page import draw_map, save_map

    path = save_map(draw_map(open_archive(archive), when), archive.with_suffix(f".{when}.html"))
    return f"{path.stat().st_size / 1000:,.0f} KB"


def _timeline(archive: Path, first: str, last: str) -> str:
    from geo.archive import open_archive
    from geo.output.html.map_page import save_map
    from geo.output.html.timeline_page import draw_timeline

    page = draw_timeline(open_archive(archive), from_=first, to=last)
    return f"{save_map(page, archive.with_suffix('.timeline.html')).stat().st_size / 1000:,.0f} KB"


def _incidents(archive: Path, first: str, last: str, within: str = "", kind: str = "") -> str:
    from shapely import wkt

    from geo.archive import open_archive

    frame = open_archive(archive).incidents(
        first or None, last or None, within=wkt.loads(within) if within else None, event_type=kind or None
    )
    return f"{len(frame):,} incidents"


def _counted(archive: Path, by: str) -> str:
    from geo.archive import open_archive
    from geo.incidents.control_join import counted

    return f"{counted(open_archive(archive), by=by)['incidents'].sum():,} incidents"


def _check(archive: Path) -> str:
    from geo.maintenance.check import check_archive

    return check_archive(archive).lines()[-1].rpartition("gpkg: ")[2].partition(";")[0]


class Measured(NamedTuple):
    """Seconds by the clock, seconds of computing, peak MB, and what came of it."""

    seconds: float
    cpu: float
    peak: float
    said: str


TASKS: dict[str, Callable[..., str]] = {
    "import": _import, "area": _area, "change": _change, "series": _series, "panel": _panel,
    "maps": _maps, "known": _known, "map": _map,
    "timeline": _timeline, "incidents": _incidents, "counted": _counted,
    "check": _check,
}  # fmt: skip


def measured(task: str, archive: Path, *args: str) -> Measured:
    """A piece of work in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", task, str(archive), *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
    found = json.loads(out)
    return Measured(found["seconds"], found["cpu"], usage.ru_maxrss / 1024, found["said"])


def child(task: str, archive: str, *args: str) -> int:
    # what every command loads anyway is loaded before the clock runs
    import geo.cli
    import geo.output.html.map_page  # noqa: F401

    start, worked = time.perf_counter(), time.process_time()
    said = TASKS[task](Path(archive), *args)
    spent = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - worked}
    print(json.dumps({**spent, "said": said}))
    return 0


# -- the table ------------------------------------------------------------------------------------------------------

# what is said of a row -> the limit in seconds; where a limit is by the row or the date, it is in its own words
Row = tuple[str, str, Sequence[str], float]


def questions(share: float) -> Iterator[Row]:
    """What is asked of the full archive: words, task, arguments, limit in seconds."""
    last = last_day(share)
    middle = day_of(int(DATES * share / 2)).isoformat()
    year = day_of(max(0, int(DATES * share) - 366)).isoformat()
    busy = min(BUSY, last).isoformat()
    quiet = middle if middle != busy else day_of(5).isoformat()
    week = (date.fromisoformat(quiet) + timedelta(days=6)).isoformat()
    box = "POLYGON ((36 47.5, 38 47.5, 38 48.5, 36 48.5, 36 47.5))"
    yield "area on a date", "area", (middle,), 1
    yield "area on the last date", "area", (last.isoformat(),), 1
    yield "area in one unit on a date", "area", (middle, "UA-14"), 1
    yield "change between first and last date", "change", (day_of(0).isoformat(), last.isoformat()), 2
    yield "the polygons of a date, as known now by the snapshots' members", "known", (middle,), 2
    yield "series of the last year", "series", (year, last.isoformat()), 5
    yield "series of all dates", "series", (day_of(0).isoformat(), last.isoformat()), 60
    yield "incidents of a day", "incidents", (quiet, quiet), 1
    yield "incidents of a week in a box of one type", "incidents", (quiet, week, box, "Battles"), 1
    yield "incidents of all dates in a box of one type", "incidents", ("", "", box, "Battles"), 15
    for by in ("type", "month", "unit"):
        yield f"all incidents counted by {by}", "counted", (by,), 2
    yield f"incidents of the day with {CROWD:,}", "incidents", (busy, busy), 3
    yield "map of a date", "map", (quiet,), 2
    yield f"map of the day with {CROWD:,} incidents", "map", (busy,), 5
    yield "timeline of the last year", "timeline", (year, last.isoformat()), 10
    yield "timeline of all dates", "timeline", (day_of(0).isoformat(), last.isoformat()), 120


def listing(folder: Path, name: str, files: Sequence[Path]) -> str:
    path = folder / f"{name}.txt"
    path.write_text("\n".join(map(str, files)), encoding="utf-8")
    return str(path)


def run(data: Path, args: list[str]) -> int:
    """Print the table; 1 where a limit does not hold."""
    share = float(args[args.index("--share") + 1]) if "--share" in args else 1.0
    keep = Path(args[args.index("--keep") + 1]) if "--keep" in args else None
    held = True

    def line(words: str, limit: float, found: Measured) -> None:
        nonlocal held
        fine = found.cpu <= limit and found.peak <= MEMORY_MB
        held = held and fine
        times = f"{found.seconds:.2f} | {found.cpu:.2f} | {limit:g}"
        print(f"| {words} | {found.said} | {times} | {found.peak:,.0f} | {'' if fine else 'over'} |", flush=True)

    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine}\n")
    print("| what | gives | seconds | of computing | limit, s | peak MB | |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = keep or Path(name)
        folder.mkdir(exist_ok=True)
        archive = folder / "long.gpkg"
        dates, rows = int(DATES * share), int(INCIDENTS * share)
        if not archive.exists():
            files = control_files(data, folder, dates + 1)
            every = listing(folder, "every", files[:-1])
            line(f"import of {dates:,} dates", 0.25 * dates, measured("import", archive, "vector", every))
            table = incident_file(folder / "incidents.csv", rows, dates)
            one = listing(folder, "incidents", [table])
            line(f"import of {rows:,} incidents", 300 * share, measured("import", archive, "incidents", one))
            size = archive.stat().st_size / 1e6
            print(f"| the archive | {size:,.0f} MB | | | | | |")
            day = listing(folder, "day", files[-1:])
            line("import of one more date", 1, measured("import", archive, "vector", day))
        for words, task, given, limit in questions(share):
            line(words, limit, measured(task, archive, *given))
        line("geo check", 300 * share, measured("check", archive))
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(child(*sys.argv[1:]))
