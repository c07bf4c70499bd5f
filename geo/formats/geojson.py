"""Files to bytes, JSON to geometries: strict where a file is damaged, exact in every vertex, fast on large ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from geo.errors import FileError, GateError
from geo.formats.limits import plain_file

MIB = 1 << 20
FILE_LIMIT = 256 * MIB
# Geometry collections within geometry collections; no source nests them at all.
COLLECTION_DEPTH = 8
# Brackets within brackets: GeoJSON needs about a dozen, the parser ends near 900.
JSON_DEPTH = 256

GEOMETRY_TYPES = (
    "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection",
)  # fmt: skip
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]|-?\b(?:NaN|Infinity|nan|inf)\b', re.DOTALL)
_NUMBERS = frozenset((int, float))
_FEATURES = re.compile(rb'"features"\s*:\s*\[\s*(\{\s*"type"\s*:\s*"Feature")')
_END = re.compile(rb"\][ \t\r\n]*\}[ \t\r\n]*\Z")
_HEAD = 1_000  # bytes in which the list of features begins, and in which it ends

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Built:
    """Geometries made from the mappings of a GeoJSON document."""

    geometry: Objects
    closed: list[int] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)


class _Refused(Exception):
    """One geometry that cannot be built; carries the reason."""


def read_bytes(path: Path, *, limit: int = FILE_LIMIT, first: int | None = None) -> bytes:
    """All that a file holds, or the first bytes of it, where it is a plain file within the limit."""
    path = Path(path)
    try:
        with plain_file(path) as stream:
            content = stream.read(limit + 1 if first is None else first)
            is_whole = first is None and len(content) <= limit
            size = len(content) if is_whole else os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise FileError(f"{path}: a folder, not a file: name the files in it") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if size > limit:
        raise FileError(f"{path}: {size / MIB:,.1f} MiB, over the limit of {limit / MIB:,.0f} MiB: split the file")
    if not content:
        raise FileError(f"{path}: empty file (0 bytes), perhaps a failed download")
    return content


def read_json(path: Path, *, raw: bytes | None = None, repeats: bool = False) -> Any:
    """Parse a JSON file strictly: UTF-8 (a byte order mark is allowed), finite numbers, one document.

    With `repeats`, features that stood word for word in the file before are its own, which nobody may change.
    """
    raw = read_bytes(path) if raw is None else raw
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return (repeats and _like_the_last(raw)) or orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _explain(path, raw, error) from None


@dataclass(frozen=True)
class _LastFile:
    """The features of the file read last, by their text, and what was built of their geometries, by identity."""

    features: dict[bytes, Any] = field(default_factory=dict)
    built: dict[int, tuple[shapely.Geometry, bool] | None] = field(default_factory=dict)


_last = _LastFile()


def _like_the_last(raw: bytes) -> Any:
    """A collection, parsing only features that the file before had not; None where it is laid out oddly."""
    global _last  # noqa: PLW0603
    begin, end = _FEATURES.search(raw, 0, _HEAD), _END.search(raw, max(0, len(raw) - _HEAD))
    if begin is None or end is None:
        return None
    joint = (b",\n" if b",\n" + begin[1] in raw else b",") + begin[1]
    texts = raw[begin.end(1) : end.start()].split(joint)
    try:
        # what is JSON piece by piece, and between these only commas, is JSON as a whole
        document = orjson.loads(raw[: begin.start(1)] + b"]}")
        found = {text: _last.features.get(text) or orjson.loads(begin[1] + text) for text in texts}
    except orjson.JSONDecodeError:
        return None
    if [*document][-1] != "features":
        return None
    shapes = [feature.get("geometry") for feature in found.values()]
    _last = _LastFile(found, {id(shape): _last.built.get(id(shape)) for shape in shapes})
    return {**document, "features": [found[text] for text in texts]}


def refuse_other_text(path: Path, raw: bytes) -> None:
    """Raise for content that is UTF-16 or an HTML page, whatever the file is called."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:4]:
        raise FileError(f"{path}: not UTF-8 but UTF-16 or UTF-32: save it as UTF-8")
    if raw[:200].lstrip().lower().startswith(_HTML):
        raise FileError(f"{path}: an HTML page, perhaps a failed download: fetch it again")


def _explain(path: Path, raw: bytes, error: orjson.JSONDecodeError) -> FileError | GateError:
    """What is wrong with a JSON text, in the reader's words rather than the parser's."""
    if not raw.strip():
        return FileError(f"{path}: empty file (only white space), perhaps a failed download")
    try:
        refuse_other_text(path, raw)
    except FileError as found:
        return found
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        where = f"byte {raw[wrong.start]:#04x} at {_place(raw, wrong.start)}"
        return FileError(f"{path}: not UTF-8 ({where}): save it as UTF-8")
    if raw.lstrip().startswith(b"<"):
        return FileError(f"{path}: XML, not JSON")
    depth, deepest, literal = _scan(raw)
    if deepest > JSON_DEPTH:
        return FileError(f"{path}: brackets nested {deepest:,} deep, no geodata needs more than {JSON_DEPTH}")
    if literal is not None:
        word = raw[literal : literal + 9].decode("ascii", "replace").lstrip("-").lower()
        what = "NaN" if word.startswith("nan") else "infinite"
        return GateError(f"{path}: {what} coordinate or value at {_place(raw, literal)}: JSON knows no such number")
    if "infinity" in error.msg:
        return GateError(f"{path}: infinite coordinate or value at {_place(raw, error.pos)}: beyond any number")
    if depth > 0:
        return FileError(f"{path}: not complete JSON: ends at {_place(raw, len(raw))} with {depth} brackets open")
    return FileError(f"{path}: not JSON: {error.msg} at {_place(raw, error.pos)}")


def _scan(raw: bytes) -> tuple[int, int, int | None]:
    """Brackets left open (an unfinished string counts), deepest nesting, position of the first NaN or Infinity."""
    depth = deepest = 0
    literal: int | None = None
    for match in _TOKEN.finditer(raw):
        token = match.group()
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
        elif not token.startswith(b'"'):
            literal = match.start() if literal is None else literal
    return depth, deepest, literal


def _place(raw: bytes, position: int) -> str:
    before = raw[:position]
    return f"line {before.count(10) + 1}, byte {position - (before.rfind(10) + 1) + 1}"


def feature_collection(
    rows: Sequence[Mapping[str, Any]], shapes: Objects, head: Mapping[str, Any] | None = None
) -> bytes:
    """RFC 7946: exterior rings run against the clock, what is not known is null."""
    drawn = shapely.to_geojson(shapely.orient_polygons(shapes)) if len(shapes) else []
    written = [
        f'{{"type":"Feature","properties":{json.dumps(row, ensure_ascii=False, allow_nan=False)},'
        f'"geometry":{text if text is not None else "null"}}}'
        for row, text in zip(rows, drawn, strict=True)
    ]
    opened = json.dumps({"type": "FeatureCollection", **(head or {})}, ensure_ascii=False)[:-1]
    return (opened + ',"features":[\n' + ",\n".join(written) + "\n]}\n").encode("utf-8", "replace")


def features(document: Any, *, path: Path) -> list[dict[str, Any]]:
    """The features of a GeoJSON document: of a collection, or a lone feature or geometry as a list of one."""
    if not isinstance(document, dict):
        raise GateError(f"{path}: a JSON {type(document).__name__}, not a GeoJSON FeatureCollection")
    kind = document.get("type")
    if kind == "Feature":
        found: Any = [document]
    elif kind == "GeometryCollection":
        found = [{"type": "Feature", "properties": {}, "geometry": part} for part in document.get("geometries") or ()]
    elif kind in GEOMETRY_TYPES:
        found = [{"type": "Feature", "properties": {}, "geometry": document}]
    elif kind == "FeatureCollection":
        found = document.get("features")
    else:
        shown = ", ".join(map(repr, list(document)[:5])) or "no member"
        raise GateError(f"{path}: not GeoJSON: type is {kind!r}, FeatureCollection is wanted (members: {shown})")
    if not isinstance(found, list):
        raise GateError(f"{path}: 'features' is {type(found).__name__}, a list is wanted")
    if all(
        type(f) is dict and type(f.get("properties")) is type(f.get("geometry")) is dict and f.get("type") == "Feature"
        for f in found
    ):
        return found
    return [_feature(feature, path=path, row=row) for row, feature in enumerate(found, 1)]


def _feature(feature: Any, *, path: Path, row: int) -> dict[str, Any]:
    if not isinstance(feature, dict) or feature.get("type", "Feature") != "Feature":
        raise GateError(f"{path}: feature {row} is not a GeoJSON Feature")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if isinstance(properties, dict) and isinstance(geometry, dict):
        return feature
    if properties is not None and not isinstance(properties, dict):
        raise GateError(f"{path}: feature {row}: 'properties' is {type(properties).__name__}, an object is wanted")
    if geometry is not None and not isinstance(geometry, dict):
        raise GateError(f"{path}: feature {row}: 'geometry' is {type(geometry).__name__}, an object is wanted")
    return {**feature, "properties": properties or {}, "geometry": geometry}


def is_esri(document: Any) -> bool:
    """Whether it is an answer of a feature service in Esri's own JSON."""
    is_answer = isinstance(document, dict) and "type" not in document
    return is_answer and bool({"geometryType", "spatialReference"} & {*document})


def of_esri(document: Mapping[str, Any], *, path: Path) -> tuple[dict[str, Any], str]:
    """Esri JSON as a GeoJSON document, and its CRS."""
    listed = document.get("features")
    if not isinstance(listed, list):
        raise GateError(f"{path}: Esri JSON without a list of features: ask the service with f=json, or f=geojson")
    reference = document.get("spatialReference")
    code = (reference.get("latestWkid") or reference.get("wkid") or 4326) if isinstance(reference, dict) else 4326
    found = []
    for feature in (each if isinstance(each, dict) else {} for each in listed):
        drawn = _esri_geometry(feature.get("geometry"))
        found.append({"type": "Feature", "properties": feature.get("attributes"), "geometry": drawn})
    return {"type": "FeatureCollection", "features": found}, f"EPSG:{code}"


def _esri_geometry(geometry: Any) -> Any:
    """Points, lines and rings; a ring with the clock is a shell, one against it a hole, as Esri says."""
    if not isinstance(geometry, dict):
        return None
    if "rings" in geometry:
        return {"type": "MultiPolygon", "coordinates": _shells_of(geometry["rings"])}
    if "paths" in geometry:
        return {"type": "MultiLineString", "coordinates": geometry["paths"]}
    if "points" in geometry:
        return {"type": "MultiPoint", "coordinates": geometry["points"]}
    return {"type": "Point", "coordinates": [geometry.get("x"), geometry.get("y")]} if "x" in geometry else None


def _shells_of(rings: Any) -> Any:
    try:
        drawn = [shapely.LinearRing([position[:2] for position in ring]) for ring in rings]
    except (TypeError, ValueError, IndexError, shapely.errors.ShapelyError):
        return [rings]  # what is wrong of it is said where it is built
    shells = [[ring] for ring, line in zip(rings, drawn, strict=True) if not line.is_ccw]
    ground = [shapely.Polygon(line) for line in drawn if not line.is_ccw]
    for ring, line in zip(rings, drawn, strict=True):
        if line.is_ccw:
            around = [i for i, shell in enumerate(ground) if shell.contains(line.interpolate(0.5, normalized=True))]
            smallest = min(around, key=lambda i: ground[i].area, default=None)
            shells.append([ring]) if smallest is None else shells[smallest].append(ring)
    return shells


@np.errstate(invalid="ignore")  # what has NaN or infinity in it is refused later, in words
def build(geometries: Sequence[Mapping[str, Any] | None]) -> Built:
    """Make shapely geometries of GeoJSON ones; every vertex, ring order and ring start as given, heights dropped."""
    built = Built(np.full(len(geometries), None, dtype=object))
    areas: list[int] = []
    known = _last.built
    for index, geometry in enumerate(geometries):
        if geometry is None:
            continue
        if (found := known.get(id(geometry))) is not None:
            built.geometry[index] = found[0]
            built.closed.extend([index] * found[1])
            continue
        try:
            if _is_areal(geometry):
                areas.append(index)
            else:
                built.geometry[index] = _other(geometry)
        except _Refused as why:
            built.errors[index] = str(why)
    _build_areas(geometries, areas, built)
    closed = set(built.closed)
    for index in areas:
        if id(geometries[index]) in known and index not in built.errors:
            known[id(geometries[index])] = built.geometry[index], index in closed
    built.closed.sort()
    return built


def _build_areas(geometries: Sequence[Mapping[str, Any] | None], areas: list[int], built: Built) -> None:
    """All areas at once; where one of them is refused, one by one, to know which."""
    try:
        made, closed = _areas([geometries[index] for index in areas])
    except _Refused as why:
        if len(areas) == 1:
            built.errors[areas[0]] = str(why)
            return
        for index in areas:
            _build_areas(geometries, [index], built)
        return
    built.geometry[areas] = made
    built.closed.extend(areas[position] for position in closed)


def _is_areal(geometry: Any, depth: int = 0) -> bool:
    if depth > COLLECTION_DEPTH:
        raise _Refused(f"geometry collections nested more than {COLLECTION_DEPTH} deep")
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind in ("Polygon", "MultiPolygon"):
        return True
    if kind == "GeometryCollection":
        members = _list(geometry.get("geometries"), "'geometries' of a GeometryCollection")
        # every member is looked at, for the depth and the types of all
        areal = [_is_areal(member, depth + 1) for member in members]
        return bool(areal) and all(areal)
    if kind not in GEOMETRY_TYPES:
        raise _Refused(f"geometry type {kind!r} is unknown")
    return False


def _list(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise _Refused(f"{what}: a list is wanted, found {type(value).__name__}")
    return value


def _polygons(geometry: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The polygons of an areal geometry, each a list of rings."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for member in geometry["geometries"]:
            yield from _polygons(member)
    elif kind == "Polygon":
        yield _list(geometry.get("coordinates"), "coordinates of a Polygon")
    else:
        yield from _list(geometry.get("coordinates"), "coordinates of a MultiPolygon")


def _areas(geometries: Sequence[Mapping[str, Any] | None]) -> tuple[Objects, list[int]]:
    """Areal geometries from theirs in GeoJSON, and the positions of those of which a ring was closed."""
    rings: list[Sequence[Any]] = []
    ring_polygon: list[int] = []
    polygon_owner: list[int] = []
    for owner, geometry in enumerate(geometries):
        for polygon in _polygons(geometry or {}):
            for ring in _list(polygon, "a polygon"):
                rings.append(_list(ring, "a ring"))
                ring_polygon.append(len(polygon_owner))
            polygon_owner.append(owner)
    ring_polygons, owners = np.array(ring_polygon, dtype=np.intp), np.array(polygon_owner, dtype=np.intp)
    lines, was_open = _rings(rings)
    polygons = np.full(len(owners), shapely.Polygon(), dtype=object)
    if len(lines):
        shapely.polygons(lines, indices=ring_polygons, out=polygons)
    made = np.full(len(geometries), None, dtype=object)
    multi = np.array([(geometry or {})["type"] != "Polygon" for geometry in geometries], dtype=bool)
    made[multi] = shapely.MultiPolygon()
    if multi.any() and len(owners):
        chosen = multi[owners]
        shapely.multipolygons(polygons[chosen], indices=owners[chosen], out=made)
    if len(owners):
        single = ~multi[owners]
        made[owners[single]] = polygons[single]
    return made, sorted(set(owners[ring_polygons[was_open]].tolist()))


def _rings(rings: Sequence[Sequence[Any]]) -> tuple[Objects, NDArray[np.bool_]]:
    """Linear rings, and which of them came without the last position."""
    sizes = np.fromiter(map(len, rings), dtype=np.intp, count=len(rings))
    if not len(sizes):
        return np.array([], dtype=object), np.array([], dtype=bool)
    if not sizes.all():
        raise _Refused("a ring without positions: a ring needs four positions")
    points = _positions(list(chain.from_iterable(rings)))
    ends = np.cumsum(sizes)
    if np.isnan(points[ends - sizes]).any() or np.isnan(points[ends - 1]).any():  # no ring can close on it
        raise _Refused("a coordinate is NaN, which is no place")
    was_open = (points[ends - sizes] != points[ends - 1]).any(axis=1)
    short = np.flatnonzero(sizes + was_open < 4)
    if len(short):
        size = sizes[short[0]]
        raise _Refused(f"a ring of {size} positions: a ring needs four positions, the last equal to the first")
    lines: Objects = shapely.linearrings(points, indices=np.repeat(np.arange(len(sizes)), sizes))
    return lines, was_open


def _positions(positions: Sequence[Any]) -> Floats:
    """Positions of two to four numbers as an array of the first two, shape (n, 2)."""
    try:
        widths = set(map(len, positions))
        flat = list(chain.from_iterable(positions))
    except TypeError:
        raise _Refused("coordinates are nested wrongly: a position is a list of two or three numbers") from None
    kinds = set(map(type, flat))
    if not kinds <= _NUMBERS:
        raise _Refused(_not_numbers(kinds))
    if not widths <= {2, 3, 4}:
        raise _Refused(f"a position of {min(widths - {2, 3, 4})} numbers: two or three are wanted")
    if len(widths) > 1:
        flat = list(chain.from_iterable(position[:2] for position in positions))
        widths = {2}
    try:
        numbers = np.fromiter(flat, dtype=np.float64, count=len(flat))
    except OverflowError:
        raise _Refused("infinite coordinate: a number beyond any float") from None
    return np.ascontiguousarray(numbers.reshape(len(positions), widths.pop())[:, :2])


def _not_numbers(kinds: set[type]) -> str:
    if str in kinds:
        return "coordinates are text: write them as numbers, without quotation marks"
    if kinds & {list, tuple, dict}:
        return "coordinates are nested wrongly: a position is a list of two or three numbers"
    names = ", ".join(sorted("null" if kind is type(None) else kind.__name__ for kind in kinds - _NUMBERS))
    return f"coordinates are not numbers ({names})"


def _other(geometry: Mapping[str, Any]) -> shapely.Geometry:
    """A point, a line, a set of them, or a mixed collection."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        members = geometry["geometries"]
        return shapely.GeometryCollection([_areas([m])[0][0] if _is_areal(m) else _other(m) for m in members])
    coordinates = _list(geometry.get("coordinates"), f"coordinates of a {kind}")
    if kind == "Point":
        return shapely.Point(_positions([coordinates])[0]) if coordinates else shapely.Point()
    if kind == "MultiLineString":
        return shapely.MultiLineString([_line(_list(line, "a line")) for line in coordinates])
    if kind == "LineString":
        return _line(coordinates)
    return shapely.MultiPoint(_positions(coordinates)) if coordinates else shapely.MultiPoint()


def _line(positions: Sequence[Any]) -> shapely.LineString:
    if len(positions) == 1:
        raise _Refused("a line of one position: a line needs two")
    return shapely.LineString(_positions(positions)) if positions else shapely.LineString()
