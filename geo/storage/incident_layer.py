"""The layer of incidents: rows in, frames of a span of days out."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.schema import CRS, INCIDENT_COLUMNS, INCIDENT_NUMBERS, write_instant
from geo.storage import gpkg, tables
from geo.storage.connection import Access
from geo.storage.gpkg import plain

_AT_ONCE = 10_000  # incidents written in one go: more would only take memory
_CHUNK = 900  # values in one statement: old builds of SQLite take 999
# what incidents are asked for by -> where it stands
_AMONG = {
    "dataset": ("dataset",),
    "event_type": ("event_type", "sub_event_type"),
    "verification": ("coalesce(verification, 'not stated')",),
}


class IncidentTable(Access):
    """Reading and writing of incidents."""

    def datasets(self) -> list[str]:
        """The datasets that incidents are on record from, by name."""
        with self.reading() as connection:
            return [r[0] for r in connection.execute("SELECT DISTINCT dataset FROM incidents ORDER BY dataset")]

    def put_incidents(
        self, connection: sqlite3.Connection, frame: gpd.GeoDataFrame, dataset: str, now: str
    ) -> dict[str, int]:
        """Take incidents in. One with an id already there is replaced where it differs, and the old row is kept."""
        counts = {"new": 0, "changed": 0, "unchanged": 0}
        for at in range(0, len(frame), _AT_ONCE):
            _put_some(connection, frame.iloc[at : at + _AT_ONCE], dataset, now, counts)
        if len(frame):
            gpkg.widen(connection, "incidents", np.asarray(frame.geometry.array), now=now)
        return counts

    def incidents(
        self,
        *,
        first: str | None = None,
        last: str | None = None,
        as_known_on: datetime | None = None,
        box: Sequence[float] | None = None,
        among: Mapping[str, Sequence[str]] | None = None,
        orig: bool = True,
    ) -> gpd.GeoDataFrame:
        """Incidents whose dates fall into a span of days, as known now or then."""
        columns = [*(c for c in INCIDENT_COLUMNS if orig or c != "orig"), "dataset", "recorded_at"]
        names = ", ".join(f'"{c}"' for c in columns)
        conditions: list[str] = ["1"]
        values: list[Any] = []
        condition, ends = _in_span(first, last)
        conditions.append(condition)
        values += ends
        for name, wanted in (among or {}).items():
            marks = ", ".join("?" * len(wanted))
            conditions.append(f"({' OR '.join(f'{c} COLLATE NOCASE IN ({marks})' for c in _AMONG[name])})")
            values += list(wanted) * len(_AMONG[name])
        tables = ["incidents"]
        if as_known_on is not None:
            known = write_instant(as_known_on)
            conditions.append("recorded_at <= ? AND (superseded_at IS NULL OR superseded_at > ?)")
            values += [known, known]
            tables.append("incidents_superseded")
        parts = []
        for table in tables:
            near = (
                f" AND fid IN (SELECT id FROM rtree_{table}_geom WHERE maxx >= ? AND maxy >= ? AND minx <= ?"
                " AND miny <= ?)"
            )
            where = " AND ".join(conditions) + (near if box is not None else "")
            parts.append(f"SELECT {names}, geom, fid FROM {table} WHERE {where}")
        query = " UNION ALL ".join(parts)
        values += [] if box is None else list(map(float, box))
        with self.reading() as connection:
            rows = connection.execute(query + " ORDER BY date_start, fid", values * len(tables)).fetchall()
        if not rows:  # most maps of a series show none
            return self.recall(("no incidents", orig), lambda: _incident_frame([], columns)).copy()
        return _incident_frame(rows, columns)


def _put_some(
    connection: sqlite3.Connection, frame: gpd.GeoDataFrame, dataset: str, now: str, counts: dict[str, int]
) -> None:
    """Take a part of the incidents in, and count what became of them."""
    columns = list(INCIDENT_COLUMNS)
    names = ", ".join(f'"{c}"' for c in columns)
    there = _incidents_there(connection, frame["event_id"].tolist(), dataset)
    fresh: list[tuple[Any, ...]] = []
    blobs = gpkg.encode(np.asarray(frame.geometry.array, dtype=object))
    for blob, values in zip(blobs, zip(*(plain(frame[c]) for c in columns), strict=True), strict=True):
        old = there.get(values[0])
        if old is not None and old[2:] == values:
            counts["unchanged"] += 1
            continue
        if old is not None:
            _supersede_incident(connection, old[0], now)
        counts["changed" if old is not None else "new"] += 1
        fresh.append((blob, *values, dataset, now))
    connection.executemany(
        f"INSERT INTO incidents (geom, {names}, dataset, recorded_at) VALUES ({', '.join('?' * (len(columns) + 3))})",
        fresh,
    )


def _incident_frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Rows of these columns, the geometry and a number."""
    tables.refuse_damaged(rows, [*columns, "geom"], table="incidents")
    held = {
        c: np.array([r[i] for r in rows], dtype=float if c in INCIDENT_NUMBERS else object)
        for i, c in enumerate(columns)
    }
    frame = pd.DataFrame({c: pd.Series(values, dtype=values.dtype) for c, values in held.items()})
    return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-2] for r in rows]), crs=CRS)


def _in_span(first: str | None, last: str | None) -> tuple[str, list[str]]:
    """What says that an incident falls into a span of days: it begins in it, or began before and lasted into it."""
    end = "~" if last is None else last  # after every day
    if first is None:
        return ("1", []) if last is None else ("date_start <= ?", [last])
    begins, lasts = "date_start >= ?", "date_end > date_start AND date_end >= ? AND date_start < ?"
    return f"(({begins} AND date_start <= ?) OR ({lasts} AND date_start <= ?))", [first, end, first, first, end]


def _incidents_there(connection: sqlite3.Connection, ids: Sequence[str], dataset: str) -> dict[str, tuple[Any, ...]]:
    """The rows of a dataset that have one of these ids: event_id -> (fid, event_id, columns of the schema)."""
    names = ", ".join(f'"{c}"' for c in INCIDENT_COLUMNS)
    found: dict[str, tuple[Any, ...]] = {}
    if not connection.execute("SELECT 1 FROM incidents WHERE dataset = ? LIMIT 1", (dataset,)).fetchone():
        return found
    for at in range(0, len(ids), _CHUNK):
        some = ids[at : at + _CHUNK]
        marks = ", ".join("?" * len(some))
        query = f"SELECT fid, event_id, {names} FROM incidents WHERE dataset = ? AND event_id IN ({marks})"
        found |= {row[1]: row for row in connection.execute(query, (dataset, *some))}
    return found


def _supersede_incident(connection: sqlite3.Connection, fid: int, now: str) -> None:
    names = ", ".join(f'"{c}"' for c in INCIDENT_COLUMNS)
    connection.execute(
        f"INSERT INTO incidents_superseded (geom, {names}, dataset, recorded_at, superseded_at)"
        f" SELECT geom, {names}, dataset, recorded_at, ? FROM incidents WHERE fid = ?",
        (now, fid),
    )
    connection.execute("DELETE FROM incidents WHERE fid = ?", (fid,))
