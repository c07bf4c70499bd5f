"""Polygons as they are stored: numbered by digest, named by a snapshot's packed list, fetched from the layers."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import ArchiveError

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
    for digest in digests:
        row = connection.execute("SELECT id FROM shapes WHERE digest = ?", (digest,)).fetchone()
        if row is not None:
            known[digest] = row[0]
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


def plain(column: pd.Series) -> list[Any]:
    """A column as SQLite takes it: Python values, None for whatever is missing."""
    values = column.astype(object).where(column.notna(), None).tolist()
    return [v.item() if isinstance(v, np.generic) else v for v in values]
