"""SIGKILL at random moments of whatever writes: ``python -m benchmarks kills [--kills 200] [--seed N]``.

Each kill strikes a real ``geo`` process. Then the archive is looked through as ``geo check`` does it (SQLite's own
check, and the layer against the snapshots' members), every file of an export or a site must be the old one or the new
one as a whole, and the same command again must end with what a run that nobody disturbed ends with.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from shapely.geometry import box, mapping

from geo.care.checking import check_archive
from geo.intake import import_files

DAYS, POLYGONS, SITE_DAYS = 16, 250, 3
ENOUGH = 4  # of five kills one must come before the end: a run that is always too late proves nothing
GEO = [sys.executable, "-m", "geo"]
Content = Mapping[str, bytes]


@dataclass(frozen=True)
class Work:
    """What is killed: `start` is the folder before it, `commands` end in `state` where nobody disturbs them."""

    name: str
    start: Path
    commands: Sequence[Sequence[str]]
    state: Callable[[Path], object]
    outputs: Sequence[str] = ()  # files and folders that it writes, whole or not at all
    once: str = ""  # what the second run may say instead of doing it again


@dataclass
class Tally:
    """What became of the kills of one work."""

    kills: int = 0
    caught: int = 0
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.half or self.unequal)


# -- a made-up conflict ---------------------------------------------------------------------------------------------


def day_file(folder: Path, day: int, *, edition: int = 0, polygons: int = POLYGONS) -> Path:
    """A day's map: two sides whose border moves, and much that stays; another edition draws some of it otherwise."""
    path = folder / f"2024-08-{day:02d}.geojson"
    east = 30 + day / 100 + edition / 1000
    moving = [("X", box(east, 50, 31, 51)), ("Y", box(28, 50, east, 51))]
    staying = [
        ("X", box(35 + (i % 20) / 10, 45 + i // 20 / 10, 35.05 + edition * (i % 7 == 0) / 100 + (i % 20) / 10,
                  45.05 + i // 20 / 10))
        for i in range(polygons)
    ]  # fmt: skip
    features = [
        {"type": "Feature", "properties": {"controller": c, "status": "held"}, "geometry": mapping(shape)}
        for c, shape in [*moving, *staying]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def incidents_file(path: Path, rows: int) -> Path:
    head = "event_id,date_start,where_coordinates,latitude,longitude,event_type,notes\n"
    lines = [
        f"M{i},2024-08-{1 + i % DAYS:02d},Place {i % 50},{45 + i % 60 / 10},{35 + i % 20 / 10},Battles,made up {i}\n"
        for i in range(rows)
    ]
    path.write_text(head + "".join(lines), encoding="utf-8")
    return path


# -- states: what must be the same in the end -----------------------------------------------------------------------


def said(path: Path) -> object:
    """All that an archive says and has said, without the moments at which it was told."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        columns = "geom, source, part, controller, status, native, valid_from, valid_to"
        layers = [
            sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=str)
            for table in ("control", "control_superseded")
        ]
        snapshots = connection.execute(
            "SELECT snapshot, sha256, superseded_at IS NULL, retracted_at IS NULL, retracted_why FROM snapshots"
            " ORDER BY snapshot"
        ).fetchall()
        incidents = connection.execute("SELECT event_id, date_start, orig FROM incidents ORDER BY event_id").fetchall()
    return layers, snapshots, incidents


def archive_state(folder: Path) -> object:
    path = folder / "a.gpkg"
    return said(path) if path.exists() else None


def contents(folder: Path, outputs: Sequence[str]) -> dict[str, bytes]:
    """Every file that a work writes, without what a build keeps for itself."""
    found = [p for name in outputs for p in [folder / name, *(folder / name).rglob("*")] if p.is_file()]
    named = {str(p.relative_to(folder)): p for p in found}
    return {name: p.read_bytes() for name, p in named.items() if not any(q.startswith(".") for q in Path(name).parts)}


# -- the works ------------------------------------------------------------------------------------------------------


def works(folder: Path) -> list[Work]:
    """Everything that writes, each with what stands before it."""
    days, again = folder / "days", folder / "again"
    for place in (days, again):
        place.mkdir()
    first = [day_file(days, day) for day in range(1, DAYS + 1)]
    second = [day_file(again, day, edition=1) for day in range(1, DAYS + 1)]
    table = incidents_file(folder / "incidents.csv", 3_000)
    starts = {name: folder / "starts" / name for name in ("empty", "full", "drawn", "built")}
    starts["empty"].mkdir(parents=True)
    starts["full"].mkdir()
    import_files(starts["full"] / "a.gpkg", "vector", first)
    shutil.copytree(starts["full"], starts["drawn"])
    exports = [
        ["map", "a.gpkg", "--date", "2024-08-05", "--since", "2024-08-02", "-o", "map.html"],
        ["incidents", "a.gpkg", "--format", "csv", "-o", "incidents.csv"],
        ["series", "a.gpkg", "-o", "series.csv"],
        ["brief", "a.gpkg", "--date", "2024-08-05", "-o", "brief.html"],
        ["picture", "a.gpkg", "--date", "2024-08-05", "-o", "map.svg"],
    ]
    import_files(starts["drawn"] / "a.gpkg", "incidents", [table])
    for command in exports:
        (starts["drawn"] / command[-1]).write_bytes(b"what stood there before\n" * 50)
    span = ["--from", "2024-08-01", "--to", f"2024-08-{SITE_DAYS:02d}"]
    site = ["site", "a.gpkg", *span, "-o", "site"]
    shutil.copytree(starts["full"], starts["built"])
    run(starts["built"], site)
    import_files(starts["built"] / "a.gpkg", "vector", second[:SITE_DAYS])
    retracts = [["retract", "a.gpkg", f"vector@2024-08-{day:02d}", "--why", "a test"] for day in (3, 4, 9)]
    return [
        Work("import of days", starts["empty"], [["import", "a.gpkg", "vector", *map(str, first)]], archive_state),
        Work("import of incidents", starts["full"], [["import", "a.gpkg", "incidents", str(table)]], archive_state),
        Work("correction", starts["full"], [["import", "a.gpkg", "vector", *map(str, second)]], archive_state),
        *(Work("retraction", starts["full"], [r], archive_state, once="taken back") for r in retracts[:1]),
        *(Work(f"export: geo {e[0]}", starts["drawn"], [e], lambda f, e=e: contents(f, [e[-1]]), [e[-1]])
          for e in exports),
        Work("site", starts["built"], [site], lambda f: contents(f, ["site"]), ["site"]),
    ]  # fmt: skip


def run(folder: Path, command: Sequence[str], *, once: str = "") -> float:
    """Run a command of geo in a folder to its end; seconds."""
    start = time.monotonic()
    done = subprocess.run([*GEO, *command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and not (once and once in done.stderr):
        raise SystemExit(f"geo {' '.join(command)[:200]}: {done.stderr[-500:]}")
    return time.monotonic() - start


# -- killing --------------------------------------------------------------------------------------------------------


def kill_once(work: Work, place: Path, wait: float) -> bool:
    """Begin in a copy of the folder, and kill; whether that came before the end."""
    shutil.copytree(work.start, place)
    process = subprocess.Popen([*GEO, *work.commands[0]], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        try:
            process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == -signal.SIGKILL


def examine(work: Work, place: Path, tally: Tally, old: Content, new: Content) -> None:
    """What a kill left: a whole archive, and files that are the old ones or the new ones."""
    path = place / "a.gpkg"
    if path.exists():
        report = check_archive(path)
        tally.lost += [f"{work.name}: {line}" for line in report.told() if not report.is_whole]
    elif (work.start / "a.gpkg").exists():
        tally.lost.append(f"{work.name}: the archive is gone")
    for name, content in contents(place, work.outputs).items():
        if content not in (old.get(name), new.get(name)):
            tally.half.append(f"{work.name}: {name}")
    tally.lost += [f"{work.name}: {n} is gone" for n in old if n in new and n not in contents(place, work.outputs)]


def try_work(work: Work, folder: Path, kills: int, chance: random.Random) -> Tally:
    """Kill a work so many times."""
    tally = Tally()
    whole = folder / "whole"
    shutil.copytree(work.start, whole)
    seconds = sum(run(whole, command) for command in work.commands)
    wanted, new, old = work.state(whole), contents(whole, work.outputs), contents(work.start, work.outputs)
    for number in range(kills):
        place = folder / f"kill{number}"
        caught = kill_once(work, place, chance.uniform(0.3, 1.0) * seconds)
        tally.kills += 1
        tally.caught += caught
        examine(work, place, tally, old, new)
        for command in work.commands:
            run(place, command, once=work.once)
        if work.state(place) != wanted:
            tally.unequal.append(f"{work.name}: kill {number}")
        left = sorted(p.name for p in place.iterdir() if p.name.endswith(("-wal", "-shm", "-journal", ".writer")))
        tally.half += [f"{work.name}: {name} is left" for name in left]
        shutil.rmtree(place)
    return tally


def main(args: list[str]) -> int:
    """Print the table; 1 where anything was lost, half-written or unequal."""
    kills = int(args[args.index("--kills") + 1]) if "--kills" in args else 200
    seed = int(args[args.index("--seed") + 1]) if "--seed" in args else random.randrange(1 << 30)
    chance = random.Random(seed)
    print(f"seed {seed}\n\n| what | kills | before the end | lost | half-written | other than undisturbed |")
    print("|---|---|---|---|---|---|", flush=True)
    whole = Tally()
    with tempfile.TemporaryDirectory() as name:
        listed = works(Path(name))
        for i, work in enumerate(listed):
            count = kills * (i + 1) // len(listed) - kills * i // len(listed)
            folder = Path(name) / f"work{i}"
            folder.mkdir()
            row = try_work(work, folder, count, chance)
            print(f"| {work.name} | {_cells(row)} |", flush=True)
            for part in ("lost", "half", "unequal"):
                getattr(whole, part).extend(getattr(row, part))
            whole.kills, whole.caught = whole.kills + row.kills, whole.caught + row.caught
    print(f"| all | {_cells(whole)} |")
    for line in (*whole.lost, *whole.half, *whole.unequal):
        print(line)
    return 0 if whole.is_clean and whole.caught * (ENOUGH + 1) >= whole.kills else 1


def _cells(row: Tally) -> str:
    return f"{row.kills} | {row.caught} | {len(row.lost)} | {len(row.half)} | {len(row.unequal)}"
