"""Who holds each settlement: a row for as long as a source says the same of a place, and what was said before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np

from geo.errors import ArchiveError
from geo.schema import SETTLEMENT_COLUMNS, write_instant
from geo.storage import gpkg, layout, snapshots
from geo.storage.gpkg import plain

SETTLEMENT_FIELDS = (
    "source", "place", "name", "controller", "status", "native", "valid_from", "valid_to", "recorded_at",
)  # fmt: skip


_Said = tuple[str, tuple[Any, ...]]  # from when, and what is said: name, controller, status, native
Statement = tuple[str, str | None, tuple[Any, ...]]  # from, to, and what is said


@dataclass(frozen=True)
class _File:
    """A file on settlements: when it came, of which days it speaks, and of which places from when until when."""

    at: str
    name: str
    days: Sequence[str]
    reach: str | None  # the next day of which another file had spoken when it came
    unnamed: Collection[str] | None  # of the places on record then those that it does not name; None is not known
    later: Mapping[str, str]  # places of which it speaks from a later day than its first


class _Row(NamedTuple):
    """What was said of a place from when until when, and from which moment until which that was on record."""

    first: str
    last: str | None
    said: tuple[Any, ...]
    geom: bytes
    recorded: str
    superseded: str | None


def put_settlements(connection: sqlite3.Connection, frame: gpd.GeoDataFrame, source: str, now: str) -> dict[str, int]:
    """Take statements in; what differs is replaced, and what was said before is kept."""
    days = set(frame.attrs["days"])
    known = {day for file in panel_files(connection, source, None) for day in file.days}
    reach = _next_day(known, days)
    there = _panel_rows(connection, source)
    blobs = gpkg.encode(np.asarray(frame.geometry.array, dtype=object))
    said: dict[str, list[_Said]] = {}
    places: dict[str, bytes] = {}
    for blob, values in zip(blobs, zip(*(plain(frame[c]) for c in SETTLEMENT_COLUMNS), strict=True), strict=True):
        said.setdefault(values[0], []).append((values[5], values[1:5]))
        places[values[0]] = blob
    frame.attrs["named"] = {
        "reach": reach, "unnamed": sorted(_places_ever(connection, source) - said.keys()),
        "later": {place: told[0][0] for place, told in said.items() if told[0][0] > min(days)},
    }  # fmt: skip
    counts = {"days": len(days - known), "changed": 0, "unchanged": 0}
    wanted = {place: _timeline(there.get(place, {}), told, reach) for place, told in said.items()}
    changed = _write(connection, source, there, wanted, places, now)
    counts |= {"changed": changed, "unchanged": len(said) - changed}
    gpkg.widen(connection, "settlements", np.asarray(frame.geometry.array, dtype=object), now=now)
    layout.fix_sides(connection, {side for side in frame["controller"] if isinstance(side, str)}, now=now)
    return counts


def take_back_settlements(connection: sqlite3.Connection, source: str, day: str | None, *, why: str, now: str) -> None:
    """Undo the last file of a source, or the last that speaks of a day; what was said stays on record."""
    files = panel_files(connection, source, None)
    spoken = [file for file in files if day is None or any(one.startswith(day) for one in file.days)]
    if not spoken:
        listed = ", ".join(f"{source}@{file.days[-1][:10]} ({file.name})" for file in files[-5:]) or "none"
        of = "" if day is None else f" of {day}"
        raise ArchiveError(f"no file on settlements by {source!r}{of} is there to be taken back; there are: {listed}")
    gone = spoken[-1]
    before = files[: files.index(gone)]
    again = files[len(before) + 1 :]
    from_scratch = _was_taken_back_since(connection, source, gone.at)
    again = [*before, *again] if from_scratch else again
    if any(file.unnamed is None for file in again):
        raise ArchiveError(
            f"{source}@{gone.days[-1][:10]}: a later file came in by an earlier version, which kept no list of its"
            f" places: take the later ones back first (geo retract ARCHIVE {source})"
        )
    rows = _history(connection, source)
    wanted = _without(rows, gone, [] if from_scratch else before, again, from_scratch)
    places = {place: told[-1].geom for place, told in rows.items()}
    _write(connection, source, _panel_rows(connection, source), wanted, places, now)
    receipt = json.dumps({"takes_back": gone.at, "why": why}, ensure_ascii=False)
    connection.execute(
        "INSERT INTO imports (kind, dataset, file_name, file_bytes, sha256, recorded_at, rows_in, rows_stored,"
        " rows_refused, receipt) VALUES ('settlements', ?, '', 0, '', ?, 0, 0, 0, ?)",
        (source, now, receipt),
    )


def _receipts(connection: sqlite3.Connection, source: str, known: datetime | None) -> list[tuple[str, str, Any]]:
    query = (
        "SELECT recorded_at, file_name, receipt FROM imports"
        " WHERE kind = 'settlements' AND dataset = ? AND recorded_at <= ? ORDER BY id"
    )
    found = []
    for recorded, name, receipt in connection.execute(query, (source, "~" if known is None else write_instant(known))):
        try:
            found.append((str(recorded), str(name), json.loads(receipt)))
        except (TypeError, ValueError):
            found.append((str(recorded), str(name), {}))
    return found


def panel_files(connection: sqlite3.Connection, source: str, known: datetime | None) -> list[_File]:
    """The files on settlements that stand, now or then, in the order in which they came."""
    files: dict[str, _File] = {}
    for recorded, name, told in _receipts(connection, source, known):
        if "takes_back" in told:
            files.pop(told["takes_back"], None)
        elif days := [str(day) for day in told.get("days", ())]:
            named = told.get("named", {})
            files[recorded] = _File(
                recorded, name, days, named.get("reach"), named.get("unnamed"), named.get("later", {})
            )
    return list(files.values())


def _was_taken_back_since(connection: sqlite3.Connection, source: str, at: str) -> bool:
    """Whether a file that came before a moment was taken back after it: what stood then stands no longer."""
    receipts = _receipts(connection, source, None)
    return any(recorded > at > told["takes_back"] for recorded, _, told in receipts if "takes_back" in told)


def _next_day(known: Collection[str], days: Collection[str]) -> str | None:
    """Until when a file's last statement stands: the next day of which another file has spoken."""
    return min((day for day in known if day > max(days)), default=None)


def _without(
    rows: Mapping[str, Sequence[_Row]], gone: _File, before: Sequence[_File], again: Sequence[_File], from_scratch: bool
) -> dict[str, Collection[Statement]]:
    """What would stand of each place without a file: what stood before it, and then what each later file says."""
    known = {day for file in before for day in file.days}
    reaches = []
    for file in again:
        reaches.append(_next_day(known, file.days))
        known |= set(file.days)
    unnamed = [frozenset(file.unnamed or ()) for file in again]
    found: dict[str, Collection[Statement]] = {}
    for place, told in rows.items():
        stands: Collection[Statement] = [
            (row.first, row.last, row.said) for row in told
            if not from_scratch and row.recorded < gone.at and (row.superseded is None or row.superseded >= gone.at)
        ]  # fmt: skip
        for file, reach, others in zip(again, reaches, unnamed, strict=True):
            if place not in others and any(row.recorded <= file.at for row in told):
                stands = _timeline(stands, _said_by(file, place, told), reach)
        found[place] = stands
    return found


def _said_by(file: _File, place: str, told: Sequence[_Row]) -> list[_Said]:
    """What a file says of a place: what stood of its time once it was in; nothing is a statement, too."""
    begins, nothing = file.later.get(place, file.days[0]), (None, None, None, None)
    said: list[_Said] = []
    end: str | None = begins
    for row in sorted(told, key=lambda row: row.first):
        if row.recorded <= file.at and (row.superseded is None or row.superseded > file.at):
            span = snapshots.overlap((row.first, row.last), (begins, file.reach))
            if span is not None:
                said += [(end, nothing)] if end is not None and end < span[0] else []
                said.append((span[0], row.said))
                end = span[1]
    return said if end == file.reach or end is None else [*said, (end, nothing)]


def _history(connection: sqlite3.Connection, source: str) -> dict[str, list[_Row]]:
    """By place all that was ever said of it, in the order in which it came."""
    columns = "place, valid_from, valid_to, name, controller, status, native, geom, recorded_at"
    query = (
        f"SELECT {columns}, NULL FROM settlements WHERE source = ? UNION ALL"
        f" SELECT {columns}, superseded_at FROM settlements_superseded WHERE source = ? ORDER BY recorded_at"
    )
    found: dict[str, list[_Row]] = {}
    for place, first, last, *said, geom, recorded, superseded in connection.execute(query, (source, source)):
        found.setdefault(place, []).append(_Row(first, last, tuple(said), geom, recorded, superseded))
    return found


def _places_ever(connection: sqlite3.Connection, source: str) -> set[str]:
    query = (
        "SELECT place FROM settlements WHERE source = ? UNION SELECT place FROM settlements_superseded WHERE source = ?"
    )
    return {str(place) for (place,) in connection.execute(query, (source, source))}


def _write(
    connection: sqlite3.Connection, source: str, there: Mapping[str, Mapping[Statement, int]],
    wanted: Mapping[str, Collection[Statement]], places: Mapping[str, bytes], now: str,
) -> int:  # fmt: skip
    """Bring the rows of places to what is wanted; of how many places they changed."""
    fresh: list[tuple[Any, ...]] = []
    changed = 0
    for place, statements in wanted.items():
        old = there.get(place, {})
        gone = [fid for key, fid in old.items() if key not in statements]
        new = [key for key in statements if key not in old]
        changed += bool(gone or new)
        _supersede_settlements(connection, gone, now)
        fresh += [(places[place], source, place, *said, first, last, now) for first, last, said in new]
    _insert_settlements(connection, fresh)
    return changed


def _panel_rows(connection: sqlite3.Connection, source: str) -> dict[str, dict[Statement, int]]:
    query = (
        "SELECT place, valid_from, valid_to, name, controller, status, native, fid FROM settlements WHERE source = ?"
    )
    found: dict[str, dict[Statement, int]] = {}
    for place, first, last, *said, fid in connection.execute(query, (source,)):
        found.setdefault(place, {})[first, last, tuple(said)] = fid
    return found


def _timeline(there: Iterable[Statement], statements: Sequence[_Said], reach: str | None) -> dict[Statement, None]:
    """What stands of a place with new statements in the place of old ones, equal ones that touch joined into one."""
    begins = statements[0][0]
    ends = [*(day for day, *_ in statements[1:]), reach]
    kept: list[Statement] = []
    for first, last, said in there:
        left = snapshots.subtract_interval([(first, last)], (begins, reach))
        kept += [(a, b, said) for a, b in left]
    kept += [(day, end, said) for (day, said), end in zip(statements, ends, strict=True) if said[2] is not None]
    joined: list[Statement] = []
    for first, last, said in sorted(kept, key=lambda row: row[0]):
        if joined and joined[-1][1] == first and joined[-1][2] == said:
            joined[-1] = (joined[-1][0], last, said)
        else:
            joined.append((first, last, said))
    return dict.fromkeys(joined)


def _supersede_settlements(connection: sqlite3.Connection, fids: Sequence[int], now: str) -> None:
    columns = ", ".join(("geom", *SETTLEMENT_FIELDS))
    for fid in fids:
        connection.execute(
            f"INSERT INTO settlements_superseded ({columns}, superseded_at) SELECT {columns}, ? FROM settlements"
            " WHERE fid = ?",
            (now, fid),
        )
        connection.execute("DELETE FROM settlements WHERE fid = ?", (fid,))


def _insert_settlements(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(("geom", *SETTLEMENT_FIELDS))
    marks = ", ".join("?" * (1 + len(SETTLEMENT_FIELDS)))
    connection.executemany(f"INSERT INTO settlements ({columns}) VALUES ({marks})", rows)
