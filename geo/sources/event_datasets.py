"""Events of others: ACLED, UCDP, Bellingcat, Eyes on Russia, GeoConfirmed, VIINA, and the KML of Google My Maps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import shapely

from geo.assets import read_toml
from geo.errors import GateError
from geo.formats.dates import find_date, is_unclear
from geo.formats.geojson import read_json
from geo.formats.kml import Placemark, read_kml
from geo.formats.limits import columns_of
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, Options, Refusal, Rows
from geo.sources.base import shipped_reader
from geo.sources.incidents import Raw, Record, Row, count, day, gather, joined, read_rows, text

# columns of the datasets, as assets/incident_columns.toml lists them
COLUMNS: Mapping[str, Any] = read_toml("incident_columns.toml")
_ACLED, _UCDP, _EYES, _VIINA = (COLUMNS[name] for name in ("acled", "ucdp-ged", "eyes-on-russia", "viina"))

# -- ACLED's event table (31 columns, and shorter exports of it) ----------------------------------------------------

# time_precision 1 day, 2 week, 3 month -> UCDP date_prec 1 day, 3 week, 4 month
ACLED_DATE_PREC = {1.0: 1.0, 2.0: 3.0, 3.0: 4.0}

# how a tag begins in which our export carries what ACLED has no column for
ACLED_TAG = "geo:"


def _acled_record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {name: text(row, name) for name in _ACLED["same"]}
    found |= {ours: text(row, theirs) for ours, theirs in _ACLED["renamed"].items()}
    found |= {name: count(row, name, options) for name in ("latitude", "longitude", "geo_precision")}
    found["date_start"] = found["date_end"] = day(row, "event_date")
    found["date_prec"] = ACLED_DATE_PREC.get(count(row, "time_precision", options) or 0.0)
    found["best"] = count(row, "fatalities", options)
    return found | _carried(found, options)


def _carried(found: dict[str, Any], options: Options) -> dict[str, Any]:
    """What our own export put into the tags, as ACLED has no columns for it."""
    tags = (found["tags"] or "").split("; ")
    carried = dict(tag.removeprefix(ACLED_TAG).partition("=")[::2] for tag in tags if tag.startswith(ACLED_TAG))
    if not carried:
        return {}
    cells = {name: unquote(value) for name, value in carried.items() if name in (*INCIDENT_TEXT, *INCIDENT_NUMBERS)}
    rest = "; ".join(tag for tag in tags if not tag.startswith(ACLED_TAG))
    back: dict[str, Any] = {n: count(cells, n, options) if n in INCIDENT_NUMBERS else v for n, v in cells.items()}
    return back | {"tags": rest or None}


ACLED = shipped_reader("acled", partial(
    read_rows, record=_acled_record, columns=_ACLED["columns"], ids="event_id_cnty", made_from="acled",
    needs=("event_date", "latitude", "longitude", "event_id_cnty|event_type|fatalities"), newer="timestamp",
))  # fmt: skip

# -- the Georeferenced Event Dataset of the Uppsala Conflict Data Program (UCDP GED) ---------------------------------

# UCDP where_prec -> ACLED geo_precision: the place itself; near it, or its second division; coarser
GEO_PRECISION = {1.0: 1.0, 2.0: 2.0, 3.0: 2.0, 4.0: 3.0, 5.0: 3.0, 6.0: 3.0, 7.0: 3.0}


def _ucdp_record(row: Row, options: Options) -> dict[str, Any]:
    # behind UCDP's columns our export puts those of ours that UCDP has not
    found: dict[str, Any] = {
        name: text(row, name) for name in INCIDENT_TEXT if name in row and name not in _UCDP["columns"]
    }
    found |= {name: count(row, name, options) for name in INCIDENT_NUMBERS if name in row}
    found |= {name: text(row, name) for name in _UCDP["same"]}
    found |= {ours: text(row, theirs) for ours, theirs in _UCDP["renamed"].items()}
    found |= {name: day(row, name) for name in ("date_start", "date_end")}
    for name in ("event_id", "event_clarity"):
        found[name] = (text(row, _UCDP["renamed"].get(name, name)) or "").removesuffix(".0") or None
    found["geo_precision"] = GEO_PRECISION.get(found["where_prec"], found.get("geo_precision"))
    sources = found.get("number_of_sources")
    found["number_of_sources"] = None if sources is None or sources < 0 else sources
    return found


_read_ucdp = partial(
    read_rows, record=_ucdp_record, needs=("id", "date_start", "date_end", "latitude", "longitude", "where_prec"),
    columns=(*_UCDP["columns"], *INCIDENT_TEXT, *INCIDENT_NUMBERS),
)  # fmt: skip
UCDP = shipped_reader("ucdp-ged", _read_ucdp)
UCDP_CANDIDATE = shipped_reader("ucdp-candidate", _read_ucdp)  # the months since the last edition, as first coded

# -- Bellingcat: civilian harm in Ukraine, in both shapes that it has been published in -----------------------------

_BELLINGCAT_NEEDS = ("date", "description", "latitude", "longitude")


def _read_bellingcat(path: Path, options: Options) -> Rows:
    listed = read_json(path)
    if not isinstance(listed, list):
        raise GateError(f"{path}: a list of events is wanted ([{{…}}, …]); this is a {type(listed).__name__}")
    first = next((each for each in listed if isinstance(each, Mapping)), {})
    missing = [name for name in _BELLINGCAT_NEEDS if name not in first]
    if listed and missing:
        raise GateError(f"{path}: no member {', '.join(missing)}; found: {', '.join(map(str, first)) or 'none'}")
    columns_of(path, [each for each in listed if isinstance(each, Mapping)])
    others = [(n, type(each).__name__) for n, each in enumerate(listed, 1) if not isinstance(each, Mapping)]
    strange = [Refusal(n, f"a {kind}, no object: write {{…}} for each event") for n, kind in others]
    return gather(_raws(listed), options, record=_bellingcat_record, made_from="bellingcat", refusals=strange)


def _raws(listed: list[Any]) -> Iterator[Raw]:
    for row, each in enumerate(listed, 1):
        if isinstance(each, Mapping):
            yield Raw(row, {str(k): _cell(v) for k, v in each.items()}, each)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def _bellingcat_record(row: Row, options: Options) -> dict[str, Any]:
    sources = [line for line in row.get("sources", "").split("\n") if line]
    date = day(row, "date", form="%m/%d/%Y")
    return {
        "event_id": text(row, "id"), "date_start": date, "date_end": date, "where_coordinates": text(row, "location"),
        "latitude": count(row, "latitude", options), "longitude": count(row, "longitude", options),
        "notes": text(row, "description"), "source_article": joined(s for s in sources if "://" in s),
        "number_of_sources": float(len(sources)) if sources else None,
        "tags": joined(row.get("associations", "").split("\n")),
    }  # fmt: skip


BELLINGCAT = shipped_reader("bellingcat", _read_bellingcat)

# -- Eyes on Russia: events geolocated by the Centre for Information Resilience and its partners --------------------

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# groups are kept by period ("Bombing or Explosion Feb - June"), which the date says
_PERIOD = re.compile(rf"(?<!\s)\s+{_MONTH}(?:\s*-\s*{_MONTH})?(?:\s+20\d\d)?$")


def _eyes_on_russia_record(row: Row, options: Options) -> dict[str, Any]:
    # under the names of the map's files up to 2024, else under those of its feature service since
    row = {**row, **{old: row[new] for old, new in _EYES["since_2025"].items() if old not in row and new in row}}
    found: dict[str, Any] = {ours: text(row, theirs) for ours, theirs in _EYES["renamed"].items()}
    found["date_start"] = found["date_end"] = day(row, "date")
    found["latitude"], found["longitude"] = (count(row, name, options) for name in ("lat", "lon"))
    found["event_type"] = _PERIOD.sub("", text(row, "event_group") or "") or None
    level = text(row, "violence level")
    found["tags"] = joined([text(row, "arms/munition"), f"violence level={level}" if level else None])
    return found


EYES_ON_RUSSIA = shipped_reader("eyes-on-russia", partial(
    read_rows, record=_eyes_on_russia_record, columns=(*_EYES["renamed"].values(), *_EYES["others"]),
    needs=tuple(f"{old}|{new}" for old, new in _EYES["since_2025"].items() if old != "town/city"),
))  # fmt: skip

# -- GeoConfirmed: events geolocated by volunteers, as its table and its map for Google Earth have them ---------------

_CONFIRMED = COLUMNS["geoconfirmed"]
_PLUS_CODE = re.compile(r"^[2-9CFGHJMPQRVWX]{4,8}\+[2-9CFGHJMPQRVWX]{2,3}\s*")
_ICON = re.compile(r"icons/([0-9A-Fa-f]{6})/")
_SEEN = {"geo_precision": 1.0, "where_prec": 1.0, "verification": "verified"}  # what a geolocation is


def _read_geoconfirmed(path: Path, options: Options) -> Rows:
    if path.suffix.lower() in (".kml", ".kmz"):
        return read_marks(path, options, record=_confirmed_mark, made_from="geoconfirmed", in_many_folders=True)
    options = replace(options, delimiter=options.delimiter or ";")
    return read_rows(
        path, options, record=_confirmed_record, columns=_CONFIRMED["columns"], ids="Id", made_from="geoconfirmed",
        needs=("Date", "Latitude", "Longitude", "Description"),
    )  # fmt: skip


def _confirmed_record(row: Row, options: Options) -> dict[str, Any]:
    date = day(row, "Date")
    links = [word for name in ("Source", "Geolocation") for word in (text(row, name) or "").split() if "://" in word]
    tags = [f"{name.lower()}={value}" for name in ("Faction", "Origin", "Equipment") if (value := text(row, name))]
    return _SEEN | {
        "event_id": text(row, "Id"), "date_start": date, "date_end": date, "notes": text(row, "Description"),
        "latitude": count(row, "Latitude", options), "longitude": count(row, "Longitude", options),
        "source_headline": text(row, "Name"), "source_article": joined(links), "tags": joined(tags),
        "where_coordinates": _PLUS_CODE.sub("", text(row, "PlusCode") or "") or None,
    }  # fmt: skip


def _confirmed_mark(row: Row, options: Options) -> dict[str, Any]:
    icon = _ICON.search(row[" style"])
    side = _CONFIRMED["factions"].get(icon[1].upper()) if icon else None
    no_name = {"where_coordinates": None, "event_type": None}  # a placemark is named by its day, a folder by its span
    return mark_record(row, options) | _SEEN | no_name | {"tags": f"faction={side}" if side else None}


GEOCONFIRMED = shipped_reader("geoconfirmed", _read_geoconfirmed)

# -- VIINA, Violent Incident Information from News Articles, and tables derived from it -----------------------------


def _viina_record(row: Row, options: Options) -> dict[str, Any]:
    date, number = day(row, "date"), text(row, "event_id") or text(row, "event_id_1pd")
    found: dict[str, Any] = {ours: text(row, theirs) for ours, theirs in _VIINA["renamed"].items()}
    found |= {
        # every year's file counts anew
        "event_id": f"{date[:4]}-{number}" if date and number else number,
        "date_start": date,
        "date_end": date,
        "gazetteer": "GeoNames" if text(row, "geonameid") else None,
        "actor1": _actor(row),
        "source": text(row, "sources_matching") or text(row, "sources") or text(row, "source"),
        "source_article": text(row, "source_urls") or text(row, "url"),
        "notes": text(row, "representative_text") or text(row, "text"),
        "number_of_sources": count(row, "n_reports", options),
        "where_prec": _VIINA["where_prec"].get((text(row, "GEO_PRECISION") or "").upper()),
    }
    return found | {name: count(row, name, options) for name in ("latitude", "longitude")}


def _actor(row: Row) -> str | None:
    """The side whose flag of having acted stands alone."""
    flags = (("RU", "a_rus_init"), ("UA", "a_ukr_init"))
    # VIINA's own files carry a probability under the plain name and the flag as name_b; tables made from it, the flag
    sides = [side for side, flag in flags if (text(row, f"{flag}_b") or text(row, flag)) in ("1", "1.0")]
    return sides[0] if len(sides) == 1 else None


VIINA = shipped_reader("viina", partial(
    read_rows, record=_viina_record, needs=("event_id|event_id_1pd", "date", "latitude", "longitude"),
    columns=_VIINA["columns"],
))  # fmt: skip

# -- incidents drawn by hand: the KML of Google My Maps, one placemark an event ---------------------------------------

_MARK_WORDS = read_toml("mymaps_columns.toml")
# a placemark that says whose position it is shows where a unit stands, which is no event
_POSITION = ("position", "позиция", "позиція")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<\s*(?:br|/p|/div)\b[^<>]*>", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s\"'<>`]+")
_YEAR = re.compile(r"\b20\d\d\b")


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
    return gather(
        _mark_raws([*kept.values()]), options, record=record, made_from=made_from, left_out=left, notes=file.notes
    )


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


def _mark_raws(marks: list[Placemark]) -> Iterator[Raw]:
    for mark in marks:
        orig: dict[str, Any] = {
            "name": mark.name, "description": mark.description, "style": mark.style, "folders": list(mark.folders),
            "begin": mark.begin, "end": mark.end, "data": dict(mark.data),
            "geometry": mark.geometry.wkt if mark.geometry is not None else None,
        }  # fmt: skip
        yield Raw(mark.row, _cells(mark), orig)


def _cells(mark: Placemark) -> Row:
    named = {word: _value(mark.data, names) for word, names in _MARK_WORDS.items()}
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


def mark_record(row: Row, options: Options) -> dict[str, Any]:
    if not row[" x"]:
        count = int(row[" parts"])
        why = row[" error"] or (f"{count} points in one placemark" if count > 1 else "no geometry")
        raise GateError(f"{why}: draw one point for each event")
    start, end = _mark_dates(row, options)
    said = plain_text(text(row, " notes") or "") or row["description"]
    links = [text(row, " link"), *_LINK.findall(row["description"])]
    return {
        "date_start": start, "date_end": end, "latitude": float(row[" y"]), "longitude": float(row[" x"]),
        "where_coordinates": text(row, "name"),
        "event_type": text(row, options.columns.get("event_type", " event_type")) or text(row, " folder"),
        "notes": said or None, "source_article": joined(links),
        "tags": joined([text(row, " target"), text(row, " means")]),
    }  # fmt: skip


def _mark_dates(row: Row, options: Options) -> tuple[str | None, str | None]:
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


MYMAPS = shipped_reader("mymaps", partial(read_marks, record=mark_record, made_from="mymaps"))
