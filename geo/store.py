"""The archive's tables: snapshots in, the state of any date out, as known now or at any earlier instant.

The snapshots are the record: each names its polygons (``members``) and is never changed but for the two instants at
which it was superseded or retracted. The layer ``control`` is what they say together as known now, with every
polygon once for as long as it stayed the same; it is kept up to date by what each new snapshot changes.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo import gpkg, layout, timeline
from geo.errors import ArchiveError
from geo.schema import CRS, INCIDENT_COLUMNS, UNIT_COLUMNS, Source, parse_instant, write_instant

CONTROL_FIELDS = (
    "source", "part", "controller", "status", "native", "valid_from", "valid_to", "recorded_at", "superseded_at",
)  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """One snapshot on its way in: what it depicts, the file it came from, and its polygons after the gate."""

    source: str
    part: str
    depicts: datetime
    frame: gpd.GeoDataFrame
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


class Store:
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: gpkg.Writer | None = None

    # -- the file -----------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection to a file that is known to be an archive of a layout we read.

        Raises
        ------
        ArchiveError
            There is no such file, it is damaged, no GeoPackage, or none of ours.
        """
        with gpkg.reading(self.path) as connection:
            _check_layout(self.path, connection)
            yield connection

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
        from geo import __version__

        temporary = gpkg.new_file(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(temporary, isolation_level=None)
            connection.execute("BEGIN")
            layout.lay(connection, now=write_instant(datetime.now(UTC)), made_by=f"geo-control {__version__}")
            connection.execute("COMMIT")
            connection.close()
            gpkg.place_new(temporary, self.path)
        except (OSError, sqlite3.Error) as error:
            temporary.unlink(missing_ok=True)
            raise ArchiveError(f"{self.path}: cannot be made ({error}): may you write in that folder?") from error

    # -- snapshots in -------------------------------------------------------------------------------------------

    def record(self, connection: sqlite3.Connection, recording: Recording) -> Recorded:
        """Take a snapshot in. The same file for the same instant changes nothing; another one supersedes.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of `writing`.
        recording : Recording
            Its frame has the columns controller, status, native and geometry (EPSG:4326, areal, valid).

        Returns
        -------
        Recorded

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        depicts = write_instant(recording.depicts)
        there = _in_force(connection, recording.source, recording.part, at=depicts)
        digests, blobs, frame = _shapes_of(recording)
        known = _known_shapes(connection, digests)
        if there is not None and there["sha256"] == recording.sha256:
            if all(d in known for d in digests) and set(known.values()) == set(_unpack(there["members"]).tolist()):
                return Recorded(there["snapshot"], "unchanged")
        now = next_instant(connection)
        ids = {**known, **_new_shapes(connection, [d for d in digests if d not in known])}
        name = _insert_snapshot(connection, recording, now, _pack(set(ids.values())))
        if there is not None:
            connection.execute("UPDATE snapshots SET superseded_at = ? WHERE id = ?", (now, there["id"]))
        layout.restyle_control(connection, {(r[0], r[1]) for r in frame}, now=now)
        rows = {
            ids[digest]: (blob, (recording.source, recording.part, *row))
            for digest, blob, row in zip(digests, blobs, frame, strict=True)
        }
        _replace_state(connection, recording.source, recording.part, depicts, there, set(rows), rows, now)
        if len(recording.frame):
            gpkg.widen(connection, "control", np.asarray(recording.frame.geometry.array), now=now)
        return Recorded(name, "superseded" if there else "stored", there["snapshot"] if there else None)

    def retract(self, connection: sqlite3.Connection, snapshot: str, *, why: str) -> None:
        """Take a recording back: the archive says again what it said without it, and keeps what it did say.

        Parameters
        ----------
        connection : sqlite3.Connection
            Of `writing`.
        snapshot : str
            Its name in the table ``snapshots``.
        why : str
            Kept with it.

        Raises
        ------
        ArchiveError
            There is no such snapshot, or it was taken back before.
        """
        row = connection.execute(
            "SELECT id, source, part, depicts, retracted_at FROM snapshots WHERE snapshot = ?", (snapshot,)
        ).fetchone()
        if row is None:
            raise ArchiveError(f"{self.path}: no snapshot {snapshot!r}; geo snapshots lists them")
        key, source, part, depicts, retracted_at = row
        if retracted_at:
            raise ArchiveError(f"{self.path}: {snapshot} was taken back on {retracted_at} already")
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
            members = set(_unpack(heir["members"]).tolist())
        else:
            before = _in_force(connection, source, part, before=depicts)
            members = set(_unpack(before["members"]).tolist()) if before else set()
        _replace_state(connection, source, part, depicts, there, members, {}, now)

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
            frame = pd.read_sql_query("SELECT * FROM snapshots ORDER BY source, part, depicts, id", connection)
        frame = frame.drop(columns=["id", "members"])
        return frame if as_known_on is None else frame[_known_then(frame, as_known_on)].reset_index(drop=True)

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
            table = pd.read_sql_query(
                "SELECT part, depicts, recorded_at, retracted_at, members FROM snapshots WHERE source = ?"
                " ORDER BY part, depicts, id",
                connection,
                params=(source,),
            )
            table = table[_known_then(table, as_known_on)]
            rows: list[tuple[Any, ...]] = []
            for _, series in table.groupby("part", sort=True):
                rows += _rows_then(connection, series, at)
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
            found = _fetch_shapes(connection, _unpack(row[0]).tolist())
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
        return self._table("SELECT name, title, url, licence, attribution FROM sources ORDER BY name")

    def imports(self) -> pd.DataFrame:
        """Every file of incidents, units and claims, with its receipt.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table("SELECT * FROM imports ORDER BY id")

    def claims(self) -> pd.DataFrame:
        """Every published figure on record.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._table("SELECT * FROM claims ORDER BY id").drop(columns="id")

    def _table(self, query: str) -> pd.DataFrame:
        with self.reading() as connection:
            return pd.read_sql_query(query, connection)

    def instant(self, connection: sqlite3.Connection) -> str:
        """The instant of a recording about to be made: now, but later than all before.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return next_instant(connection)

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
        geometries = promote(np.asarray(frame.geometry.array, dtype=object))
        blobs = gpkg.encode(geometries)
        values = list(zip(*(_plain(frame[c]) for c in UNIT_COLUMNS), strict=True))
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
        if not geometry:
            return pd.DataFrame(rows, columns=columns)
        frame = pd.DataFrame([r[:-1] for r in rows], columns=columns)
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
        columns = list(INCIDENT_COLUMNS)
        names = ", ".join(f'"{c}"' for c in columns)
        there = {
            row[1]: row
            for row in connection.execute(f"SELECT fid, event_id, {names} FROM incidents WHERE dataset = ?", (dataset,))
        }
        counts = {"new": 0, "changed": 0, "unchanged": 0}
        fresh: list[tuple[Any, ...]] = []
        blobs = gpkg.encode(np.asarray(frame.geometry.array, dtype=object))
        for blob, values in zip(blobs, zip(*(_plain(frame[c]) for c in columns), strict=True), strict=True):
            old = there.get(values[0])
            if old is not None and old[2:] == values:
                counts["unchanged"] += 1
                continue
            if old is not None:
                _supersede_incident(connection, old[0], now)
            counts["changed" if old is not None else "new"] += 1
            fresh.append((blob, *values, dataset, now))
        connection.executemany(
            f"INSERT INTO incidents (geom, {names}, dataset, recorded_at)"
            f" VALUES ({', '.join('?' * (len(columns) + 3))})",
            fresh,
        )
        if len(frame):
            gpkg.widen(connection, "incidents", np.asarray(frame.geometry.array), now=now)
        return counts

    def incidents(
        self, *, first: str | None = None, last: str | None = None, as_known_on: datetime | None = None
    ) -> gpd.GeoDataFrame:
        """Incidents whose dates fall into a span of days, as known now or then.

        Parameters
        ----------
        first, last : str or None
            Days in ISO 8601, both included.
        as_known_on : datetime.datetime or None
            None is now.

        Returns
        -------
        geopandas.GeoDataFrame
            Columns of `INCIDENT_COLUMNS`, dataset, recorded_at; points in EPSG:4326.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        columns = [*INCIDENT_COLUMNS, "dataset", "recorded_at"]
        names = ", ".join(f'"{c}"' for c in columns)
        where = "(? IS NULL OR coalesce(date_end, date_start) >= ?) AND (? IS NULL OR date_start <= ?)"
        values: list[Any] = [first, first, last, last]
        tables = ["incidents"]
        if as_known_on is not None:
            known = write_instant(as_known_on)
            where += " AND recorded_at <= ? AND (superseded_at IS NULL OR superseded_at > ?)"
            values += [known, known]
            tables.append("incidents_superseded")
        query = " UNION ALL ".join(f"SELECT {names}, geom, fid FROM {t} WHERE {where}" for t in tables)
        with self.reading() as connection:
            rows = connection.execute(query + " ORDER BY date_start, fid", values * len(tables)).fetchall()
        frame = pd.DataFrame([r[:-2] for r in rows], columns=columns)
        return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-2] for r in rows]), crs=CRS)

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


def promote(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons as MultiPolygons of one part; MultiPolygons as they are.

    Raises
    ------
    GateError
        Never: the gate lets only areal geometries through.
    """
    out = geometries.copy()
    single = shapely.get_type_id(out) == 3
    if single.any():
        out[single] = shapely.multipolygons(out[single], indices=np.arange(int(single.sum())))
    return out


# -- snapshots ------------------------------------------------------------------------------------------------------


def _check_layout(path: Path, connection: sqlite3.Connection) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "gpkg_contents" not in tables:
        raise ArchiveError(f"{path}: SQLite, but no GeoPackage")
    if "layout" not in tables or "snapshots" not in tables:
        raise ArchiveError(
            f"{path}: a GeoPackage, but no archive of geo-control; geo import NEW.gpkg vector {path.name} takes its polygons in"
        )
    version = connection.execute("SELECT max(version) FROM layout").fetchone()[0]
    if version is None or version > layout.LAYOUT:
        raise ArchiveError(
            f"{path}: layout {version} was written by a newer geo-control; this one reads up to {layout.LAYOUT}: upgrade it"
        )


def next_instant(connection: sqlite3.Connection) -> str:
    """Now, but later than everything recorded before: as_known_on must tell any two recordings apart.

    Raises
    ------
    sqlite3.Error
        The file cannot be read.
    """
    last = connection.execute(
        "SELECT max(t) FROM (SELECT max(recorded_at) t FROM snapshots UNION ALL SELECT max(retracted_at) FROM snapshots"
        " UNION ALL SELECT max(recorded_at) FROM imports)"
    ).fetchone()[0]
    now = datetime.now(UTC)
    if last is not None:
        now = max(now, parse_instant(last) + timedelta(milliseconds=1))
    return write_instant(now)


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


def _next_depicted(connection: sqlite3.Connection, source: str, part: str, depicts: str) -> str | None:
    row = connection.execute(
        "SELECT min(depicts) FROM snapshots WHERE source = ? AND part = ? AND retracted_at IS NULL AND depicts > ?",
        (source, part, depicts),
    ).fetchone()
    return row[0] if row else None


def _known_then(table: pd.DataFrame, moment: datetime) -> pd.Series:
    """Which recordings were in force at a moment: recorded, not yet taken back, and the last for their instant."""
    at = write_instant(moment)
    known = (table["recorded_at"] <= at) & (table["retracted_at"].isna() | (table["retracted_at"] > at))
    keys = [c for c in ("source", "part", "depicts") if c in table]
    latest = table[known].sort_values("recorded_at").drop_duplicates(keys, keep="last").index
    return pd.Series(table.index.isin(latest), index=table.index)


def _insert_snapshot(connection: sqlite3.Connection, recording: Recording, now: str, members: bytes) -> str:
    name = f"{recording.source}{'/' + recording.part if recording.part else ''}@{_short(recording.depicts)}"
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


def _short(moment: datetime) -> str:
    """An instant in the fewest words: the day alone at 00:00, no seconds where there are none."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    text = text.removesuffix(":00")
    return text.removesuffix("T00:00") if text.endswith("T00:00") else text + "Z"


# -- shapes ---------------------------------------------------------------------------------------------------------


def _pack(ids: set[int]) -> bytes:
    """Member numbers as compressed differences: a day of a thousand known polygons takes about a hundred bytes."""
    ordered = np.array(sorted(ids), dtype="<i8")
    return zlib.compress(np.diff(ordered, prepend=0).astype("<u4").tobytes(), 9)


def _unpack(packed: bytes) -> NDArray[np.int64]:
    return np.cumsum(np.frombuffer(zlib.decompress(packed), dtype="<u4").astype(np.int64))


def _shapes_of(recording: Recording) -> tuple[list[bytes], list[bytes], list[tuple[Any, ...]]]:
    """Digest, blob and class of every polygon; what a digest stands for includes the source and the class."""
    frame = recording.frame
    blobs = gpkg.encode(promote(np.asarray(frame.geometry.array, dtype=object))) if len(frame) else []
    rows = list(zip(*(_plain(frame[c]) for c in ("controller", "status", "native")), strict=True))
    head = f"{recording.source}\0{recording.part}\0"
    digests = []
    for blob, row in zip(blobs, rows, strict=True):
        digest = blake2b(blob, digest_size=16)
        digest.update((head + json.dumps(row)).encode())
        digests.append(digest.digest())
    return digests, blobs, rows


def _known_shapes(connection: sqlite3.Connection, digests: list[bytes]) -> dict[bytes, int]:
    known: dict[bytes, int] = {}
    for digest in digests:
        row = connection.execute("SELECT id FROM shapes WHERE digest = ?", (digest,)).fetchone()
        if row is not None:
            known[digest] = row[0]
    return known


def _new_shapes(connection: sqlite3.Connection, digests: list[bytes]) -> dict[bytes, int]:
    made: dict[bytes, int] = {}
    for digest in dict.fromkeys(digests):
        made[digest] = int(connection.execute("INSERT INTO shapes (digest) VALUES (?)", (digest,)).lastrowid or 0)
    return made


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
    """Let `members` stand from `depicts` to the next snapshot, in place of what stood there.

    `there` is the recording that is being replaced at this very instant, if any: what it loses is kept as superseded.
    """
    span = (depicts, _next_depicted(connection, source, part, depicts))
    before = there or _in_force(connection, source, part, before=depicts)
    old = set(_unpack(before["members"]).tolist()) if before else set()
    for shape in sorted(old - members):
        if there is not None:
            _keep_superseded(connection, shape, span, now)
        _set_intervals(connection, shape, timeline.subtract(_intervals(connection, shape), span), None, now)
    for shape in sorted(members - old):
        intervals = timeline.add(_intervals(connection, shape), span)
        _set_intervals(connection, shape, intervals, rows.get(shape), now)


def _intervals(connection: sqlite3.Connection, shape: int) -> list[timeline.Interval]:
    return connection.execute("SELECT valid_from, valid_to FROM control WHERE shape = ?", (shape,)).fetchall()


def _set_intervals(
    connection: sqlite3.Connection,
    shape: int,
    wanted: list[timeline.Interval],
    row: tuple[bytes, tuple[Any, ...]] | None,
    now: str,
) -> None:
    """Make the layer's rows of one polygon say `wanted`, touching only what differs."""
    there = connection.execute(
        "SELECT fid, valid_from, valid_to FROM control WHERE shape = ? ORDER BY valid_from", (shape,)
    ).fetchall()
    spare = [fid for fid, first, last in there if (first, last) not in wanted]
    missing = [i for i in wanted if i not in {(first, last) for _, first, last in there}]
    if len(missing) > len(spare) and row is None:
        row = _row_of(connection, shape)
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


def _row_of(connection: sqlite3.Connection, shape: int) -> tuple[bytes, tuple[Any, ...]]:
    (_, *row, _, blob) = _fetch_shapes(connection, [shape])[0]
    return blob, tuple(row)


def _keep_superseded(connection: sqlite3.Connection, shape: int, span: timeline.Interval, now: str) -> None:
    """Copy what a polygon's rows say about `span` to the layer of superseded rows, before it is taken from them."""
    columns = "geom, source, part, controller, status, native, {}, {}, recorded_at, {}, shape"
    for fid, first, last in connection.execute(
        "SELECT fid, valid_from, valid_to FROM control WHERE shape = ?", (shape,)
    ).fetchall():
        lost = timeline.overlap((first, last), span)
        if lost is not None:
            connection.execute(
                f"INSERT INTO control_superseded ({columns.format('valid_from', 'valid_to', 'superseded_at')})"
                f" SELECT {columns.format('?', '?', '?')} FROM control WHERE fid = ?",
                (*lost, now, fid),
            )


def _fetch_shapes(connection: sqlite3.Connection, shapes: Sequence[int]) -> list[tuple[Any, ...]]:
    """(shape, source, part, controller, status, native, recorded_at, blob) of polygons, from wherever they stand."""
    columns = "shape, source, part, controller, status, native, recorded_at, geom"
    found: dict[int, tuple[Any, ...]] = {}
    for table in ("control", "control_superseded"):
        missing = [s for s in shapes if s not in found]
        for start in range(0, len(missing), 500):  # SQLite bounds the number of parameters
            part = missing[start : start + 500]
            query = (
                f"SELECT {columns} FROM {table} WHERE shape IN ({', '.join('?' * len(part))}) ORDER BY recorded_at DESC"
            )
            found |= {row[0]: row for row in connection.execute(query, part)}
    lost = [s for s in shapes if s not in found]
    if lost:
        raise ArchiveError(f"polygons {lost[:5]} of a snapshot are gone from the layers: geo repair mends a copy")
    return [found[s] for s in shapes]


def _rows_then(connection: sqlite3.Connection, series: pd.DataFrame, at: str) -> list[tuple[Any, ...]]:
    """The rows of one part at an instant, from the recordings in force then."""
    series = series.sort_values("depicts")
    past = series[series["depicts"] <= at]
    if past.empty:
        return []
    later = series[series["depicts"] > at]
    here = _unpack(past["members"].iloc[-1])
    starts = dict.fromkeys(here.tolist(), past["depicts"].iloc[-1])
    alive = here
    for depicts, packed in zip(past["depicts"].iloc[-2::-1], past["members"].iloc[-2::-1], strict=True):
        alive = np.intersect1d(alive, _unpack(packed))
        if not len(alive):
            break
        starts |= dict.fromkeys(alive.tolist(), depicts)
    ends: dict[int, str | None] = dict.fromkeys(here.tolist())
    alive = here
    for depicts, packed in zip(later["depicts"], later["members"], strict=True):
        gone = np.setdiff1d(alive, _unpack(packed))
        ends |= dict.fromkeys(gone.tolist(), depicts)
        alive = np.setdiff1d(alive, gone)
        if not len(alive):
            break
    found = _fetch_shapes(connection, here.tolist())
    rows = [(*r[1:6], starts[r[0]], ends[r[0]], r[6], None, r[7]) for r in found]
    return sorted(rows, key=lambda r: (r[1], r[3], r[2] or "", r[4] or ""))


def _supersede_incident(connection: sqlite3.Connection, fid: int, now: str) -> None:
    names = ", ".join(f'"{c}"' for c in INCIDENT_COLUMNS)
    connection.execute(
        f"INSERT INTO incidents_superseded (geom, {names}, dataset, recorded_at, superseded_at)"
        f" SELECT geom, {names}, dataset, recorded_at, ? FROM incidents WHERE fid = ?",
        (now, fid),
    )
    connection.execute("DELETE FROM incidents WHERE fid = ?", (fid,))


# -- frames ---------------------------------------------------------------------------------------------------------


def _control_frame(rows: Sequence[tuple[Any, ...]]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame([r[:-1] for r in rows], columns=list(CONTROL_FIELDS), dtype=object)
    for column in ("valid_from", "valid_to", "recorded_at", "superseded_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
    return gpd.GeoDataFrame(frame, geometry=gpkg.decode([r[-1] for r in rows]), crs=CRS)


def _plain(column: pd.Series) -> list[Any]:
    """A column as SQLite takes it: Python values, None for whatever is missing, whole floats as they are."""
    values = column.astype(object).where(column.notna(), None).tolist()
    return [v.item() if isinstance(v, np.generic) else v for v in values]
