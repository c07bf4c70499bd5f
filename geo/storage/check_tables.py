"""An archive's structure and memory: tables, layers, snapshots, and the layer that must follow from them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError, GateError, GeoError
from geo.presentation.statuses import STATUSES
from geo.schema import parse_instant
from geo.storage import gpkg, layout, snapshots
from geo.storage.gpkg import unpack
from geo.storage.layout import CUT_SINCE, version_of
from geo.storage.snapshots import cut_interval, gaps_of

MEND = "geo repair writes a mended copy; the last backup may have it whole"
AGAIN = "import its file again into the mended copy"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: Literal["fault", "note"]
    where: str
    what: str
    way_out: str = ""


@dataclass(frozen=True)
class Report:
    """What a look at an archive found."""

    archive: str
    layout: int | None
    looked_at: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not any(one.kind == "fault" for one in self.findings)

    def as_record(self) -> dict[str, Any]:
        return {**asdict(self), "is_whole": self.is_whole}

    def lines(self) -> list[str]:
        """The report in words, a line a finding."""
        rows = ", ".join(f"{count:,} {name}" for name, count in self.looked_at.items() if count)
        faults = sum(one.kind == "fault" for one in self.findings)
        end = "whole" if not faults else f"{faults} fault{'s' if faults > 1 else ''}"
        lines = [
            f"{one.kind}: {one.where}: {one.what}{'. ' + one.way_out if one.way_out else ''}" for one in self.findings
        ]
        return [*lines, f"{self.archive}: {end}; layout {self.layout}; looked at {rows or 'nothing'}"]


def fault(where: str, what: str, way_out: str = MEND) -> Finding:
    """A finding that makes answers wrong or impossible."""
    return Finding("fault", where, what, way_out)


def note(where: str, what: str, way_out: str = "") -> Finding:
    """A finding that harms nothing."""
    return Finding("note", where, what, way_out)


_EXAMPLES = 20  # findings of one check that are listed one by one
_AT_ONCE = 500  # rows of a layer in memory
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_OWN = ("gpkg_", "rtree_", "sqlite_")
LAYERS = tuple(name for name, (geometry, _, _) in layout.TABLES.items() if geometry)


Check = Callable[[sqlite3.Connection], Iterator[Finding]]


def table_findings(connection: sqlite3.Connection) -> list[Finding]:
    """What an archive's tables say of themselves; one of an older layout is seen as if it had today's afterwards."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    findings = tried("structure", structure_findings, connection)
    if (layout.version_of(connection) or 0) < layout.LAYOUT:
        layout.look_through(connection)
    for name in LAYERS:
        if name in tables:
            findings += tried(name, partial(layer_findings, name=name), connection)
    for name in sorted(tables & layout.TABLES.keys()):
        findings += tried(name, partial(_misfits, table=name), connection)
    return findings + tried("memory", memory_findings, connection)


def _misfits(connection: sqlite3.Connection, table: str) -> Iterator[Finding]:
    return (fault(f"{table} row {key}", why) for key, why in layout.misfits(connection, table))


def tried(name: str, check: Check, connection: sqlite3.Connection) -> list[Finding]:
    """What a check finds; where it cannot go on, that is a finding too."""
    found: list[Finding] = []
    try:
        for one in check(connection):
            found.append(one)
            if len(found) > 500:
                break
    except (sqlite3.Error, GeoError, ArithmeticError, ValueError, TypeError) as error:
        found.append(fault(name, f"it cannot be read to the end ({' '.join(str(error).split())[:160]})"))
    if len(found) <= _EXAMPLES:
        return found
    faults = [one for one in found if one.kind == "fault"]
    more = len(found) - _EXAMPLES
    kind = fault if faults else note
    return [*(faults or found)[:_EXAMPLES], kind(name, f"and {more} findings more", MEND)]


def structure_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Tables, columns, indexes, triggers, registrations and the index of positions."""
    for (text,) in connection.execute("PRAGMA integrity_check(20)"):
        if text != "ok":
            yield fault("file", f"SQLite finds: {' '.join(str(text).split())[:200]}")
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield fault(table, f"row {row} refers to a row of {parent} that is not there")
    for name, wanted in (("application_id", gpkg.APPLICATION_ID), ("user_version", gpkg.USER_VERSION)):
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != wanted:
            yield fault("file", f"{name} is {found}, not {wanted}: other programs will not take it for a GeoPackage")
    yield from _tables(connection)
    yield from _objects(connection)
    yield from _registrations(connection)


def _tables(connection: sqlite3.Connection) -> Iterator[Finding]:
    tables, columns = layout.lacking(connection)
    older = (layout.version_of(connection) or 0) < layout.LAYOUT
    for name in tables:
        if older:
            yield note(name, "an older layout has no such table", "it is made when the archive is next written to")
        else:
            yield fault(name, "the table is missing")
    for name, missing in columns.items():
        # a column that came with a later layout may be empty
        added = [one for one in missing if older and "NOT NULL" not in layout.columns_of(layout.TABLES[name][2])[one]]
        if added:
            yield note(name, f"an older layout lacks {', '.join(added)}", "they are made when it is next written to")
        if lost := [one for one in missing if one not in added]:
            yield fault(name, f"columns are missing: {', '.join(lost)}")
    for name in layout.without_key(connection):
        yield fault(name, "the table has no primary key: nothing can be written")


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """(kind, name) -> SQL of tables, indexes and triggers."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(kind, name): " ".join(sql.split()) for kind, name, sql in rows}


@cache
def _wanted_schema() -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(":memory:")) as fresh:
        layout.create_tables(fresh, now="2000-01-01T00:00:00.000Z", made_by="check")
        return _schema(fresh)


def _objects(connection: sqlite3.Connection) -> Iterator[Finding]:
    expected, found = _wanted_schema(), _schema(connection)
    older = (layout.version_of(connection) or 0) < layout.LAYOUT
    there = {name for kind, name in found if kind == "table"}
    for (kind, name), sql in expected.items():
        table = sql.partition(" ON ")[2].split()[0].strip('"') if kind in ("index", "trigger") else name
        if kind == "table" or table not in there:
            continue
        if (kind, name) not in found and kind == "index":
            mend = "it is made when the archive is next written to" if older else MEND
            yield (note if older else fault)(name, "the index is missing: searches are slow", mend)
        elif (kind, name) not in found:
            yield fault(name, f"the {kind} is missing")
        elif found[kind, name] != sql:
            yield fault(name, f"the {kind} is another one than it should be: {found[kind, name][:120]}")
    for (kind, name), sql in found.items():
        if (kind, name) in expected or name.startswith(_OWN):
            continue
        if kind == "trigger" and any(f'"{t}"' in sql or f" {t} " in f"{sql} " for k, t in expected if k == "table"):
            yield fault(name, f"a trigger that is not ours acts on our tables: {sql[:120]}")
        else:
            yield note(name, f"a {kind} that is not ours", "it is left alone, and stays behind when a copy is mended")


def _registrations(connection: sqlite3.Connection) -> Iterator[Finding]:
    contents = dict(connection.execute("SELECT table_name, data_type FROM gpkg_contents"))
    columns = dict(connection.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns"))
    extensions = {name for (name,) in connection.execute("SELECT table_name FROM gpkg_extensions")}
    missing = set(layout.lacking(connection)[0])
    for name, (geometry, _, _) in layout.TABLES.items():
        if name in missing:
            continue
        kind = "features" if geometry else "attributes"
        if contents.get(name) != kind:
            yield fault(name, f"it is not registered as {kind} in gpkg_contents: other programs do not see it")
        if geometry and columns.get(name) != geometry:
            yield fault(name, f"its geometry is not registered as {geometry}: other programs cannot draw it")
        if geometry and name not in extensions:
            yield fault(name, "its index of positions is not registered")
    if not connection.execute("SELECT count(*) FROM gpkg_spatial_ref_sys WHERE srs_id = 4326").fetchone()[0]:
        yield fault("gpkg_spatial_ref_sys", "EPSG:4326 is not described")


def layer_findings(connection: sqlite3.Connection, name: str) -> Iterator[Finding]:
    """One layer's geometries, and its index of positions."""
    cursor = connection.execute(f'SELECT fid, geom FROM "{name}"')
    fids, boxes = [np.empty(0, dtype=np.int64)], [np.empty((0, 4))]
    while rows := cursor.fetchmany(_AT_ONCE):  # of a million rows the boxes alone are kept
        good, geometries = [], []
        for fid, blob in rows:
            geometry = decoded(blob)
            if geometry is None:
                yield fault(f"{name} row {fid}", "its geometry cannot be read")
            else:
                good.append(fid)
                geometries.append(geometry)
        shapes = np.array(geometries, dtype=object)
        yield from _geometry_findings(name, good, shapes)
        fids.append(np.array(good, dtype=np.int64))
        boxes.append(shapely.bounds(shapes).reshape(-1, 4))
    yield from _position_findings(connection, name, np.concatenate(fids), np.concatenate(boxes))


def decoded(blob: object) -> shapely.Geometry | None:
    """The geometry of a blob; None where it is none."""
    if not isinstance(blob, bytes) or blob[:2] != b"GP":
        return None
    try:
        found: shapely.Geometry = shapely.from_wkb(blob[gpkg.body_offset(blob) :])
    except (shapely.errors.ShapelyError, IndexError):
        return None
    is_point = found is None or found.geom_type == "Point"  # of which there may be a million
    return found if is_point else gpkg.without_empty(np.array([found], dtype=object))[0]


def is_on_earth(shape: shapely.Geometry | None) -> bool:
    """Whether a geometry is there, and within ±180° and ±90°."""
    if shape is None or shape.is_empty:
        return False
    west, south, east, north = shape.bounds
    return bool(-180 <= west <= east <= 180 and -90 <= south <= north <= 90)


def _geometry_findings(
    name: str, fids: list[int], shapes: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> Iterator[Finding]:
    wanted = 0 if name.startswith(("incidents", "settlements")) else 6
    kinds, empty, valid = shapely.get_type_id(shapes), shapely.is_empty(shapes), shapely.is_valid(shapes)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    inside = (np.abs(bounds[:, [0, 2]]) <= 180).all(axis=1) & (np.abs(bounds[:, [1, 3]]) <= 90).all(axis=1)
    for at in np.flatnonzero((kinds != wanted) | empty):
        yield fault(f"{name} row {fids[at]}", "its geometry is empty or of another kind")
    for at in np.flatnonzero(~valid):
        yield fault(f"{name} row {fids[at]}", f"its geometry is not valid: {shapely.is_valid_reason(shapes[at])[:80]}")
    for at in np.flatnonzero(~inside & ~empty):
        yield fault(f"{name} row {fids[at]}", "its geometry lies outside the world")


def _position_findings(connection: sqlite3.Connection, name: str, fids: Ints, boxes: Floats) -> Iterator[Finding]:
    (told,) = connection.execute("SELECT rtreecheck('main', ?)", (f"rtree_{name}_geom",)).fetchone()
    if told != "ok":
        yield fault(f"rtree_{name}_geom", f"the index of positions is damaged: {' '.join(told.split())[:120]}")
    entries = connection.execute(f'SELECT id, minx, miny, maxx, maxy FROM "rtree_{name}_geom"')
    index = np.fromiter((value for row in entries for value in row), dtype=float).reshape(-1, 5)
    index = index[np.argsort(index[:, 0])]
    ids = index[:, 0].astype(np.int64)
    rows = connection.execute(f'SELECT fid FROM "{name}"')
    lost, extra = np.setdiff1d(fids, ids), np.setdiff1d(ids, np.fromiter((fid for (fid,) in rows), dtype=np.int64))
    if len(lost):
        yield fault(
            f"rtree_{name}_geom", f"{len(lost)} rows are not in the index of positions: they would not be found"
        )
    if len(extra):
        yield fault(f"rtree_{name}_geom", f"{len(extra)} entries in the index of positions have no row")
    both = np.isin(fids, ids)
    if not both.any():
        return
    boxes, kept = boxes[both], index[np.searchsorted(ids, fids[both]), 1:]
    # the index keeps 32-bit numbers, rounded outwards
    slack = 1e-4
    off = (kept[:, :2] > boxes[:, :2] + slack).any(axis=1) | (kept[:, 2:] < boxes[:, 2:] - slack).any(axis=1)
    if off.any():
        yield fault(
            f"rtree_{name}_geom", f"{int(off.sum())} entries in the index of positions are elsewhere than their rows"
        )
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    box = connection.execute(
        "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents WHERE table_name = ?", (name,)
    ).fetchone()
    known = box is not None and None not in box  # an extent may be left out
    if known and ((np.array(box[:2]) > low + 1e-9).any() or (np.array(box[2:]) < high - 1e-9).any()):
        yield fault(f"gpkg_contents {name}", "the registered extent does not take in all rows")


Spans = dict[int, list[snapshots.Interval]]
INSTANT = re.compile(r"(?:19|[2-9]\d)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_HASH = re.compile(r"[0-9a-f]{64}")
_SHOWN = 5  # examples of one kind of fault


@dataclass(frozen=True)
class StoredSnapshot:
    """A recording as the table has it; `members` is None where the list cannot be read."""

    key: int
    snapshot: str
    source: str
    part: str
    depicts: str
    recorded_at: str
    superseded_at: str | None
    retracted_at: str | None
    file_name: str
    sha256: str
    members: tuple[int, ...] | None


def kept_snapshots(rows: Iterable[Any]) -> list[StoredSnapshot]:
    """The recordings of rows in the order of `StoredSnapshot`, with their members unpacked."""
    return [StoredSnapshot(*(*row[:10], _members(row[10]))) for row in rows]


SNAPSHOT_COLUMNS = (
    "id", "snapshot", "source", "part", "depicts", "recorded_at", "superseded_at", "retracted_at", "file_name",
    "sha256", "members",
)  # fmt: skip


def _members(packed: Any) -> tuple[int, ...] | None:
    try:
        return tuple(unpack(packed).tolist())
    except ArchiveError:
        return None


def in_force(kept: Iterable[StoredSnapshot]) -> list[StoredSnapshot]:
    """The recordings that speak for their instants: the last of each that was not taken back."""
    last: dict[tuple[str, str, str], StoredSnapshot] = {}
    for one in sorted(kept, key=lambda k: k.key):
        if one.retracted_at is None:
            last[one.source, one.part, one.depicts] = one
    return sorted(last.values(), key=lambda k: (k.source, k.part, k.depicts))


def expected_spans(kept: Iterable[StoredSnapshot], *, cut: bool = True) -> Spans:
    """Polygon -> the half-open intervals in which it stands, by the members of the recordings in force.

    None runs over a gap, but in an archive of a version that let them (`cut` False).
    """
    series: dict[tuple[str, str], list[StoredSnapshot]] = defaultdict(list)
    for one in in_force(kept):
        series[one.source, one.part].append(one)
    spans: Spans = defaultdict(list)
    for states in series.values():
        ends = [*(s.depicts for s in states[1:]), None]
        for state, end in zip(states, ends, strict=True):
            for shape in state.members or ():
                runs = spans[shape]
                if runs and runs[-1][1] == state.depicts:
                    runs[-1] = (runs[-1][0], end)
                else:
                    runs.append((state.depicts, end))
        gaps = gaps_of((s.source, s.part, s.depicts) for s in states) if cut else {}
        for listed in gaps.values():
            for shape in {shape for state in states for shape in state.members or ()}:
                spans[shape] = [piece for run in spans[shape] for piece in cut_interval(*run, listed)]
    return dict(spans)


def memory_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Snapshots by themselves, the polygons that they name, and the layer held against them."""
    kept = kept_snapshots(connection.execute(f"SELECT {', '.join(SNAPSHOT_COLUMNS)} FROM snapshots ORDER BY id"))
    yield from _snapshot_findings(kept)
    yield from _clock_findings(connection)
    yield from _receipt_findings(connection)
    yield from _shape_findings(connection, kept)
    yield from _layer_findings(connection, kept)


def _snapshot_findings(kept: Sequence[StoredSnapshot]) -> Iterator[Finding]:
    speaking = {one.key for one in in_force(kept)}
    for one in kept:
        where = f"snapshot {one.snapshot}"
        if one.members is None:
            yield fault(where, "the list of its polygons is damaged", AGAIN)
        for name in ("depicts", "recorded_at", "superseded_at", "retracted_at"):
            value = getattr(one, name)
            if value is not None and not INSTANT.fullmatch(str(value)):
                yield fault(where, f"{name} is {value!r}, which is no instant of the archive's")
        if not is_named_rightly(one):
            yield fault(
                where, f"its name and what it depicts ({one.source} {one.part} {one.depicts}) do not agree", AGAIN
            )
        if not _HASH.fullmatch(str(one.sha256)):
            yield note(where, f"its file's hash is {str(one.sha256)[:20]!r}, which is no SHA-256")
        if one.key in speaking and one.superseded_at is not None:
            yield fault(where, f"it speaks for {one.depicts}, and is marked as superseded")
        if one.key not in speaking and one.superseded_at is None:
            yield fault(where, f"another recording speaks for {one.depicts}, and this one is not marked as superseded")


def is_named_rightly(one: StoredSnapshot) -> bool:
    """Whether a recording's name says whose it is and what it depicts: these fields have no hash, but stand twice."""
    try:
        name = snapshots.snapshot_name(one.source, one.part, parse_instant(one.depicts))
    except (GateError, AttributeError, TypeError):
        return False
    return re.fullmatch(re.escape(name) + r"(\+\d+)?", str(one.snapshot)) is not None


def _clock_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    query = (
        "SELECT snapshot, recorded_at FROM snapshots UNION ALL SELECT snapshot, retracted_at FROM snapshots"
        " UNION ALL SELECT file_name, recorded_at FROM imports"
    )
    for name, moment in connection.execute(query):
        if INSTANT.fullmatch(str(moment)) and snapshots.is_ahead_of_clock(moment):
            yield fault(str(name), f"recorded or taken back at {moment}, later than now: a clock was wrong", MEND)


def _receipt_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    query = (
        "SELECT snapshot, rows_in, rows_stored, rows_refused, rows_left_out, receipt FROM snapshots"
        " UNION ALL SELECT file_name, rows_in, rows_stored, rows_refused, 0, receipt FROM imports"
    )
    for name, rows_in, stored, refused, left_out, receipt in connection.execute(query):
        try:
            json.loads(receipt)
        except (TypeError, ValueError):
            yield fault(str(name), "its receipt is damaged")
        if min(rows_in, stored, refused, left_out) < 0 or (rows_in and stored + refused + left_out > rows_in):
            yield note(str(name), f"its receipt does not add up: {rows_in} rows in, {stored} stored, {refused} refused")


def _shape_findings(connection: sqlite3.Connection, kept: Sequence[StoredSnapshot]) -> Iterator[Finding]:
    known = dict(connection.execute("SELECT id, digest FROM shapes"))
    there: set[int] = set()
    for table in ("control", "control_superseded"):
        columns = "fid, shape, geom, source, part, controller, status, native"
        for fid, shape, blob, *row in connection.execute(f"SELECT {columns} FROM {table}"):
            there.add(shape)
            where = f"{table} row {fid}"
            if shape not in known:
                yield fault(where, f"its polygon {shape} is in no list")
            elif not isinstance(blob, bytes) or snapshots.digest_of(blob, row) != known[shape]:
                yield fault(where, "its polygon or class is not what was recorded: the hash differs", AGAIN)
            if row[3] not in STATUSES:
                yield fault(where, f"status {row[3]!r} is none of {', '.join(STATUSES)}")
    for one in kept:
        lost = sorted(set(one.members or ()) - there)
        if lost:
            what = f"{len(lost)} of its {len(one.members or ())} polygons are gone from the layers ({lost[:_SHOWN]})"
            yield fault(f"snapshot {one.snapshot}", what, AGAIN)


def _layer_findings(connection: sqlite3.Connection, kept: Sequence[StoredSnapshot]) -> Iterator[Finding]:
    expected = expected_spans(kept, cut=(version_of(connection) or 0) >= CUT_SINCE)
    found: Spans = defaultdict(list)
    for shape, first, last in connection.execute("SELECT shape, valid_from, valid_to FROM control"):
        found[shape].append((first, last))
    yield from _overlaps(found)
    wrong = [
        s for s in sorted(set(expected) | set(found)) if _in_order(found.get(s, [])) != _in_order(expected.get(s, []))
    ]
    for shape in wrong[:_SHOWN]:
        stands, should = _words(found.get(shape, [])), _words(expected.get(shape, []))
        yield fault(f"control, polygon {shape}", f"it stands in {stands}; by the snapshots it stands in {should}")
    if len(wrong) > _SHOWN:
        yield fault("control", f"{len(wrong) - _SHOWN} more polygons stand at other times than the snapshots say")
    extra = connection.execute("SELECT count(*) FROM control WHERE superseded_at IS NOT NULL").fetchone()[0]
    if extra:
        yield fault("control", f"{extra} rows are marked as superseded in the layer of what is known now")


def _overlaps(found: Mapping[int, Sequence[snapshots.Interval]]) -> Iterator[Finding]:
    for shape, spans in found.items():
        for (first, last), (start, _) in zip(_in_order(spans), _in_order(spans)[1:], strict=False):
            if last is None or last > start:
                yield fault(f"control, polygon {shape}", f"its intervals overlap: from {first} and from {start}")
        for first, last in spans:
            if last is not None and last <= first:
                yield fault(f"control, polygon {shape}", f"an interval ends at {last}, before it begins at {first}")


def _in_order(spans: Iterable[snapshots.Interval]) -> list[snapshots.Interval]:
    return sorted(spans, key=lambda span: (span[0], span[1] or "~"))


def _words(spans: Sequence[snapshots.Interval]) -> str:
    return "; ".join(f"{first} to {last or 'now'}" for first, last in _in_order(spans)[:3]) or "no interval"
