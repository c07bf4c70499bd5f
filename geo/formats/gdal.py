"""The only door to pyogrio: GDAL is shown only files of three kinds that are what their names say."""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import CRSError

from geo.errors import ArchiveError, FileError
from geo.formats.geojson import MIB, read_bytes
from geo.formats.limits import TABLES, refuse_too_many
from geo.formats.tables import text_of
from geo.formats.zips import choose
from geo.storage import gpkg, transactions

LAYER_LIMIT = 1024 * MIB
MAGIC_OF = {".shp": b"\x00\x00\x27\x0a", ".fgb": b"fgb\x03fgb", ".gpkg": b"SQLite format 3\x00"}
SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")

_NAMES = {".shp": "Shapefile", ".fgb": "FlatGeobuf file", ".gpkg": "GeoPackage"}
_VIRTUAL = re.compile(r"CREATE\s+VIRTUAL\s+TABLE.*?\bUSING\s+(\w+)", re.IGNORECASE | re.DOTALL)
_SECONDS = 1.0  # of a processor
_HARMLESS = frozenset(("rtree", "fts3", "fts4", "fts5"))
_GDAL_DATE = re.compile(r"(\d{4})/(\d{2})/(\d{2})(?!\d)")
# Paths that GDAL or its wrapper would take for an archive, an address or a connection.
_SPECIAL = re.compile(r"[!?]|^/vsi|\.zip(?:$|/)|://", re.IGNORECASE)

# what GDAL remarks goes into no terminal; what matters of it is told in a note
logging.getLogger("pyogrio").addHandler(logging.NullHandler())

Objects = NDArray[np.object_]


def read_vector(
    path: Path, *, layer: str | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, Objects, str, str, tuple[str, ...]]:
    """A layer of a GeoPackage, Shapefile or FlatGeobuf file: table, geometry in its own CRS, that CRS, name, notes."""
    kind = path.suffix.lower()
    _check_kind(path, kind)
    with _plain(path) as plain:
        name, notes = choose(path, _layers(path, plain) if kind == ".gpkg" else [path.stem], layer)
        text = text_of(path, plain, encoding) if kind == ".shp" else None
        if kind == ".shp":
            _refuse_unlike_counts(path, plain)
        try:
            with warnings.catch_warnings():
                # GDAL's remarks on odd rings; what comes of them is checked at the gate
                warnings.simplefilter("ignore", RuntimeWarning)
                meta, _, blobs, fields = pyogrio.raw.read(
                    str(plain), layer=name if kind == ".gpkg" else None, force_2d=True, datetime_as_string=True,
                    encoding=None if text is None else "UTF-8" if text.utf8 else "ISO-8859-1",
                )  # fmt: skip
            geometry = _of_wkb(blobs)
        except UnboundLocalError:  # how pyogrio meets a CRS that GDAL cannot write out again
            raise FileError(f"{path}: layer {name!r} names a CRS that is damaged: repair it, or leave it out") from None
        except (RuntimeError, ValueError, LookupError, CRSError, shapely.errors.ShapelyError) as error:
            why = str(error).replace(str(plain), path.name)
            raise FileError(f"{path}: layer {name!r} cannot be read: {why}") from None
    columns = [_dates(f) if "datetime" in str(kind) else f for f, kind in zip(fields, meta["dtypes"], strict=True)]
    names = list(map(str, meta["fields"]))
    if text is not None:
        names, columns = text.decoded(names), [text.decoded(column) for column in columns]
        notes = (*notes, *text.notes)
    table = pd.DataFrame(dict(zip(names, columns, strict=True)), index=range(len(geometry)))
    return table, geometry, str(meta["crs"] or ""), name, notes


# what an extract of a basemap may be: the driver that reads it, and what is near the beginning of such a file
EXTRACTS = {
    ".pbf": ("OSM", b"OSMHeader"), ".gpkg": ("GPKG", b"SQLite format 3\x00"), ".pmtiles": ("PMTiles", b"PMTiles"),
    ".geojson": ("GeoJSON", b"{"),
}  # fmt: skip


def read_extract(
    path: Path, box: tuple[float, float, float, float], columns: Sequence[str]
) -> Iterator[tuple[pd.DataFrame, Objects]]:
    """The shapes of every layer of an extract that meet a box of degrees, with those columns, in EPSG:4326."""
    kind = path.suffix.lower()
    if kind not in EXTRACTS:
        raise FileError(f"{path}: {kind or 'no extension'}: one of .osm.pbf, .gpkg, .pmtiles and .geojson is wanted")
    driver, sign = EXTRACTS[kind]
    if driver not in pyogrio.list_drivers():
        raise FileError(
            f"{path}: the GDAL {pyogrio.__gdal_version_string__} of pyogrio here has no driver {driver}: convert the"
            " file elsewhere (ogr2ogr extract.gpkg FILE) and give the .gpkg"
        )
    if kind == ".gpkg":
        _check_kind(path, kind)
    if sign not in read_bytes(path, limit=sys.maxsize, first=64):
        raise FileError(f"{path}: not a {driver} file, whatever the extension says")
    with _plain(path) as plain, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            for layer, geometry in pyogrio.list_layers(str(plain)):
                if geometry is None:
                    continue
                there = [name for name in pyogrio.read_info(str(plain), layer=layer)["fields"] if name in columns]
                bounded = _bounded(plain, layer, box)
                frame = pyogrio.read_dataframe(str(plain), layer=layer, columns=there, force_2d=True, **bounded)
                if len(frame) and frame.crs is not None:
                    frame = frame.to_crs("EPSG:4326")
                yield pd.DataFrame(frame.drop(columns="geometry")), np.asarray(frame.geometry.array, dtype=object)
        except (RuntimeError, ValueError, LookupError, CRSError, shapely.errors.ShapelyError) as error:
            raise FileError(
                f"{path}: cannot be read as {driver}: {str(error).replace(str(plain), path.name)}"
            ) from None


def _bounded(plain: Path, layer: str, box: tuple[float, float, float, float]) -> dict[str, Any]:
    """The box in the CRS of a layer."""
    crs = pyogrio.read_info(str(plain), layer=layer)["crs"]
    if not crs or str(crs) in ("EPSG:4326", "OGC:CRS84"):
        return {"bbox": box}
    return {"bbox": tuple(gpd.GeoSeries([shapely.box(*box)], crs="EPSG:4326").to_crs(crs).total_bounds.tolist())}


_WRITTEN = "2000-01-01T00:00:00.000Z"


def geopackage_bytes(
    layers: Mapping[str, gpd.GeoDataFrame], *, description: str = "", about: Mapping[str, str] | None = None
) -> bytes:
    """A GeoPackage of layers, with QGIS's metadata `about` each; equal layers give equal bytes."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        path = Path(folder, "layers.gpkg")
        try:
            # GDAL writes the hour of writing into the file, and no file would equal another
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _WRITTEN})
            for i, (name, frame) in enumerate(layers.items()):
                pyogrio.write_dataframe(
                    frame, path, layer=name, driver="GPKG", append=i > 0, layer_options={"DESCRIPTION": description},
                    dataset_options={"VERSION": "1.3"},
                    geometry_type="Point" if name in ("incidents", "settlements") else "MultiPolygon",
                )  # fmt: skip
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                gpkg.describe_columns(connection)
                for name, words in (about or {}).items():
                    gpkg.describe_layer(connection, name, words, now=_WRITTEN)
                connection.execute("COMMIT")
            return path.read_bytes()
        except (RuntimeError, ValueError, OSError, sqlite3.Error) as error:
            raise FileError(f"layers {', '.join(layers)}: no GeoPackage can be written of them ({error})") from None
        finally:
            pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _check_kind(path: Path, kind: str) -> None:
    """The content must be what the extension says, before GDAL sees it."""
    if kind not in MAGIC_OF:
        raise FileError(f"{path}: {kind or 'no extension'}: one of .gpkg, .shp and .fgb is wanted")
    if not read_bytes(path, limit=LAYER_LIMIT, first=16).startswith(MAGIC_OF[kind]):
        detail = " (no SQLite file at all)" if kind == ".gpkg" else ""
        raise FileError(f"{path}: not a {_NAMES[kind]}{detail}, whatever the extension says")
    if kind == ".gpkg":
        _check_geopackage(path)


def _check_geopackage(path: Path) -> None:
    try:
        with transactions.reading(path, is_ours=False) as connection:
            guard(connection)
            made = {
                str(name): str(sql or "") for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")
            }
            refuse_too_many(path, len(made), TABLES, "tables and indexes")
            reckoned = _reckoned(connection)
    except ArchiveError as error:
        text = str(error).removeprefix(f"{path}: ")
        if "SQLite" in text:
            text = "damaged SQLite file: take a backup or fetch it again"
        raise FileError(f"{path}: {text}") from None
    if "gpkg_contents" not in made:
        raise FileError(f"{path}: SQLite, but no GeoPackage (it has no table gpkg_contents)")
    if reckoned:
        raise FileError(f"{path}: {reckoned} comes of the file's own SQL, which is not run: save it as a plain table")
    for name, sql in made.items():
        match = _VIRTUAL.match(sql.strip())
        if match and match.group(1).lower() not in _HARMLESS:
            raise FileError(f"{path}: table {name!r} is a window to something outside ({match.group(1)}): not opened")


def guard(connection: sqlite3.Connection) -> None:
    """Let SQL on a file from elsewhere read the list of its tables alone, for a second at most."""
    began = time.process_time()
    connection.set_authorizer(_is_allowed)
    connection.set_progress_handler(lambda: time.process_time() - began > _SECONDS, 10_000)


def _is_allowed(action: int, first: str | None, second: str | None, _: str | None, __: str | None) -> int:
    names = {
        sqlite3.SQLITE_READ: ("sqlite_master",),
        sqlite3.SQLITE_PRAGMA: ("table_xinfo",),
        sqlite3.SQLITE_FUNCTION: ("like", "ltrim"),
        sqlite3.SQLITE_TRANSACTION: ("commit", "rollback"),
    }
    what = second if action == sqlite3.SQLITE_FUNCTION else first
    may = action == sqlite3.SQLITE_SELECT or str(what).casefold() in names.get(action, ())
    return sqlite3.SQLITE_OK if may else sqlite3.SQLITE_DENY


def _reckoned(connection: sqlite3.Connection) -> str:
    """The first view or generated column of a file from elsewhere: a query of its own could go on for ever."""
    query = (
        "SELECT type, name FROM sqlite_master WHERE type = 'view' OR (type = 'table' AND ltrim(sql) NOT LIKE"
        " 'CREATE VIRTUAL%')"
    )
    for kind, name in connection.execute(query):
        if kind == "view":
            return f"view {name!r}"
        quoted = str(name).replace('"', '""')
        for column in connection.execute(f'PRAGMA table_xinfo("{quoted}")') if kind == "table" else ():
            if column[6] in (2, 3):
                return f"column {column[1]!r} of table {name!r}"
    return ""


def _layers(path: Path, plain: Path) -> list[str]:
    try:
        return [str(name) for name, geometry in pyogrio.list_layers(str(plain)) if geometry is not None]
    except (RuntimeError, ValueError) as error:
        raise FileError(f"{path}: damaged GeoPackage ({str(error).replace(str(plain), path.name)})") from None


def _refuse_unlike_counts(path: Path, plain: Path) -> None:
    """Refuse a Shapefile whose shapes and rows are of different numbers: GDAL reads as many as it has rows."""
    beside = {p.suffix.lower(): p for p in plain.parent.iterdir() if p.stem == plain.stem}
    if ".dbf" in beside and ".shx" in beside:
        shapes = (beside[".shx"].stat().st_size - 100) // 8
        with beside[".dbf"].open("rb") as table:
            rows = int.from_bytes(table.read(8)[4:], "little")
        if shapes != rows:
            raise FileError(f"{path}: {shapes:,} shapes, and {rows:,} rows in its .dbf: a part, or of another file")


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """A path that can only be read as a path; a copy where the name has signs with a meaning for GDAL."""
    absolute = path.resolve()
    if not _SPECIAL.search(str(absolute)):
        yield absolute
        return
    kinds = SHAPEFILE if path.suffix.lower() == ".shp" else (path.suffix.lower(),)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        for sibling in absolute.parent.iterdir():
            if sibling.stem == absolute.stem and sibling.suffix.lower() in kinds:
                shutil.copyfile(sibling, Path(folder, "data" + sibling.suffix.lower()))
        yield Path(folder, "data" + path.suffix.lower())


def _dates(values: Objects) -> Objects:
    """Dates as ISO 8601 writes them: pyogrio up to 0.12 gives GDAL's own way, 2026/04/07 12:00:00."""

    def iso(value: Any) -> Any:
        match = _GDAL_DATE.match(value) if isinstance(value, str) else None
        return "-".join(match.groups()) + value[match.end() :].replace(" ", "T", 1) if match else value

    made: Objects = np.array([iso(v) for v in values], dtype=object)
    return made


def _of_wkb(blobs: Any) -> Objects:
    """shapely geometries; collections of areas only become MultiPolygons, as everywhere."""
    found: Objects = np.asarray(shapely.from_wkb(np.asarray(blobs, dtype=object)), dtype=object)
    for at in np.flatnonzero(shapely.get_type_id(found) == 7):
        parts = shapely.get_parts(found[at])
        if len(parts) and (shapely.get_type_id(parts) == 3).all():
            found[at] = shapely.multipolygons(parts)
    return found
