"""Two importers and ten readers at once: ``python -m benchmarks hands [--seconds 60] [--readers 10]``.

Two more readers hold the state of the beginning for all of the time, and another does so and is stopped (SIGSTOP).
Every importer and every reader is a process. Afterwards the files are imported once more, one after the other in the
order in which they were recorded, and the questions are asked after each: every answer that a reader was given must be
one of these, no reader may be taken back in time, and in the end both archives must say the same. A writer that waited
for too long says so (that is documented) and tries again; any other error counts.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.deeds import day_file, incidents_file, said
from geo.archive import Archive, open_archive
from geo.errors import ArchiveError, GeoError
from geo.importing.importer import import_files
from geo.maintenance.check import check_archive
from geo.output.html.map_page import draw_map

DAYS, POLYGONS = 6, 30
SINCE, WHEN = "2024-08-02", "2024-08-04"
LONG_PAUSE = 1.0  # seconds between two questions of a reader that holds one state
PAUSE = 0.3  # seconds between two imports: as many as can be told again one after the other


def _digest(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _control(archive: Archive) -> str:
    frame = archive.control(WHEN)
    columns = ["controller", "status", "valid_from", "valid_to", "snapshot"]
    rows = zip(*(frame[c].astype(str) for c in columns), frame.geometry.to_wkb(), strict=True)
    return _digest(sorted(rows, key=repr))


def _area(archive: Archive) -> str:
    return _digest(archive.area(WHEN).to_csv())


def _series(archive: Archive) -> str:
    return _digest(archive.series().to_csv())


def _incidents(archive: Archive) -> str:
    frame = archive.incidents("2024-08-01", WHEN)
    return _digest(sorted(zip(frame["event_id"], frame["orig"], strict=True)))


def _map(archive: Archive) -> str:
    return _digest(draw_map(archive, WHEN, since=SINCE, with_front=False).get_root().render())


QUESTIONS: dict[str, Callable[[Archive], str]] = {
    "control": _control, "area": _area, "series": _series, "incidents": _incidents, "map": _map,
}  # fmt: skip


# -- the hands: each a process --------------------------------------------------------------------------------------


def do_import(archive: Path, until: float, files: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Import file after file; what became of each."""
    for source, path in files:
        while time.time() < until:
            try:
                (receipt,) = import_files(archive, source, path)
            except ArchiveError as error:
                if "is writing; waited" not in str(error):
                    raise
                yield {"waited": str(error)}
                continue
            yield {"imported": path, "outcome": receipt.outcome}
            if receipt.outcome == "refused":
                yield {"error": receipt.error}
            break
        time.sleep(PAUSE)


def do_read(path: Path, until: float, questions: list[str]) -> Iterator[dict[str, Any]]:
    """Ask question after question; the answers."""
    while time.time() < until:
        for name in questions:
            yield {"asked": name, "answer": QUESTIONS[name](open_archive(path))}


def do_hold(path: Path, until: float, questions: list[str]) -> Iterator[dict[str, Any]]:
    """Hold one state to the end and read tables of it again and again; what stands in them."""
    archive = open_archive(path)
    with archive.holding(), archive.store.reading() as connection:
        while True:
            rows = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in questions]
            yield {"held": _digest(rows)}
            if time.time() >= until:
                break
            time.sleep(LONG_PAUSE)


def hand(what: str, archive: str, go: str, given: str) -> int:
    """One process: says that it is ready, waits for all the others, then works; what it saw, as JSON, a line each."""
    doing = {"import": do_import, "read": do_read, "hold": do_hold, "stop": do_hold}[what]
    print(json.dumps({"ready": True}), flush=True)
    while not Path(go).exists():
        time.sleep(0.02)
    until = float(Path(go).read_text(encoding="utf-8"))
    try:
        for told in doing(Path(archive), until, json.loads(given)):
            print(json.dumps(told), flush=True)
    except (GeoError, sqlite3.Error) as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    return 0


# -- the run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What came of a run."""

    imports: int
    answers: dict[str, int]
    different: dict[str, int]
    waits: int
    errors: list[str]
    torn: list[str]
    is_serial: bool
    is_whole: bool

    @property
    def is_clean(self) -> bool:
        return not self.errors and not self.torn and self.is_serial and self.is_whole


def editions(folder: Path, count: int) -> list[list[tuple[str, str]]]:
    """Files for two importers: one corrects the odd days again and again, the other the even ones, and incidents."""
    lists: list[list[tuple[str, str]]] = [[], []]
    for edition in range(1, count + 1):
        for day in range(1, DAYS + 1):
            place = folder / f"edition{edition}"
            place.mkdir(exist_ok=True)
            file = day_file(place, day, edition=edition, polygons=POLYGONS)
            lists[day % 2].append(("vector", str(file)))
        lists[0].append(("incidents", str(incidents_file(folder / f"incidents{edition}.csv", 20 * edition))))
    return lists


def run(folder: Path, *, seconds: float, readers: int) -> Seen:
    """Let all hands work, and hold what they saw against the serial archive."""
    base = folder / "base"
    base.mkdir()
    start = [day_file(base, day, polygons=POLYGONS) for day in range(1, DAYS + 1)]
    path, serial = folder / "a.gpkg", folder / "serial.gpkg"
    for each in (path, serial):
        import_files(each, "vector", start)
    count = 2 + int(seconds / PAUSE / DAYS)
    names = list(QUESTIONS)
    turned = [names[i % len(names) :] + names[: i % len(names)] for i in range(readers)]
    jobs = [("import", files) for files in editions(folder, count)] + [("read", questions) for questions in turned]
    jobs += [("hold", ["control", "incidents"]), ("hold", ["snapshots"]), ("stop", ["control", "snapshots"])]
    outs = _all_at_once(folder, path, jobs, seconds)
    told = [line for out in outs for line in out]
    errors = [line["error"] for line in told if "error" in line]
    order = _recorded(path, [Path(p) for _, p in _flat(editions(folder, count))])
    torn = _changed(outs[-3:]) + _torn(outs[2:-3], _prefixes(serial, order))
    asked = [line for line in told if "asked" in line]
    per = {name: [line["answer"] for line in asked if line["asked"] == name] for name in names}
    return Seen(
        imports=len(order), answers={n: len(v) for n, v in per.items()},
        different={n: len(set(v)) for n, v in per.items()}, waits=sum("waited" in line for line in told),
        errors=errors, torn=torn, is_serial=said(path) == said(serial), is_whole=check_archive(path).is_whole,
    )  # fmt: skip


def _flat(lists: list[list[tuple[str, str]]]) -> list[tuple[str, str]]:
    return [one for some in lists for one in some]


def _all_at_once(folder: Path, path: Path, jobs: list[tuple[str, Any]], seconds: float) -> list[list[dict[str, Any]]]:
    """Start every hand, let them go together, and gather what each saw."""
    root, go, hands = Path(__file__).resolve().parents[1], folder / "go", []
    for i, (what, given) in enumerate(jobs):
        command = [sys.executable, "-m", "benchmarks.hands", what, str(path), str(go), json.dumps(given)]
        with (folder / f"hand{i}.jsonl").open("w") as out:
            hands.append(subprocess.Popen(command, stdout=out, cwd=root))
    logs = [folder / f"hand{i}.jsonl" for i in range(len(jobs))]
    while not all(log.stat().st_size for log in logs) and all(hand.poll() is None for hand in hands):
        time.sleep(0.05)
    until = time.time() + seconds
    (folder / "go.new").write_text(str(until), encoding="utf-8")
    (folder / "go.new").replace(go)
    stopped = [(hand, log) for (what, _), hand, log in zip(jobs, hands, logs, strict=True) if what == "stop"]
    for hand, log in stopped:
        while hand.poll() is None and '"held"' not in log.read_text(encoding="utf-8"):
            time.sleep(0.02)
        hand.send_signal(signal.SIGSTOP)
    time.sleep(max(0.0, until - time.time()))
    for hand, _ in stopped:
        hand.send_signal(signal.SIGCONT)
    ends = [hand.wait() for hand in hands]
    outs = [[json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] for log in logs]
    for i, end in enumerate(ends):
        if end and not any("error" in line for line in outs[i]):
            outs[i].append({"error": f"process {i} ended with {end}"})
    return outs


def _recorded(path: Path, files: list[Path]) -> list[tuple[str, Path]]:
    """(source, file) of all that was recorded after the beginning, in order."""
    of = {sha256(file.read_bytes()).hexdigest(): file for file in files}
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT source, sha256, recorded_at FROM snapshots UNION ALL"
            " SELECT dataset, sha256, recorded_at FROM imports WHERE kind = 'incidents' ORDER BY recorded_at"
        ).fetchall()
    return [(source, of[digest]) for source, digest, _ in rows if digest in of]


def _prefixes(serial: Path, order: list[tuple[str, Path]]) -> dict[str, dict[str, list[int]]]:
    """Question -> answer -> after how many imports it is the answer."""
    found: dict[str, dict[str, list[int]]] = {name: {} for name in QUESTIONS}
    for number in range(len(order) + 1):
        if number:
            source, file = order[number - 1]
            import_files(serial, source, file)
        archive = open_archive(serial)
        for name, ask in QUESTIONS.items():
            found[name].setdefault(ask(archive), []).append(number)
    return found


def _changed(outs: list[list[dict[str, Any]]]) -> list[str]:
    """Readers that held one state, and were given two different answers of it or none."""
    answers = [{line["held"] for line in out if "held" in line} for out in outs]
    return [f"long reader {i}: {len(given)} answers of one state" for i, given in enumerate(answers) if len(given) != 1]


def _torn(outs: list[list[dict[str, Any]]], serial: dict[str, dict[str, list[int]]]) -> list[str]:
    """Answers that no state gives, and answers from before one that the same reader had."""
    torn = []
    for reader, lines in enumerate(outs):
        least = 0
        for line in lines:
            if "asked" not in line:
                continue
            at = [n for n in serial[line["asked"]].get(line["answer"], []) if n >= least]
            if at:
                least = at[0]
            else:
                torn.append(f"reader {reader}: {line['asked']} fits no state from {least} on")
    return torn


def main(args: list[str]) -> int:
    """Print what came of it; 1 where anything was torn, lost or failed."""
    seconds = float(args[args.index("--seconds") + 1]) if "--seconds" in args else 60.0
    readers = int(args[args.index("--readers") + 1]) if "--readers" in args else 10
    with tempfile.TemporaryDirectory() as name:
        seen = run(Path(name), seconds=seconds, readers=readers)
    hands = f"2 importers, {readers} readers, 2 long ones, 1 stopped"
    print(f"{seconds:g} s, {os.cpu_count()} cores, {hands}; {seen.imports} imports recorded\n")
    print("| question | answers | different ones |\n|---|---|---|")
    for question, count in seen.answers.items():
        print(f"| {question} | {count} | {seen.different[question]} |")
    print(f"\nerrors {len(seen.errors)}, waits {seen.waits}, torn {len(seen.torn)}, end as serial: {seen.is_serial},")
    print(f"geo check: {'whole' if seen.is_whole else 'faults'}")
    for line in (*seen.errors, *seen.torn):
        print(line)
    return 0 if seen.is_clean and seen.imports else 1


if __name__ == "__main__":
    raise SystemExit(hand(*sys.argv[1:]))
