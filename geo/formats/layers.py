"""One layer of any geodata file, whatever its format, in EPSG:4326."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import shapely

from geo.errors import FileError, GateError, UsageError
from geo.formats.gdal import MAGIC_OF, SHAPEFILE, Objects, read_vector
from geo.formats.geojson import build, features, is_esri, of_esri, read_bytes, read_json
from geo.formats.kml import Kml, is_utf8, read_kml
from geo.formats.limits import columns_of
from geo.formats.tables import PARQUET, cell_text, csv_lines, parquet_frame, read_table
from geo.formats.topojson import is_topology, objects
from geo.formats.zips import MAGIC, choose, unpack
from geo.schema import Options

DEGREES = "EPSG:4326"
READABLE = (
    "GeoJSON, TopoJSON, Esri JSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet, KML, KMZ, CSV with WKT, or one of"
    " them in a zip or gzip file"
)

_JSON = (".geojson", ".json", ".topojson", ".geojsonl", ".geojsonseq", ".geojsons", ".ndjson", ".jsonl")
_KML = (".kml", ".kmz")
_TABLES = (".csv", ".tsv")
_PACKED = (".shp", ".gpkg", ".fgb", ".kml", *_JSON)
# what programs call a column of shapes
_WKT = (
    "wkt", "geometry", "geom", "the_geom", "wkt_geom", "geom_wkt", "geometry_wkt", "shape", "polygon", "wkb_geometry",
)  # fmt: skip
# what servers call the number of features that there are
_TOTALS = (
    "numberMatched", "totalFeatures", "total", "totalCount", "total_count", "count", "matched", "hits", "totalResults",
)  # fmt: skip
# what they say where there is more, and how they number pages
_MORE = (
    "exceededTransferLimit", "hasMore", "has_more", "hasNextPage", "has_next", "isTruncated", "truncated", "incomplete",
)  # fmt: skip
_PAGES = ("pages", "totalPages", "total_pages", "TotalPages", "pageCount", "page_count", "lastPage", "last_page")
_EWKT = re.compile(r"(?:SRID=(\d{1,6});)?(.*)", re.DOTALL | re.IGNORECASE)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){9,}")


@dataclass(frozen=True)
class Layer:
    name: str
    table: pd.DataFrame
    geometry: Objects
    errors: Mapping[int, str]
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_layer(path: Path, *, options: Options | None = None, **settings: Any) -> Layer:
    """Read one layer of a geodata file, whatever the format, into EPSG:4326; `settings` are fields of the options."""
    path, options = Path(path), replace(options or Options(), **settings)
    kind = path.suffix.lower()
    if kind in MAGIC_OF:
        return _of_gdal(path, options)
    raw = read_bytes(path)
    if raw.startswith(PARQUET):
        return _of_parquet(path, raw, options)
    if raw.startswith(MAGIC):
        if kind == ".kmz":
            return of_placemarks(path, read_kml(path, raw=raw, layer=options.layer))
        return _packed(path, unpack(path, raw=raw), options)
    return _of_text(path, raw, kind=kind, options=options)


def of_features(path: Path, found: Sequence[Mapping[str, Any]], *, crs: str | None, declared: str = DEGREES) -> Layer:
    columns_of(path, [feature["properties"] for feature in found])
    built = build([feature["geometry"] for feature in found])
    table = pd.DataFrame([dict(feature["properties"]) for feature in found], index=range(len(found)), dtype=object)
    geometry, notes = to_degrees(built.geometry, path=path, declared=declared, given=crs)
    repairs = tuple(f"row {index + 1}: ring closed" for index in built.closed)
    return Layer(path.stem, table, geometry, built.errors, repairs, notes)


def of_placemarks(path: Path, file: Kml) -> Layer:
    """A layer of KML placemarks: columns name, description, style, folder, begin, end and those of ExtendedData."""
    rows = [
        {
            "name": mark.name or None, "description": mark.description or None, "style": mark.style or None,
            "folder": "/".join(mark.folders) or None, "begin": mark.begin or None, "end": mark.end or None,
            **{key: value or None for key, value in mark.data.items()},
        }
        for mark in file.marks
    ]  # fmt: skip
    columns_of(path, rows)
    geometry = np.full(len(rows), None, dtype=object)
    geometry[:] = [mark.geometry for mark in file.marks]
    errors = {at: mark.error for at, mark in enumerate(file.marks) if mark.error}
    repairs = tuple(f"row {mark.row}: ring closed" for mark in file.marks if mark.closed)
    table = pd.DataFrame(rows, index=range(len(rows)), dtype=object)
    return Layer(path.stem, table, geometry, errors, repairs, file.notes)


def to_degrees(geometry: Objects, *, path: Path, declared: str, given: str | None) -> tuple[Objects, tuple[str, ...]]:
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


def _of_gdal(path: Path, options: Options) -> Layer:
    table, geometry, declared, name, notes = read_vector(path, layer=options.layer, encoding=file_encoding(options))
    geometry, turned = to_degrees(geometry, path=path, declared=declared, given=options.crs)
    return Layer(name, table, geometry, {}, (), (*notes, *turned))


def _of_parquet(path: Path, raw: bytes, options: Options) -> Layer:
    """GeoParquet, whose geometry has a CRS of its own, or a table with a column of WKT."""
    frame = parquet_frame(path, raw)
    if not isinstance(frame, gpd.GeoDataFrame):
        text = "".join(csv_lines([list(frame.columns), *([cell_text(v) for v in row] for row in frame.values)]))
        return _of_table(path, text.encode(), options)
    geometry = shapely.force_2d(np.asarray(frame.geometry.array, dtype=object))
    declared = "" if frame.crs is None else frame.crs.to_string()
    geometry, turned = to_degrees(geometry, path=path, declared=declared, given=options.crs)
    table = pd.DataFrame(frame.drop(columns=[*frame.select_dtypes("geometry"), *({"bbox"} & {*frame.columns})]))
    texts = {name: [cell_text(v) or None for v in table[name]] for name in map(str, table.columns)}
    return Layer(path.stem, pd.DataFrame(texts, index=range(len(frame)), dtype=object), geometry, {}, (), turned)


def _of_text(path: Path, raw: bytes, *, kind: str, options: Options) -> Layer:
    start = raw[:64].lstrip(b"\xef\xbb\xbf\x1e \t\r\n")
    if kind in _KML or (start.startswith(b"<") and kind not in _JSON):
        return of_placemarks(path, read_kml(path, raw=raw, layer=options.layer))
    if kind in _TABLES:
        return _of_table(path, raw, options)
    if kind not in _JSON and not start.startswith((b"{", b"[")):
        raise FileError(f"{path}: of no kind that can be read here: {READABLE}")
    document, notes = _document(path, raw, options)
    notes += _parts_said(path, document, options)
    name = path.stem
    if is_topology(document):
        drawn = objects(document, path=path)
        name, left = choose(path, list(drawn), options.layer)
        document, notes = {"type": "FeatureCollection", "features": drawn[name]}, [*notes, *left]
    declared = _declared(path, document)
    if is_esri(document):
        document, declared = of_esri(document, path=path)
    found = features(document, path=path)
    layer = of_features(path, found, crs=options.crs, declared=declared)
    return replace(layer, name=name, notes=(*notes, *layer.notes))


def _document(path: Path, raw: bytes, options: Options) -> tuple[dict[str, Any], list[str]]:
    """A JSON document, or a sequence of them (one a line, or RFC 8142) as one collection."""
    named = file_encoding(options)
    if named is not None and not is_utf8(raw):
        try:
            raw = raw.decode(named).encode()
        except (UnicodeDecodeError, LookupError) as error:
            raise FileError(f"{path}: not {named}: {error}") from None
    texts = [text for text in raw.split(b"\x1e" if raw.startswith(b"\x1e") else b"\n") if text.strip()]
    if not raw.startswith(b"\x1e") and not (len(texts) > 1 and _is_object(texts[0])):
        return read_json(path, raw=raw), []
    found: list[dict[str, Any]] = []
    for number, text in enumerate(texts, 1):
        try:
            found += features(read_json(path, raw=text), path=path)
        except (FileError, GateError) as error:
            why = str(error).removeprefix(f"{path}: ")
            raise type(error)(f"{path}: text {number} of {len(texts)} in a sequence of GeoJSON: {why}") from None
    return {"type": "FeatureCollection", "features": found}, [f"a sequence of {len(texts):,} GeoJSON texts"]


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text.removeprefix(b"\xef\xbb\xbf")), dict)
    except orjson.JSONDecodeError:
        return False


def _parts_said(path: Path, document: Any, options: Options) -> list[str]:
    """Refuse an answer in which the server itself says that there is more, where a part is not accepted."""
    if not isinstance(document, dict):
        return []
    listed = document.get("features")
    count = len(listed) if isinstance(listed, list) else 0
    about = [document, *(document.get(name) for name in ("properties", "meta", "metadata", "pagination"))]
    members = [m for m in about if isinstance(m, dict)]
    why = [name for name in _MORE if any(m.get(name) in (True, "true") for m in members)]
    why += [f"{m[name]} pages" for m in members for name in _PAGES if isinstance(m.get(name), int) and m[name] > 1]
    for member, name in ((m, n) for m in members for n in _TOTALS):
        total = str(member.get(name))
        if total.isdecimal() and len(total) < 19 and int(total) > count:
            why.append(f"{name} {int(total):,}")
    why += ["a link to the next page"] if any(m.get("next") and isinstance(m["next"], str) for m in members) else []
    links = document.get("links")
    if isinstance(links, list) and any(isinstance(link, dict) and link.get("rel") == "next" for link in links):
        why.append("a link to the next page")
    if not why:
        return []
    if "partial" not in options.accept:
        raise GateError(
            f"{path}: a part: the server says that there is more than these {count:,} features ({', '.join(why)}):"
            " fetch the rest too, or say --accept partial"
        )
    return [f"a part, accepted: the server has more than these {count:,} features ({', '.join(why)})"]


def _of_table(path: Path, raw: bytes, options: Options) -> Layer:
    """A CSV table with a column of WKT (or of WKB in hexadecimal digits)."""
    table = read_table(path, options=options, raw=raw)
    column = next((name for name in table.header if name.casefold().strip() in _WKT), None)
    if column is None:
        raise GateError(
            f"{path}: a table without a column of shapes (wanted: one of {', '.join(_WKT)} with WKT; found:"
            f" {', '.join(table.header)}); points with latitude and longitude are 'incidents'"
        )
    listed = [(row, cells, "") for row, cells in table.rows] + [(r.row, r.properties, r.why) for r in table.refusals]
    listed.sort(key=lambda each: each[0])
    errors = {at: why for at, (_, _, why) in enumerate(listed) if why}
    geometry = np.full(len(listed), None, dtype=object)
    declared = {DEGREES}
    for at, (_, cells, _) in enumerate(listed):
        srid, text = _EWKT.fullmatch(str(cells.get(column) or "").strip()).groups()  # type: ignore[union-attr]
        declared |= {f"EPSG:{srid}"} if srid else set()
        if text and at not in errors:
            read = shapely.from_wkb if _HEX.fullmatch(text) else shapely.from_wkt
            geometry[at] = shapely.force_2d(read(text, on_invalid="ignore"))
            if geometry[at] is None:
                errors[at] = f"the shape {text[:40]!r} cannot be read: write WKT, POLYGON ((lon lat, lon lat, …))"
    if len(declared - {DEGREES}) > 1:
        raise GateError(f"{path}: shapes in several CRS ({', '.join(sorted(declared))}): bring them into one")
    stated = (declared - {DEGREES} or {DEGREES}).pop()
    geometry, turned = to_degrees(geometry, path=path, declared=stated, given=options.crs)
    rows = [{name: cells.get(name) or None for name in table.header if name != column} for _, cells, _ in listed]
    frame = pd.DataFrame(rows, index=range(len(rows)), dtype=object)
    return Layer(path.stem, frame, geometry, errors, (), (*table.notes, *turned))


def _declared(path: Path, document: Mapping[str, Any]) -> str:
    """The CRS of a GeoJSON document; without the member of the older specification it is EPSG:4326."""
    if not isinstance(document, dict) or "crs" not in document:
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


def _packed(path: Path, contents: Mapping[str, bytes], options: Options) -> Layer:
    """The one layer, or the one named, in a zip."""
    names = [name for name in contents if name.lower().endswith(_PACKED)]
    names = names or [name for name in contents if name.lower().endswith(_TABLES)]
    if not names:
        found = ", ".join(list(contents)[:5]) or "nothing"
        raise FileError(f"{path}: no geodata inside (found: {found}); readable are {READABLE}")
    alone = len(names) == 1 and names[0].lower().endswith((".gpkg", ".topojson"))  # the name is that of a layer within
    chosen, left = choose(path, names, None if alone else options.layer, files=True)
    layer = _unpacked(path, contents, Path(chosen), options if alone else replace(options, layer=None))
    return replace(layer, notes=(*left, *layer.notes))


def _unpacked(path: Path, contents: Mapping[str, bytes], inner: Path, options: Options) -> Layer:
    suffix = inner.suffix.lower()
    if suffix not in MAGIC_OF:
        return _of_text(path / inner, contents[inner.as_posix()], kind=suffix, options=options)
    with tempfile.TemporaryDirectory(prefix="geo-") as folder:
        for name, content in contents.items():
            at = Path(name)
            wanted = at.suffix.lower() in SHAPEFILE if suffix == ".shp" else at == inner
            if wanted and at.with_suffix("") == inner.with_suffix(""):
                # our own name on disk: none of the archive's paths is ever used
                Path(folder, "data" + at.suffix.lower()).write_bytes(content)
        try:
            read = _of_gdal(Path(folder, "data" + suffix), options)
        except (FileError, GateError) as error:
            raise type(error)(str(error).replace(str(Path(folder, "data" + suffix)), f"{path}/{inner}")) from None
    return replace(read, name=inner.stem) if suffix != ".gpkg" else read
