"""What an archive remembers: snapshots, the polygons that they name, and the layer that must follow from them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from geo.errors import ArchiveError, GateError
from geo.maintenance.check_schema import AGAIN, MEND, Finding, fault, note
from geo.presentation.statuses import STATUSES
from geo.schema import parse_instant
from geo.storage import snapshots
from geo.storage.gaps import cut_interval, gaps_of
from geo.storage.gpkg import unpack
from geo.storage.layout import CUT_SINCE, version_of

Spans = dict[int, list[snapshots.Interval]]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
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


def digest_of(blob: bytes, row: Sequence[Any]) -> bytes:
    """What a polygon is known by: its bytes, whose it is, and its class (source, part, controller, status, native)."""
    digest = blake2b(blob, digest_size=16)
    digest.update((f"{row[0]}\0{row[1]}\0" + json.dumps(tuple(row[2:]))).encode())
    return digest.digest()


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
            yield fault(name, "its receipt is damaged")
        if min(rows_in, stored, refused, left_out) < 0 or (rows_in and stored + refused + left_out > rows_in):
            yield note(name, f"its receipt does not add up: {rows_in} rows in, {stored} stored, {refused} refused")


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
            elif not isinstance(blob, bytes) or digest_of(blob, row) != known[shape]:
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
