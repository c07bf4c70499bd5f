"""Incidents drawn by hand: the KML of Google My Maps, one placemark an event."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import shapely

from geo.errors import GateError
from geo.formats.kml import Placemark, read_kml
from geo.schema import Options, Rows
from geo.sources.base import COLUMN_NAMES, shipped_reader
from geo.sources.incident_rows import Raw, Record, Row, day, gather, joined, text
from geo.text.dates_in_files import find_date, is_unclear

_WORDS = COLUMN_NAMES["mymaps"]
# a placemark that says whose position it is shows where a unit stands, which is no event
_POSITION = ("position", "позиция", "позиція")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<\s*(?:br|/p|/div)\b[^<>]*>", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s\"'<>`]+")
_YEAR = re.compile(r"\b20\d\d\b")


def read(path: Path, options: Options) -> Rows:
    return read_marks(path, options, record=record, made_from="mymaps")


def read_marks(path: Path, options: Options, *, record: Record, made_from: str, in_many_folders: bool = False) -> Rows:
    """The placemarks of a KML file; where folders overlap, an event is read from the first that has it."""
    file = read_kml(path, layer=options.layer)
    left: Counter[str] = Counter()
    kept: dict[Any, Placemark] = {}
    for mark in file.marks:
        says = (mark.name, mark.description, str(mark.geometry)) if in_many_folders else mark.row
        if says in kept:
            left["an event that stands in another folder, too"] += 1
        elif not _left_out(mark, options, left):
            kept[says] = mark
    return gather(_raws([*kept.values()]), options, record=record, made_from=made_from, left_out=left, notes=file.notes)


def _left_out(mark: Placemark, options: Options, left: Counter[str]) -> bool:
    shape = mark.geometry
    if "positions" not in options.accept and _value(mark.data, _POSITION):
        left["a unit's position, no incident (--accept positions takes them in)"] += 1
        return True
    if shape is not None and not any(part.geom_type == "Point" for part in _parts(shape)):
        left["an area or a line, no incident"] += 1
        return True
    return False


def _parts(shape: shapely.Geometry | None) -> list[shapely.Geometry]:
    """The single shapes in a placemark, however deep they are nested."""
    if shape is None:
        return []
    return [part for each in shape.geoms for part in _parts(each)] if hasattr(shape, "geoms") else [shape]


def _raws(marks: list[Placemark]) -> Iterator[Raw]:
    for mark in marks:
        orig: dict[str, Any] = {
            "name": mark.name, "description": mark.description, "style": mark.style, "folders": list(mark.folders),
            "begin": mark.begin, "end": mark.end, "data": dict(mark.data),
            "geometry": mark.geometry.wkt if mark.geometry is not None else None,
        }  # fmt: skip
        yield Raw(mark.row, _cells(mark), orig)


def _cells(mark: Placemark) -> Row:
    named = {word: _value(mark.data, names) for word, names in _WORDS.items()}
    points = sorted({(p.x, p.y) for p in _parts(mark.geometry) if p.geom_type == "Point" and not p.is_empty})
    x, y = map(repr, points[0]) if len(points) == 1 else ("", "")
    year = _YEAR.search(f"{mark.document} {' '.join(mark.folders)}")
    return {
        **mark.data, **{f" {word}": value for word, value in named.items()},
        "name": mark.name, "description": plain_text(mark.description), " style": mark.style, " begin": mark.begin,
        " end": mark.end,
        " error": mark.error, " year": year.group() if year else "", " folder": "/".join(mark.folders),
        " parts": str(len(points)), " x": x, " y": y,
    }  # fmt: skip


def _value(data: Mapping[str, str], names: Sequence[str]) -> str:
    return next((v.strip() for k, v in data.items() if k.strip().casefold() in names and v.strip()), "")


def plain_text(html: str) -> str:
    """What a description says, without its markup."""
    return unescape(_TAG.sub(" ", _BREAK.sub("\n", html))).replace("\xa0", " ").strip()


def record(row: Row, options: Options) -> dict[str, Any]:
    if not row[" x"]:
        count = int(row[" parts"])
        why = row[" error"] or (f"{count} points in one placemark" if count > 1 else "no geometry")
        raise GateError(f"{why}: draw one point for each event")
    start, end = _dates(row, options)
    said = plain_text(text(row, " notes") or "") or row["description"]
    links = [text(row, " link"), *_LINK.findall(row["description"])]
    return {
        "date_start": start, "date_end": end, "latitude": float(row[" y"]), "longitude": float(row[" x"]),
        "where_coordinates": text(row, "name"),
        "event_type": text(row, options.columns.get("event_type", " event_type")) or text(row, " folder"),
        "notes": said or None, "source_article": joined(links),
        "tags": joined([text(row, " target"), text(row, " means")]),
    }  # fmt: skip


def _dates(row: Row, options: Options) -> tuple[str | None, str | None]:
    own = options.columns.get("date", options.columns.get("date_start", " date"))
    if text(row, own):
        date = day(row, own)
        return date, date
    if text(row, " begin"):
        return day(row, " begin"), day(row, " end") or day(row, " begin")
    year = int(row[" year"]) if row[" year"] else None
    for name in ("name", "description"):
        found = find_date(row[name], short=True, year=year)
        if found and (why := is_unclear(found[1])):
            raise GateError(f"date {found[1]!r} {why}: write it as YYYY-MM-DD, or with its month in words")
        if found:
            return found[0].date().isoformat(), found[0].date().isoformat()
    return None, None


READER = shipped_reader("mymaps", read)
