"""Mutated files through a reader and the gate, in a process of its own under limits: ``python -m tests.fuzzing.run``."""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from geo.archive import open_archive
from geo.errors import GeoError
from geo.gate import Memory, admit_control, admit_points, admit_units
from geo.intake import ensure_units, import_files
from geo.schema import Options, Rows
from geo.sources import reader
from tests.fuzzing.corpus import Seed, seeds
from tests.fuzzing.mutation import mutated

SECONDS, MIB = 2.0, 512  # seconds of a processor: a busy machine is no fault of a reader
WHOLE_WAY = 40  # every so many inputs go into an archive, too


class TooSlow(BaseException):
    """Raised by the alarm; no `except Exception` of anybody's swallows it."""


@dataclass
class Report:
    """What came of the inputs of one reader."""

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
        (admit_units(found) if known.kind == "units" else admit_points(found, options=options))
        return
    for snapshot in found:
        admit_control(snapshot, options=options, memory=Memory())


def attempt(what: Callable[[], Any]) -> str:
    """``read``, ``refused`` (a GeoError with words), or what went wrong."""
    signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
    try:
        what()
    except GeoError as error:
        return "refused" if str(error).strip() else "a GeoError without words"
    except TooSlow:
        return "too slow"
    except MemoryError:
        return "out of memory"
    except BaseException as error:
        return f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read"


def fuzz(source: str, *, inputs: int, seed: int, keep: Path | None = None) -> Report:
    """Read so many spoiled files.

    Parameters
    ----------
    source : str
        The reader's name.
    inputs : int
        How many.
    seed : int
        Of the random choices: the same gives the same files.
    keep : pathlib.Path or None
        A folder for the inputs that found a fault.
    """
    report = Report(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = seeds(source, folder)
        archive = open_archive(folder / "archive.gpkg")
        ensure_units(archive)
        locate = archive.countries().locate
        for at in range(inputs):
            rng = random.Random(f"{source} {seed} {at}")
            case = mutated(rng.choice(start), start, rng)
            path = folder / case.name
            path.write_bytes(case.content)
            options = Options(locate=locate, date="2025-01-11" if rng.random() < 0.3 else None)
            began = time.process_time()
            if at % WHOLE_WAY:
                outcome = attempt(lambda p=path, o=options: read_and_admit(source, p, o))
            else:
                outcome = attempt(lambda p=path, o=options: import_files(archive, source, p, options=o))
            _note(report, at, case, outcome, time.process_time() - began, keep)
            path.unlink()
        problems = whole(archive.path)
        if problems:
            report.faults.append({"at": -1, "file": "archive.gpkg", "outcome": problems})
    return report


def whole(path: Path) -> str:
    """Whether SQLite finds the archive sound, and the layer is what its snapshots say."""
    archive = open_archive(path)
    table = archive.snapshots()
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
    """Print a report as JSON; 1 where a fault was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args(args)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPROF, _alarm)
    reader(given.source)
    read_and_admit_once(given.source)
    bound_memory()
    report = fuzz(given.source, inputs=given.inputs, seed=given.seed, keep=given.keep)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "source": report.source, "inputs": given.inputs, **report.outcomes, "slowest_s": round(report.slowest_s, 3),
        "peak_mib": round(peak), "faults": report.faults[:20],
    }, ensure_ascii=True))  # fmt: skip
    return 1 if report.faults else 0


def read_and_admit_once(source: str) -> None:
    """Every library that the reader needs is in memory before the limit is set."""
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds(source, Path(name)):
            path = Path(name) / seed.name
            path.write_bytes(seed.content)
            attempt(lambda p=path: read_and_admit(source, p, Options(date="2025-01-11")))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
