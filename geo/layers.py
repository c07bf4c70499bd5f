"""One layer of any geodata file, in EPSG:4326. The only door to pyogrio, and GDAL is shown only what it is to read."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import CRSError as PyogrioCRSError
from pyproj.exceptions import CRSError, ProjError

from geo.errors import FileError, GateError, UsageError
from geo.kml import Placemark, read_kml
from geo.vector import MIB, build, features, read_bytes, read_json
from geo.zips import MAGIC, unpack

LAYER_LIMIT = 1024 * MIB
DEGREES = "EPSG:4326"
READABLE = "GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, KMZ, or one of them in a zip"

_MAGIC_OF = {".shp": b"\x00\x00\x27\x0a", ".fgb": b"fgb\x03fgb", ".gpkg": b"SQLite format 3\x00"}
_NAMES = {".shp": "Shapefile", ".fgb": "FlatGeobuf file", ".gpkg": "GeoPackage"}
_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_JSON = (".geojson", ".json")
_KML = (".kml", ".kmz")
_VIRTUAL = re.compile(r"CREATE\s+VIRTUAL\s+TABLE.*?\bUSING\s+(\w+)", re.IGNORECASE | re.DOTALL)
_HARMLESS = frozenset(("rtree", "fts3", "fts4", "fts5"))
# Paths that GDAL or its wrapper would take for an archive, an address or a connection.
_SPECIAL = re.compile(r"[!?]|^/vsi|\.zip(?:$|/)|://", re.IGNORECASE)


@dataclass(frozen=True)
class Layer:
    """The features of one layer.

    Attributes
    ----------
    name : str
        The layer's own name, or the file's stem.
    table : pandas.DataFrame, n rows
        The columns of the file; dates are text in ISO 8601.
    geometry : numpy.ndarray of object, shape (n,)
        shapely geometries, 2-D, EPSG:4326; None where there is none or it was refused.
    errors : mapping of int to str
        Position (from 0) -> why its geometry could not be read.
    repairs, notes : tuple of str
        What was mended, and what was done to the coordinates.
    """

    name: str
    table: pd.DataFrame
    geometry: NDArray[np.object_]
    errors: Mapping[int, str]
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_layer(path: Path, *, layer: str | None = None, crs: str | None = None, encoding: str | None = None) -> Layer:
    """Read one layer of a geodata file, whatever the format, into EPSG:4326.

    Parameters
    ----------
    path : pathlib.Path
        GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, KMZ, or one of them in a zip. The extension says which; the
        content must agree.
    layer : str or None
        Which one, where the file holds several.
    crs : str or None
        The CRS of a file that names none (``EPSG:3857``).
    encoding : str or None
        Of a Shapefile's text, where it does not say.

    Returns
    -------
    Layer

    Raises
    ------
    FileError
        The file cannot be read, is of another kind, or is past a limit.
    GateError
        Several layers and none named; no CRS and none given; or the one given contradicts the file's.
    UsageError
        `crs` is no CRS.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind in _MAGIC_OF:
        return _checked(path, kind=kind, layer=layer, crs=crs, encoding=encoding)
    raw = read_bytes(path)
    if raw.startswith(MAGIC):
        contents = unpack(path, raw=raw)
        return _packed(path, contents, kind=kind, layer=layer, crs=crs, encoding=encoding)
    return _of_text(path, raw, kind=kind, crs=crs)


def read_vector(path: Path, *, layer: str | None = None, encoding: str | None = None) -> tuple[pd.DataFrame, Any, str, str]:
    """Read a layer of a GeoPackage, Shapefile or FlatGeobuf file, in its own CRS.

    Parameters
    ----------
    path : pathlib.Path
        ``.gpkg``, ``.shp`` or ``.fgb``, up to 1 GiB; a path on disk, never an address.
    layer : str or None
        Which one, where there are several.
    encoding : str or None
        Of a Shapefile's text.

    Returns
    -------
    tuple
        The columns as a DataFrame of n rows, the geometries (2-D shapely objects in the file's CRS, shape (n,)), the
        CRS as text ("" where the file names none), and the layer's name.

    Raises
    ------
    FileError
        The file is absent, of another kind, damaged, or past the limit.
    GateError
        Several layers and none named, or none of that name.
    """
    kind = path.suffix.lower()
    _check_kind(path, kind)
    with _plain(path) as plain:
        name = _choose(path, _layers(path, plain), layer) if kind == ".gpkg" else path.stem
        try:
            with warnings.catch_warnings():
                # GDAL's remarks on odd rings; what comes of them is checked at the gate
                warnings.simplefilter("ignore", RuntimeWarning)
                meta, _, blobs, fields = pyogrio.raw.read(
                    str(plain), layer=name if kind == ".gpkg" else None, force_2d=True, datetime_as_string=True,
                    encoding=encoding if kind == ".shp" else None,
                )  # fmt: skip
            geometry = _of_wkb(blobs)
        except (RuntimeError, ValueError, LookupError, PyogrioCRSError, shapely.errors.ShapelyError) as error:
            raise FileError(f"{path}: layer {name!r} cannot be read: {str(error).replace(str(plain), path.name)}") from None
    table = pd.DataFrame(dict(zip(map(str, meta["fields"]), fields, strict=True)), index=range(len(geometry)))
    return table, geometry, str(meta["crs"] or ""), name


def of_features(path: Path, found: Sequence[Mapping[str, Any]], *, crs: str | None, declared: str = DEGREES) -> Layer:
    """A layer of GeoJSON features.

    Parameters
    ----------
    path : pathlib.Path
        Names the file in messages.
    found : sequence of mapping
        From `geo.vector.features`.
    crs : str or None
        The user's word for the CRS.
    declared : str
        The file's; "" where it says that it has none.

    Returns
    -------
    Layer

    Raises
    ------
    GateError
        No CRS is known.
    UsageError
        `crs` is no CRS.
    """
    built = build([feature["geometry"] for feature in found])
    table = pd.DataFrame([dict(feature["properties"]) for feature in found], index=range(len(found)), dtype=object)
    geometry, notes = to_degrees(built.geometry, path=path, declared=declared, given=crs)
    repairs = tuple(f"row {index + 1}: ring closed" for index in built.closed)
    return Layer(path.stem, table, geometry, built.errors, repairs, notes)


def of_placemarks(path: Path, found: Sequence[Placemark]) -> Layer:
    """A layer of KML placemarks: columns name, description, style, folder, begin, end and those of ExtendedData.

    Parameters
    ----------
    path : pathlib.Path
        Names the layer.
    found : sequence of Placemark
        From `geo.kml.read_kml`.

    Returns
    -------
    Layer

    Raises
    ------
    GateError
        Never.
    """
    rows = [
        {
            "name": mark.name or None, "description": mark.description or None, "style": mark.style or None,
            "folder": "/".join(mark.folders) or None, "begin": mark.begin or None, "end": mark.end or None,
            **{key: value or None for key, value in mark.data.items()},
        }
        for mark in found
    ]  # fmt: skip
    geometry = np.full(len(found), None, dtype=object)
    geometry[:] = [mark.geometry for mark in found]
    errors = {at: mark.error for at, mark in enumerate(found) if mark.error}
    repairs = tuple(f"row {mark.row}: ring closed" for mark in found if mark.closed)
    return Layer(path.stem, pd.DataFrame(rows, index=range(len(rows)), dtype=object), geometry, errors, repairs)


def to_degrees(
    geometry: NDArray[np.object_], *, path: Path, declared: str, given: str | None
) -> tuple[NDArray[np.object_], tuple[str, ...]]:
    """Bring geometries into EPSG:4326.

    Parameters
    ----------
    geometry : numpy.ndarray of object, shape (n,)
        shapely geometries or None, in the CRS below.
    path : pathlib.Path
        Names the file in messages.
    declared : str
        The CRS that the file names; "" where it names none.
    given : str or None
        The user's word for a file that does not say (or, for GeoJSON, that says so by leaving it out).

    Returns
    -------
    tuple
        The geometries in longitude and latitude, and a note where they were transformed.

    Raises
    ------
    GateError
        No CRS is known; or the one given is not the file's.
    UsageError
        `given` is no CRS.
    """
    wanted = pyproj.CRS.from_user_input(DEGREES)
    own = _crs(declared, path) if declared else None
    said = _given(given) if given else None
    if own is None and said is None:
        raise GateError(f"{path}: the file names no CRS: say which it is, --crs EPSG:4326 for degrees")
    if said is not None and own is not None and not own.equals(said, True) and not own.equals(wanted, True):
        raise GateError(f"{path}: the file says {own.name}, --crs says {said.name}: leave --crs out")
    source = said if said is not None else own
    if source is None or source.equals(wanted, True):
        return geometry, ()
    label = source.to_string() if len(source.to_string()) < 40 else source.name
    turn = pyproj.Transformer.from_crs(source, wanted, always_xy=True)
    here = np.array([part is not None for part in geometry], dtype=bool)
    turned = geometry.copy()
    try:
        turned[here] = shapely.transform(geometry[here], lambda xy: np.column_stack(turn.transform(xy[:, 0], xy[:, 1])))
    except ProjError as error:
        raise GateError(f"{path}: coordinates cannot be brought from {label} to longitude and latitude ({error})") from None
    return turned, (f"transformed from {label} to EPSG:4326",)


def cell(value: Any) -> str | None:
    """A cell of a table as text without blanks around it; None for an empty or missing one.

    Raises
    ------
    GateError
        Never.
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        # a column of whole numbers with gaps comes as floats
        return str(int(value))
    return str(value).strip() or None


def _crs(text: str, path: Path) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError:
        raise GateError(f"{path}: the CRS {text[:80]!r} is unknown: name it with --crs, for instance EPSG:3857") from None


def _given(text: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError:
        raise UsageError(f"--crs {text!r} is no CRS: write EPSG:4326 or EPSG:3857, for instance") from None


def _checked(path: Path, *, kind: str, layer: str | None, crs: str | None, encoding: str | None) -> Layer:
    table, geometry, declared, name = read_vector(path, layer=layer, encoding=encoding)
    if kind == ".shp" and layer not in (None, name):
        raise GateError(f"{path}: no layer {layer!r}; there is: {name}")
    geometry, notes = to_degrees(geometry, path=path, declared=declared, given=crs)
    return Layer(name, table, geometry, {}, (), notes)


def _of_text(path: Path, raw: bytes, *, kind: str, crs: str | None) -> Layer:
    start = raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind in _KML or (start.startswith(b"<") and kind not in _JSON):
        return of_placemarks(path, read_kml(path, raw=raw))
    if kind not in _JSON and not start.startswith((b"{", b"[")):
        raise FileError(f"{path}: of no kind that can be read here: {READABLE}")
    document = read_json(path, raw=raw)
    found = features(document, path=path)
    return of_features(path, found, crs=crs, declared=_declared(path, document))


def _declared(path: Path, document: Mapping[str, Any]) -> str:
    """The CRS of a GeoJSON document; without the member of the older specification it is EPSG:4326."""
    if "crs" not in document:
        return DEGREES
    member = document["crs"]
    if member is None:
        return ""
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or member.get("type") != "name":
        raise GateError(f"{path}: the member 'crs' names no CRS (links are not followed): take it out, or say --crs")
    # CRS84 is EPSG:4326 with the longitude first, as everything here has it
    return DEGREES if name.upper().endswith("CRS84") else name


def _packed(
    path: Path, contents: Mapping[str, bytes], *, kind: str, layer: str | None, crs: str | None, encoding: str | None
) -> Layer:
    """The one layer, or the one named, in a zip."""
    if kind == ".kmz":
        return of_placemarks(path, read_kml(path))
    readable = (".shp", ".gpkg", ".fgb", ".kml", ".geojson", ".json")
    names = {name: Path(name) for name in contents if name.lower().endswith(readable)}
    packages = [name for name in names if name.lower().endswith(".gpkg")]
    if len(names) == 1 and packages:
        chosen = packages[0]
    else:
        stems = {at.stem: name for name, at in names.items()}
        if not stems:
            found = ", ".join(list(contents)[:5]) or "nothing"
            raise FileError(f"{path}: no geodata inside (found: {found}); readable are {READABLE}")
        chosen, layer = stems[_choose(path, list(stems), layer)], None
    inner = Path(chosen)
    suffix = inner.suffix.lower()
    if suffix not in _MAGIC_OF:
        return _of_text(path / chosen, contents[chosen], kind=suffix, crs=crs)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        for name, content in contents.items():
            at = Path(name)
            wanted = at.suffix.lower() in _SHAPEFILE if suffix == ".shp" else at == inner
            if wanted and at.with_suffix("") == inner.with_suffix(""):
                # our own name on disk: none of the archive's paths is ever used
                Path(folder, "data" + at.suffix.lower()).write_bytes(content)
        try:
            read = _checked(Path(folder, "data" + suffix), kind=suffix, layer=layer, crs=crs, encoding=encoding)
        except (FileError, GateError) as error:
            raise type(error)(str(error).replace(str(Path(folder, "data" + suffix)), f"{path}/{chosen}")) from None
    return Layer(inner.stem if suffix != ".gpkg" else read.name, read.table, read.geometry, read.errors, notes=read.notes)


def _choose(path: Path, names: Sequence[str], wanted: str | None) -> str:
    listed = ", ".join(sorted(names))
    if wanted is not None:
        if wanted not in names:
            raise GateError(f"{path}: no layer {wanted!r}; there are: {listed}")
        return wanted
    if len(names) != 1:
        raise GateError(f"{path}: {len(names)} layers: name one of them with --layer: {listed}")
    return names[0]


def _check_kind(path: Path, kind: str) -> None:
    """The content must be what the extension says, before GDAL sees it."""
    if kind not in _MAGIC_OF:
        raise FileError(f"{path}: {kind or 'no extension'}: one of .gpkg, .shp and .fgb is wanted")
    if not path.is_file():
        raise FileError(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}")
    size = path.stat().st_size
    if size > LAYER_LIMIT:
        raise FileError(f"{path}: {size / MIB:,.0f} MiB, over the limit of {LAYER_LIMIT / MIB:,.0f} MiB")
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    if not start:
        raise FileError(f"{path}: empty file (0 bytes), perhaps a failed download")
    if not start.startswith(_MAGIC_OF[kind]):
        detail = " (no SQLite file at all)" if kind == ".gpkg" else ""
        raise FileError(f"{path}: not a {_NAMES[kind]}{detail}, whatever the extension says")
    if kind == ".gpkg":
        _check_geopackage(path)


def _check_geopackage(path: Path) -> None:
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        try:
            made = _tables(address)
        except sqlite3.OperationalError:
            # on read-only media SQLite cannot lay its shared-memory file; nobody writes there
            made = _tables(address + "&immutable=1")
    except sqlite3.Error as error:
        raise FileError(f"{path}: damaged SQLite file ({error}): take a backup or fetch it again") from None
    if "gpkg_contents" not in made:
        raise FileError(f"{path}: SQLite, but no GeoPackage (it has no table gpkg_contents)")
    for name, sql in made.items():
        match = _VIRTUAL.match(sql.strip())
        if match and match.group(1).lower() not in _HARMLESS:
            raise FileError(f"{path}: table {name!r} is a window to something outside ({match.group(1)}): not opened")


def _tables(address: str) -> dict[str, str]:
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return {str(name): str(sql or "") for name, sql in connection.execute("SELECT name, sql FROM sqlite_master")}


def _layers(path: Path, plain: Path) -> list[str]:
    try:
        return [str(name) for name, geometry in pyogrio.list_layers(str(plain)) if geometry is not None]
    except (RuntimeError, ValueError) as error:
        raise FileError(f"{path}: damaged GeoPackage ({str(error).replace(str(plain), path.name)})") from None


@contextmanager
def _plain(path: Path) -> Iterator[Path]:
    """A path that can only be read as a path; a copy where the name has signs with a meaning for GDAL."""
    absolute = path.resolve()
    if not _SPECIAL.search(str(absolute)):
        yield absolute
        return
    kinds = _SHAPEFILE if path.suffix.lower() == ".shp" else (path.suffix.lower(),)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        for sibling in absolute.parent.iterdir():
            if sibling.stem == absolute.stem and sibling.suffix.lower() in kinds:
                shutil.copyfile(sibling, Path(folder, "data" + sibling.suffix.lower()))
        yield Path(folder, "data" + path.suffix.lower())


def _of_wkb(blobs: Any) -> NDArray[np.object_]:
    """shapely geometries; collections of areas only become MultiPolygons, as everywhere."""
    found: NDArray[np.object_] = np.asarray(shapely.from_wkb(np.asarray(blobs, dtype=object)), dtype=object)
    for at in np.flatnonzero(shapely.get_type_id(found) == 7):
        parts = shapely.get_parts(found[at])
        if len(parts) and (shapely.get_type_id(parts) == 3).all():
            found[at] = shapely.multipolygons(parts)
    return found
