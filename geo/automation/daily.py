"""The daily run: fetch, import, measure, draw and write; after one that was cut off the next does the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from geo import __version__
from geo.archive import Archive, contents, open_archive
from geo.archive import figures as archive_figures
from geo.archive.results import FAR
from geo.automation import watches
from geo.automation.config import LOOK, Plan, read_plan, resolve_since
from geo.automation.fetch import fetch_new, read_memory
from geo.automation.network import check_contact
from geo.automation.run_record import Daily, Journal, Step, StepResult
from geo.errors import FileError, GeoError, NoSnapshotError, UsageError
from geo.formats.geojson import read_bytes
from geo.formats.limits import FILES_BELOW, refuse_too_many
from geo.importing.importer import Receipt, import_files
from geo.output.console import records, write_table
from geo.output.documents.write import draw_brief
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.timeline_page import draw_timeline
from geo.output.site.build import build_site
from geo.presentation.language import signed
from geo.schema import Options, Source, is_day, last_instant, number_of, write_instant
from geo.sources.vector import read_toml
from geo.storage.atomic_write import locked, write_page

_ROWS = 3  # figures of one output that the summary has room for


@dataclass(frozen=True)
class Day:
    """What every output is made of: the plan, the archive, the date, and where things of that date go."""

    plan: Plan
    archive: Archive
    date: str

    @property
    def folder(self) -> Path:
        return self.plan.output / self.date

    def since(self, table: Mapping[str, Any]) -> str | None:
        """The base date that a table asks for."""
        return resolve_since(table.get("since"), self.date)

    def base(self, table: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
        """The base date that a table asks for, where a map answers for it, and what to say where none does."""
        since = self.since(table)
        if since is None:
            return None, ()
        name = self.archive.source_name(table.get("source"))
        frame = self.archive.reader.snapshots(name, as_known_on=FAR)
        first = min(frame["depicts"], default=None)
        if first is None or first <= write_instant(last_instant(since)):
            return since, ()
        return None, (f"{self.date}: nothing to compare with: the first snapshot of {name} depicts {first[:10]},"
                      f" after {since}",)  # fmt: skip

    def before(self, source: str | None) -> str | None:
        """The day of the snapshot before the one that the date rests on; None where there is none."""
        frame = self.archive.reader.snapshots(self.archive.source_name(source))
        frame = frame[frame["superseded_at"].isna() & frame["retracted_at"].isna()]
        past = sorted(set(frame["depicts"][frame["depicts"] <= write_instant(last_instant(self.date))].str[:10]))
        return past[-2] if len(past) > 1 else None


def _picked(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: table[key] for key in keys if key in table}


def make_figures(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """Areas on the date and what changed since, in km², as CSV and JSON."""
    asked = _picked(table, "source", "controller", "status", "within", "by")
    age = day.plan.max_age_days
    areas = day.archive.area(day.date, max_age_days=age, **asked)
    since, missing = day.base(table)
    if since is None and not missing:
        since = day.before(table.get("source"))
    try:
        changes = (
            None if since is None else archive_figures.change(day.archive, since, day.date, max_age_days=age, **asked)
        )
    except NoSnapshotError as error:  # of the date before: its own was measured above
        changes, missing = None, (str(error),)
    files = [write_table(areas, day.folder / f"{name}-area.csv")]
    record: dict[str, Any] = {"date": day.date, "since": since, "area": records(areas)}
    lines = _area_lines(day.date, areas)
    if changes is not None:
        files.append(write_table(changes, day.folder / f"{name}-change.csv"))
        record["change"] = records(changes)
        lines += _change_lines(day, str(since), changes)
    told = (*areas.attrs.get("notes", ()), *(missing if changes is None else changes.attrs.get("notes", ())))
    record["notes"] = list(dict.fromkeys(told))
    text = json.dumps(record, ensure_ascii=False, indent=1, default=str)
    files.append(write_page(text + "\n", day.folder / f"{name}.json"))
    return StepResult(tuple(files), (*lines, *map(str, record["notes"])))


def _subject(row: Any) -> str:
    side = f"{row['controller']} " if isinstance(row["controller"], str) else ""
    where = f" in {row['unit']}" if isinstance(row.get("unit"), str) and row["unit"] else ""
    return f"{side}{row['status']}{where}"


def _area_lines(date: str, areas: pd.DataFrame) -> list[str]:
    largest = areas.sort_values("area_km2", ascending=False).head(_ROWS)
    lines = [
        f"{_subject(row)}: {row['area_km2']:,.1f} km² on {date} (source {row['source']}, snapshot {row['snapshot']})"
        for _, row in largest.iterrows()
    ]
    if areas.empty:
        return [f"no ground of these classes on {date}"]
    return lines if len(areas) <= _ROWS else [*lines, f"and {len(areas) - _ROWS} more rows on {date} in the files"]


def _change_lines(day: Day, since: str, changes: pd.DataFrame) -> list[str]:
    table = day.archive.reader.snapshots()
    depicts = {name: at[:10] for name, at in zip(table["snapshot"], table["depicts"], strict=True)}
    moved = changes.sort_values("net_km2", key=lambda net: net.abs(), ascending=False).head(_ROWS)
    return [
        f"{_subject(row)}, {_span(depicts[row['from_snapshot']], depicts[row['to_snapshot']], since, day.date)}:"
        f" {_moved(row)} (source {row['source']})"
        for _, row in moved.iterrows()
    ]


def _moved(row: Any) -> str:
    if row["net_km2"] != row["net_km2"]:
        return "not comparable"
    return f"gained {row['gained_km2']:,.1f}, lost {row['lost_km2']:,.1f}, net {signed(row['net_km2'], 1)} km²"


def _span(first: str, last: str, since: str, date: str) -> str:
    """The days that two maps depict, and those asked for where they are others."""
    asked = "" if (first, last) == (since[:10], date) else f" (the last maps by {since[:10]} and {date})"
    return f"{first} to {last}{asked}"


_SHOWN = ("source", "within", "title", "lang")


def make_map(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """A dated map as one HTML file."""
    asked = _picked(table, *_SHOWN, *LOOK, "incident_days")
    since, missing = day.base(table)
    page = draw_map(day.archive, day.date, since=since, with_front=table.get("front", True), **asked)
    return StepResult((save_map(page, day.folder / f"{name}.html"),), missing)


def make_picture(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """A dated map as PNG, SVG or PDF."""
    from geo.output.images.picture import draw_picture

    asked = _picked(table, *_SHOWN, *LOOK, "shape", "theme")
    path = day.folder / f"{name}.{table.get('format', 'png')}"
    since, missing = day.base(table)
    draw_picture(day.archive, day.date, path=path, since=since, **asked)
    return StepResult((path,), missing)


def make_brief(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """A briefing in each of the formats that the plan names."""
    asked = _picked(table, *_SHOWN, *LOOK, "incident_days")
    formats = table.get("formats", ["html"])
    listed = formats if isinstance(formats, list) else [formats]
    since, missing = day.base(table)
    files: list[Path] = []
    for ending in listed:
        files += draw_brief(day.archive, day.date, day.folder / f"{name}.{ending}", since=since, **asked)
    return StepResult(tuple(dict.fromkeys(files)), missing)


def make_timeline(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """Every date up to the day's in one HTML file."""
    asked = _picked(table, "within", "status", "title", "lang")
    page = draw_timeline(day.archive, table.get("source"), from_=_plain(table.get("from")), to=day.date, **asked)
    return StepResult((save_map(page, day.plan.output / f"{name}.html"),))


def make_site(day: Day, table: Mapping[str, Any], name: str) -> StepResult:
    """A static site of every date up to the day's, brought up to date."""
    asked = _picked(table, *_SHOWN, *LOOK, "incident_days", "base_url")
    folder = day.plan.output / name
    build_site(
        day.archive, folder, from_=_plain(table.get("from")), to=day.date,
        with_downloads=table.get("downloads", True), workers=day.plan.workers, scheduler=day.plan.scheduler, **asked,
    )  # fmt: skip
    files = (p for p in folder.rglob("*") if p.is_file() and not p.relative_to(folder).parts[0].startswith("."))
    return StepResult(tuple(sorted(files)))


def _plain(when: Any) -> str | None:
    return None if when is None else str(when)


# kind -> what makes it
MAKERS: dict[str, Callable[[Day, Mapping[str, Any], str], StepResult]] = {
    "figures": make_figures, "map": make_map, "picture": make_picture, "brief": make_brief, "timeline": make_timeline,
    "site": make_site,
}  # fmt: skip


# outcome of a whole run -> exit code
EXIT_CODES = {"done": 0, "failed": 1, "nothing new": 3, "done in part": 4}
# outputs that every date writes to: they never end before a date that they have shown
_OF_ALL_DATES = ("timeline", "site")
Progress = Callable[[int, int, str], None]


def run_daily(
    plan: Plan | str | Path, *, date: str | None = None, workers: int | None = None, scheduler: str | None = None,
    progress: Progress | None = None,
) -> Daily:  # fmt: skip
    """Do a desk's round: what is new comes in, and what rests on it is made anew.

    A step that fails stops none of the others. What was done is remembered in ``OUTPUT/.daily.json``: a run after one
    that was cut off, or failed, does what is missing and no more.

    Parameters
    ----------
    plan : Plan, str or pathlib.Path
        A TOML file (``geo daily --example``).
    date : str or None
        The day that figures and pages are of; None is that of the last snapshot. Nothing newer is fetched.
    workers : int or None
        Processes of this machine that share the dates of the plan's sites; their bytes are the same.
    scheduler : str or None
        Address of a running Dask scheduler that does so (the extra ``cluster``).
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

    Examples
    --------
    >>> try:
    ...     geo.run_daily("plan.toml")
    ... except geo.FileError as error:
    ...     print(error)
    plan.toml...
    """
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    plan = replace(plan, workers=workers, scheduler=scheduler)
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
        self.journal = Journal(plan.output / ".daily.json")
        self.steps: list[Step] = []
        self._progress = progress
        self._total = sum(map(len, (plan.fetches, plan.imports, plan.outputs, plan.watches)))

    def go(self) -> Daily:
        for table in self.plan.fetches:
            self._do(f"fetch {table['source']}", lambda table=table: self._fetch(table))  # type: ignore[misc]
        for table in self.plan.imports:
            name = f"import {table['source']} from {table['folder']}"
            self._do(name, lambda table=table: self._import(table))  # type: ignore[misc]
        date = self._date()
        taken = len(self.steps)
        if self.plan.outputs or self.plan.watches:
            self._make_all(date)
        return self._outcome(date, self.steps[taken:])

    def _do(self, name: str, run: Callable[[], Step]) -> None:
        try:
            step = replace(run(), name=name)
        except (GeoError, shapely.errors.ShapelyError) as error:
            step = Step(name, "failed", error=str(error))
        self.steps.append(step)
        if self._progress is not None:
            self._progress(len(self.steps), self._total, name)

    def _date(self) -> str:
        """The day asked for, else that of the last snapshot of the source whose figures are wanted."""
        if self.asked is not None or not self.archive.path.exists():
            return self.asked or ""
        named = next((table["source"] for _, table in self.plan.outputs if isinstance(table.get("source"), str)), None)
        frame = self.archive.reader.snapshots()
        frame = frame[frame["superseded_at"].isna() & frame["retracted_at"].isna()]
        if named is not None and (frame["source"] == named).any():
            frame = frame[frame["source"] == named]
        panels = self.archive.reader.settlement_sources() if frame.empty else ()
        days = [self.archive.reader.settlements_on(name, None)[1] for name in panels]
        return str(max([*frame["depicts"], *days], default=""))[:10]

    def _fetch(self, table: Mapping[str, Any]) -> Step:
        address = self.plan.address(table)
        first = not read_memory(self.archive.path.with_suffix(".files") / address.source)
        since = str(table["since"]) if first and "since" in table else None
        done = fetch_new(
            self.archive, address.source, address=address, since=since, until=self.asked,
            contact=self.plan.contact or None, query=table.get("query"), proxy=self.plan.proxy or None, ca=self.plan.ca,
        )  # fmt: skip
        line = f"{done.credit.name}: {done.summary()}, files of {done.since[:10]} to {done.until[:10]}"
        failed, is_new = done.count("failed", "refused"), done.count("new", "corrected")
        errors = [file.error for file in done.files if file.error]
        error = f"{errors[0]}{_and_more(len(errors))}" if errors else ""
        return Step("", "failed" if failed else "new" if is_new else "as before", (line,), error=error)

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
        pattern, below = table.get("pattern", "*"), 0
        for _, folders, files in os.walk(folder) if "/" in pattern or "**" in pattern else ():
            below += len(folders) + len(files)
            refuse_too_many(folder, below, FILES_BELOW, f"files and folders to look through for {pattern!r}")
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and not path.name.startswith("."):
                digest = sha256(read_bytes(path)).hexdigest()
                if self.journal.taken.get(f"{table['source']} {path}") != digest:
                    yield path, digest

    def _take(self, source: str, path: Path, digest: str, options: Options, credit: Source | None) -> Receipt:
        receipt = import_files(self.archive, source, path, options=options, credit=credit)[0]
        if receipt.outcome != "refused":
            self.journal.note_taken(f"{source} {path}", digest)
        return receipt

    def _make_all(self, date: str) -> None:
        if not date or not self.archive.path.exists():
            missing = f"{self.archive.path}: there is no snapshot in it yet: nothing can be measured or drawn"
            for kind, table in [*self.plan.outputs, *(("watch", table) for table in self.plan.watches)]:
                self._do(table.get("name", kind), lambda: Step("", "failed", error=missing))
            return
        day = Day(self.plan, self.archive, date)
        with self.archive.holding():
            state = fingerprint(self.archive)
            for kind, table in self.plan.outputs:
                name = str(table.get("name", kind))
                label = kind if name == kind else f"{kind} {name}"
                self._do(label, lambda kind=kind, table=table, name=name: self._make(day, state, kind, table, name))  # type: ignore[misc]
            for number, table in enumerate(self.plan.watches, start=1):
                label = f"watch {table.get('name', number)}"
                self._do(label, lambda table=table: self._watch(day, table))  # type: ignore[misc]

    def _make(self, day: Day, state: str, kind: str, table: Mapping[str, Any], name: str) -> Step:
        shown = max(day.date, self.journal.last_date(kind, name)) if kind in _OF_ALL_DATES else day.date
        kept = f"{name} goes on to {shown}, as it did: {day.date} takes no later date away"
        later = (kept,) if shown > day.date else ()
        day = replace(day, date=shown)
        key = f"{day.date} {kind} {name}"
        asked = [__version__, state, day.date, kind, dict(table), day.plan.max_age_days]
        inputs = sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
        known = self.journal.made.get(key)
        if known is not None and known["inputs"] == inputs and self._all_there(known["files"]):
            return Step("", "as before", (*known["lines"], *later), tuple(known["files"]))
        made = MAKERS[kind](day, table, name)
        files = {
            path.relative_to(self.plan.output).as_posix(): sha256(read_bytes(path)).hexdigest() for path in made.files
        }
        self.journal.note_made(key, inputs, files, made)
        return Step("", "new", (*made.lines, *later), tuple(files))

    def _watch(self, day: Day, table: Mapping[str, Any]) -> Step:
        """Judge a standing question; a change of state is told, and remembered when the desk's command has ended."""
        key = watches.key_of(table)
        known = self.journal.watched.get(key)
        if known is not None and day.date < known["date"]:
            return Step("", "as before")
        state, km2 = watches.judge(self.archive, day.date, table, self.plan.max_age_days)
        before = None if known is None else known["state"]
        step = Step("", "as before")
        if watches.is_told(table, state, before):
            entry = watches.entry_of(self.archive, day.date, table, state, before, km2)
            files = watches.tell(self.plan.output, entry, table.get("command", ()), self.plan.path)
            step = Step("", "new", (entry["sentence"],), tuple(path.name for path in files))
        if known != {"state": state, "date": day.date}:
            self.journal.note_watched(key, state, day.date)
        return step

    def _all_there(self, files: Mapping[str, str]) -> bool:
        paths = {self.plan.output / name: digest for name, digest in files.items()}
        return all(p.is_file() and sha256(read_bytes(p)).hexdigest() == digest for p, digest in paths.items())

    def _outcome(self, date: str, outputs: Iterable[Step]) -> Daily:
        failed = [step for step in self.steps if step.outcome == "failed"]
        good = [
            step
            for step in (outputs if self.plan.outputs or self.plan.watches else self.steps)
            if step.outcome != "failed"
        ]
        if failed:
            outcome = "done in part" if good else "failed"
        else:
            outcome = "done" if any(step.outcome == "new" for step in self.steps) else "nothing new"
        credits = self._credits() if self.archive.path.exists() else ()
        return Daily(
            str(self.plan.path), str(self.archive.path), date, outcome, EXIT_CODES[outcome], tuple(self.steps), credits
        )

    def _credits(self) -> tuple[str, ...]:
        used = set(self.archive.reader.snapshots()["source"])
        listed = self.archive.sources()
        return tuple(
            f"{row['attribution'] or row['title']} ({row['licence'] or 'no licence stated'})"
            for _, row in listed[listed["name"].isin(used)].iterrows()
        )


def _and_more(count: int) -> str:
    return f" (and {number_of(count - 1, 'file')} more)" if count > 1 else ""


def fingerprint(archive: Archive) -> str:
    """A hash of all that an archive tells."""
    snapshots = archive.reader.snapshots()[["snapshot", "sha256", "recorded_at", "superseded_at", "retracted_at"]]
    rules = contents.rules(archive)
    told = [snapshots, archive.store.imports(), rules]
    if (
        rules["kind"] == "embargo"
    ).any():  # rows come out of it unwritten, and files under it are told by no hash either
        told[1] = told[1][~told[1]["kind"].isin(("incidents", "settlements"))].drop(columns="id")
        told.append(contents.incidents(archive)[["dataset", "event_id", "recorded_at"]])
        told += map(archive.store.settlements, archive.reader.settlement_sources())
    return sha256("\n".join(frame.to_csv(index=False) for frame in told).encode()).hexdigest()
