"""Frames of control: what stood at an instant or over a point, as known now or then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError
from geo.schema import CRS, write_instant
from geo.storage import gpkg, snapshots, tables
from geo.storage.connection import Access
from geo.storage.gpkg import fetch_shapes, unpack

CONTROL_FIELDS = (
    "source", "part", "controller", "status", "native", "valid_from", "valid_to", "recorded_at", "superseded_at",
)  # fmt: skip
_AT_ONCE = 200  # rows of polygons
# an earlier version wrote the year 25 as 25- or 0025-: what is of such a year is left out, and told
_READABLE = "({0} GLOB '19[0-9][0-9]-*' OR {0} GLOB '[2-9][0-9][0-9][0-9]-*')"
_DATED = _READABLE.format("depicts")


class ControlTable(Access):
    """Reading of snapshots and of the layer of control."""

    def snapshots(self, *, as_known_on: datetime | None = None) -> pd.DataFrame:
        """The table of snapshots, without their member lists."""
        with self.reading() as connection:
            query = f"SELECT * FROM snapshots WHERE {_DATED} ORDER BY source, part, depicts, id"
            frame = tables.read_frame(connection, query, table="snapshots")
        frame = frame.drop(columns=["id", "members"])
        return frame if as_known_on is None else frame[known_then(frame, as_known_on)].reset_index(drop=True)

    def control_sources(self) -> list[str]:
        with self.reading() as connection:
            return [r[0] for r in connection.execute("SELECT DISTINCT source FROM snapshots ORDER BY source")]

    def depicted(self, source: str) -> list[str]:
        """Every instant of which a source was ever recorded, taken back or not."""
        with self.reading() as connection:
            query = f"SELECT DISTINCT depicts FROM snapshots WHERE source = ? AND {_DATED}"
            rows = connection.execute(query, (source,)).fetchall()
        return [str(depicts) for (depicts,) in rows]

    def undated(self, source: str) -> list[str]:
        """The snapshots of a source that are of no year in which one can be, and not taken back."""
        with self.reading() as connection:
            query = f"SELECT snapshot FROM snapshots WHERE source = ? AND retracted_at IS NULL AND NOT {_DATED}"
            return [str(name) for (name,) in connection.execute(f"{query} ORDER BY id", (source,))]

    def controllers(self, *, as_known_on: datetime | None = None, limits: Mapping[str, str] | None = None) -> list[str]:
        """Every side that control is on record by, as known now or then, before each source's limit, by name."""
        if as_known_on is not None:
            with self.reading() as connection:
                return controllers_then(connection, as_known_on, limits or {})
        if limits:
            query = (
                "SELECT source, controller, min(valid_from) AS begins FROM control WHERE controller IS NOT NULL"
                " GROUP BY source, controller"
            )
            table = self._table(query, table="control")
            rows = zip(table["source"], table["controller"], table["begins"], strict=True)
            return sorted({str(side) for source, side, begins in rows if begins < limits.get(source, "~")})
        query = "SELECT DISTINCT controller FROM control WHERE controller IS NOT NULL ORDER BY controller"
        table = self._table(query, table="control")
        return [str(name) for name in table["controller"]]

    def in_force(self, source: str, known: datetime) -> list[tuple[str, str, str]]:
        """(depicts, part, snapshot) of every recording of a source that counted at a moment, oldest state first."""
        at = write_instant(known)
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT depicts, part, snapshot FROM snapshots WHERE source = ? AND recorded_at <= ?"
                f" AND (retracted_at IS NULL OR retracted_at > ?) AND {_DATED} ORDER BY depicts, recorded_at, id",
                (source, at, at),
            ).fetchall()
        tables.refuse_damaged(rows, ("depicts", "part", "snapshot"), table="snapshots")
        return rows

    def control_now(self, source: str, instant: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source that stand at an instant, as known now, straight from the layer."""
        at = write_instant(instant)
        return self._rows(
            "WHERE source = ? AND valid_from <= ? AND (valid_to IS NULL OR valid_to > ?)"
            " ORDER BY part, status, controller, native, shape",
            (source, at, at),
        )

    def control_rows(
        self, source: str, first: datetime | None = None, last: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Every polygon of a source with its interval, as known now: the whole layer, or what stood in a span."""
        return self._rows(
            "WHERE source = ? AND (valid_to IS NULL OR valid_to > ?) AND valid_from <= ?"
            " ORDER BY part, shape, valid_from",
            (source, write_instant(first) if first else "", write_instant(last) if last else "~"),
        )

    def rows_between(self, source: str, instants: Sequence[datetime], known: datetime | None) -> gpd.GeoDataFrame:
        """Every polygon of a source that stood at one of the instants, once for as long as it stands."""
        if known is None or not instants:
            return self.control_rows(source, *((instants[0], instants[-1]) if instants else ()))
        states = [self.control_then(source, i, as_known_on=known) for i in instants]
        rows = pd.concat(states, ignore_index=True)
        again = pd.DataFrame({"wkb": rows.geometry.to_wkb(), **{c: rows[c] for c in CONTROL_FIELDS[:6]}}).duplicated()
        return gpd.GeoDataFrame(rows[~again.to_numpy()].reset_index(drop=True), crs=CRS)

    def control_at(
        self, source: str | None, lon: float, lat: float, *, as_known_on: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Every polygon that ever stood over a point, as known now or then, found by the layers' spatial indexes."""
        if as_known_on is not None:
            with self.reading() as connection:
                frame = _control_frame(rows_at_then(connection, source, lon, lat, as_known_on))
        else:
            frame = self._rows(
                "JOIN rtree_control_geom r ON r.id = control.fid WHERE r.minx <= ? AND r.maxx >= ? AND r.miny <= ?"
                " AND r.maxy >= ? AND (? IS NULL OR source = ?) ORDER BY source, part, valid_from",
                (lon, lon, lat, lat, source, source),
            )
        return frame[frame.intersects(shapely.Point(lon, lat))].reset_index(drop=True)

    def last_boxes(self, source: str, part: str) -> NDArray[np.float64]:
        """West, south, east and north of every polygon of the last state of a source's part, shape (n, 4)."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT r.minx, r.miny, r.maxx, r.maxy FROM control c JOIN rtree_control_geom r ON r.id = c.fid"
                " WHERE c.source = ? AND c.part = ? AND c.valid_to IS NULL",
                (source, part),
            ).fetchall()
        return np.array(rows, dtype=float).reshape(-1, 4)

    def control_then(self, source: str, instant: datetime, *, as_known_on: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source at an instant, as the archive knew them at an earlier moment."""
        at = write_instant(instant)
        with self.reading() as connection:
            query = (
                "SELECT part, depicts, recorded_at, retracted_at, members FROM snapshots WHERE source = ?"
                f" AND {_DATED} ORDER BY part, depicts, id"
            )
            table = tables.read_frame(connection, query, (source,), table="snapshots")
            table = table[known_then(table, as_known_on)]
            rows: list[tuple[Any, ...]] = []
            for _, series in table.groupby("part", sort=True):
                rows += rows_then(connection, series, at)
        return _control_frame(rows)

    def members(self, snapshot: str) -> gpd.GeoDataFrame:
        """One recording's own polygons, whatever became of it."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT members, depicts FROM snapshots WHERE snapshot = ?", (snapshot,)
            ).fetchone()
            if row is None:
                raise ArchiveError(f"{self.path}: no snapshot {snapshot!r}; geo snapshots lists them")
            found = fetch_shapes(connection, unpack(row[0]).tolist())
        return _control_frame([(*r[1:6], row[1], None, r[6], None, r[7]) for r in found])

    def _rows(self, rest: str, values: Sequence[Any]) -> gpd.GeoDataFrame:
        """Rows of the layer as known now; `rest` of the query is where and in what order."""
        with self.reading() as connection:
            # what was cut off by such a snapshot stands still
            ends = f"CASE WHEN {_READABLE.format('valid_to')} THEN valid_to END AS valid_to"
            columns = ", ".join(ends if name == "valid_to" else name for name in CONTROL_FIELDS)
            begins = f"AND {_READABLE.format('valid_from')} ORDER BY"
            query = f"SELECT {columns}, geom FROM control {rest.replace('ORDER BY', begins)}"
            return _control_frame(connection.execute(query, tuple(values)))


def _control_frame(rows: Iterable[tuple[Any, ...]]) -> gpd.GeoDataFrame:
    listed: list[tuple[Any, ...]] = []
    shapes = []
    walk = iter(rows)
    while some := list(islice(walk, _AT_ONCE)):  # blobs and geometries of a long series are not in memory together
        tables.refuse_damaged(some, (*CONTROL_FIELDS, "geom"), table="control")
        listed += [r[:-1] for r in some]
        shapes.append(gpkg.decode([r[-1] for r in some]))
    frame = pd.DataFrame(listed, columns=list(CONTROL_FIELDS), dtype=object)
    try:
        for column in ("valid_from", "valid_to", "recorded_at", "superseded_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    except ValueError as error:
        raise ArchiveError(f"the table control is damaged: {error}: geo check says more") from error
    return gpd.GeoDataFrame(frame, geometry=np.concatenate([*shapes, np.empty(0, dtype=object)]), crs=CRS)


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
    spans: dict[int, list[snapshots.Interval]] = {}
    for _, series in _in_force_then(connection, known).groupby(["source", "part"], sort=True):
        ends = [*series["depicts"].tolist()[1:], None]
        for depicts, end, packed in zip(series["depicts"], ends, series["members"], strict=True):
            for shape in np.intersect1d(wanted, unpack(packed)).tolist():
                spans[shape] = snapshots.add_interval(spans.get(shape, []), (depicts, end))
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
        f" WHERE {_DATED} ORDER BY source, part, depicts, id"
    )
    table = tables.read_frame(connection, query, table="snapshots")
    return table[known_then(table, known)]
