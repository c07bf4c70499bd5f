"""The GeoPackage container: its tables, its geometry blobs, and transactions that are whole or never were.

Written after OGC 12-128r18 (GeoPackage 1.3.1) with the RTree extension. SQLite is used directly, because GDAL can
neither keep several layers in one transaction with plain tables nor say who holds a file.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300
WAIT_SECONDS = 30.0
CACHE_KIB = 65_536
_ROOM = 1 << 18  # bytes; with less, SQLite cannot lay its log and says "I/O error"

_SRS = """INSERT INTO gpkg_spatial_ref_sys VALUES
('Undefined Cartesian', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
('Undefined geographic', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,
AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],
UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]',
'longitude and latitude in decimal degrees on the WGS 84 spheroid')"""

_CONTAINER = (
    """CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,
    description TEXT)""",
    """CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
    identifier TEXT UNIQUE, description TEXT DEFAULT '',
    last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
    CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
    geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
    CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
    CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
    CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    """CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
    definition TEXT NOT NULL, scope TEXT NOT NULL,
    CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)
# The triggers that the RTree extension (annex F.3) prescribes, for a column named geom and a key named fid.
_RTREE = (
    'CREATE VIRTUAL TABLE "rtree_{t}_geom" USING rtree(id, minx, maxx, miny, maxy)',
    """CREATE TRIGGER "rtree_{t}_geom_insert" AFTER INSERT ON "{t}"
    WHEN (new."geom" NOT NULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN
    INSERT OR REPLACE INTO "rtree_{t}_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"),
    ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END""",
    """CREATE TRIGGER "rtree_{t}_geom_update1" AFTER UPDATE OF "geom" ON "{t}"
    WHEN OLD."fid" = NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN
    INSERT OR REPLACE INTO "rtree_{t}_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"),
    ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END""",
    """CREATE TRIGGER "rtree_{t}_geom_update2" AFTER UPDATE OF "geom" ON "{t}"
    WHEN OLD."fid" = NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom")) BEGIN
    DELETE FROM "rtree_{t}_geom" WHERE id = OLD."fid"; END""",
    """CREATE TRIGGER "rtree_{t}_geom_update3" AFTER UPDATE ON "{t}"
    WHEN OLD."fid" != NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) BEGIN
    DELETE FROM "rtree_{t}_geom" WHERE id = OLD."fid";
    INSERT OR REPLACE INTO "rtree_{t}_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"),
    ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END""",
    """CREATE TRIGGER "rtree_{t}_geom_update4" AFTER UPDATE ON "{t}"
    WHEN OLD."fid" != NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom")) BEGIN
    DELETE FROM "rtree_{t}_geom" WHERE id IN (OLD."fid", NEW."fid"); END""",
    """CREATE TRIGGER "rtree_{t}_geom_delete" AFTER DELETE ON "{t}" WHEN old."geom" NOT NULL BEGIN
    DELETE FROM "rtree_{t}_geom" WHERE id = OLD."fid"; END""",
)
_HEADER = struct.Struct("<2sBBi4d")  # magic, version, flags (little-endian, envelope xy), srs, envelope
_ENVELOPE_FLAGS = 0b00000011


def encode(geometries: NDArray[np.object_]) -> list[bytes]:
    """GeoPackage blobs (header with envelope, then WKB) of shapely geometries in EPSG:4326.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
        Not empty, not missing.

    Returns
    -------
    list of bytes
        One blob a geometry.

    Raises
    ------
    GateError
        Never.
    """
    bounds = shapely.bounds(geometries)
    bodies = shapely.to_wkb(geometries, output_dimension=2, byte_order=1)
    return [
        _HEADER.pack(b"GP", 0, _ENVELOPE_FLAGS, 4326, west, east, south, north) + body
        for (west, south, east, north), body in zip(bounds.tolist(), bodies, strict=True)
    ]


def decode(blobs: Sequence[bytes]) -> NDArray[np.object_]:
    """The shapely geometries of GeoPackage blobs, whoever wrote them.

    Parameters
    ----------
    blobs : sequence of bytes
        GeoPackageBinary, with any envelope.

    Returns
    -------
    numpy.ndarray of shapely geometries, shape (n,)

    Raises
    ------
    ArchiveError
        A blob is not a GeoPackage geometry.
    """
    try:
        bodies = [blob[body_offset(blob) :] for blob in blobs]
        geometries: NDArray[np.object_] = np.asarray(shapely.from_wkb(np.array(bodies, dtype=object)))
        return geometries
    except (shapely.errors.ShapelyError, IndexError, TypeError) as error:
        raise ArchiveError(f"a geometry in the archive is damaged ({error}): geo check names it") from error


def body_offset(blob: bytes) -> int:
    """Where the WKB begins in a GeoPackage blob.

    Raises
    ------
    IndexError
        The blob is too short to hold a header.
    """
    return 8 + (0, 32, 48, 48, 64)[(blob[3] >> 1) & 0b111]


def _envelope(position: int) -> object:
    def value(blob: bytes | None) -> float | None:
        if blob is None or len(blob) < 8:
            return None
        if (blob[3] >> 1) & 0b111:
            order = "<" if blob[3] & 1 else ">"
            return float(struct.unpack_from(order + "d", blob, 8 + 8 * position)[0])
        west, south, east, north = shapely.from_wkb(blob[8:]).bounds
        return float((west, east, south, north)[position])

    return value


def _is_empty(blob: bytes | None) -> int | None:
    return None if blob is None or len(blob) < 8 else (blob[3] >> 4) & 1


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection that writes the functions that the RTree triggers call.

    Raises
    ------
    sqlite3.Error
        The connection is closed.
    """
    for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, _envelope(position), deterministic=True)  # type: ignore[arg-type]
    connection.create_function("ST_IsEmpty", 1, _is_empty, deterministic=True)


def create_container(connection: sqlite3.Connection) -> None:
    """Lay the tables that make an SQLite file a GeoPackage.

    Raises
    ------
    sqlite3.Error
        The file cannot be written.
    """
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {USER_VERSION}")
    for statement in _CONTAINER:
        connection.execute(statement)
    connection.execute(_SRS)


def create_layer(
    connection: sqlite3.Connection, name: str, *, columns: str, geometry: str | None, title: str, now: str
) -> None:
    """Make a layer (with an RTree) or, without `geometry`, an attribute table, and register it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    name, title : str
        The table's name, and the words for people.
    columns : str
        SQL of the columns after the key (``fid`` in layers, ``id`` in tables).
    geometry : str or None
        ``MULTIPOLYGON``, ``POINT``, or None.
    now : str
        The instant of the registration.

    Raises
    ------
    sqlite3.Error
        The table is there already, or the file cannot be written.
    """
    kind = "features" if geometry else "attributes"
    key = '"fid" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL'
    if geometry:
        connection.execute(f'CREATE TABLE "{name}" ({key}, "geom" {geometry}, {columns})')
    else:
        connection.execute(f'CREATE TABLE "{name}" ({key.replace("fid", "id")}, {columns})')
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (name, kind, name, title, now, 4326 if geometry else None),
    )
    if not geometry:
        return
    connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, 4326, 0, 0)", (name, geometry))
    connection.execute(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index',"
        " 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        (name,),
    )
    for statement in _RTREE:
        connection.execute(statement.replace("{t}", name))


def widen(connection: sqlite3.Connection, name: str, geometries: NDArray[np.object_], *, now: str) -> None:
    """Let a layer's registered extent take in new geometries.

    Raises
    ------
    sqlite3.Error
        The file cannot be written.
    """
    west, south, east, north = (float(v) for v in shapely.total_bounds(geometries))
    connection.execute(
        "UPDATE gpkg_contents SET last_change = ?, min_x = min(coalesce(min_x, ?), ?),"
        " min_y = min(coalesce(min_y, ?), ?), max_x = max(coalesce(max_x, ?), ?), max_y = max(coalesce(max_y, ?), ?)"
        " WHERE table_name = ?",
        (now, west, west, south, south, east, east, north, north, name),
    )


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that never blocks and is never blocked, also on read-only media.

    Parameters
    ----------
    path : pathlib.Path
        The GeoPackage.

    Yields
    ------
    sqlite3.Connection
        In one read transaction: it sees one state throughout.

    Raises
    ------
    ArchiveError
        There is no such file, or it is damaged or no database.
    """
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive; geo import makes one")
    with closing(_open_for_reading(path)) as connection, _told(path):
        yield connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    _end_what_was_cut_off(path)
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    # On read-only media SQLite cannot lay its shared-memory file; nobody can write there, so "immutable" is true.
    for extra in ("", "&immutable=1"):
        connection = sqlite3.connect(address + extra, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            if extra or ("unable to open" not in str(error) and "readonly" not in str(error)):
                raise _explain(path, error) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            connection.close()
            raise _explain(path, error) from error
    raise AssertionError("unreachable")


def _end_what_was_cut_off(path: Path) -> None:
    """A journal that a killed writer left is rolled back by whoever opens the file for writing; a reader cannot."""
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


class Writer:
    """The one writing connection of a process to an archive; close it to leave the file in one piece."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tag = path.with_name(f".{path.name}.writer")
        with _told(path):
            self.connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            add_functions(self.connection)
            self._prefer_wal()

    def _prefer_wal(self) -> None:
        """With a write-ahead log readers go on while we write; where it cannot be had, SQLite's journal does."""
        with suppress(sqlite3.OperationalError):
            self.connection.execute("PRAGMA journal_mode = WAL").fetchone()
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        # indexes of a million rows are filled in no order: with SQLite's own 2 MB each page is written again and again
        self.connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Waits for another writer, and says who it is when it waited long.

        Raises
        ------
        ArchiveError
            Another writer held the archive for longer than the wait, or the file cannot be written.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _explain(self.path, error, holder=self._holder()) from error
        self._hang_tag()
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise _explain(self.path, error) from error
        except BaseException:
            self._roll_back()
            raise
        finally:
            with suppress(OSError):  # on a disk that takes nothing the tag was not hung either
                self._tag.unlink(missing_ok=True)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # a drive that is gone: the next who opens the file rolls back by its log
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def _hang_tag(self) -> None:
        """A name tag beside the archive, for the message to whoever waits; SQLite's lock is the lock."""
        who = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        with suppress(OSError, KeyError):
            who["user"] = getpass.getuser()
        with suppress(OSError):
            self._tag.write_text(json.dumps(who), encoding="utf-8")

    def _holder(self) -> str:
        try:
            who = json.loads(self._tag.read_text(encoding="utf-8"))
            return f"process {who['process']} of {who.get('user', '?')} on {who['host']}, since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # a tag is only a tag
            return "another program (QGIS or another tool with the file open for editing?)"

    def close(self) -> None:
        """Fold the log back into the file, so that one file is the whole archive.

        Raises
        ------
        ArchiveError
            Never: where readers are at work the log stays beside the file, which every reader understands.
        """
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        self.connection.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    # SQLite quotes what it cannot read, and Python cannot decode the quotation
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: sqlite3.Error | UnicodeDecodeError, *, holder: str = "") -> ArchiveError:
    """SQLite's words, made into what went wrong for this archive and what to do."""
    text = str(error)
    if "locked" in text or "busy" in text:
        whom = holder or "another program"
        return ArchiveError(f"{path}: {whom} is writing; waited {WAIT_SECONDS:.0f} s. Try again when it has ended")
    if "not a database" in text:
        return ArchiveError(f"{path}: not a GeoPackage (no SQLite file at all)")
    if "malformed" in text or "corrupt" in text or isinstance(error, UnicodeDecodeError):
        return ArchiveError(f"{path}: damaged SQLite file ({text}); take the last backup")
    if "readonly" in text or "unable to open" in text:
        return ArchiveError(f"{path}: cannot be written ({text}): is the folder there, and may you write in it?")
    if "full" in text or ("I/O" in text and _is_full(path)):
        return ArchiveError(f"{path}: the disk is full; nothing was changed. Make room and run the same command again")
    if "I/O" in text:
        return ArchiveError(
            f"{path}: {text}: the drive does not answer as it should; nothing was changed. Look after the drive, then"
            " run the same command again"
        )
    return ArchiveError(f"{path}: {text}")


def _is_full(path: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _ROOM
    return False


def new_file(path: Path) -> Path:
    """A name beside `path` under which a file is made before it is moved there in one step.

    Raises
    ------
    ArchiveError
        Never.
    """
    return path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.new")


def place_new(temporary: Path, path: Path) -> bool:
    """Give a finished file its name in one step, unless somebody was faster; True if it was ours.

    Raises
    ------
    ArchiveError
        The folder does not take the file.
    """
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: a rename is as whole, but could replace a file made this instant.
        if path.exists():
            return False
        os.replace(temporary, path)
        return True
    finally:
        temporary.unlink(missing_ok=True)
