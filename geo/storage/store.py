"""The archive's file and its tables: reading, writing, and frames out of every layer.

How snapshots come in and how the layer of control follows from them is in `geo.storage.history`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import ArchiveError
from geo.schema import CRS, INCIDENT_COLUMNS, INCIDENT_NUMBERS, UNIT_COLUMNS, Source, write_instant
from geo.storage import cells, gpkg, history, layout, migration

CONTROL_FIELDS = (
    "source", "part", "controller", "status", "native", "valid_from", "valid_to", "recorded_at", "superseded_at",
)  # fmt: skip
_REMEMBERED = 64  # answers kept while an archive is held: more than one page asks for, few enough for any memory
_AT_ONCE = 10_000  # incidents written in one go: more would only take memory
_POLYGONS_AT_ONCE = 200
_CHUNK = 900  # values in one statement: old builds of SQLite take 999
# what incidents are asked for by -> where it stands
_AMONG = {
    "dataset": ("dataset",),
    "event_type": ("event_type", "sub_event_type"),
    "verification": ("coalesce(verification, 'not stated')",),
}
T = TypeVar("T")


@dataclass(frozen=True)
class _Held:
    """A read transaction that stays open, whose it is, and what was read in it."""

    thread: int
    connection: sqlite3.Connection
    memory: dict[tuple[Any, ...], Any]


class Store:
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: gpkg.Writer | None = None
        self._held: _Held | None = None

    # -- the file -----------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection to a file that is known to be an archive of a layout we read.

        Raises
        ------
        ArchiveError
            There is no such file, it is damaged, no GeoPackage, or none of ours.
        """
        held = self._held
        if held is not None and held.thread == get_ident():
            yield held.connection
            return
        with gpkg.reading(self.path) as connection:
            if _check_layout(self.path, connection) < layout.LAYOUT:
                migration.look_through(connection)
            yield connection

    @contextmanager
    def holding(self) -> Iterator[None]:
        """All that this thread reads inside is of one state of the archive, and is read once.

        Raises
        ------
        ArchiveError
            As `reading`.
        """
        if self._held is not None:
            yield
            return
        with self.reading() as connection:
            self._held = _Held(get_ident(), connection, {})
            try:
                yield
            finally:
                self._held = None

    def recall(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        """What was read before under this key while the archive is held, or is read now; it must not be changed.

        Raises
        ------
        ArchiveError
            As `read` does.
        """
        held = self._held
        if held is None or held.thread != get_ident():
            return read()
        found: T = held.memory.pop(key) if key in held.memory else read()
        held.memory[key] = found  # what was used last stands last
        if len(held.memory) > _REMEMBERED:
            held.memory.pop(next(iter(held.memory)))
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the archive, which is made first where there is none.

        Raises
        ------
        ArchiveError
            The file cannot be made or written, or another writer held it for too long.
        """
        if self._writer is None:
            if not self.path.exists():
                self._make()
            with self.reading():  # a foreign file is refused before anything touches it
                pass
            self._writer = gpkg.Writer(self.path)
        with self._writer.transaction() as connection:
            # asked in the transaction: another writer may have brought it up meanwhile
            if (migration.version_of(connection) or 0) < layout.LAYOUT:
                migration.bring_up(connection, now=write_instant(datetime.now(UTC)), made_by=_maker())
            yield connection

    def close(self) -> None:
        """End writing and leave the archive as one file.

        Raises
        ------
        ArchiveError
            Never.
        """
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _make(self) -> None:
        temporary = gpkg.new_file(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(temporary, isolation_level=None)
            connection.execute("BEGIN")
            layout.lay(connection, now=write_instant(datetime.now(UTC)), made_by=_maker())
            connection.execute("COMMIT")
            connection.close()
            gpkg.place_new(temporary, self.path)
        except (OSError, sqlite3.Error) as error:
            temporary.unlink(missing_ok=True)
            raise ArchiveError(f"{self.path}: cannot be made ({error}): may you write in that folder?") from error

    # -- control out --------------------------------------------------------------------------------------------

    def snapshots(self, *, as_known_on: datetime | None = None) -> pd.DataFrame:
        """The table of snapshots, without their member lists.

        Parameters
        ----------
        as_known_on : datetime.datetime or None
            Only those in force then; None gives all, with what became of them.

        Returns
        -------
        pandas.DataFrame
            By source, part, depicted instant and recording.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            query = "SELECT * FROM snapshots ORDER BY source, part, depicts, id"
            frame = cells.read_frame(connection, query, table="snapshots")
        frame = frame.drop(columns=["id", "members"])
        return frame if as_known_on is None else frame[history.known_then(frame, as_known_on)].reset_index(drop=True)

    def control_sources(self) -> list[str]:
        """The sources that control is on record from, by name.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            return [r[0] for r in connection.execute("SELECT DISTINCT source FROM snapshots ORDER BY source")]

    def in_force(self, source: str, known: datetime) -> list[tuple[str, str, str]]:
        """(depicts, part, snapshot) of every recording of a source that counted at a moment, oldest state first.

        Of several recordings of one instant the last comes last.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        at = write_instant(known)
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT depicts, part, snapshot FROM snapshots WHERE source = ? AND recorded_at <= ?"
                " AND (retracted_at IS NULL OR retracted_at > ?) ORDER BY depicts, recorded_at, id",
                (source, at, at),
            ).fetchall()
        cells.refuse_damaged(rows, ("depicts", "part", "snapshot"), table="snapshots")
        return rows

    def control_now(self, source: str, instant: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source that stand at an instant, as known now, straight from the layer.

        Returns
        -------
        geopandas.GeoDataFrame
            Columns of `CONTROL_FIELDS` and geometry (MultiPolygon, EPSG:4326).

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        at = write_instant(instant)
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(CONTROL_FIELDS)}, geom FROM control WHERE source = ? AND valid_from <= ?"
                " AND (valid_to IS NULL OR valid_to > ?) ORDER BY part, status, controller, native, shape",
                (source, at, at),
            ).fetchall()
        return _control_frame(rows)

    def control_rows(
        self, source: str, first: datetime | None = None, last: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Every polygon of a source with its interval, as known now: the whole layer, or what stood in a span.

        Parameters
        ----------
        source : str
            Its name.
        first, last : datetime.datetime or None
            The span, both included.

        Returns
        -------
        geopandas.GeoDataFrame
            As `control_now`.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(CONTROL_FIELDS)}, geom FROM control WHERE source = ?"
                " AND (valid_to IS NULL OR valid_to > ?) AND valid_from <= ? ORDER BY part, shape, valid_from",
                (source, write_instant(first) if first else "", write_instant(last) if last else "~"),
            )
            return _control_frame(rows)

    def rows_between(self, source: str, instants: Sequence[datetime], known: datetime | None) -> gpd.GeoDataFrame:
        """Every polygon of a source that stood at one of the instants, once for as long as it stands.

        Parameters
        ----------
        source : str
            Its name.
        instants : sequence of datetime.datetime
            In order.
        known : datetime.datetime or None
            As the archive knew them then; None is now.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        if known is None or not instants:
            return self.control_rows(source, *((instants[0], instants[-1]) if instants else ()))
        states = [self.control_then(source, i, as_known_on=known) for i in instants]
        rows = pd.concat(states, ignore_index=True)
        again = pd.DataFrame({"wkb": rows.geometry.to_wkb(), **{c: rows[c] for c in CONTROL_FIELDS[:6]}}).duplicated()
        return gpd.GeoDataFrame(rows[~again.to_numpy()].reset_index(drop=True), crs=CRS)

    def control_at(
        self, source: str | None, lon: float, lat: float, *, as_known_on: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Every polygon that ever stood over a point, as known now or then, found by the layers' spatial indexes.

        Parameters
        ----------
        source : str or None
            None is every source.
        lon, lat : float
            Degrees.
        as_known_on : datetime.datetime or None
            None is now.

        Returns
        -------
        geopandas.GeoDataFrame
            As `control_now`; a point on a border is in the polygons on both sides.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        if as_known_on is not None:
            with self.reading() as connection:
                frame = _control_frame(history.rows_at_then(connection, source, lon, lat, as_known_on))
            return frame[frame.intersects(shapely.Point(lon, lat))].reset_index(drop=True)
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join('c.' + f for f in CONTROL_FIELDS)}, c.geom FROM control c"
                " JOIN rtree_control_geom r ON r.id = c.fid WHERE r.minx <= ? AND r.maxx >= ? AND r.miny <= ?"
                " AND r.maxy >= ? AND (? IS NULL OR c.source = ?) ORDER BY c.source, c.part, c.valid_from",
                (lon, lon, lat, lat, source, source),
            ).fetchall()
        frame = _control_frame(rows)
        return frame[frame.intersects(shapely.Point(lon, lat))].reset_index(drop=True)

    def control_then(self, source: str, instant: datetime, *, as_known_on: datetime) -> gpd.GeoDataFrame:
        """The polygons of a source at an instant, as the archive knew them at an earlier moment.

        Returns
        -------
        geopandas.GeoDataFrame
            As `control_now`; ``valid_from`` and ``valid_to`` are as they were known then.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        at = write_instant(instant)
        with self.reading() as connection:
            query = (
                "SELECT part, depicts, recorded_at, retracted_at, members FROM snapshots WHERE source = ?"
                " ORDER BY part, depicts, id"
            )
            table = cells.read_frame(connection, query, (source,), table="snapshots")
            table = table[history.known_then(table, as_known_on)]
            rows: list[tuple[Any, ...]] = []
            for _, series in table.groupby("part", sort=True):
                rows += history.rows_then(connection, series, at)
        return _control_frame(rows)

    def members(self, snapshot: str) -> gpd.GeoDataFrame:
        """One recording's own polygons, whatever became of it.

        Returns
        -------
        geopandas.GeoDataFrame
            As `control_now`.

        Raises
        ------
        ArchiveError
            There is no such snapshot.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT members, depicts FROM snapshots WHERE snapshot = ?", (snapshot,)
            ).fetchone()
            if row is None:
                raise ArchiveError(f"{self.path}: no snapshot {snapshot!r}; geo snapshots lists them")
            found = history.fetch_shapes(connection, history.unpack(row[0]).tolist())
        return _control_frame([(*r[1:6], row[1], None, r[6], None, r[7]) for r in found])

    # -- the other tables ---------------------------------------------------------------------------------------

    def add_source(self, connection: sqlite3.Connection, source: Source) -> None:
        """Enter whom to credit, or bring the entry up to date.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        connection.execute(
            "INSERT INTO sources (name, title, url, licence, attribution) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET title = excluded.title, url = excluded.url,"
            " licence = excluded.licence, attribution = excluded.attribution",
            (source.name, source.title, source.url, source.licence, source.attribution),
        )

    def sources(self) -> pd.DataFrame:
        """Name, title, URL, licence and attribution of every source.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table("SELECT name, title, url, licence, attribution FROM sources ORDER BY name", table="sources")

    def controllers(self, *, as_known_on: datetime | None = None) -> list[str]:
        """Every side that control is on record by, as known now or then, in order of their names.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        if as_known_on is not None:
            with self.reading() as connection:
                return history.controllers_then(connection, as_known_on)
        query = "SELECT DISTINCT controller FROM control WHERE controller IS NOT NULL ORDER BY controller"
        table = self._table(query, table="control")
        return [str(name) for name in table["controller"]]

    def layers(self) -> pd.DataFrame:
        """What is in the layers: layer, name (of source, dataset or boundary set), rows, first and last (dates).

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table(
            "SELECT 'control' AS layer, source AS name, COUNT(*) AS rows, NULL AS first, NULL AS last FROM control"
            " GROUP BY source UNION ALL"
            " SELECT 'incidents', dataset, COUNT(*), MIN(date_start), MAX(date_end) FROM incidents GROUP BY dataset"
            " UNION ALL SELECT 'units', boundary, COUNT(*), NULL, NULL FROM units GROUP BY boundary"
            " UNION ALL SELECT 'claims', '', COUNT(*), NULL, NULL FROM claims HAVING COUNT(*) > 0"
        )

    def imports(self) -> pd.DataFrame:
        """Every file of incidents, units and claims, with its receipt.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table("SELECT * FROM imports ORDER BY id", table="imports")

    def claims(self) -> pd.DataFrame:
        """Every published figure on record.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table("SELECT * FROM claims ORDER BY id", table="claims").drop(columns="id")

    def accuracy_km(self, source: str) -> float | None:
        """How far a source's drawn lines may be off, in km, where somebody has said so.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            row = connection.execute("SELECT accuracy_km FROM sources WHERE name = ?", (source,)).fetchone()
        return None if row is None or row[0] is None else float(row[0])

    def put_accuracy(self, connection: sqlite3.Connection, source: str, km: float | None) -> None:
        """Keep how far a source's drawn lines may be off; None is not known.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        connection.execute("UPDATE sources SET accuracy_km = ? WHERE name = ?", (km, source))

    def rules(self) -> list[tuple[Any, ...]]:
        """(kind, value, source, event_type, places, set_at) of every rule, in the order in which they were set.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        columns = ("kind", "value", "source", "event_type", "places", "set_at")
        with self.reading() as connection:
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM rules ORDER BY id").fetchall()
        cells.refuse_damaged(rows, columns, table="rules")
        return rows

    def put_rule(self, connection: sqlite3.Connection, values: Sequence[Any], now: str) -> None:
        """Set a rule, in place of the one of its kind for the same source and event type.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of `writing`.
        values : sequence
            kind, value, source, event_type, places.
        now : str
            The instant.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        self.drop_rules(connection, kind=values[0], source=values[2], event_type=values[3])
        connection.execute(
            "INSERT INTO rules (kind, value, source, event_type, places, set_at) VALUES (?, ?, ?, ?, ?, ?)",
            (*values, now),
        )

    def drop_rules(
        self, connection: sqlite3.Connection, *, kind: str | None, source: str | None, event_type: str | None
    ) -> int:
        """Lift the rules for a source and an event type (None: those for all), of one kind or of every one.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        return connection.execute(
            "DELETE FROM rules WHERE (? IS NULL OR kind = ?) AND source IS ? AND event_type IS ?",
            (kind, kind, source, event_type),
        ).rowcount

    def datasets(self) -> list[str]:
        """The datasets that incidents are on record from, by name.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            return [r[0] for r in connection.execute("SELECT DISTINCT dataset FROM incidents ORDER BY dataset")]

    def _table(self, query: str, *, table: str | None = None) -> pd.DataFrame:
        with self.reading() as connection:
            return cells.read_frame(connection, query, table=table)

    def note_import(self, connection: sqlite3.Connection, now: str, **values: Any) -> None:
        """Keep a file's receipt.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        values = {**values, "recorded_at": now}
        names = ", ".join(values)
        connection.execute(
            f"INSERT INTO imports ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )

    def put_units(
        self, connection: sqlite3.Connection, frame: gpd.GeoDataFrame, areas: Sequence[float], now: str
    ) -> bool:
        """Take units in; those of the same boundary set and level are replaced as a whole.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of `writing`.
        frame : geopandas.GeoDataFrame
            Columns of `UNIT_COLUMNS`, areal geometry in EPSG:4326.
        areas : sequence of float
            km² of each.
        now : str
            The instant of the recording.

        Returns
        -------
        bool
            False where the very same units are there already.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        geometries = history.promote(np.asarray(frame.geometry.array, dtype=object))
        blobs = gpkg.encode(geometries)
        values = list(zip(*(history.plain(frame[c]) for c in UNIT_COLUMNS), strict=True))
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
        """What tells whether the units are those of before: another file, or other units in it.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        with self.reading() as connection:
            row = connection.execute("SELECT count(*), max(fid), max(recorded_at) FROM units").fetchone()
        return (self.path.stat().st_ino, *row)

    def units(self, *, geometry: bool = True) -> gpd.GeoDataFrame | pd.DataFrame:
        """Every administrative unit, coarsest first; later boundary sets after earlier ones.

        Parameters
        ----------
        geometry : bool
            False leaves the polygons in the file: names and codes alone, at once.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        columns = [*UNIT_COLUMNS, "area_km2", "recorded_at"]
        query = f"SELECT {', '.join(columns)}{', geom' if geometry else ''} FROM units ORDER BY level, recorded_at, fid"
        with self.reading() as connection:
            rows = connection.execute(query).fetchall()
        cells.refuse_damaged(rows, [*columns, *(["geom"] if geometry else [])], table="units")
        if not geometry:
            return pd.DataFrame(rows, columns=columns)
        frame = pd.DataFrame([r[:-1] for r in rows], columns=columns, dtype=object)
        frame = frame.astype({"level": int, "area_km2": float})
        return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-1] for r in rows]), crs=CRS)

    def put_incidents(
        self, connection: sqlite3.Connection, frame: gpd.GeoDataFrame, dataset: str, now: str
    ) -> dict[str, int]:
        """Take incidents in. One with an id already there is replaced where it differs, and the old row is kept.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of `writing`.
        frame : geopandas.GeoDataFrame
            Columns of `INCIDENT_COLUMNS`, points in EPSG:4326.
        dataset : str
            Which dataset the ids belong to.
        now : str
            The instant of the recording.

        Returns
        -------
        dict
            How many rows are ``new``, ``changed`` and ``unchanged``.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
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
        """Incidents whose dates fall into a span of days, as known now or then.

        Parameters
        ----------
        first, last : str or None
            Days in ISO 8601, both included.
        as_known_on : datetime.datetime or None
            None is now.
        box : sequence of float or None
            West, south, east, north in degrees; found by the layer's spatial index.
        among : mapping or None
            ``dataset``, ``event_type`` (or sub-event type), ``verification`` -> the values that count, compared
            without case; an incident without a verification has ``not stated``.
        orig : bool
            False leaves the rows as they stood in their files out: half the bytes.

        Returns
        -------
        geopandas.GeoDataFrame
            Columns of `INCIDENT_COLUMNS`, dataset, recorded_at; points in EPSG:4326.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
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

    def put_claims(self, connection: sqlite3.Connection, rows: Iterable[Mapping[str, Any]], now: str) -> None:
        """Take published figures in; one with an id already there is brought up to date.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        for row in rows:
            values = {**row, "recorded_at": now}
            names = ", ".join(values)
            connection.execute(
                f"INSERT OR REPLACE INTO claims ({names}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )


def _maker() -> str:
    from geo import __version__

    return f"geo-control {__version__}"


def _check_layout(path: Path, connection: sqlite3.Connection) -> int:
    """The layout's version, one that this version of the package can read."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "gpkg_contents" not in tables:
        raise ArchiveError(f"{path}: SQLite, but no GeoPackage")
    if "layout" not in tables or "snapshots" not in tables:
        raise ArchiveError(
            f"{path}: a GeoPackage, but no archive of geo-control;"
            f" geo import NEW.gpkg vector {path.name} takes its polygons in"
        )
    version = migration.version_of(connection)
    if version is None:
        raise ArchiveError(f"{path}: the version of its layout is damaged: geo check says more")
    if version > layout.LAYOUT:
        raise ArchiveError(
            f"{path}: layout {version} was written by a newer geo-control;"
            f" this one reads up to {layout.LAYOUT}: upgrade it"
        )
    return version


def _put_some(
    connection: sqlite3.Connection, frame: gpd.GeoDataFrame, dataset: str, now: str, counts: dict[str, int]
) -> None:
    """Take a part of the incidents in, and count what became of them."""
    columns = list(INCIDENT_COLUMNS)
    names = ", ".join(f'"{c}"' for c in columns)
    there = _incidents_there(connection, frame["event_id"].tolist(), dataset)
    fresh: list[tuple[Any, ...]] = []
    blobs = gpkg.encode(np.asarray(frame.geometry.array, dtype=object))
    for blob, values in zip(blobs, zip(*(history.plain(frame[c]) for c in columns), strict=True), strict=True):
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
    cells.refuse_damaged(rows, [*columns, "geom"], table="incidents")
    held = {
        c: np.array([r[i] for r in rows], dtype=float if c in INCIDENT_NUMBERS else object)
        for i, c in enumerate(columns)
    }
    frame = pd.DataFrame({c: pd.Series(values, dtype=values.dtype) for c, values in held.items()})
    return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-2] for r in rows]), crs=CRS)


def _in_span(first: str | None, last: str | None) -> tuple[str, list[str]]:
    """What says that an incident falls into a span of days: it begins in it, or began before and lasted into it.

    Either half has an index of its own; sought by its end, an incident would be sought through half of all.
    """
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


def _control_frame(rows: Iterable[tuple[Any, ...]]) -> gpd.GeoDataFrame:
    listed: list[tuple[Any, ...]] = []
    shapes = []
    walk = iter(rows)
    while some := list(
        islice(walk, _POLYGONS_AT_ONCE)
    ):  # blobs and geometries of a long series are not in memory together
        cells.refuse_damaged(some, (*CONTROL_FIELDS, "geom"), table="control")
        listed += [r[:-1] for r in some]
        shapes.append(gpkg.decode([r[-1] for r in some]))
    frame = pd.DataFrame(listed, columns=list(CONTROL_FIELDS), dtype=object)
    try:
        for column in ("valid_from", "valid_to", "recorded_at", "superseded_at"):
            frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    except ValueError as error:
        raise ArchiveError(f"the table control is damaged: {error}: geo check says more") from error
    return gpd.GeoDataFrame(frame, geometry=np.concatenate([*shapes, np.empty(0, dtype=object)]), crs=CRS)
