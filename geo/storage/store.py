"""The archive's file and its tables: layers, and what is on record beside them (sources, receipts, claims, rules)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError
from geo.presentation.labels import credit_line
from geo.presentation.sides import Side, knowing
from geo.schema import (
    CLAIM_COLUMNS,
    CRS,
    INCIDENT_COLUMNS,
    INCIDENT_NUMBERS,
    UNIT_COLUMNS,
    Source,
    parse_instant,
    write_instant,
)
from geo.storage import attached, gpkg, layout, qgis_styles, snapshots
from geo.storage.attached import MOST_AT_ONCE, PART_COLUMNS, Attached, IncidentQuery, Part
from geo.storage.check_tables import table_findings
from geo.storage.connection import Access
from geo.storage.gpkg import fetch_shapes, plain, promote, unpack
from geo.storage.settlement_table import SETTLEMENT_FIELDS, panel_files
from geo.storage.snapshots import gaps_of, joined_over_gaps

CONTROL_FIELDS = (
    "source", "part", "controller", "status", "native", "valid_from", "valid_to", "recorded_at", "superseded_at",
)  # fmt: skip
_POLYGONS_AT_ONCE = 200  # rows of polygons


class ControlTable(Access):
    """Reading of snapshots and of the layer of control."""

    def snapshots(self, *, as_known_on: datetime | None = None) -> pd.DataFrame:
        """The table of snapshots, without their member lists."""
        with self.reading() as connection:
            query = "SELECT * FROM snapshots ORDER BY source, part, depicts, id"
            frame = layout.read_frame(connection, query, table="snapshots")
        frame = frame.drop(columns=["id", "members"])
        return frame if as_known_on is None else frame[known_then(frame, as_known_on)].reset_index(drop=True)

    def control_sources(self) -> list[str]:
        with self.reading() as connection:
            rows = connection.execute("SELECT DISTINCT source FROM snapshots ORDER BY source").fetchall()
        layout.refuse_damaged(rows, ("source",), table="snapshots")
        return [source for (source,) in rows]

    def depicted(self, source: str) -> list[str]:
        """Every instant of which a source was ever recorded, taken back or not."""
        with self.reading() as connection:
            rows = connection.execute("SELECT DISTINCT depicts FROM snapshots WHERE source = ?", (source,)).fetchall()
        return [str(depicts) for (depicts,) in rows]

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
                " AND (retracted_at IS NULL OR retracted_at > ?) ORDER BY depicts, recorded_at, id",
                (source, at, at),
            ).fetchall()
        layout.refuse_damaged(rows, ("depicts", "part", "snapshot"), table="snapshots")
        return rows

    def control_now(self, source: str, instant: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source that stand at an instant, as known now, straight from the layer."""
        # in a gap stands what the last map before it has: the layer's rows end with that map
        return self._rows(
            "JOIN (SELECT part AS of, max(depicts) AS last FROM snapshots WHERE source = ? AND retracted_at IS NULL"
            " AND depicts <= ? GROUP BY part) ON of = part"
            " WHERE source = ? AND valid_from <= last AND (valid_to IS NULL OR valid_to > last)"
            " ORDER BY part, status, controller, native, shape",
            (source, write_instant(instant), source),
        )

    def control_rows(
        self, source: str, first: datetime | None = None, last: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Every polygon of a source with its interval, as known now: the whole layer, or what stood in a span."""
        rows = self._rows(
            "WHERE source = ? AND valid_from <= ? ORDER BY part, shape, valid_from",
            (source, write_instant(last) if last else "~"),
        )
        if first is None:
            return rows
        stands = rows["valid_to"].isna() | (rows["valid_to"] > first)
        return gpd.GeoDataFrame(rows[stands].reset_index(drop=True), crs=CRS)

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

    def first_seen_beyond(self, source: str, box: Sequence[float], first: datetime, last: datetime) -> list[datetime]:
        """The instants of a span from which ground beyond a box (west, south, east, north) stood, as known now."""
        start, end = write_instant(first), write_instant(last)
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT max(c.valid_from, ?) FROM control c JOIN rtree_control_geom r ON r.id = c.fid"
                " WHERE c.source = ? AND c.valid_from <= ? AND (c.valid_to IS NULL OR c.valid_to > ?)"
                " AND (r.minx < ? OR r.miny < ? OR r.maxx > ? OR r.maxy > ?) ORDER BY 1",
                (start, source, end, start, *box),
            ).fetchall()
        return [parse_instant(at) for (at,) in rows]

    def control_then(self, source: str, instant: datetime, *, as_known_on: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source at an instant, as the archive knew them at an earlier moment."""
        at = write_instant(instant)
        with self.reading() as connection:
            query = (
                "SELECT part, depicts, recorded_at, retracted_at, members FROM snapshots WHERE source = ?"
                " ORDER BY part, depicts, id"
            )
            table = layout.read_frame(connection, query, (source,), table="snapshots")
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
        """Rows of the layer as known now, joined over gaps; `rest` of the query is where and in what order."""
        with self.reading() as connection:
            query = f"SELECT {', '.join(CONTROL_FIELDS)}, geom FROM control {rest}"
            frame = _control_frame(connection.execute(query, tuple(values)))
            maps = "SELECT source, part, depicts FROM snapshots WHERE retracted_at IS NULL"
            return joined_over_gaps(frame, gaps_of(connection.execute(maps))) if len(frame) else frame


def _control_frame(rows: Iterable[tuple[Any, ...]]) -> gpd.GeoDataFrame:
    listed: list[tuple[Any, ...]] = []
    shapes = []
    walk = iter(rows)
    # blobs and geometries of a long series are not in memory together
    while some := list(islice(walk, _POLYGONS_AT_ONCE)):
        layout.refuse_damaged(some, (*CONTROL_FIELDS, "geom"), table="control")
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
        found = layout.read_frame(connection, query, (lon, lon, lat, lat, source, source), table=table)
        near |= set(found["shape"].tolist())
    wanted = np.array(sorted(near), dtype=np.int64)
    spans: dict[int, list[snapshots.Interval]] = {}
    for _, series in _in_force_then(connection, known).groupby(["source", "part"], sort=True):
        ends = [*series["depicts"].tolist()[1:], None]
        for depicts, end, packed in zip(series["depicts"], ends, series["members"], strict=True):
            for shape in np.intersect1d(wanted, unpack(packed)).tolist():
                spans[shape] = snapshots.add_interval(spans.get(shape, []), (depicts, end))
    shapes = fetch_shapes(connection, sorted(spans))
    return [(*r[1:6], first, last, r[6], None, r[7]) for r in shapes for first, last in spans[r[0]]]


def controllers_then(connection: sqlite3.Connection, known: datetime, limits: Mapping[str, str]) -> list[str]:
    """Every side of the polygons of the recordings in force at a moment, before each source's limit, by name."""
    table = _in_force_then(connection, known)
    rows = zip(table["source"], table["depicts"], table["members"], strict=True)
    members = [unpack(packed) for source, depicts, packed in rows if depicts < limits.get(source, "~")]
    alive = set(np.unique(np.concatenate(members)).tolist()) if members else set()
    sides: dict[int, str] = {}
    for layer in ("control", "control_superseded"):
        query = f"SELECT DISTINCT shape, controller FROM {layer} WHERE controller IS NOT NULL"
        found = layout.read_frame(connection, query, table=layer)
        sides |= dict(zip(found["shape"].tolist(), found["controller"], strict=True))
    return sorted({side for shape, side in sides.items() if shape in alive})


def _in_force_then(connection: sqlite3.Connection, known: datetime) -> pd.DataFrame:
    """The recordings in force at a moment with their members, in order of what they depict."""
    query = (
        "SELECT source, part, depicts, recorded_at, retracted_at, members FROM snapshots"
        " ORDER BY source, part, depicts, id"
    )
    table = layout.read_frame(connection, query, table="snapshots")
    return table[known_then(table, known)]


_AT_ONCE = 10_000  # incidents written in one go: more would only take memory
_MANY = 1_000  # rows that are put in with their boxes at the end
_CHUNK = 900  # values in one statement: old builds of SQLite take 999


ALL = IncidentQuery()
DEATHS = ("low", "best", "high")
# of incidents that are alike: how many, with a number of deaths, from which day to which, and the deaths
TALLIED = ("incidents", "with_number", "first", "last", *DEATHS)


class IncidentTable(Access):
    def datasets(self) -> list[str]:
        with self.reading() as connection:
            own = [r[0] for r in connection.execute("SELECT DISTINCT dataset FROM incidents")]
        return sorted({*own, *(name for folder in self.attached() for name in folder.datasets)})

    def attached(self, as_known_on: datetime | None = None) -> list[Attached]:
        """The folders of incidents that the archive has on record now, or had then."""
        return self.recall(("attached", as_known_on), lambda: self._attached(as_known_on))

    def _attached(self, as_known_on: datetime | None) -> list[Attached]:
        at = None if as_known_on is None else write_instant(as_known_on)
        now = (
            "retracted_at IS NULL" if at is None else "recorded_at <= ? AND (retracted_at IS NULL OR retracted_at > ?)"
        )
        query = f"SELECT folder, recorded_at, parts FROM attached WHERE {now} ORDER BY id"
        with self.reading() as connection:
            rows = connection.execute(query, () if at is None else (at, at)).fetchall()
        layout.refuse_damaged(rows, ("folder", "recorded_at", "parts"), table="attached")
        return [attached.read_row(self.path, *row) for row in rows]

    def attach(self, connection: sqlite3.Connection, folder: str, parts: Sequence[Part], now: str) -> None:
        """Put a folder of incidents on record."""
        values = (folder, attached.written_parts(parts), now)
        connection.execute("INSERT INTO attached (folder, parts, recorded_at) VALUES (?, ?, ?)", values)

    def detach(self, connection: sqlite3.Connection, folder: str, now: str) -> bool:
        """Take a folder off; that it was there stays on record. False where it was not."""
        query = "UPDATE attached SET retracted_at = ? WHERE folder = ? AND retracted_at IS NULL"
        return connection.execute(query, (now, folder)).rowcount > 0

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

    def incidents(self, asked: IncidentQuery = ALL, *, orig: bool = True) -> gpd.GeoDataFrame:
        """Incidents whose dates fall into a span of days, as known now or then."""
        found = list(self.batches(asked, orig=orig, most=MOST_AT_ONCE))
        if len(found) == 1:
            return found[0]
        whole = pd.concat(found, ignore_index=True).sort_values("date_start", kind="stable", na_position="first")
        return gpd.GeoDataFrame(whole.reset_index(drop=True), crs=CRS)

    def batches(
        self, asked: IncidentQuery, *, orig: bool = True, most: int | None = None
    ) -> Iterator[gpd.GeoDataFrame]:
        """The same in parts: those of the archive, then those of attached folders."""
        columns = [*(c for c in INCIDENT_COLUMNS if orig or c != "orig"), "dataset", "recorded_at"]
        query, values = _select([*columns, "geom", "fid"], asked)
        with self.reading() as connection:
            rows = connection.execute(query + " ORDER BY date_start, fid", values).fetchall()
        if not rows:  # most maps of a series show none
            yield self.recall(("no incidents", orig), lambda: _incident_frame([], columns)).copy()
        else:
            yield _incident_frame(rows, columns)
        for folder in self.attached(asked.as_known_on):
            for some in attached.rows(folder, asked, orig=orig, most=most):
                yield _incident_frame(some, columns)

    def tally(self, keys: Sequence[str], asked: IncidentQuery = ALL) -> pd.DataFrame:
        """How many incidents are alike under some columns, and what they add up to, by dataset."""
        columns = list(dict.fromkeys((*keys, "dataset")))
        needed = list(dict.fromkeys((*columns, "date_start", "date_end", *DEATHS)))
        query, values = _select(needed, asked)
        names = ", ".join(columns)
        sums = ", ".join(f"sum({n}), sum(typeof({n}) IN ('text', 'blob'))" for n in DEATHS)
        some = f"sum(coalesce({', '.join(DEATHS)}) IS NOT NULL)"
        span = ("min(date_start)", "max(coalesce(date_end, date_start))")
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {names}, count(*), {some}, {', '.join(span)}, {sums} FROM ({query})"
                f" GROUP BY {names} ORDER BY {names}",
                values,
            ).fetchall()
        layout.refuse_damaged(rows, columns, table="incidents")
        for at, name in enumerate(DEATHS):
            layout.refuse_damaged([("",) for row in rows if row[-2 * (3 - at) + 1]], [name], table="incidents")
        told = _tallies([r[:-6] + r[-6::2] for r in rows], columns)
        sums_of = ("count(*)", some, *span, *(f"sum({n})" for n in DEATHS))
        grouped = dict(zip(TALLIED, sums_of, strict=True))
        beside = [attached.count(folder, columns, grouped, asked) for folder in self.attached(asked.as_known_on)]
        kinds = dict.fromkeys((*columns, "first", "last"), object)
        beside = [f.astype(kinds).where(f.notna(), None).astype(told.dtypes) for f in beside if len(f)]
        whole = pd.concat([told, *beside], ignore_index=True) if len(told) else pd.concat([*beside, told])
        # places have no order, and there may be as many as incidents
        if not beside or "geom" in columns:
            return whole
        return whole.sort_values(columns, na_position="first", ignore_index=True)


def tally_of(frames: Iterable[pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """The same of incidents that are in memory, one part after the other."""
    columns = list(dict.fromkeys((*keys, "dataset")))
    alike: dict[tuple[Any, ...], list[Any]] = {}
    for frame in frames:
        told = zip(*(plain(frame[name]) for name in ("date_start", "date_end", *DEATHS)), strict=True)
        for key, row in zip(zip(*(plain(frame[name]) for name in columns), strict=True), told, strict=True):
            _add_up(alike.setdefault(key, [0, 0, None, None, None, None, None]), *row)
    return _tallies(_in_order([(*key, *sums) for key, sums in alike.items()], columns), columns)


def _add_up(so_far: list[Any], start: str | None, end: str | None, *deaths: float | None) -> None:
    so_far[0] += 1
    so_far[1] += any(n is not None for n in deaths)
    so_far[2] = min((day for day in (so_far[2], start) if day is not None), default=None)
    so_far[3] = max((day for day in (so_far[3], end or start) if day is not None), default=None)
    for at, n in enumerate(deaths, start=4):
        if n is not None:
            so_far[at] = n if so_far[at] is None else so_far[at] + n


def _in_order(rows: list[tuple[Any, ...]], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """As SQLite orders them: nothing before all else."""
    for at in reversed(range(len(columns))):
        if any(row[at] is None for row in rows):
            rows.sort(key=lambda row: (row[at] is not None, row[at] if row[at] is not None else 0))
        else:
            rows.sort(key=itemgetter(at))
    return rows


def _tallies(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[*columns, *TALLIED], dtype=object)
    if "geom" in columns:
        frame["geom"] = pd.Series(gpkg.decode(frame["geom"].tolist()), dtype=object)
    return frame.astype({"incidents": int, "with_number": int, **dict.fromkeys(DEATHS, float)})


def _select(columns: Sequence[str], asked: IncidentQuery) -> tuple[str, list[Any]]:
    """The query for columns of the incidents that are asked for, and its values."""
    conditions, values = asked.conditions()
    tables = ["incidents"]
    if asked.as_known_on is not None:
        known = write_instant(asked.as_known_on)
        conditions.append("recorded_at <= ? AND (superseded_at IS NULL OR superseded_at > ?)")
        values += [known, known]
        tables.append("incidents_superseded")
    near = " AND fid IN (SELECT id FROM rtree_{}_geom WHERE maxx >= ? AND maxy >= ? AND minx <= ? AND miny <= ?)"
    values += [] if asked.box is None else list(map(float, asked.box))
    names = ", ".join(f'"{c}"' for c in columns)
    where = " AND ".join(conditions)
    parts = [f"SELECT {names} FROM {t} WHERE {where}{'' if asked.box is None else near.format(t)}" for t in tables]
    return " UNION ALL ".join(parts), values * len(tables)


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
    query = (
        f"INSERT INTO incidents (geom, {names}, dataset, recorded_at) VALUES ({', '.join('?' * (len(columns) + 3))})"
    )
    with gpkg.boxes_at_once(connection, "incidents") if len(fresh) > _MANY else nullcontext():
        connection.executemany(query, fresh)


def _incident_frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> gpd.GeoDataFrame:
    """Rows of these columns, the geometry and a number."""
    layout.refuse_damaged(rows, [*columns, "geom"], table="incidents")
    held = {
        c: np.array([r[i] for r in rows], dtype=float if c in INCIDENT_NUMBERS else object)
        for i, c in enumerate(columns)
    }
    frame = pd.DataFrame({c: pd.Series(values, dtype=values.dtype) for c, values in held.items()})
    return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-2] for r in rows]), crs=CRS)


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


class SettlementTable(Access):
    """Who holds each settlement: a row for as long as a source says the same of a place."""

    def settlement_sources(self) -> list[str]:
        with self.reading() as connection:
            query = "SELECT DISTINCT dataset FROM imports WHERE kind = 'settlements' ORDER BY dataset"
            return [str(name) for (name,) in connection.execute(query)]

    def settlement_days(self, source: str, *, as_known_on: datetime | None = None) -> list[str]:
        """The days of which a source has said whose its settlements are, as known now or then."""
        with self.reading() as connection:
            return sorted({day for file in panel_files(connection, source, as_known_on) for day in file.days})

    def settlements(self, source: str, *, as_known_on: datetime | None = None) -> gpd.GeoDataFrame:
        """Every settlement of a source with its intervals, as known now or then."""
        columns, query = ", ".join(SETTLEMENT_FIELDS), "SELECT {} FROM {} WHERE source = ?"
        parts = [query.format(f"{columns}, geom", "settlements")]
        values = [source]
        if as_known_on is not None:
            at = write_instant(as_known_on)
            parts = [f"{parts[0]} AND recorded_at <= ?"]
            before = query.format(f"{columns}, geom", "settlements_superseded")
            parts.append(f"{before} AND recorded_at <= ? AND superseded_at > ?")
            values = [source, at, source, at, at]
        with self.reading() as connection:
            rows = connection.execute(f"{' UNION ALL '.join(parts)} ORDER BY place, valid_from", values).fetchall()
        layout.refuse_damaged(rows, (*SETTLEMENT_FIELDS, "geom"), table="settlements")
        frame = pd.DataFrame([r[:-1] for r in rows], columns=list(SETTLEMENT_FIELDS), dtype=object)
        for column in ("valid_from", "valid_to", "recorded_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
        return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-1] for r in rows]), crs=CRS)

    def settlement_sides(self, source: str, *, before: str, as_known_on: datetime | None = None) -> set[str]:
        """The sides that a source names before an instant, as known now or then."""
        query = "SELECT DISTINCT controller FROM {} WHERE source = ? AND valid_from < ? AND controller IS NOT NULL"
        queries, values = [query.format("settlements")], [source, before]
        if as_known_on is not None:
            at = write_instant(as_known_on)
            queries[0] += " AND recorded_at <= ?"
            queries.append(f"{query.format('settlements_superseded')} AND recorded_at <= ? AND superseded_at > ?")
            values = [source, before, at, source, before, at, at]
        with self.reading() as connection:
            return {str(side) for (side,) in connection.execute(" UNION ".join(queries), values)}


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
        listed = [(b, *v) for b, v in zip(blobs, values, strict=True)]
        if len(there) == len(listed) and sorted(there, key=repr) == sorted(listed, key=repr):
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
        """What tells whether the units are those of before: another file, or other units in it; no shape is read."""
        query = "SELECT count(*), max(fid), (SELECT recorded_at FROM units ORDER BY fid DESC LIMIT 1) FROM units"
        with self.reading() as connection:
            return (self.path.stat().st_ino, *connection.execute(query).fetchone())

    def units(self, *, geometry: bool = True) -> gpd.GeoDataFrame | pd.DataFrame:
        """Every administrative unit, coarsest first; later boundary sets after earlier ones."""
        columns = [*UNIT_COLUMNS, "area_km2", "recorded_at"]
        query = f"SELECT {', '.join(columns)}{', geom' if geometry else ''} FROM units ORDER BY level, recorded_at, fid"
        with self.reading() as connection:
            rows = connection.execute(query).fetchall()
        layout.refuse_damaged(rows, [*columns, *(["geom"] if geometry else [])], table="units")
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
            " UNION ALL SELECT 'settlements', source, COUNT(DISTINCT place), MIN(valid_from), MAX(valid_from)"
            " FROM settlements GROUP BY source"
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

    def put_covers(self, connection: sqlite3.Connection, source: str, units: Sequence[str]) -> None:
        """Enter the units that a source's maps cover; none is everywhere."""
        connection.execute("UPDATE sources SET covers = ? WHERE name = ?", (json.dumps(list(units)), source))

    def covers(self, source: str) -> list[str]:
        """The units that a source's maps cover, where somebody has said so."""
        with self.reading() as connection:
            row = connection.execute("SELECT covers FROM sources WHERE name = ?", (source,)).fetchone()
        try:
            return [str(unit) for unit in json.loads(row[0])] if row and row[0] else []
        except (TypeError, ValueError):
            raise ArchiveError(f"{self.path}: what {source} covers is damaged: geo sources --covers sets it") from None

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
        layout.refuse_damaged(rows, columns, table="rules")
        return rows

    def put_basemap(self, connection: sqlite3.Connection, rows: Iterable[Sequence[Any]], credit: str, now: str) -> int:
        """Take an extract in, in place of the one that was there: (kind, rank, geometry in degrees, names or None)."""
        connection.execute("DELETE FROM basemap")
        columns = ("kind", "rank", "west", "south", "east", "north", "shape", "names", "credit", "recorded_at")
        written = [
            (kind, rank, *shape.bounds, shapely.to_wkb(shape), names and json.dumps(names), credit, now)
            for kind, rank, shape, names in rows
        ]
        connection.executemany(
            f"INSERT INTO basemap ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", written
        )
        return len(written)

    def basemap(self, box: Sequence[float], finest: int) -> tuple[list[tuple[str, shapely.Geometry, Any]], str]:
        """What an extract has in a box, up to a rank (1 is the greatest road), with names, and whom to credit."""
        query = "SELECT kind, rank, shape, credit, names FROM basemap WHERE rank <= ? AND west <= ? AND east >= ?"
        with self.reading() as connection:
            values = (finest, box[2], box[0], box[3], box[1])
            rows = connection.execute(f"{query} AND south <= ? AND north >= ? ORDER BY id", values).fetchall()
        layout.refuse_damaged([row[:4] for row in rows], ("kind", "rank", "shape", "credit"), table="basemap")
        try:
            shapes = shapely.from_wkb([row[2] for row in rows])
            names = [json.loads(row[4]) if row[4] else {} for row in rows]
        except (shapely.errors.ShapelyError, TypeError, ValueError):
            raise ArchiveError(f"{self.path}: the table basemap is damaged: geo basemap fills it again") from None
        kept = zip((row[0] for row in rows), shapes, names, strict=True)
        return [row for row in kept if row[1] is not None], rows[0][3] if rows else ""

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


class Store(ControlTable, IncidentTable, SettlementTable, UnitTable, RecordTables):
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

    @contextmanager
    def holding(self) -> Iterator[None]:
        """As `Access.holding`; and all that is worded and drawn inside knows the archive's sides."""
        with super().holding(), knowing(self.recall(("sides",), self.sides)):
            yield

    def layers(self) -> pd.DataFrame:
        """As `RecordTables.layers`, with the incidents of attached folders."""
        table = super().layers()
        parts = pd.DataFrame([part for folder in self.attached() for part in folder.parts], columns=PART_COLUMNS)
        if parts.empty:
            return table
        sets = parts.groupby("dataset").agg(rows=("rows", "sum"), first=("first", "min"), last=("last", "max"))
        beside = sets.reset_index(names="name").assign(layer="incidents")[table.columns]
        before = table["layer"].isin(["control", "incidents"])
        return pd.concat([table[before], beside, table[~before]], ignore_index=True)

    def last_recorded(self) -> str | None:
        """The last moment at which anything was recorded or taken back."""
        with self.reading() as connection:
            return snapshots.last_recorded(connection)

    def sides(self) -> dict[str, Side]:
        """Every side that control is on record by, or that the owner has named."""
        with self.reading() as connection:
            return layout.read_sides(connection)

    def named_sides(self) -> set[str]:
        """The sides that the owner has named."""
        with self.reading() as connection:
            query = "SELECT side FROM sides WHERE names || adjectives || aliases <> '{}{}[]'"
            return {str(code) for (code,) in connection.execute(query)}

    def name_side(self, given: Side) -> str:
        """Set what a side is called and how it is drawn, in the archive's styles for QGIS too; its code."""
        with self.writing() as connection:
            now = snapshots.next_instant(connection)
            code = layout.set_side(connection, given, now=now)
            with knowing(layout.read_sides(connection)):
                qgis_styles.restyle_control(connection, [], now=now, anew=True)
        return code

    def _first_fault(self, connection: sqlite3.Connection) -> str:
        return next((f"{one.where}: {one.what}" for one in table_findings(connection) if one.kind == "fault"), "")

    def _put_styles(self, connection: sqlite3.Connection, *, now: str) -> None:
        qgis_styles.put_default_styles(connection, now=now)

    def _describe(self, connection: sqlite3.Connection) -> None:
        columns = ("name", "title", "url", "licence", "attribution")
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM sources ORDER BY name").fetchall()
        known = {row[0]: {c: text or "" for c, text in zip(columns, row, strict=True)} for row in rows}
        now = snapshots.last_recorded(connection) or write_instant(datetime.now(UTC))
        for layer, query in _WHOSE.items():
            names = [str(name) for (name,) in connection.execute(query)]
            credits = [
                known.get(name) or {"title": name, "url": "", "licence": "", "attribution": ""} for name in names
            ]
            stated = {key: sorted({credit[key] for credit in credits if credit[key]}) for key in ("licence", "url")}
            about = qgis_styles.layer_metadata(
                layout.TABLES[layer][1], [credit_line(credit) for credit in credits], stated["licence"], stated["url"]
            )
            gpkg.describe_layer(connection, layer, about, now=now)


# layer -> whose rows it may hold
_WHOSE = {
    "control": "SELECT DISTINCT source FROM snapshots ORDER BY source",
    "incidents": "SELECT DISTINCT dataset FROM imports WHERE kind = 'incidents' ORDER BY dataset",
    "settlements": "SELECT DISTINCT dataset FROM imports WHERE kind = 'settlements' ORDER BY dataset",
    "units": "SELECT DISTINCT boundary FROM units ORDER BY boundary",
}
