"""SIGKILL at random moments of whatever writes: ``python -m benchmarks kills [--kills 200] [--seed N] [--only WORD]``.

Each kill strikes a process of its own that runs a ``geo`` command; what Python has to load was loaded before it was
forked, so that the signal comes while it works. Half of the kills come at a random moment of a run, half just after
the first new name has shown in the folder, which is when something is being written. Then the archive is looked
through as ``geo check`` does it (SQLite's own check, and the layer against the snapshots' members), every file of an
output must be the old one or the new one as a whole, and the same command again must end with what a run that nobody
disturbed ends with, down to the names in the folder.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from pkgutil import walk_packages

import geo as package
from benchmarks.deeds import Work, contents, serving, works
from geo.cli import main as geo
from geo.maintenance.check import check_archive

ENOUGH = 4  # of five kills one must come before the end: a run that is always too late proves nothing
LEAST = 4  # kills of each kind
LAZY = (
    "docx", "pptx", "pyarrow.parquet", "folium", "PIL.GifImagePlugin", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg", "matplotlib.backends.backend_pdf",
)  # fmt: skip
Content = Mapping[str, bytes]


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


# -- commands in processes of their own -----------------------------------------------------------------------------


def _begin(folder: Path, command: Sequence[str], also: Mapping[str, str]) -> tuple[BaseProcess, Path]:
    """A forked process that runs a command in a folder, and the file that it speaks into."""
    heard = folder.with_name(f"{folder.name}.heard")
    process = multiprocessing.get_context("fork").Process(target=_do, args=(folder, command, dict(also), heard))
    process.start()
    return process, heard


def _do(folder: Path, command: Sequence[str], also: Mapping[str, str], heard: Path) -> None:
    os.chdir(folder)
    os.environ.update(also)
    stream = os.open(heard, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(stream, number)
    code = 1
    try:
        geo(list(command), prog_name="geo")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def load() -> None:
    """Load what commands load when they need it, so that forked processes begin with their work."""
    for room in walk_packages(package.__path__, "geo."):
        if not room.name.startswith(("geo.assets", "geo.__main__")):
            import_module(room.name)
    for library in LAZY:
        import_module(library)


def run(folder: Path, command: Sequence[str], *, once: str = "", also: Mapping[str, str] | None = None) -> float:
    """Run a command of geo in a folder to its end; seconds."""
    start = time.monotonic()
    process, heard = _begin(folder, command, also or {})
    process.join()
    words = heard.read_text(encoding="utf-8", errors="replace")
    if process.exitcode and not (once and once in words):
        raise SystemExit(f"geo {' '.join(command)[:200]}: {process.exitcode}: {words[-500:]}")
    return time.monotonic() - start


# -- killing --------------------------------------------------------------------------------------------------------


def names_in(folder: Path) -> set[str]:
    """Every name under a folder, also those that begin with a dot."""
    return {str(Path(root, name).relative_to(folder)) for root, a, b in os.walk(folder) for name in (*a, *b)}


def kill_once(work: Work, place: Path, wait: float, *, after: float | None = None) -> bool:
    """Begin in a copy of the folder, and kill; whether that came before the end.

    The signal comes after `wait` seconds, or `after` seconds behind the first new name in the folder.
    """
    shutil.copytree(work.start, place)
    before = names_in(place)
    process, _ = _begin(place, work.command, work.also)
    ends = time.monotonic() + wait
    while after is not None and process.is_alive() and time.monotonic() < ends:
        if names_in(place) - before:
            ends, after = time.monotonic() + after, None
        time.sleep(0.0005)
    process.join(max(0.0, ends - time.monotonic()))
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def examine(work: Work, place: Path, tally: Tally, old: Content, new: Content) -> None:
    """What a kill left: whole archives, and files that are the old ones or the new ones."""
    for path in sorted({*work.start.glob("*.gpkg"), *place.glob("*.gpkg")}):
        if path.name == "damaged.gpkg":
            continue
        if not (place / path.name).exists():
            tally.lost.append(f"{work.name}: {path.name} is gone")
            continue
        report = check_archive(place / path.name)
        tally.lost += [f"{work.name}: {line}" for line in report.lines() if not report.is_whole]
    found = contents(place, work.outputs)
    for name, content in found.items():
        whole = content in (old.get(name), new.get(name))
        if not (whole or name.endswith(".gpkg")):  # an archive may stand at any file between; it was checked above
            tally.half.append(f"{work.name}: {name}")
    tally.lost += [f"{work.name}: {n} is gone" for n in old if n in new and n not in found]


def try_work(work: Work, folder: Path, kills: int, chance: random.Random) -> Tally:
    """Kill a work so many times."""
    tally = Tally()
    whole = folder / "whole"
    shutil.copytree(work.start, whole)
    seconds = run(whole, work.command, also=work.also)
    wanted, new, old = work.state(whole), contents(whole, work.outputs), contents(work.start, work.outputs)
    names = names_in(whole)
    for number in range(kills):
        place = folder / f"kill{number}"
        # a moment at random, or one at which it writes
        after = chance.choice((0.0, 0.01, seconds / 2)) * chance.random() if number % 2 else None
        wait = 3 * seconds if number % 2 else chance.uniform(0.1, 0.95) * seconds
        tally.caught += kill_once(work, place, wait, after=after)
        tally.kills += 1
        examine(work, place, tally, old, new)
        run(place, work.command, once=work.once, also=work.also)
        if work.state(place) != wanted:
            tally.unequal.append(f"{work.name}: kill {number}")
        tally.half += [f"{work.name}: {name} is left" for name in sorted(names_in(place) ^ names)]
        shutil.rmtree(place)
    return tally


def main(args: list[str]) -> int:
    """Print the table; 1 where anything was lost, half-written or unequal."""
    kills = int(args[args.index("--kills") + 1]) if "--kills" in args else 200
    seed = int(args[args.index("--seed") + 1]) if "--seed" in args else random.randrange(1 << 30)
    only = args[args.index("--only") + 1] if "--only" in args else ""
    chance = random.Random(seed)
    load()
    print(f"seed {seed}\n\n| what | kills | before the end | lost | half-written | other than undisturbed |")
    print("|---|---|---|---|---|---|", flush=True)
    whole = Tally()
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "few") as port:
        listed = [work for work in works(Path(name), port=port) if only in work.name]
        for i, work in enumerate(listed):
            count = max(LEAST, kills * (i + 1) // len(listed) - kills * i // len(listed))
            folder = Path(name) / f"work{i}"
            folder.mkdir()
            row = try_work(work, folder, count, chance)
            print(f"| {work.name} | {_cells(row)} |", flush=True)
            for part in ("lost", "half", "unequal"):
                getattr(whole, part).extend(getattr(row, part))
            whole.kills, whole.caught = whole.kills + row.kills, whole.caught + row.caught
    print(f"| **all** | {_cells(whole)} |")
    for line in (*whole.lost, *whole.half, *whole.unequal):
        print(line)
    return 0 if whole.is_clean and whole.caught * (ENOUGH + 1) >= whole.kills else 1


def _cells(row: Tally) -> str:
    return f"{row.kills} | {row.caught} | {len(row.lost)} | {len(row.half)} | {len(row.unequal)}"
