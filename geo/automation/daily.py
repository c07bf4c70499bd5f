"""The desk's day in one go: fetch, take in, measure, draw and write; cut off anywhere, the next run does the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from geo.archive import Archive, open_archive
from geo.automation.config import Plan, read_plan
from geo.automation.fetch import Fetched, fetch_new, read_memory
from geo.automation.network import check_contact
from geo.automation.outputs import MAKERS, Day, Made
from geo.errors import ArchiveError, FileError, GeoError, UsageError
from geo.formats.geojson import read_bytes
from geo.formats.settings import load_record
from geo.importing.importer import Receipt, import_files
from geo.schema import Options, Source, is_day, last_instant, number_of
from geo.sources.vector import read_toml
from geo.storage.atomic_write import write_page
from geo.storage.file_lock import locked

# outcome of a whole run -> exit code
EXIT_CODES = {"done": 0, "failed": 1, "nothing new": 3, "done in part": 4}
LINES = 15  # a summary has room for so many
_NAMED = 6  # files of one step that it names
# outputs that every date writes to: they never end before a date that they have shown
_OF_ALL_DATES = ("timeline", "site")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Step:
    """What became of one step."""

    name: str
    outcome: str
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Daily:
    """What became of a day's round."""

    plan: str
    archive: str
    date: str
    outcome: str
    exit_code: int
    steps: tuple[Step, ...] = ()
    credits: tuple[str, ...] = field(default_factory=tuple)

    def summary(self) -> str:
        """The round in at most fifteen lines of plain text, failures first, for a mail or a chat."""
        failed = [s for s in self.steps if s.outcome == "failed"]
        new = [s.name for s in self.steps if s.outcome == "new"]
        lines = [
            f"{self.date or 'no date'}: {self.outcome}; {len(new)} of {len(self.steps)} steps brought something new"
        ]
        lines += [f"failed: {s.name}: {' '.join(s.error.split())[:300]}" for s in failed]
        lines += [line for s in self.steps for line in s.lines]
        made = [name for s in self.steps if s.outcome == "new" for name in _shortly(s.files)]
        tail = [f"made: {', '.join(made)}"[:600]] if made else []
        tail += [f"credit: {'; '.join(self.credits)}"[:600]] if self.credits else []
        room = LINES - len(tail)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} lines more: geo daily --format json says all"]
        return "\n".join([*lines, *tail])


def run_daily(plan: Plan | str | Path, *, date: str | None = None, progress: Progress | None = None) -> Daily:
    """Do a desk's round: what is new comes in, and what rests on it is made anew.

    A step that fails stops none of the others. What was done is remembered in ``OUTPUT/.daily.json``: a run after one
    that was cut off, or failed, does what is missing and no more.

    Parameters
    ----------
    plan : Plan, str or pathlib.Path
        A TOML file (``geo daily --example``).
    date : str or None
        The day that figures and pages are of; None is that of the last snapshot. Nothing newer is fetched.
    progress : callable or None
        Called with (done, of how many, step) after every step.

    Returns
    -------
    Daily

    Raises
    ------
    UsageError
        The plan or the date is wrong, or a contact is missing.
    FileError
        The plan cannot be read.
    BusyError
        Another run has the same output in hand.
    ArchiveError
        The output folder cannot be written.
    """
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    if date is not None and not is_day(date):
        raise UsageError(f"--date {date!r}: a day is wanted, written YYYY-MM-DD")
    if date is not None:
        last_instant(date)
    if plan.fetches:
        check_contact(plan.contact or os.environ.get("GEO_CONTACT"))
    with locked(plan.output / ".daily.lock", f"geo daily {plan.path}"):
        for left in plan.output.rglob(".*.new"):  # of a run that was cut off
            left.unlink(missing_ok=True)
        return _Round(plan, date, progress).go()


class _Round:
    """One round: what was remembered of those before, and what has been done so far."""

    def __init__(self, plan: Plan, date: str | None, progress: Progress | None) -> None:
        self.plan = plan
        self.asked = date
        self.archive = open_archive(plan.archive)
        self.journal = _Journal(plan.output / ".daily.json")
        self.steps: list[Step] = []
        self._progress = progress
        self._total = len(plan.fetches) + len(plan.imports) + len(plan.outputs)

    def go(self) -> Daily:
        for table in self.plan.fetches:
            self._do(f"fetch {table['source']}", lambda table=table: self._fetch(table))  # type: ignore[misc]
        for table in self.plan.imports:
            name = f"import {table['source']} from {table['folder']}"
            self._do(name, lambda table=table: self._import(table))  # type: ignore[misc]
        date = self._date()
        taken = len(self.steps)
        if self.plan.outputs:
            self._make_all(date)
        return self._told(date, self.steps[taken:])

    def _do(self, name: str, run: Callable[[], Step]) -> None:
        try:
            step = replace(run(), name=name)
        except GeoError as error:
            step = Step(name, "failed", error=str(error))
        self.steps.append(step)
        if self._progress is not None:
            self._progress(len(self.steps), self._total, name)

    def _date(self) -> str:
        """The day asked for, else that of the last snapshot of the source whose figures are wanted."""
        if self.asked is not None or not self.archive.path.exists():
            return self.asked or ""
        named = next((table["source"] for _, table in self.plan.outputs if isinstance(table.get("source"), str)), None)
        frame = self.archive.snapshots()
        frame = frame[frame["superseded_at"].isna() & frame["retracted_at"].isna()]
        if named is not None and (frame["source"] == named).any():
            frame = frame[frame["source"] == named]
        return "" if frame.empty else str(frame["depicts"].max())[:10]

    # -- what comes in ----------------------------------------------------------------------------------------------

    def _fetch(self, table: Mapping[str, Any]) -> Step:
        address = self.plan.address(table)
        first = not read_memory(self.archive.path.with_suffix(".files") / address.source)
        since = str(table["since"]) if first and "since" in table else None
        done = fetch_new(
            self.archive, address.source, address=address, since=since, until=self.asked,
            contact=self.plan.contact or None,
        )  # fmt: skip
        line = f"{done.credit.name}: {done.told()}, files of {done.since[:10]} to {done.until[:10]}"
        return Step("", _outcome_of(done), (line,), error=_errors(done))

    def _import(self, table: Mapping[str, Any]) -> Step:
        folder = self.plan.beside(table["folder"])
        if not folder.is_dir():
            raise FileError(f"{folder}: no such folder: make it, or mend the plan's [import] folder")
        credit, options = read_toml(self.plan.beside(table["config"])) if "config" in table else (None, Options())
        new = list(self._new_files(folder, table))
        receipts = [self._take(table["source"], path, digest, options, credit) for path, digest in new]
        refused = [receipt for receipt in receipts if receipt.outcome == "refused"]
        taken = len(receipts) - len(refused)
        line = f"{table['source']} from {table['folder']}: {number_of(taken, 'file')} taken in, {len(refused)} refused"
        error = f"{refused[0].error}{_and_more(len(refused))}" if refused else ""
        return Step("", "failed" if refused else "new" if taken else "as before", (line,), error=error)

    def _new_files(self, folder: Path, table: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        for path in sorted(folder.glob(table.get("pattern", "*"))):
            if path.is_file() and not path.name.startswith("."):
                digest = sha256(read_bytes(path)).hexdigest()
                if self.journal.taken.get(f"{table['source']} {path}") != digest:
                    yield path, digest

    def _take(self, source: str, path: Path, digest: str, options: Options, credit: Source | None) -> Receipt:
        receipt = import_files(self.archive, source, path, options=options, credit=credit)[0]
        if receipt.outcome != "refused":
            self.journal.note_taken(f"{source} {path}", digest)
        return receipt

    # -- what is made -----------------------------------------------------------------------------------------------

    def _make_all(self, date: str) -> None:
        if not date or not self.archive.path.exists():
            missing = f"{self.archive.path}: there is no snapshot in it yet: nothing can be measured or drawn"
            for kind, table in self.plan.outputs:
                self._do(table.get("name", kind), lambda: Step("", "failed", error=missing))
            return
        day = Day(self.plan, self.archive, date)
        with self.archive.holding():
            state = fingerprint(self.archive)
            for kind, table in self.plan.outputs:
                name = str(table.get("name", kind))
                label = kind if name == kind else f"{kind} {name}"
                self._do(label, lambda kind=kind, table=table, name=name: self._make(day, state, kind, table, name))  # type: ignore[misc]

    def _make(self, day: Day, state: str, kind: str, table: Mapping[str, Any], name: str) -> Step:
        shown = max(day.date, self.journal.last_date(kind, name)) if kind in _OF_ALL_DATES else day.date
        kept = f"{name} goes on to {shown}, as it did: {day.date} takes no later date away"
        later = (kept,) if shown > day.date else ()
        day = replace(day, date=shown)
        key = f"{day.date} {kind} {name}"
        inputs = _inputs(day, state, kind, table)
        known = self.journal.made.get(key)
        if known is not None and known["inputs"] == inputs and self._all_there(known["files"]):
            return Step("", "as before", (*known["lines"], *later), tuple(known["files"]))
        made = MAKERS[kind](day, table, name)
        files = {self._named(path): sha256(read_bytes(path)).hexdigest() for path in made.files}
        self.journal.note_made(key, inputs, files, made)
        return Step("", "new", (*made.lines, *later), tuple(files))

    def _named(self, path: Path) -> str:
        return path.relative_to(self.plan.output).as_posix()

    def _all_there(self, files: Mapping[str, str]) -> bool:
        for name, digest in files.items():
            path = self.plan.output / name
            if not path.is_file() or sha256(read_bytes(path)).hexdigest() != digest:
                return False
        return True

    def _told(self, date: str, outputs: Iterable[Step]) -> Daily:
        failed = [step for step in self.steps if step.outcome == "failed"]
        good = [step for step in (outputs if self.plan.outputs else self.steps) if step.outcome != "failed"]
        if failed:
            outcome = "done in part" if good else "failed"
        else:
            outcome = "done" if any(step.outcome == "new" for step in self.steps) else "nothing new"
        credits = self._credits() if self.archive.path.exists() else ()
        return Daily(
            str(self.plan.path), str(self.archive.path), date, outcome, EXIT_CODES[outcome], tuple(self.steps), credits
        )

    def _credits(self) -> tuple[str, ...]:
        used = set(self.archive.snapshots()["source"])
        listed = self.archive.sources()
        return tuple(
            f"{row['attribution'] or row['title']} ({row['licence'] or 'no licence stated'})"
            for _, row in listed[listed["name"].isin(used)].iterrows()
        )


def _shortly(files: tuple[str, ...]) -> list[str]:
    """The names of a step's files; of a site its folder alone."""
    folder = os.path.commonpath(files) if files else ""
    return list(files) if len(files) <= _NAMED else [f"{folder}/ ({len(files)} files)"]


def _outcome_of(done: Fetched) -> str:
    if done.count("failed", "refused"):
        return "failed"
    return "new" if done.count("new", "corrected") else "as before"


def _errors(done: Fetched) -> str:
    errors = [file.error for file in done.files if file.error]
    return f"{errors[0]}{_and_more(len(errors))}" if errors else ""


def _and_more(count: int) -> str:
    return f" (and {number_of(count - 1, 'file')} more)" if count > 1 else ""


def fingerprint(archive: Archive) -> str:
    """A hash of all that an archive tells."""
    snapshots = archive.snapshots()[["snapshot", "sha256", "recorded_at", "superseded_at", "retracted_at"]]
    rules = archive.rules()
    parts = [frame.to_csv(index=False) for frame in (snapshots, archive.store.imports(), rules)]
    if (rules["kind"] == "embargo").any():  # an incident comes out of it without anybody writing to the archive
        parts.append(archive.incidents()[["dataset", "event_id"]].to_csv(index=False))
    return sha256("\n".join(parts).encode()).hexdigest()


def _inputs(day: Day, state: str, kind: str, table: Mapping[str, Any]) -> str:
    from geo.version import __version__

    asked = [__version__, state, day.date, kind, dict(table), day.plan.max_age_days]
    return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _are_texts(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


def _is_sound(entry: Any) -> bool:
    """Whether an entry of the journal is as `_Journal.note_made` writes it; files lie inside the output's folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("inputs"), str) or not _are_texts(entry.get("files")):
        return False
    lines = entry.get("lines")
    paths = [PurePosixPath(name) for name in entry["files"]]
    inside = not any(path.is_absolute() or ".." in path.parts or "\0" in str(path) for path in paths)
    return inside and isinstance(lines, list) and all(isinstance(line, str) for line in lines)


class _Journal:
    """What earlier rounds did: which files were taken in, what was made of what. Written whole after every step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            found = load_record(path)
        except FileError as error:
            raise ArchiveError(f"damaged: {error}: delete it, and everything is made anew") from error
        self.taken: dict[str, str] = found.get("taken", {})
        self.made: dict[str, dict[str, Any]] = found.get("made", {})
        if not (_are_texts(self.taken) and isinstance(self.made, dict) and all(map(_is_sound, self.made.values()))):
            raise ArchiveError(f"{path}: damaged: delete it, and everything is made anew")

    def last_date(self, kind: str, name: str) -> str:
        """The latest date for which an output was made; "" where it never was."""
        return max((key[:10] for key in self.made if key[10:] == f" {kind} {name}"), default="")

    def note_taken(self, name: str, digest: str) -> None:
        self.taken[name] = digest
        self._write()

    def note_made(self, key: str, inputs: str, files: Mapping[str, str], made: Made) -> None:
        self.made[key] = {"inputs": inputs, "files": dict(files), "lines": list(made.lines)}
        self._write()

    def _write(self) -> None:
        text = json.dumps({"taken": self.taken, "made": self.made}, ensure_ascii=False, indent=1, sort_keys=True)
        write_page(text, self._path)


def as_record(daily: Daily) -> dict[str, Any]:
    """A round as JSON has it."""
    return {**asdict(daily), "summary": daily.summary()}
