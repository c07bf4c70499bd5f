"""The archive as it was known at an earlier moment, from the members of the recordings in force then."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from geo.schema import write_instant
from geo.storage import cell_checks, intervals
from geo.storage.geometries import fetch_shapes, unpack


def known_then(table: pd.DataFrame, moment: datetime) -> pd.Series:
    """Which recordings were in force at a moment: recorded, not yet taken back, and the last for their instant."""
    at = write_instant(moment)
    known = (table["recorded_at"] <= at) & (table["retracted_at"].isna() | (table["retracted_at"] > at))
    keys = [c for c in ("source", "part", "depicts") if c in table]
    latest = table[known].sort_values("recorded_at").drop_duplicates(keys, keep="last").index
    return pd.Series(table.index.isin(latest), index=table.index)


def rows_then(connection: sqlite3.Connection, series: pd.DataFrame, at: str) -> list[tuple[Any, ...]]:
    """The rows of one part at an instant, from the recordings in force then."""
    series = series.sort_values("depicts")
    past = series[series["depicts"] <= at]
    if past.empty:
        return []
    later = series[series["depicts"] > at]
    here = unpack(past["members"].iloc[-1])
    starts = dict.fromkeys(here.tolist(), past["depicts"].iloc[-1])
    alive = here
    for depicts, packed in zip(past["depicts"].iloc[-2::-1], past["members"].iloc[-2::-1], strict=True):
        alive = np.intersect1d(alive, unpack(packed))
        if not len(alive):
            break
        starts |= dict.fromkeys(alive.tolist(), depicts)
    ends: dict[int, str | None] = dict.fromkeys(here.tolist())
    alive = here
    for depicts, packed in zip(later["depicts"], later["members"], strict=True):
        gone = np.setdiff1d(alive, unpack(packed))
        ends |= dict.fromkeys(gone.tolist(), depicts)
        alive = np.setdiff1d(alive, gone)
        if not len(alive):
            break
    found = fetch_shapes(connection, here.tolist())
    rows = [(*r[1:6], starts[r[0]], ends[r[0]], r[6], None, r[7]) for r in found]
    return sorted(rows, key=lambda r: (r[1], r[3], r[2] or "", r[4] or ""))


def rows_at_then(
    connection: sqlite3.Connection, source: str | None, lon: float, lat: float, known: datetime
) -> list[tuple[Any, ...]]:
    """The rows whose boxes hold a point, over all time, from the recordings in force at a moment."""
    near: set[int] = set()
    for table in ("control", "control_superseded"):
        query = (
            f"SELECT DISTINCT c.shape FROM {table} c JOIN rtree_{table}_geom r ON r.id = c.fid"
            " WHERE r.minx <= ? AND r.maxx >= ? AND r.miny <= ? AND r.maxy >= ? AND (? IS NULL OR c.source = ?)"
        )
        near |= {row[0] for row in connection.execute(query, (lon, lon, lat, lat, source, source))}
    wanted = np.array(sorted(near), dtype=np.int64)
    spans: dict[int, list[intervals.Interval]] = {}
    for _, series in _in_force_then(connection, known).groupby(["source", "part"], sort=True):
        ends = [*series["depicts"].tolist()[1:], None]
        for depicts, end, packed in zip(series["depicts"], ends, series["members"], strict=True):
            for shape in np.intersect1d(wanted, unpack(packed)).tolist():
                spans[shape] = intervals.add(spans.get(shape, []), (depicts, end))
    found = fetch_shapes(connection, sorted(spans))
    return [(*r[1:6], first, last, r[6], None, r[7]) for r in found for first, last in spans[r[0]]]


def controllers_then(connection: sqlite3.Connection, known: datetime, limits: Mapping[str, str]) -> list[str]:
    """Every side of the polygons of the recordings in force at a moment, before each source's limit, by name."""
    table = _in_force_then(connection, known)
    rows = zip(table["source"], table["depicts"], table["members"], strict=True)
    members = [unpack(packed) for source, depicts, packed in rows if depicts < limits.get(source, "~")]
    alive = set(np.unique(np.concatenate(members)).tolist()) if members else set()
    sides: dict[int, str] = {}
    for layer in ("control", "control_superseded"):
        query = f"SELECT DISTINCT shape, controller FROM {layer} WHERE controller IS NOT NULL"
        sides |= dict(connection.execute(query).fetchall())
    return sorted({side for shape, side in sides.items() if shape in alive})


def _in_force_then(connection: sqlite3.Connection, known: datetime) -> pd.DataFrame:
    """The recordings in force at a moment with their members, in order of what they depict."""
    query = (
        "SELECT source, part, depicts, recorded_at, retracted_at, members FROM snapshots"
        " ORDER BY source, part, depicts, id"
    )
    table = cell_checks.read_frame(connection, query, table="snapshots")
    return table[known_then(table, known)]
