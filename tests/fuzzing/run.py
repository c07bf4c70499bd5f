"""Mutated files through what reads them, in a process of its own under limits: ``python -m tests.fuzzing.run``."""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

from geo.archive import open_archive
from geo.claims.reading import find_claims
from geo.errors import GeoError
from geo.importing.importer import ensure_units, import_files
from geo.importing.validation import FindingCache, admit_control, admit_points, admit_settlements, admit_units
from geo.schema import Options, Rows
from geo.sources import reader
from geo.units import Countries
from tests.fuzzing import archives, inputs, states
from tests.fuzzing.corpus import Seed, seeds
from tests.fuzzing.target import Target, Use

SECONDS, MIB = 2.0, 512  # seconds of a processor: a busy machine is no fault of a reader
_SENTENCES = ("Ukraine held 500 km² of Kursk region.", "Росія захопила 12 кв. км.", "Россия захватила 12 кв. км.")
WHOLE_WAY = 40  # every so many inputs go into an archive, too
# all but the readers of sources
OTHERS: dict[str, Target] = {**inputs.TARGETS, **states.TARGETS, **archives.TARGETS}


class TooSlow(BaseException):
    """Raised by the alarm; no `except Exception` of anybody's swallows it."""


@dataclass
class Report:
    """What came of the inputs of one target."""

    source: str
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    slowest_s: float = 0.0


def _alarm(_: int, __: FrameType | None) -> None:
    raise TooSlow


def bound_memory() -> None:
    """At most so much more than the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MIB * (1 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def read_and_admit(source: str, path: Path, options: Options) -> None:
    """A file through its reader and the gate, nothing stored."""
    known = reader(source)
    found = known.read(path, options)
    if isinstance(found, Rows):
        if known.kind == "units":
            admit_units(found)
        else:
            (admit_settlements if known.kind == "settlements" else admit_points)(found, options=options)
        return
    for snapshot in found:
        admit_control(snapshot, options=options, memory=FindingCache())


def attempt(what: Callable[[], Any]) -> str:
    """``read``, ``refused`` (a GeoError with words), or what went wrong."""
    signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
    try:
        what()
    except GeoError as error:
        return "refused" if str(error).strip() else "a GeoError without words"
    except TooSlow:
        return f"too slow\n{traceback.format_exc(limit=-4)}"
    except MemoryError:
        return f"out of memory\n{traceback.format_exc(limit=-4)}"
    except BaseException as error:
        notes = "".join(f" [{note}]" for note in getattr(error, "__notes__", ()))
        return f"{type(error).__name__}: {error}{notes}\n{traceback.format_exc(limit=-4)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read"


def of_source(source: str) -> Target:
    """A source's reader, the gate behind it and, now and then, an archive behind both."""
    return Target(partial(seeds, source), partial(_source_opened, source), after=whole)


@cache
def _with_units() -> tuple[bytes, Countries]:
    """An archive that has the boundary sets of the package, and where their countries lie."""
    with tempfile.TemporaryDirectory() as name:
        archive = open_archive(Path(name) / "archive.gpkg")
        ensure_units(archive)
        countries = archive.countries()
        archive.close()
        return archive.path.read_bytes(), countries


def _source_opened(source: str, folder: Path) -> Use:
    content, countries = _with_units()
    archive = open_archive(folder / "archive.gpkg")
    archive.path.write_bytes(content)
    locate = countries.locate

    def use(path: Path, rng: random.Random, at: int) -> None:
        options = Options(locate=locate, date="2025-01-11" if rng.random() < 0.3 else None)
        if at % WHOLE_WAY:
            read_and_admit(source, path, options)
        else:
            import_files(archive, source, path, options=options)

    return use


def target(name: str) -> Target:
    """What a name stands for."""
    return OTHERS[name] if name in OTHERS else of_source(reader(name) and name)


def fuzz(source: str, *, inputs: int, seed: int, keep: Path | None = None, seconds: float = 1e9) -> Report:
    """Read so many spoiled files.

    Parameters
    ----------
    source : str
        A reader's name, or another target's.
    inputs : int
        How many.
    seed : int
        Of the random choices: the same gives the same files.
    keep : pathlib.Path or None
        A folder for the inputs that found a fault.
    seconds : float
        Of a processor, after which no further input is read.
    """
    report = Report(source)
    what = target(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = what.seeds(folder)
        use = what.opened(folder)
        desk = folder / "spoiled"
        desk.mkdir()
        for at, case in enumerate(start):  # every library that is needed is in memory before the limit is set
            _put(desk, case, use, random.Random(0), at)
        for words in _SENTENCES:  # and so are the dictionaries and patterns of each language
            find_claims(words)
        bound_memory()
        ends = time.process_time() + seconds
        for at in range(inputs):
            if time.process_time() > ends:
                break
            rng = random.Random(f"{source} {seed} {at}")
            case = what.spoil(rng.choice(start), start, rng)
            outcome, seconds = _put(desk, case, use, rng, at)
            _note(report, at, case, outcome, seconds, keep)
        problems = what.after(folder)
        if problems:
            report.faults.append({"at": -1, "file": "archive.gpkg", "outcome": problems})
    return report


def _put(folder: Path, case: Seed, use: Use, rng: random.Random, at: int) -> tuple[str, float]:
    """What comes of one file, and the seconds of a processor that it took."""
    path = folder / case.name
    path.write_bytes(case.content)
    began = time.process_time()
    outcome = attempt(lambda: use(path, rng, at))
    seconds = time.process_time() - began
    shutil.rmtree(folder)
    folder.mkdir()
    return outcome, seconds


def whole(folder: Path) -> str:
    """Whether SQLite finds the archive sound, and the layer is what its snapshots say."""
    archive = open_archive(folder / "archive.gpkg")
    table = archive.reader.snapshots()
    live = table[table["superseded_at"].isna() & table["retracted_at"].isna()] if len(table) else table
    for row in live.itertuples():
        if len(archive.store.members(str(row.snapshot))) != row.rows_stored and row.rows_repaired == 0:
            parts = len(archive.store.members(str(row.snapshot)))
            if parts < row.rows_stored:
                return f"{row.snapshot}: {parts} members, {row.rows_stored} rows stored"
    return ""


def _note(report: Report, at: int, case: Seed, outcome: str, seconds: float, keep: Path | None) -> None:
    if outcome in ("read", "refused") and seconds > SECONDS:
        outcome = f"too slow: {seconds:.1f} s"
    report.slowest_s = max(report.slowest_s, seconds)
    report.outcomes[outcome if outcome in ("read", "refused") else "fault"] += 1
    if outcome in ("read", "refused"):
        return
    report.faults.append({"at": at, "file": case.name, "outcome": outcome})
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{report.source}-{at}-{case.name[-80:]}").write_bytes(case.content)


def main(args: list[str]) -> int:
    """Print a report a target as a line of JSON; 1 where a fault was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", nargs="+", help=f"a source, or {', '.join(OTHERS)}")
    parser.add_argument("--inputs", type=int, help="2,000 by default; for the costly ones what CI reads")
    parser.add_argument("--share", type=float, default=1.0, help="a part of the default number")
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="of a processor, after which no further input is read"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args(args)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _alarm)
    bad = False
    for name in given.source:
        count = given.inputs or max(1, round(target(name).share * given.share))
        began = time.process_time()
        report = fuzz(name, inputs=count, seed=given.seed, keep=given.keep, seconds=given.seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({
            "source": report.source, "inputs": report.outcomes.total(), **report.outcomes, "slowest_s": round(report.slowest_s, 3),
            "peak_mib": round(peak), "cpu_s": round(time.process_time() - began, 1), "faults": report.faults[:20],
        }, ensure_ascii=True), flush=True)  # fmt: skip
        bad = bad or bool(report.faults)
    return 1 if bad else 0


def read_and_admit_once(source: str) -> None:
    """Every library that the reader needs is in memory before the limit is set."""
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds(source, Path(name)):
            path = Path(name) / seed.name
            path.write_bytes(seed.content)
            attempt(lambda p=path: read_and_admit(source, p, Options(date="2025-01-11")))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
