"""The GeoPackage container: its tables, its geometry blobs, and polygons numbered by digest."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.assets import ASSETS, read_toml
from geo.errors import ArchiveError

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300

_CONTAINER = (ASSETS / "geopackage.sql").read_text(encoding="utf-8").strip().split("\n\n")
# The triggers that the RTree extension (annex F.3) prescribes, for a column named geom and a key named fid.
_RTREE = (ASSETS / "rtree.sql").read_text(encoding="utf-8").strip().split("\n\n")
_ABOUT = (ASSETS / "geopackage_about.sql").read_text(encoding="utf-8").strip().split("\n\n")
_QGIS = "http://mrcc.com/qgis.dtd"
_HEADER = struct.Struct("<2sBBi4d")  # magic, version, flags (little-endian, envelope xy), srs, envelope
_ENVELOPE_FLAGS = 0b00000011


def encode(geometries: NDArray[np.object_]) -> list[bytes]:
    """GeoPackage blobs (header with envelope, then WKB) of shapely geometries in EPSG:4326."""
    bounds = shapely.bounds(geometries)
    bodies = shapely.to_wkb(geometries, output_dimension=2, byte_order=1)
    return [
        _HEADER.pack(b"GP", 0, _ENVELOPE_FLAGS, 4326, west, east, south, north) + body
        for (west, south, east, north), body in zip(bounds.tolist(), bodies, strict=True)
    ]


def decode(blobs: Sequence[bytes]) -> NDArray[np.object_]:
    """The shapely geometries of GeoPackage blobs, whoever wrote them."""
    try:
        bodies = [blob[body_offset(blob) :] for blob in blobs]
        geometries: NDArray[np.object_] = np.asarray(shapely.from_wkb(np.array(bodies, dtype=object)))
        return without_empty(geometries)
    except (shapely.errors.ShapelyError, IndexError, TypeError) as error:
        raise ArchiveError(f"a geometry in the archive is damaged ({error}): geo check names it") from error


def without_empty(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons and MultiPolygons without their empty parts and holes, on which what comes after would stumble."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    odd = shapely.is_empty(parts)
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts))
    rings, of = shapely.get_rings(parts[holed], return_index=True)
    odd[holed[of[shapely.is_empty(rings)]]] = True
    for i in set(owner[odd].tolist()):
        kind, polygons = shapely.get_type_id(geometries[i]), polygons_in(geometries[i])
        if kind in (3, 6) and len(polygons):
            geometries[i] = polygons[0] if kind == 3 else shapely.multipolygons(polygons)
    return geometries


def polygons_in(geometry: shapely.Geometry | NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons that geometries consist of, however they are nested, without empty ones and empty holes."""
    parts: NDArray[np.object_] = np.array(geometry, dtype=object, ndmin=1)
    while (nested := np.isin(shapely.get_type_id(parts), (4, 5, 6, 7))).any():
        parts = np.concatenate([parts[~nested], shapely.get_parts(parts[nested])])
    found: NDArray[np.object_] = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    rings, owner = shapely.get_rings(found, return_index=True)
    for i in set(owner[shapely.is_empty(rings)].tolist()):
        found[i] = shapely.Polygon(found[i].exterior, [hole for hole in found[i].interiors if not hole.is_empty])
    return found


def body_offset(blob: bytes) -> int:
    """Where the WKB begins in a GeoPackage blob."""
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


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection that writes the functions that the RTree triggers call."""
    for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, _envelope(position), deterministic=True)  # type: ignore[arg-type]

    def is_empty(blob: bytes | None) -> int | None:
        return None if blob is None or len(blob) < 8 else (blob[3] >> 4) & 1

    connection.create_function("ST_IsEmpty", 1, is_empty, deterministic=True)


@contextmanager
def boxes_at_once(connection: sqlite3.Connection, layer: str) -> Iterator[None]:
    """Let the boxes of rows that are put into a layer be entered at the end, in order of place: a fifth of the time."""
    tree = f"rtree_{layer}_geom"
    trigger = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (f"{tree}_insert",)).fetchone()
    if trigger is None:  # `geo check` names it
        yield
        return
    (last,) = connection.execute(f"SELECT coalesce(max(fid), 0) FROM {layer}").fetchone()
    connection.execute(f"DROP TRIGGER {tree}_insert")
    yield
    ends = "ST_MinX(geom) AS west, ST_MaxX(geom), ST_MinY(geom) AS south, ST_MaxY(geom)"
    connection.execute(
        f"INSERT OR REPLACE INTO {tree} SELECT fid, {ends} FROM {layer}"
        " WHERE fid > ? AND geom NOT NULL AND NOT ST_IsEmpty(geom) ORDER BY CAST(west AS INTEGER), south",
        (last,),
    )
    connection.execute(trigger[0])


def create_container(connection: sqlite3.Connection) -> None:
    """Lay the tables that make an SQLite file a GeoPackage."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {USER_VERSION}")
    for statement in _CONTAINER:
        connection.execute(statement)


def create_layer(
    connection: sqlite3.Connection, name: str, *, columns: str, geometry: str | None, title: str, now: str
) -> None:
    """Make a layer (with an RTree) or, without `geometry`, an attribute table, and register it."""
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


def describe_columns(connection: sqlite3.Connection) -> None:
    """Say what the columns of our layers mean, where QGIS and GDAL read it (the schema extension)."""
    for statement in _ABOUT:
        connection.execute(statement)
    for name, meanings in read_toml("column_meanings.toml").items():
        # what an earlier layout has not is made with the layer itself
        there = [row[1] for row in connection.execute(f'PRAGMA main.table_info("{name}")')]
        words = {**meanings, "geom": meanings.get("geometry")}
        connection.executemany(
            "INSERT OR REPLACE INTO gpkg_data_columns (table_name, column_name, description) VALUES (?, ?, ?)",
            [(name, column, words[column]) for column in there if words.get(column)],
        )


def describe_layer(connection: sqlite3.Connection, name: str, qgis: str, *, now: str) -> None:
    """Say what a layer is and to whom it is owed, as QGIS shows it (the metadata extension)."""
    row = connection.execute(
        "SELECT m.id, m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id"
        " WHERE r.table_name = ? AND r.reference_scope = 'table' AND m.md_standard_uri = ?",
        (name, _QGIS),
    ).fetchone()
    if row is not None and row[1] == qgis:
        return
    if row is not None:
        connection.execute("UPDATE gpkg_metadata SET metadata = ? WHERE id = ?", (qgis, row[0]))
        connection.execute("UPDATE gpkg_metadata_reference SET timestamp = ? WHERE md_file_id = ?", (now, row[0]))
        return
    made = connection.execute("INSERT INTO gpkg_metadata (md_standard_uri, metadata) VALUES (?, ?)", (_QGIS, qgis))
    connection.execute(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, timestamp, md_file_id)"
        " VALUES ('table', ?, ?, ?)",
        (name, now, made.lastrowid),
    )


def widen(connection: sqlite3.Connection, name: str, geometries: NDArray[np.object_], *, now: str) -> None:
    """Let a layer's registered extent take in new geometries."""
    west, south, east, north = (float(v) for v in shapely.total_bounds(geometries))
    connection.execute(
        "UPDATE gpkg_contents SET last_change = ?, min_x = min(coalesce(min_x, ?), ?),"
        " min_y = min(coalesce(min_y, ?), ?), max_x = max(coalesce(max_x, ?), ?), max_y = max(coalesce(max_y, ?), ?)"
        " WHERE table_name = ?",
        (now, west, west, south, south, east, east, north, north, name),
    )


_MEMBERS_LIMIT = 1 << 26  # bytes of a snapshot's unpacked list: sixteen million polygons


def pack(ids: set[int]) -> bytes:
    """Member numbers as compressed differences: a day of a thousand known polygons takes about a hundred bytes."""
    ordered = np.array(sorted(ids), dtype="<i8")
    return zlib.compress(np.diff(ordered, prepend=0).astype("<u4").tobytes(), 9)


def unpack(packed: bytes) -> NDArray[np.int64]:
    """The numbers of a snapshot's polygons, in order."""
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, _MEMBERS_LIMIT)
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("it breaks off, or something follows it")
        return np.cumsum(np.frombuffer(raw, dtype="<u4").astype(np.int64))
    except (zlib.error, ValueError, TypeError) as error:
        raise ArchiveError(f"a snapshot's list of polygons is damaged ({error}): geo check names it") from error


def known_shapes(connection: sqlite3.Connection, digests: list[bytes]) -> dict[bytes, int]:
    """The numbers of the polygons that are on record already: digest -> number."""
    known: dict[bytes, int] = {}
    for start in range(0, len(digests), 500):  # SQLite bounds the number of parameters
        part = digests[start : start + 500]
        known |= connection.execute(
            f"SELECT digest, id FROM shapes WHERE digest IN ({', '.join('?' * len(part))})", part
        )
    return known


def new_shapes(connection: sqlite3.Connection, digests: list[bytes]) -> dict[bytes, int]:
    """Numbers for polygons that are new: digest -> number."""
    made: dict[bytes, int] = {}
    for digest in dict.fromkeys(digests):
        made[digest] = int(connection.execute("INSERT INTO shapes (digest) VALUES (?)", (digest,)).lastrowid or 0)
    return made


def fetch_shapes(connection: sqlite3.Connection, shapes: Sequence[int]) -> list[tuple[Any, ...]]:
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


def promote(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons as MultiPolygons of one part; MultiPolygons as they are."""
    out = geometries.copy()
    single = shapely.get_type_id(out) == 3
    if single.any():
        out[single] = shapely.multipolygons(out[single], indices=np.arange(int(single.sum())))
    return out


_PLAIN = {type(None), str, int, float, bool, bytes}


def plain(column: pd.Series) -> list[Any]:
    """A column as SQLite takes it: Python values, None for whatever is missing."""
    values = np.array(column, dtype=object)
    values[pd.isna(values)] = None
    listed: list[Any] = values.tolist()
    kinds = set(map(type, listed))
    return [v.item() if isinstance(v, np.generic) else v for v in listed] if kinds - _PLAIN else listed
