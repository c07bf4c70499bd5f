"""The layer of administrative units: boundary sets in, frames out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.schema import CRS, UNIT_COLUMNS
from geo.storage import cell_checks, gpkg
from geo.storage.connection import Access
from geo.storage.geometries import plain, promote


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
        cell_checks.refuse_damaged(rows, [*columns, *(["geom"] if geometry else [])], table="units")
        if not geometry:
            return pd.DataFrame(rows, columns=columns)
        frame = pd.DataFrame([r[:-1] for r in rows], columns=columns, dtype=object)
        frame = frame.astype({"level": int, "area_km2": float})
        return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-1] for r in rows]), crs=CRS)
