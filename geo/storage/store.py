"""The archive's file and its tables: layers, and what is on record beside them (sources, receipts, claims, rules)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.schema import CLAIM_COLUMNS, CRS, INCIDENT_COLUMNS, INCIDENT_NUMBERS, UNIT_COLUMNS, Source, write_instant
from geo.storage import gpkg, qgis_styles, tables
from geo.storage.connection import Access
from geo.storage.control_layer import ControlTable
from geo.storage.gpkg import plain, promote

_AT_ONCE = 10_000  # incidents written in one go: more would only take memory
_CHUNK = 900  # values in one statement: old builds of SQLite take 999
# what incidents are asked for by -> where it stands
_AMONG = {
    "dataset": ("dataset",),
    "event_type": ("event_type", "sub_event_type"),
    "verification": ("coalesce(verification, 'not stated')",),
}


class IncidentTable(Access):
    def datasets(self) -> list[str]:
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


class UnitTable(Access):
    def put_units(
        self, connection: sqlite3.Connection, frame: gpd.GeoDataFrame, areas: Sequence[float], now: str
    ) -> bool:
        """Take units in; those of the same boundary set and level are replaced as a whole."""
        geometries = promote(np.asarray(frame.geometry.array, dtype=object))
        blobs = gpkg.encode(geometries)
        values = list(zip(*(plain(frame[c]) for c in UNIT_COLUMNS), strict=True))
        sets = sorted({(b, int(n)) for b, n in zip(frame["boundary"], frame["level"], strict=True)})
        there: list[tuple[Any, ...]] = []
        for key in sets:
            query = f"SELECT geom, {', '.join(UNIT_COLUMNS)} FROM units WHERE boundary = ? AND level = ? ORDER BY fid"
            there += connection.execute(query, key)
        if sorted(there, key=repr) == sorted(((b, *v) for b, v in zip(blobs, values, strict=True)), key=repr):
            return False
        connection.executemany("DELETE FROM units WHERE boundary = ? AND level = ?", sets)
        connection.executemany(
            f"INSERT INTO units (geom, {', '.join(UNIT_COLUMNS)}, recorded_at, area_km2)"
            f" VALUES ({', '.join('?' * (len(UNIT_COLUMNS) + 3))})",
            [(b, *v, now, float(a)) for b, v, a in zip(blobs, values, areas, strict=True)],
        )
        gpkg.widen(connection, "units", geometries, now=now)
        return True

    def units_stamp(self) -> tuple[Any, ...]:
        """What tells whether the units are those of before: another file, or other units in it."""
        with self.reading() as connection:
            row = connection.execute("SELECT count(*), max(fid), max(recorded_at) FROM units").fetchone()
        return (self.path.stat().st_ino, *row)

    def units(self, *, geometry: bool = True) -> gpd.GeoDataFrame | pd.DataFrame:
        """Every administrative unit, coarsest first; later boundary sets after earlier ones."""
        columns = [*UNIT_COLUMNS, "area_km2", "recorded_at"]
        query = f"SELECT {', '.join(columns)}{', geom' if geometry else ''} FROM units ORDER BY level, recorded_at, fid"
        with self.reading() as connection:
            rows = connection.execute(query).fetchall()
        tables.refuse_damaged(rows, [*columns, *(["geom"] if geometry else [])], table="units")
        if not geometry:
            return pd.DataFrame(rows, columns=columns)
        frame = pd.DataFrame([r[:-1] for r in rows], columns=columns, dtype=object)
        frame = frame.astype({"level": int, "area_km2": float})
        return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-1] for r in rows]), crs=CRS)


class RecordTables(Access):
    """Reading and writing of what is on record beside the layers, and an overview of these."""

    def layers(self) -> pd.DataFrame:
        """What is in the layers: layer, name (of source, dataset or boundary set), rows, first and last (dates)."""
        return self._table(
            "SELECT 'control' AS layer, source AS name, COUNT(*) AS rows, NULL AS first, NULL AS last FROM control"
            " GROUP BY source UNION ALL"
            " SELECT 'incidents', dataset, COUNT(*), MIN(date_start), MAX(date_end) FROM incidents GROUP BY dataset"
            " UNION ALL SELECT 'units', boundary, COUNT(*), NULL, NULL FROM units GROUP BY boundary"
            " UNION ALL SELECT 'claims', '', COUNT(*), NULL, NULL FROM claims HAVING COUNT(*) > 0"
        )

    def sources(self) -> pd.DataFrame:
        """Name, title, URL, licence and attribution of every source."""
        return self._table("SELECT name, title, url, licence, attribution FROM sources ORDER BY name", table="sources")

    def add_source(self, connection: sqlite3.Connection, source: Source) -> None:
        """Enter whom to credit, or bring the entry up to date."""
        connection.execute(
            "INSERT INTO sources (name, title, url, licence, attribution) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET title = excluded.title, url = excluded.url,"
            " licence = excluded.licence, attribution = excluded.attribution",
            (source.name, source.title, source.url, source.licence, source.attribution),
        )

    def accuracy_km(self, source: str) -> float | None:
        """How far a source's drawn lines may be off, in km, where somebody has said so."""
        with self.reading() as connection:
            row = connection.execute("SELECT accuracy_km FROM sources WHERE name = ?", (source,)).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def imports(self) -> pd.DataFrame:
        return self._table("SELECT * FROM imports ORDER BY id", table="imports")

    def note_import(self, connection: sqlite3.Connection, now: str, **values: Any) -> None:
        """Keep a file's receipt."""
        values = {**values, "recorded_at": now}
        names = ", ".join(values)
        connection.execute(
            f"INSERT INTO imports ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )

    def claims(self) -> pd.DataFrame:
        return self._table("SELECT * FROM claims ORDER BY id", table="claims").drop(columns="id")

    def put_claims(self, connection: sqlite3.Connection, rows: Iterable[Mapping[str, Any]], now: str) -> int:
        """Take published figures in; one with an id already there is brought up to date."""
        names = ", ".join(CLAIM_COLUMNS)
        told = ", ".join(f"excluded.{name}" for name in CLAIM_COLUMNS)
        return sum(
            connection.execute(
                f"INSERT INTO claims ({names}, recorded_at) VALUES ({'?, ' * len(CLAIM_COLUMNS)}?)"
                f" ON CONFLICT (claim_id) DO UPDATE SET ({names}, recorded_at) = ({told}, excluded.recorded_at)"
                f" WHERE ({names}) IS NOT ({told})",
                [*map(row.get, CLAIM_COLUMNS), now],
            ).rowcount
            for row in rows
        )

    def rules(self) -> list[tuple[Any, ...]]:
        """(kind, value, source, event_type, places, set_at) of every rule, in the order in which they were set."""
        columns = ("kind", "value", "source", "event_type", "places", "set_at")
        with self.reading() as connection:
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM rules ORDER BY id").fetchall()
        tables.refuse_damaged(rows, columns, table="rules")
        return rows

    def put_rule(self, connection: sqlite3.Connection, values: Sequence[Any], now: str) -> None:
        """Set a rule, in place of the one of its kind for the same source and event type."""
        self.drop_rules(connection, kind=values[0], source=values[2], event_type=values[3])
        connection.execute(
            "INSERT INTO rules (kind, value, source, event_type, places, set_at) VALUES (?, ?, ?, ?, ?, ?)",
            (*values, now),
        )

    def drop_rules(
        self, connection: sqlite3.Connection, *, kind: str | None, source: str | None, event_type: str | None
    ) -> int:
        """Lift the rules for a source and an event type (None: those for all), of one kind or of every one."""
        return connection.execute(
            "DELETE FROM rules WHERE (? IS NULL OR kind = ?) AND source IS ? AND event_type IS ?",
            (kind, kind, source, event_type),
        ).rowcount


class Store(ControlTable, IncidentTable, UnitTable, RecordTables):
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

    def _put_styles(self, connection: sqlite3.Connection, *, now: str) -> None:
        qgis_styles.put_default_styles(connection, now=now)
