"""KML and KMZ to placemarks: with the styles and folders that other readers drop, and without entities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import shapely
from lxml.etree import _Element as Element

from geo.errors import FileError
from geo.formats.geojson import build, read_bytes, refuse_other_text
from geo.formats.xml import mend_xml, parse_xml
from geo.formats.zips import MAGIC, choose, unpack
from geo.schema import number_of

DEPTH_LIMIT = 64
_CONTAINERS = ("Document", "Folder")
_SIMPLE = {"Point": "Point", "LineString": "LineString", "LinearRing": "LineString"}
_GEOMETRIES = ("Polygon", "MultiGeometry", *_SIMPLE)
_UNREAD = ("Track", "MultiTrack", "Model")
_COLOUR = re.compile(r"#?([0-9a-fA-F]{8})$")
_ENCODING = re.compile(rb"""(\s*<\?xml[^>]*?\bencoding\s*=\s*["'])([\w.:-]+)""")


@dataclass(frozen=True)
class Colour:
    """A colour of a style: ``#rrggbb`` in lower case, and opacity from 0 to 1."""

    rgb: str
    alpha: float


@dataclass(frozen=True)
class Placemark:
    row: int
    geometry: shapely.Geometry | None = None
    name: str = ""
    description: str = ""
    style: str = ""
    line: Colour | None = None
    fill: Colour | None = None
    document: str = ""
    folders: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    begin: str = ""
    end: str = ""
    error: str = ""
    closed: bool = False


@dataclass(frozen=True)
class Kml:
    """The placemarks of a KML file, in its order, and what a reader of them should know."""

    marks: list[Placemark]
    notes: tuple[str, ...] = ()


def read_kml(path: Path, *, raw: bytes | None = None, layer: str | None = None) -> Kml:
    """The placemarks of a KML or KMZ file; `layer` names one of several KML files in a KMZ."""
    raw = read_bytes(path) if raw is None else raw
    notes: list[str] = []
    if raw.startswith(MAGIC):
        raw, notes = _kml_of(path, unpack(path, raw=raw), layer)
    root, mended = _parse(path, raw)
    notes += mended
    styles = _Styles(root)
    drafts: list[Placemark] = []
    geometries: list[dict[str, Any] | None] = []
    for row, (element, around, dated) in enumerate(_placemarks(path, root, (), None), 1):
        draft = _placemark(element, row=row, around=around, dated=dated, styles=styles)
        try:
            geometry, error = _geometry(element, 0), draft.error
        except _Unreadable as why:
            geometry, error = None, str(why)
        drafts.append(replace(draft, error=error))
        geometries.append(geometry)
    built = build(geometries)
    closed = set(built.closed)
    marks = [
        replace(draft, geometry=built.geometry[i], error=draft.error or built.errors.get(i, ""), closed=i in closed)
        for i, draft in enumerate(drafts)
    ]
    return Kml(marks, (*notes, *_links(path, root, any_marks=bool(marks))))


class _Unreadable(Exception):
    """A geometry that cannot be read; carries the reason."""


def _kml_of(path: Path, contents: Mapping[str, bytes], layer: str | None) -> tuple[bytes, list[str]]:
    names = [name for name in contents if name.lower().endswith(".kml")]
    if not names:
        raise FileError(f"{path}: no KML inside (found: {', '.join(list(contents)[:5]) or 'nothing'})")
    drawn = [name for name in names if b"Placemark" in contents[name].replace(b"\0", b"")] or names[:1]
    chosen, notes = choose(path, drawn, layer, what="KML files with placemarks", files=True)
    if not contents[chosen]:
        raise FileError(f"{path}: {chosen} is empty")
    return contents[chosen], list(notes)


def _links(path: Path, root: Element, *, any_marks: bool) -> list[str]:
    """What a file only points to is not in it: nothing is fetched."""
    links = [element for element in root.iter() if _tag(element) == "NetworkLink"]
    if not links:
        return []
    to = next((found for link in links for at in ("Link", "Url") if (found := _text(link, at, "href"))), "no address")
    if not any_marks:
        raise FileError(f"{path}: the file only links to {to}: fetch that file, and import it")
    return [f"a part: {number_of(len(links), 'link')} to other files not followed ({to}): import those too"]


def _parse(path: Path, raw: bytes) -> tuple[Element, list[str]]:
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not wide:
        refuse_other_text(path, raw)
    notes: list[str] = []
    said = None if wide else _ENCODING.match(raw[:200])
    if said and said[2].lower() != b"utf-8" and not raw.isascii() and is_utf8(raw):
        raw = said[1] + b"UTF-8" + raw[said.end() :]
        notes = [f"text read as UTF-8, which it is, though the file says {said[2].decode()}"]
    try:
        root = parse_xml(path, raw)
    except FileError as error:
        mended, slips = (raw, []) if wide else mend_xml(raw)
        notes += slips
        if not slips:
            if not wide and b"encoding=" not in raw[:200] and not is_utf8(raw):
                raise FileError(f'{path}: not UTF-8: name the encoding in <?xml … encoding="windows-1251"?>') from None
            raise
        try:
            root = parse_xml(path, mended)
        except FileError:
            raise error from None
    if _tag(root) != "kml" and _tag(root) not in (*_CONTAINERS, "Placemark"):
        raise FileError(f"{path}: XML, but not KML (the root is <{_tag(root)}>)")
    return root, notes


def is_utf8(raw: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _tag(element: Element) -> str:
    """The name of an element without namespace or prefix: some writers forget them."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _child(element: Element | None, *names: str) -> Element | None:
    """The first child, grandchild … of these names."""
    for name in names:
        if element is None:
            return None
        element = next((child for child in element if _tag(child) == name), None)
    return element


def _text(element: Element | None, *names: str) -> str:
    found = _child(element, *names)
    return "" if found is None else _words(found)


def _words(element: Element) -> str:
    return "".join(map(str, element.itertext())).strip()


def _placemarks(
    path: Path, element: Element, around: tuple[tuple[str, str], ...], dated: Element | None
) -> Iterator[tuple[Element, tuple[tuple[str, str], ...], Element | None]]:
    """Placemarks with the containers around them, as (tag, name), and the innermost element that has a time."""
    if len(around) > DEPTH_LIMIT:
        raise FileError(f"{path}: folders nested more than {DEPTH_LIMIT} deep")
    tag = _tag(element)
    if any(_tag(child) in ("TimeSpan", "TimeStamp") for child in element):
        dated = element  # a folder's time is that of all in it
    if tag == "Placemark":
        yield element, around, dated
    elif tag in ("kml", *_CONTAINERS):
        inner = around if tag == "kml" else (*around, (tag, _text(element, "name")))
        for child in element:
            yield from _placemarks(path, child, inner, dated)


def _placemark(
    element: Element, *, row: int, around: tuple[tuple[str, str], ...], dated: Element | None, styles: _Styles
) -> Placemark:
    style = _text(element, "styleUrl")
    own, shared = _child(element, "Style"), styles.find(style)
    unread = next((_tag(child) for child in element if _tag(child) in _UNREAD), "")
    moment = _text(dated, "TimeStamp", "when")
    return Placemark(
        row=row,
        name=_text(element, "name"),
        description=_text(element, "description"),
        style=style.removeprefix("#"),
        line=_colour(own, "LineStyle") or _colour(shared, "LineStyle"),
        fill=_colour(own, "PolyStyle") or _colour(shared, "PolyStyle"),
        document=next((name for tag, name in around if tag == "Document"), ""),
        folders=tuple(name for tag, name in around if tag == "Folder"),
        data=_extended(element),
        begin=_text(dated, "TimeSpan", "begin") or moment,
        end=_text(dated, "TimeSpan", "end") or moment,
        error=f"a {unread} is not read: areas, lines and points are" if unread else "",
    )


def _extended(element: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    extended = _child(element, "ExtendedData")
    for entry in () if extended is None else extended:
        if _tag(entry) == "Data":
            found[entry.get("name", "")] = _text(entry, "value")
        for simple in entry if _tag(entry) == "SchemaData" else ():
            found[simple.get("name", "")] = _words(simple)
    return found


class _Styles:
    """The shared styles of a document, and what its style maps lead to."""

    def __init__(self, root: Element) -> None:
        self._styles: dict[str, Element] = {}
        self._maps: dict[str, Element] = {}
        for element in root.iter():
            name, tag = element.get("id"), _tag(element)
            if name and tag == "Style":
                self._styles.setdefault(name, element)
            elif name and tag == "StyleMap":
                self._maps.setdefault(name, element)

    def find(self, url: str, *, steps: int = 4) -> Element | None:
        """The style that a styleUrl of this file leads to; None for one behind an address, or a circle."""
        name = url.removeprefix("#")
        if name in self._styles or name not in self._maps or not steps:
            return self._styles.get(name)
        for pair in self._maps[name]:
            if _text(pair, "key") == "normal":
                own = _child(pair, "Style")
                return self.find(_text(pair, "styleUrl"), steps=steps - 1) if own is None else own
        return None


def _colour(style: Element | None, part: str) -> Colour | None:
    """KML writes aabbggrr."""
    match = _COLOUR.match(_text(style, part, "color"))
    if not match:
        return None
    alpha, blue, green, red = (match.group(1)[at : at + 2].lower() for at in (0, 2, 4, 6))
    return Colour(f"#{red}{green}{blue}", round(int(alpha, 16) / 255, 3))


def _geometry(element: Element, depth: int) -> dict[str, Any] | None:
    """The geometry in a placemark or a MultiGeometry, in the form of GeoJSON."""
    found = [_one(child, depth) for child in element if _tag(child) in _GEOMETRIES]
    if not found:
        return None
    return found[0] if len(found) == 1 else {"type": "GeometryCollection", "geometries": found}


def _one(element: Element, depth: int) -> dict[str, Any]:
    tag = _tag(element)
    if depth > DEPTH_LIMIT:
        raise _Unreadable(f"MultiGeometry nested more than {DEPTH_LIMIT} deep")
    if tag == "MultiGeometry":
        parts = [_one(child, depth + 1) for child in element if _tag(child) in _GEOMETRIES]
        return {"type": "GeometryCollection", "geometries": parts}
    if tag == "Polygon":
        borders = [_child(child, "LinearRing") for child in element if _tag(child) == "outerBoundaryIs"]
        if not borders:
            raise _Unreadable("a polygon without an outer ring")
        borders += [
            ring
            for child in element if _tag(child) == "innerBoundaryIs"
            for ring in child if _tag(ring) == "LinearRing"
        ]  # fmt: skip
        return {"type": "Polygon", "coordinates": [_positions(ring) for ring in borders if ring is not None]}
    positions = _positions(element)
    if tag == "Point":
        return {"type": "Point", "coordinates": positions[0] if positions else []}
    return {"type": _SIMPLE[tag], "coordinates": positions}


def _positions(element: Element) -> list[list[float]]:
    text = _text(element, "coordinates")
    # Some hands write "35.1, 51.2"; the blank would tear the position apart.
    text = re.sub(r"\s*,\s*", ",", text) if ", " in text or " ," in text else text
    try:
        return [[float(number) for number in position.split(",")[:2]] for position in text.split()]
    except ValueError as error:
        raise _Unreadable(f"coordinates are no numbers ({str(error).rpartition(': ')[2]})") from None
