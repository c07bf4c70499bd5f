"""A mended copy of a damaged archive: what can be proved is kept, what cannot goes to a table beside it. The original
is never touched."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import shapely

from geo.errors import ArchiveError, UsageError
from geo.formats.tables import csv_lines, defused
from geo.maintenance.check import check_archive, incident_faults
from geo.measure.ellipsoid import areas_km2
from geo.presentation.sides import knowing
from geo.schema import write_instant
from geo.storage import gpkg, layout, qgis_styles, snapshots, transactions
from geo.storage.atomic_write import draft, write_page
from geo.storage.check_tables import (
    INSTANT,
    LAYERS,
    SNAPSHOT_COLUMNS,
    Report,
    StoredSnapshot,
    decoded,
    expected_spans,
    in_force,
    is_named_rightly,
    is_on_earth,
    kept_snapshots,
)
from geo.storage.layout import TABLES


def back_up(archive: str | Path, copy: str | Path, *, replace: bool = False) -> Path:
    """Copy an archive as it stands this instant, while others read it and write to it.

    Parameters
    ----------
    archive : str or pathlib.Path
        The archive.
    copy : str or pathlib.Path
        The copy's path; in a folder the copy is named by archive and instant (``war-20250111T180000Z.gpkg``).
    replace : bool
        Take the place of a file that is there.

    Returns
    -------
    pathlib.Path
        The copy: one file, without a log beside it.

    Raises
    ------
    UsageError
        The copy is there already, or is the archive itself.
    ArchiveError
        The archive is not there or damaged, or the copy cannot be written. Nothing stands at its path then.

    Examples
    --------
    >>> geo.back_up("data/kursk.gpkg", "copy.gpkg").name
    'copy.gpkg'
    """
    source, target = Path(archive), Path(copy)
    if target.is_dir():
        target = target / f"{source.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{source.suffix}"
    if target.exists() and (not replace or target.samefile(source)):
        raise UsageError(f"{target}: it is there already: choose another name, or say --replace")
    try_place(target)
    try:
        with transactions.reading(source) as connection, draft(target) as temporary:
            with closing(sqlite3.connect(temporary)) as into:
                connection.backup(into)
                into.execute("PRAGMA journal_mode = WAL").fetchone()  # or readers of the copy would block its writers
                _refuse_damaged_copy(source, into)
            put(temporary, target, replace=replace)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(f"{target}: the copy cannot be written ({error}): is there room?") from error
    return target


def _refuse_damaged_copy(source: Path, copy: sqlite3.Connection) -> None:
    found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ArchiveError(f"{source}: it is damaged ({found}), and so would be its copy: geo check says more")


def try_place(target: Path) -> None:
    """See that a file can be made where a copy is to stand, before anything is read for it."""
    try:
        with draft(target) as temporary:
            temporary.touch()
    except OSError as error:
        raise ArchiveError(
            f"{target}: the copy cannot be written ({error.strerror or error}): may you write in that folder?"
        ) from error


def put(temporary: Path, target: Path, *, replace: bool) -> None:
    """Give a finished file its name, with its bytes on the disk before that."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if replace:
        os.replace(temporary, target)
    elif not transactions.place_new(temporary, target):
        raise UsageError(f"{target}: it is there already: choose another name, or say --replace")


_CLASS = ("source", "part", "controller", "status", "native")
_MOMENTS = {"recorded_at", "superseded_at", "retracted_at", "set_at"}
# tables that follow from others, or are copied in a way of their own
_MADE_ANEW = ("layout", "layer_styles", "sides", "shapes", "snapshots", "control", "control_superseded")
Row = dict[str, Any]


@dataclass(frozen=True)
class RepairReport:
    copy: str
    done: tuple[str, ...]
    left_out: str
    report: Report


@dataclass
class _Work:
    """The salvage: rows as they could be read, what was done, and what stays behind."""

    now: str
    done: list[str] = field(default_factory=list)
    behind: list[tuple[str, str, Row]] = field(default_factory=list)
    right: Mapping[str, str] = field(default_factory=dict)  # moments ahead of the clock -> what is written instead

    def leave(self, table: str, why: str, row: Row) -> None:
        self.behind.append((table, why, row))


def repair_archive(archive: str | Path, copy: str | Path) -> RepairReport:
    """Write a mended copy of an archive.

    Polygons are taken over where their hash is what was recorded. A recording of which a polygon is lost is not: an
    area that lacks one would be wrong in silence; its file is named, to be imported again. The layer is made anew
    from the recordings, and so are indexes, triggers and registrations.

    Parameters
    ----------
    archive : str or pathlib.Path
        The archive; it is only read.
    copy : str or pathlib.Path
        Where the mended one goes; nothing may stand there.

    Returns
    -------
    RepairReport

    Raises
    ------
    UsageError
        The copy is there already.
    ArchiveError
        The archive cannot be read at all, or the copy cannot be written.

    Examples
    --------
    >>> report = geo.repair_archive("data/kursk.gpkg", "repaired.gpkg")
    >>> report.left_out  # the file that names what could not be taken over; nothing was lost here
    ''
    """
    source, target = Path(archive), Path(copy)
    if target.exists():
        raise UsageError(f"{target}: it is there already: choose another name")
    try_place(target)
    try:
        with _reading(source) as old, draft(target) as temporary:
            work = _begin(old)
            _write(source, old, temporary, work)
            report = _insist_whole(source, temporary)
            # before the copy: one that stands there is never without the list of what it lacks
            left = _write_left_out(target, work.behind)
            put(temporary, target, replace=False)
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        raise ArchiveError(f"{source}: no mended copy can be written ({error}): take the last backup") from error
    return RepairReport(str(target), tuple(work.done), left, replace(report, archive=str(target)))


def _insist_whole(source: Path, copy: Path) -> Report:
    report = check_archive(copy)
    if not report.is_whole:
        first = report.findings[0]
        raise ArchiveError(f"{source}: it could not be mended: {first.where}: {first.what}")
    return report


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The archive, open for reading also where its description of an index or a trigger is damaged."""
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive")
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("BEGIN")
        yield connection


def _last_instant(old: sqlite3.Connection) -> str:
    """The last instant that the archive speaks of: a mended copy says nothing newer."""
    try:
        found = old.execute("SELECT max(recorded_at) FROM snapshots").fetchone()[0]
    except sqlite3.Error:
        found = None
    return str(found) if INSTANT.fullmatch(str(found)) else "2000-01-01T00:00:00.000Z"


def _begin(old: sqlite3.Connection) -> _Work:
    """Moments of recording that lie ahead of the clock follow each other as before, and are all just before now."""
    ahead: set[str] = set()
    now = write_instant(datetime.now(UTC))
    for table, (_, _, sql) in TABLES.items():
        for column in _MOMENTS & layout.columns_of(sql).keys():
            with suppress(sqlite3.Error):
                found = old.execute(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" > ?', (now,))
                ahead |= {str(row[0]) for row in found if INSTANT.fullmatch(str(row[0]))}
    last = _last_instant(old)
    if not snapshots.is_ahead_of_clock(max(ahead, default=None)):
        return _Work(last)
    end = datetime.now(UTC)
    right = {t: write_instant(end - timedelta(milliseconds=n)) for n, t in enumerate(sorted(ahead, reverse=True))}
    work = _Work(right.get(last, last), right=right)
    work.done.append(
        f"{len(right)} moments of recording lay ahead of the clock, up to {max(ahead)}: restamped in their order, up to"
        f" {write_instant(end)}; when they truly were is not known"
    )
    return work


def _write(source: Path, old: sqlite3.Connection, path: Path, work: _Work) -> None:
    from geo import __version__

    tables = {row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"snapshots", "shapes", "control"} <= tables:
        raise ArchiveError(f"{source}: the tables that hold its memory are gone: take the last backup")
    with closing(sqlite3.connect(path, isolation_level=None)) as new:
        gpkg.add_functions(new)
        new.execute("PRAGMA journal_mode = WAL").fetchone()
        new.execute("BEGIN")
        layout.create_tables(new, now=work.now, made_by=f"geo-control {__version__}, mended")
        qgis_styles.put_default_styles(new, now=work.now)
        others = sorted(t for t in tables if t not in TABLES and not t.startswith(("gpkg_", "rtree_", "sqlite_")))
        if others:
            work.done.append(f"tables that are not ours stay behind: {', '.join(others)}")
        if "sides" in tables:
            _copy("sides", old, new, work)
        _memory(old, new, work)
        for name in TABLES:
            if name in tables and name not in _MADE_ANEW:
                _copy(name, old, new, work)
        query = "SELECT source FROM snapshots UNION SELECT dataset FROM incidents UNION SELECT source FROM settlements"
        query += " EXCEPT SELECT name FROM sources"
        for (name,) in new.execute(f"{query} ORDER BY 1").fetchall():
            new.execute("INSERT INTO sources (name, title) VALUES (?, ?)", (name, name))
            work.done.append(f"source {name}: its entry was lost; import one of its files, and it is credited again")
        for name in LAYERS:
            if blobs := [row[0] for row in new.execute(f'SELECT geom FROM "{name}"')]:
                shapes = np.array([decoded(b) or shapely.Point() for b in blobs], dtype=object)
                gpkg.widen(new, name, shapes, now=work.now)
        new.execute("COMMIT")


# -- reading what can be read ---------------------------------------------------------------------------------------


def _rows(old: sqlite3.Connection, table: str, work: _Work) -> list[Row]:
    """The rows of a table that can be read: from its start to the damage, and from its end back to it."""
    key = "fid" if TABLES[table][0] else "id"
    names = [*layout.columns_of(TABLES[table][2]), *(["geom"] if TABLES[table][0] else [])]
    empty: Row = dict.fromkeys(names)  # a column may be gone
    found: dict[Any, Row] = {}
    broken = False
    for order in ("ASC", "DESC"):
        try:
            cursor = old.execute(f'SELECT * FROM "{table}" ORDER BY "{key}" {order}')
            names = [column[0] for column in cursor.description]
            if key not in names:
                raise sqlite3.DatabaseError("the table has lost its key")
            for values in cursor:
                row = {**empty, **dict(zip(names, values, strict=True))}
                row |= {c: work.right[row[c]] for c in _MOMENTS & row.keys() if row[c] in work.right}
                if isinstance(row[key], int):
                    found.setdefault(row[key], row)
                else:
                    work.leave(table, f"its {key} {row[key]!r} is no whole number", row)
        except (sqlite3.Error, UnicodeDecodeError):
            broken = True
        if not broken:
            break
    if broken:
        work.done.append(f"{table}: damaged; {len(found)} rows could be read")
    return [found[k] for k in sorted(found)]


def _insert(new: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    known = {"fid", "geom", "id", *layout.columns_of(TABLES[table][2])}
    names = [name for name in row if name in known]
    columns = ", ".join(f'"{name}"' for name in names)
    new.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(names))})', [row[n] for n in names])


def _copy(table: str, old: sqlite3.Connection, new: sqlite3.Connection, work: _Work) -> None:
    """A table row by row; one that the new table or the check would refuse stays behind."""
    fit: list[Row] = []
    seen: set[tuple[Any, Any]] = set()
    for row in _rows(old, table, work):
        why = _unfit(table, row)
        event = (row.get("dataset"), row.get("event_id"))
        if not why and table == "incidents" and event[1] is not None:
            why = "the incident is there twice" if event in seen else ""
            seen.add(event)
        if why:
            work.leave(table, why, row)
        else:
            fit.append(row)
    _measure_anew(table, fit)
    work.done.append(f"{table}: {sum(_taken(new, table, row, work) for row in fit)} rows taken over")


def _measure_anew(table: str, rows: Sequence[Row]) -> None:
    """What follows from a geometry is made anew: the box before it, and a unit's area."""
    if not TABLES[table][0] or not rows:
        return
    shapes = np.array([decoded(row["geom"]) for row in rows], dtype=object)
    for row, blob in zip(rows, gpkg.encode(shapes), strict=True):
        row["geom"] = blob
    if table == "units":
        for row, km2 in zip(rows, areas_km2(shapes), strict=True):
            row["area_km2"] = float(km2)


def _taken(new: sqlite3.Connection, table: str, row: Row, work: _Work) -> bool:
    """Whether the new table takes a row; one that it does not stays behind."""
    _mend_receipt(table, row, work)
    if why := layout.misfit(row, table):
        work.leave(table, why, row)
        return False
    try:
        _insert(new, table, row)
    except sqlite3.IntegrityError as error:
        work.leave(table, str(error), row)
        return False
    return True


def _unfit(table: str, row: Row) -> str:
    if table == "sides":
        return next(layout.side_faults(row), "")
    if "geom" not in row:
        return ""
    shape = decoded(row["geom"])
    if not is_on_earth(shape):
        return "its geometry cannot be read, or is not on earth"
    if not shapely.is_valid(shape):
        return "its geometry is not valid"
    if not table.startswith("incidents"):
        return ""
    return layout.misfit(row, table) or next(iter(incident_faults(row)), "")


def _mend_receipt(table: str, row: Row, work: _Work) -> None:
    """A receipt that cannot be read is emptied: what it said of a file is lost, and said to be."""
    try:
        json.loads(row.get("receipt", "{}"))
    except (TypeError, ValueError):
        row["receipt"] = "{}"
        work.done.append(f"{table}: the receipt of {row.get('file_name')} was damaged and is empty now")


# -- snapshots and the layer ----------------------------------------------------------------------------------------


def _memory(old: sqlite3.Connection, new: sqlite3.Connection, work: _Work) -> None:
    digests = {row["id"]: row["digest"] for row in _rows(old, "shapes", work)}
    polygons, superseded = _polygons(old, digests, work)
    snapshots = _rows(old, "snapshots", work)
    kept = kept_snapshots([row.get(name) for name in SNAPSHOT_COLUMNS] for row in snapshots)
    good = [one for one in kept if _is_good(one, polygons, work)]
    keys = {one.key for one in good}
    whole = _superseded_again(good, [row for row in snapshots if row["id"] in keys], work)
    used = {shape for one in good for shape in one.members or ()}
    for shape in sorted(used):
        new.execute("INSERT INTO shapes (id, digest) VALUES (?, ?)", (shape, digests[shape]))
    for row in whole:
        _mend_receipt("snapshots", row, work)
        _insert(new, "snapshots", row)
    work.done.append(f"snapshots: {len(whole)} of {len(snapshots)} taken over")
    _layer(new, good, polygons, work)
    _taken_back(new, good, polygons, superseded, work)
    classes = {(polygons[s]["controller"], polygons[s]["status"]) for s in used}
    with knowing(layout.fix_sides(new, (side for side, _ in classes if side), now=work.now)):
        qgis_styles.restyle_control(new, classes, now=work.now)


def _polygons(old: sqlite3.Connection, digests: Mapping[int, bytes], work: _Work) -> tuple[dict[int, Row], list[Row]]:
    """Every polygon whose bytes and class are what was recorded, and the rows that were taken back."""
    polygons: dict[int, Row] = {}
    taken_back: list[Row] = []
    for table in ("control", "control_superseded"):
        for row in _rows(old, table, work):
            digest = digests.get(row["shape"])
            cells = [row[c] for c in _CLASS]
            are_cells = isinstance(row["geom"], bytes) and all(isinstance(cell, str | None) for cell in cells)
            proved = are_cells and digest == snapshots.digest_of(row["geom"], cells)
            if not proved or digest is None:
                work.leave(table, "its polygon or class is not what was recorded", row)
                continue
            row["recorded_at"] = row["recorded_at"] or work.now
            polygons.setdefault(row["shape"], row)
            if table == "control_superseded":
                taken_back.append(row)
    return polygons, taken_back


def _is_good(one: StoredSnapshot, polygons: Mapping[int, Row], work: _Work) -> bool:
    if one.members is None:
        lost = "the list of its polygons is damaged"
    elif not all(INSTANT.fullmatch(str(t)) for t in (one.depicts, one.recorded_at, one.retracted_at or one.depicts)):
        lost = "one of its dates is damaged"
    elif not is_named_rightly(one):
        lost = "its name and what it depicts do not agree"
    else:
        gone = [shape for shape in one.members if shape not in polygons]
        lost = f"{len(gone)} of its {len(one.members)} polygons are lost" if gone else ""
    if lost:
        day = one.depicts[:10] if isinstance(one.depicts, str) else "its date"
        work.done.append(
            f"snapshot {one.snapshot}: left out, {lost}: import {one.file_name} again (SHA-256"
            f" {str(one.sha256)[:12]}…); until then what stood before it speaks for {day}"
        )
        work.leave("snapshots", lost, {n: getattr(one, n) for n in SNAPSHOT_COLUMNS[1:-1]})
    return not lost


def _superseded_again(good: Sequence[StoredSnapshot], rows: Iterable[Row], work: _Work) -> list[Row]:
    """The snapshots' rows, each marked as superseded where, and only where, another one speaks for its instant."""
    speaking = {one.key for one in in_force(good)}
    later = {(one.source, one.part, one.depicts): one for one in in_force(good)}
    out, mended = [], 0
    for row in rows:
        heir = later.get((row["source"], row["part"], row["depicts"]))
        should = row["superseded_at"]
        if row["id"] in speaking:
            should = None
        elif should is None:
            should = row["retracted_at"] or (heir.recorded_at if heir else work.now)
        mended += should != row["superseded_at"]
        out.append({**row, "superseded_at": should})
    if mended:
        work.done.append(f"snapshots: {mended} marked anew as in force or superseded")
    return out


def _layer(new: sqlite3.Connection, good: Sequence[StoredSnapshot], polygons: Mapping[int, Row], work: _Work) -> None:
    count = 0
    for shape, spans in sorted(expected_spans(good).items()):
        row = polygons[shape]
        for first, last in spans:
            plain = {c: row[c] for c in ("geom", *_CLASS, "recorded_at", "shape")}
            _insert(new, "control", {**plain, "valid_from": first, "valid_to": last})
            count += 1
    work.done.append(f"control: made anew from the snapshots, {count} rows")


def _taken_back(
    new: sqlite3.Connection,
    good: Sequence[StoredSnapshot],
    polygons: Mapping[int, Row],
    rows: Sequence[Row],
    work: _Work,
) -> None:
    """Rows that a later recording took back, and a row for each polygon that only such a recording names."""
    used = {shape: one for one in good for shape in one.members or ()}
    there = {row["shape"] for row in rows} | set(expected_spans(good))
    for row in rows:
        if row["shape"] in used:
            _insert(new, "control_superseded", {k: v for k, v in row.items() if k != "fid"})
        else:
            work.leave("control_superseded", "no snapshot names its polygon", row)
    for shape in sorted(set(used) - there):
        plain = {c: polygons[shape][c] for c in ("geom", *_CLASS, "recorded_at", "shape")}
        span = {"valid_from": used[shape].depicts, "superseded_at": work.now}
        _insert(new, "control_superseded", {**plain, **span})


def _write_left_out(copy: Path, behind: Sequence[tuple[str, str, Row]]) -> str:
    """The rows that were not taken over, beside the copy: what can be written of them."""
    if not behind:
        return ""
    names = sorted({name for _, _, row in behind for name in row if name not in ("geom", "members")})
    rows = [[table, why, *(defused(row.get(name)) for name in names)] for table, why, row in behind]
    target = copy.with_name(f"{copy.stem}.left-out.csv")
    write_page("".join(csv_lines([["table", "why", *names], *rows])), target)
    return str(target)
