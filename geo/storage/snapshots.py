"""Snapshots in: what the archive knows, the layer of control that follows, and gaps that no interval runs over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.assets import read_toml
from geo.errors import ArchiveError
from geo.schema import ControlColumns, parse_instant, text_or_none, write_instant
from geo.storage import gpkg
from geo.storage.gpkg import fetch_shapes, known_shapes, new_shapes, pack, promote, unpack
from geo.storage.layout import fix_sides

USUAL_STEP_DAYS = 45.0
_SOURCES = read_toml("readers.toml")
# (source, part) -> the last map before each gap, and the first after it
Gaps = Mapping[tuple[str, str], Sequence[tuple[str, str]]]


def usual_step_days(source: str) -> float:
    """How far apart the maps of a source may lie before its table of data calls it a gap, in days."""
    return float(_SOURCES.get(source, {}).get("usual_step_days", USUAL_STEP_DAYS))


def gaps_of(maps: Iterable[tuple[str, str, str]]) -> Gaps:
    """The gaps in the series of each source's part, from (source, part, depicts) of its maps."""
    series: dict[tuple[str, str], set[str]] = {}
    for source, part, depicts in maps:
        series.setdefault((source, part or ""), set()).add(depicts)
    found = {}
    for key, depicted in series.items():
        instants, step = sorted(depicted), timedelta(days=usual_step_days(key[0]))
        found[key] = [(a, b) for a, b in pairwise(instants) if parse_instant(b) - parse_instant(a) > step]
    return {key: listed for key, listed in found.items() if listed}


def gaps_in(snapshots: pd.DataFrame) -> Gaps:
    """The gaps in a table of snapshots."""
    return gaps_of(zip(snapshots["source"], snapshots["part"], snapshots["depicts"], strict=True))


def end_of_run(last_map: str) -> datetime:
    """Where an interval ends before a gap: with the day of the last map."""
    return datetime.fromisoformat(last_map[:10] + "T00:00:00+00:00") + timedelta(days=1)


def cut_interval(first: str, last: str | None, gaps: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str | None]]:
    """An interval as the pieces of it that run over none of a part's gaps."""
    for before, after in gaps:
        if first < after and (last is None or last > before):
            yield first, write_instant(end_of_run(before))
            first = after
    if last is None or first < last:
        yield first, last


def joined_over_gaps(frame: gpd.GeoDataFrame, gaps: Gaps) -> gpd.GeoDataFrame:
    """Rows of the layer of control as if nothing had been cut: each until a map shows it no longer."""
    dropped: list[int] = []

    def key(i: int) -> tuple[Any, ...]:
        return (
            *(text_or_none(frame.at[i, name]) for name in ("controller", "status", "native")),
            frame.geometry[i].wkb,
        )

    for (source, part), listed in gaps.items():
        for last, following in reversed(listed):
            begun, mine = parse_instant(following), (frame["source"] == source) & (frame["part"] == part)
            cut = frame.index[mine & (frame["valid_to"] == end_of_run(last))].tolist()
            rest = frame.index[mine & (frame["valid_from"] == begun)].tolist() if cut else []
            heirs = {key(i): i for i in rest}
            for i in cut:
                heir = heirs.get(key(i))
                frame.loc[i, "valid_to"] = begun if heir is None else frame.at[heir, "valid_to"]
                dropped += [] if heir is None else [heir]
    return gpd.GeoDataFrame(frame.drop(index=dropped).reset_index(drop=True), crs=frame.crs) if dropped else frame


def cut_at_gaps(rows: Iterable[Mapping[str, Any]], gaps: Gaps) -> Iterator[dict[str, Any]]:
    """Rows whose intervals (ISO 8601) stop at the last map before a gap, and go on with the `next_map` after it."""
    for row in rows:
        start, end = row["valid_from"], row["valid_to"]
        for last, following in gaps.get((row["source"], text_or_none(row.get("part")) or ""), ()):
            if start < following and (end is None or end > last):
                stop = write_instant(end_of_run(last))
                yield {**row, "valid_from": start, "valid_to": stop, "last_map": last, "next_map": following}
                start = following
        if end is None or start < end:
            yield {**row, "valid_from": start, "valid_to": end, "last_map": None, "next_map": None}


def cut_frame(frame: gpd.GeoDataFrame, gaps: Gaps, at: datetime | None = None) -> gpd.GeoDataFrame:
    """A layer of control whose intervals run over no gap; with `at` each row once, with the run of maps up to then."""
    if not gaps or frame.empty:
        return frame
    columns = ["source", "part", "valid_from", "valid_to"]
    listed = zip(*(frame[c].tolist() for c in columns), strict=True)
    rows = [
        {"row": i, "source": s, "part": p, "valid_from": write_instant(a), "valid_to": _written(b)}
        for i, (s, p, a, b) in enumerate(listed)
    ]
    cut = [r for r in cut_at_gaps(rows, gaps) if at is None or r["valid_from"] <= write_instant(at)]
    if at is not None:
        cut = list({r["row"]: r for r in cut}.values())
    found = frame.iloc[[r["row"] for r in cut]].reset_index(drop=True)
    for name in columns[2:]:
        found[name] = pd.to_datetime([r[name] for r in cut], utc=True, format="ISO8601")
    found.attrs = dict(frame.attrs)
    return found


def _written(moment: Any) -> str | None:
    return None if pd.isna(moment) else write_instant(moment)


Interval = tuple[str, str | None]
_ROW = "geom, source, part, controller, status, native, valid_from, valid_to, recorded_at, superseded_at, shape"
_AGAIN = _ROW.replace("valid_from, valid_to", "?, ?")


def _ends_after(end: str | None, instant: str) -> bool:
    return end is None or end > instant


def subtract_interval(intervals: Iterable[Interval], cut: Interval) -> list[Interval]:
    """What is left of the intervals without `cut`."""
    start, end = cut
    left: list[Interval] = []
    for first, last in sorted(intervals, key=lambda interval: interval[0]):
        if not _ends_after(last, start) or (end is not None and first >= end):
            left.append((first, last))
            continue
        if first < start:
            left.append((first, start))
        if end is not None and _ends_after(last, end):
            left.append((end, last))
    return left


def add_interval(intervals: Iterable[Interval], new: Interval) -> list[Interval]:
    """The intervals with `new` among them, those that touch joined into one."""
    joined: list[Interval] = []
    for first, last in sorted([*subtract_interval(intervals, new), new], key=lambda interval: interval[0]):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def overlap(a: Interval, b: Interval) -> Interval | None:
    """The part that two intervals share, or None."""
    start = max(a[0], b[0])
    end = a[1] if b[1] is None else b[1] if a[1] is None else min(a[1], b[1])
    return (start, end) if end is None or start < end else None


CLOCKS_MAY_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True)
class Recording:
    """One snapshot on its way in: what it depicts, the file it came from, and its polygons after the gate."""

    source: str
    part: str
    depicts: datetime
    ground: ControlColumns
    file_name: str
    file_bytes: int
    sha256: str
    published: datetime | None = None
    retrieved: datetime | None = None
    rows_in: int = 0
    rows_stored: int = 0
    rows_repaired: int = 0
    rows_refused: int = 0
    rows_left_out: int = 0
    receipt: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What became of it: ``stored``, ``superseded`` (it took the place of `instead_of`) or ``unchanged``."""

    snapshot: str
    outcome: str
    instead_of: str | None = None


# (bytes of the outline, its class) -> digest and blob, for maps that are recorded one after the other
Written = dict[tuple[bytes, tuple[Any, ...]], tuple[bytes, bytes]]


def record(connection: sqlite3.Connection, recording: Recording, written: Written | None = None) -> Recorded:
    """Take a snapshot in. The same file for the same instant changes nothing; another one supersedes."""
    depicts = write_instant(recording.depicts)
    there = _in_force(connection, recording.source, recording.part, at=depicts)
    digests, blobs, classes = _shapes_of(recording, {} if written is None else written)
    known = known_shapes(connection, digests)
    # the same file read with other options may give other polygons: only the same polygons are nothing new
    is_same = all(d in known for d in digests) and there is not None and there["sha256"] == recording.sha256
    if there is not None and is_same and set(known.values()) == set(unpack(there["members"]).tolist()):
        return Recorded(there["snapshot"], "unchanged")
    now = next_instant(connection)
    ids = {**known, **new_shapes(connection, [d for d in digests if d not in known])}
    name = _insert_snapshot(connection, recording, now, pack(set(ids.values())))
    if there is not None:
        connection.execute("UPDATE snapshots SET superseded_at = ? WHERE id = ?", (now, there["id"]))
    rows = {
        ids[digest]: (blob, (recording.source, recording.part, *row))
        for digest, blob, row in zip(digests, blobs, classes, strict=True)
    }
    _replace_state(connection, recording.source, recording.part, depicts, there, set(rows), rows, now)
    if len(recording.ground):
        gpkg.widen(connection, "control", recording.ground.geometry, now=now)
        sides = recording.ground.sides()
        if not sides <= {side for (side,) in connection.execute("SELECT side FROM sides")}:
            fix_sides(connection, sides, now=now)
    return Recorded(name, "superseded" if there else "stored", there["snapshot"] if there else None)


def retract(connection: sqlite3.Connection, snapshot: str, *, why: str) -> None:
    """Take a recording back: the archive says again what it said without it, and keeps what it did say."""
    row = connection.execute(
        "SELECT id, source, part, depicts, retracted_at FROM snapshots WHERE snapshot = ?", (snapshot,)
    ).fetchone()
    if row is None:
        raise ArchiveError(f"no snapshot {snapshot!r} in the archive; geo snapshots lists them")
    key, source, part, depicts, retracted_at = row
    if retracted_at:
        raise ArchiveError(f"{snapshot} was taken back on {retracted_at} already")
    now = next_instant(connection)
    there = _in_force(connection, source, part, at=depicts)
    connection.execute(
        "UPDATE snapshots SET retracted_at = ?, retracted_why = ?, superseded_at = coalesce(superseded_at, ?)"
        " WHERE id = ?",
        (now, why, now, key),
    )
    if there is None or there["id"] != key:
        return
    heir = _in_force(connection, source, part, at=depicts)
    if heir is not None:
        connection.execute("UPDATE snapshots SET superseded_at = NULL WHERE id = ?", (heir["id"],))
        members = set(unpack(heir["members"]).tolist())
    else:
        before = _in_force(connection, source, part, before=depicts)
        members = set(unpack(before["members"]).tolist()) if before else set()
    _replace_state(connection, source, part, depicts, there, members, {}, now)


def sides_of(connection: sqlite3.Connection, source: str) -> list[str]:
    """Every side that a source ever drew ground of, in order of their names."""
    queries = (f"SELECT controller FROM {table} WHERE source = ?" for table in ("control", "control_superseded"))
    rows = connection.execute(" UNION ".join(queries), (source, source)).fetchall()
    return sorted(str(side) for (side,) in rows if side is not None)


# -- snapshots ------------------------------------------------------------------------------------------------------


def next_instant(connection: sqlite3.Connection) -> str:
    """Now, but later than everything recorded before: as_known_on must tell any two recordings apart."""
    last = last_recorded(connection)
    now = datetime.now(UTC)
    if last is not None:
        now = max(now, parse_instant(last) + timedelta(milliseconds=1))
    return write_instant(now)


def last_recorded(connection: sqlite3.Connection) -> str | None:
    """The last moment at which anything was recorded or taken back."""
    found: str | None = connection.execute(
        "SELECT max(t) FROM (SELECT max(recorded_at) t FROM snapshots UNION ALL SELECT max(retracted_at) FROM snapshots"
        " UNION ALL SELECT max(recorded_at) FROM imports)"
    ).fetchone()[0]
    return found


def is_ahead_of_clock(moment: str | None) -> bool:
    """Whether a moment of recording lies further ahead of this machine's clock than two machines may differ."""
    return moment is not None and str(moment) > write_instant(datetime.now(UTC) + CLOCKS_MAY_DIFFER)


def _in_force(
    connection: sqlite3.Connection, source: str, part: str, *, at: str | None = None, before: str | None = None
) -> dict[str, Any] | None:
    """The recording that speaks for an instant, or for the last instant before another one."""
    clause, value = ("depicts = ?", at) if at is not None else ("depicts < ?", before)
    row = connection.execute(
        "SELECT id, snapshot, sha256, members FROM snapshots WHERE source = ? AND part = ? AND retracted_at IS NULL"
        f" AND {clause} ORDER BY depicts DESC, id DESC LIMIT 1",
        (source, part, value),
    ).fetchone()
    return None if row is None else dict(zip(("id", "snapshot", "sha256", "members"), row, strict=True))


def _insert_snapshot(connection: sqlite3.Connection, recording: Recording, now: str, members: bytes) -> str:
    name = snapshot_name(recording.source, recording.part, recording.depicts)
    earlier = connection.execute(
        "SELECT count(*) FROM snapshots WHERE source = ? AND part = ? AND depicts = ?",
        (recording.source, recording.part, write_instant(recording.depicts)),
    ).fetchone()[0]
    values = {
        "snapshot": f"{name}+{earlier}" if earlier else name,
        "source": recording.source,
        "part": recording.part,
        "depicts": write_instant(recording.depicts),
        "published": recording.published and write_instant(recording.published),
        "retrieved": recording.retrieved and write_instant(recording.retrieved),
        "recorded_at": now,
        "file_name": recording.file_name,
        "file_bytes": recording.file_bytes,
        "sha256": recording.sha256,
        **{n: getattr(recording, n) for n in
           ("rows_in", "rows_stored", "rows_repaired", "rows_refused", "rows_left_out")},
        "receipt": json.dumps(recording.receipt, ensure_ascii=False, sort_keys=True, default=str),
        "members": members,
    }  # fmt: skip
    connection.execute(
        f"INSERT INTO snapshots ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
    )
    return str(values["snapshot"])


def snapshot_name(source: str, part: str, depicts: datetime) -> str:
    """What the first recording of an instant is called."""
    return f"{source}{'/' + part if part else ''}@{_short(depicts)}"


def _short(moment: datetime) -> str:
    """An instant in the fewest words: the day alone at 00:00, no seconds where there are none."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    text = text.removesuffix(":00")
    return text.removesuffix("T00:00") if text.endswith("T00:00") else text + "Z"


# -- shapes ---------------------------------------------------------------------------------------------------------


def _shapes_of(recording: Recording, written: Written) -> tuple[list[bytes], list[bytes], list[tuple[Any, ...]]]:
    """Digest, blob and class of every polygon; what a digest stands for includes the source and the class."""
    ground, named = recording.ground, (recording.source, recording.part)
    rows = list(zip(*(ground[c].tolist() for c in ("controller", "status", "native")), strict=True))
    drawn = ground["key"] if "key" in ground.columns else shapely.to_wkb(ground.geometry)
    keys = list(zip(drawn.tolist(), ((*named, *row) for row in rows), strict=True))
    if fresh := [i for i, key in enumerate(keys) if key not in written]:
        blobs = gpkg.encode(promote(ground.geometry[fresh]))
        written |= {keys[i]: (digest_of(blob, keys[i][1]), blob) for i, blob in zip(fresh, blobs, strict=True)}
    return [written[key][0] for key in keys], [written[key][1] for key in keys], rows


def digest_of(blob: bytes, row: Sequence[Any]) -> bytes:
    """What a polygon is known by: its bytes, whose it is, and its class (source, part, controller, status, native)."""
    digest = blake2b(blob, digest_size=16)
    digest.update((f"{row[0]}\0{row[1]}\0" + json.dumps(row[2:])).encode())
    return digest.digest()


Rows = Mapping[int, tuple[bytes, tuple[Any, ...]]]


def _replace_state(
    connection: sqlite3.Connection,
    source: str,
    part: str,
    depicts: str,
    there: Mapping[str, Any] | None,
    members: set[int],
    rows: Rows,
    now: str,
) -> None:
    """Let `members` stand from `depicts` to the next snapshot, in place of what stood there."""
    around = _neighbours(connection, source, part, depicts)
    span = (depicts, around[1])
    is_there = _in_force(connection, source, part, at=depicts) is not None
    after = {*around, *((depicts,) if is_there else ())} - {None}
    was = {*around, *((depicts,) if there is not None else ())} - {None}
    gaps, had = (gaps_of((source, part, d) for d in days).get((source, part), ()) for days in (after, was))
    for gap in reversed([gap for gap in had if gap not in gaps]):
        _join_over(connection, source, part, gap)
    before = there or _in_force(connection, source, part, before=depicts)
    old = set(unpack(before["members"]).tolist()) if before else set()
    for shape in sorted(old - members):
        if there is not None:
            _keep_superseded(connection, shape, span, now)
        rows_there = _rows_of(connection, shape)
        left = subtract_interval([row[1:] for row in rows_there], span)
        _set_intervals(connection, shape, rows_there, left, None, now)
    for shape in sorted(members - old):
        rows_there = _rows_of(connection, shape)
        joined = add_interval([row[1:] for row in rows_there], span)
        _set_intervals(connection, shape, rows_there, joined, rows.get(shape), now)
    for gap in gaps:
        if gap not in had or depicts in gap:
            _cut_over(connection, source, part, gap)


def _neighbours(connection: sqlite3.Connection, source: str, part: str, depicts: str) -> tuple[str | None, ...]:
    """The last instant with a map before this one, and the next."""
    query = "SELECT {} FROM snapshots WHERE source = ? AND part = ? AND retracted_at IS NULL AND depicts {} ?"
    sides = (("max(depicts)", "<"), ("min(depicts)", ">"))
    return tuple(connection.execute(query.format(*side), (source, part, depicts)).fetchone()[0] for side in sides)


def cut_layer(connection: sqlite3.Connection) -> None:
    """Let no row of the layer run over a gap, in an archive of a version that let them."""
    query = "SELECT source, part, depicts FROM snapshots WHERE retracted_at IS NULL"
    for (source, part), gaps in gaps_of(connection.execute(query).fetchall()).items():
        for gap in gaps:
            _cut_over(connection, source, part, gap)


def _cut_over(connection: sqlite3.Connection, source: str, part: str, gap: tuple[str, str]) -> None:
    """End the rows that run over a gap with its last map, and begin them again with the next."""
    last, following = gap
    stop = write_instant(end_of_run(last))
    over = connection.execute(
        "SELECT fid, valid_to FROM control WHERE source = ? AND part = ? AND valid_from <= ?"
        " AND (valid_to IS NULL OR valid_to > ?)",
        (source, part, last, stop),
    ).fetchall()
    for fid, end in over:
        connection.execute("UPDATE control SET valid_to = ? WHERE fid = ?", (stop, fid))
        if _ends_after(end, following):
            connection.execute(f"INSERT INTO control ({_ROW}) SELECT {_AGAIN} FROM control WHERE fid = ?",
                               (following, end, fid))  # fmt: skip


def _join_over(connection: sqlite3.Connection, source: str, part: str, gap: tuple[str, str]) -> None:
    """Undo what `_cut_over` did for a gap that is none any more."""
    last, following = gap
    cut = connection.execute(
        "SELECT a.fid, b.fid, b.valid_to FROM control a LEFT JOIN control b ON b.shape = a.shape AND b.valid_from = ?"
        " WHERE a.source = ? AND a.part = ? AND a.valid_to = ?",
        (following, source, part, write_instant(end_of_run(last))),
    ).fetchall()
    for fid, heir, end in cut:
        connection.execute("DELETE FROM control WHERE fid = ?", (heir,))
        connection.execute("UPDATE control SET valid_to = ? WHERE fid = ?", (following if heir is None else end, fid))


def _rows_of(connection: sqlite3.Connection, shape: int) -> list[tuple[int, str, str | None]]:
    """The layer's rows of one polygon, each with its interval."""
    query = "SELECT fid, valid_from, valid_to FROM control WHERE shape = ? ORDER BY valid_from"
    return connection.execute(query, (shape,)).fetchall()


def _set_intervals(
    connection: sqlite3.Connection,
    shape: int,
    there: Sequence[tuple[int, str, str | None]],
    wanted: list[Interval],
    row: tuple[bytes, tuple[Any, ...]] | None,
    now: str,
) -> None:
    """Make the layer's rows of one polygon, those `there`, say `wanted`, touching only what differs."""
    spare = [fid for fid, first, last in there if (first, last) not in wanted]
    missing = [i for i in wanted if i not in {(first, last) for _, first, last in there}]
    if len(missing) > len(spare) and row is None:
        (_, *fields, _, blob) = fetch_shapes(connection, [shape])[0]
        row = blob, tuple(fields)
    for interval in missing:
        if spare:
            connection.execute(
                "UPDATE control SET valid_from = ?, valid_to = ? WHERE fid = ?", (*interval, spare.pop(0))
            )
        elif row is not None:
            connection.execute(
                "INSERT INTO control (geom, source, part, controller, status, native, valid_from, valid_to,"
                " recorded_at, shape) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row[0], *row[1], *interval, now, shape),
            )
    connection.executemany("DELETE FROM control WHERE fid = ?", [(fid,) for fid in spare])


def _keep_superseded(connection: sqlite3.Connection, shape: int, span: Interval, now: str) -> None:
    """Copy what a polygon's rows say about `span` to the layer of superseded rows, before it is taken from them."""
    columns = "geom, source, part, controller, status, native, {}, {}, recorded_at, {}, shape"
    for fid, first, last in sorted(_rows_of(connection, shape)):  # in the order in which they came
        lost = overlap((first, last), span)
        if lost is not None:
            connection.execute(
                f"INSERT INTO control_superseded ({columns.format('valid_from', 'valid_to', 'superseded_at')})"
                f" SELECT {columns.format('?', '?', '?')} FROM control WHERE fid = ?",
                (*lost, now, fid),
            )
