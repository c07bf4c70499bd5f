"""The archive's file and its tables: layers, and what is on record beside them (sources, receipts, claims, rules)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.schema import CLAIM_COLUMNS, CRS, UNIT_COLUMNS, Source
from geo.storage import gpkg, tables
from geo.storage.connection import Access
from geo.storage.control_layer import ControlTable
from geo.storage.gpkg import plain, promote
from geo.storage.incident_layer import IncidentTable


class UnitTable(Access):
    """Reading and writing of units."""

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

    def put_accuracy(self, connection: sqlite3.Connection, source: str, km: float | None) -> None:
        """Keep how far a source's drawn lines may be off; None is not known."""
        connection.execute("UPDATE sources SET accuracy_km = ? WHERE name = ?", (km, source))

    def imports(self) -> pd.DataFrame:
        """Every file of incidents, units and claims, with its receipt."""
        return self._table("SELECT * FROM imports ORDER BY id", table="imports")

    def note_import(self, connection: sqlite3.Connection, now: str, **values: Any) -> None:
        """Keep a file's receipt."""
        values = {**values, "recorded_at": now}
        names = ", ".join(values)
        connection.execute(
            f"INSERT INTO imports ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )

    def claims(self) -> pd.DataFrame:
        """Every published figure on record."""
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
