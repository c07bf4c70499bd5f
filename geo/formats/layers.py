"""One layer of any geodata file, whatever its format, in EPSG:4326."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import FileError, GateError, UsageError
from geo.formats.gdal import MAGIC_OF, SHAPEFILE, Objects, choose, read_vector
from geo.formats.geojson import build, features, read_bytes, read_json
from geo.formats.kml import Placemark, read_kml
from geo.formats.zips import MAGIC, unpack
from geo.schema import Options

DEGREES = "EPSG:4326"
READABLE = "GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML, KMZ, or one of them in a zip"

_JSON = (".geojson", ".json")
_KML = (".kml", ".kmz")
_PACKED = (".shp", ".gpkg", ".fgb", ".kml", *_JSON)


@dataclass(frozen=True)
class Layer:
    """The features of one layer."""

    name: str
    table: pd.DataFrame
    geometry: Objects
    errors: Mapping[int, str]
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_layer(path: Path, *, layer: str | None = None, crs: str | None = None, encoding: str | None = None) -> Layer:
    """Read one layer of a geodata file, whatever the format, into EPSG:4326."""
    path = Path(path)
    kind = path.suffix.lower()
    if kind in MAGIC_OF:
        return _checked(path, kind=kind, layer=layer, crs=crs, encoding=encoding)
    raw = read_bytes(path)
    if raw.startswith(MAGIC):
        contents = unpack(path, raw=raw)
        return _packed(path, contents, kind=kind, layer=layer, crs=crs, encoding=encoding)
    return _of_text(path, raw, kind=kind, crs=crs)


def of_features(path: Path, found: Sequence[Mapping[str, Any]], *, crs: str | None, declared: str = DEGREES) -> Layer:
    """A layer of GeoJSON features."""
    built = build([feature["geometry"] for feature in found])
    table = pd.DataFrame([dict(feature["properties"]) for feature in found], index=range(len(found)), dtype=object)
    geometry, notes = to_degrees(built.geometry, path=path, declared=declared, given=crs)
    repairs = tuple(f"row {index + 1}: ring closed" for index in built.closed)
    return Layer(path.stem, table, geometry, built.errors, repairs, notes)


def of_placemarks(path: Path, found: Sequence[Placemark]) -> Layer:
    """A layer of KML placemarks: columns name, description, style, folder, begin, end and those of ExtendedData."""
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


def to_degrees(geometry: Objects, *, path: Path, declared: str, given: str | None) -> tuple[Objects, tuple[str, ...]]:
    """Bring geometries into EPSG:4326."""
    own = _crs(declared) if declared else None
    said = _crs(given) if given else None
    if declared and own is None:
        raise GateError(f"{path}: the CRS {declared[:80]!r} is unknown: put one into the file that PROJ knows")
    if given and said is None:
        raise UsageError(f"--crs {given!r} is no CRS: write EPSG:4326 or EPSG:3857, for instance")
    if own is None and said is None:
        raise GateError(f"{path}: the file names no CRS: say which it is, --crs EPSG:4326 for degrees")
    if said is not None and own is not None and not own.equals(said, True) and declared != DEGREES:
        raise GateError(f"{path}: the file says {own.name}, --crs says {said.name}: leave --crs out")
    source = said if said is not None else own
    if source is None or source.equals(_crs(DEGREES), True):
        return geometry, ()
    label = source.to_string() if len(source.to_string()) < 40 else source.name
    try:
        turned = gpd.GeoSeries(geometry, crs=source).to_crs(DEGREES)
    except RuntimeError as error:
        raise GateError(f"{path}: cannot be brought from {label} to longitude and latitude ({error})") from None
    return np.asarray(turned.array, dtype=object), (f"transformed from {label} to EPSG:4326",)


def cell(value: Any) -> str | None:
    """A cell of a table as text without blanks around it; None for an empty or missing one."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | np.floating) and np.isnan(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        # a column of whole numbers with gaps comes as floats
        return str(int(value))
    return str(value).strip() or None


def file_encoding(options: Options) -> str | None:
    """The encoding that the options name, None where they leave it at UTF-8 (a Shapefile may say its own)."""
    return None if options.encoding.lower().replace("-", "") == "utf8" else options.encoding


def _crs(text: str) -> Any:
    """A CRS, None where PROJ knows none by that name (its errors are RuntimeErrors)."""
    try:
        return gpd.GeoSeries([], crs=text).crs
    except RuntimeError:
        return None


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
    names = {name: Path(name) for name in contents if name.lower().endswith(_PACKED)}
    packages = [name for name in names if name.lower().endswith(".gpkg")]
    if len(names) == 1 and packages:
        chosen = packages[0]
    else:
        stems = {at.stem: name for name, at in names.items()}
        if not stems:
            found = ", ".join(list(contents)[:5]) or "nothing"
            raise FileError(f"{path}: no geodata inside (found: {found}); readable are {READABLE}")
        chosen, layer = stems[choose(path, list(stems), layer)], None
    inner = Path(chosen)
    suffix = inner.suffix.lower()
    if suffix not in MAGIC_OF:
        return _of_text(path / chosen, contents[chosen], kind=suffix, crs=crs)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        for name, content in contents.items():
            at = Path(name)
            wanted = at.suffix.lower() in SHAPEFILE if suffix == ".shp" else at == inner
            if wanted and at.with_suffix("") == inner.with_suffix(""):
                # our own name on disk: none of the archive's paths is ever used
                Path(folder, "data" + at.suffix.lower()).write_bytes(content)
        try:
            read = _checked(Path(folder, "data" + suffix), kind=suffix, layer=layer, crs=crs, encoding=encoding)
        except (FileError, GateError) as error:
            raise type(error)(str(error).replace(str(Path(folder, "data" + suffix)), f"{path}/{chosen}")) from None
    return replace(read, name=inner.stem) if suffix != ".gpkg" else read
