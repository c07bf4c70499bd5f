"""Event layers of the Institute for the Study of War and the Critical Threats Project: strikes and attacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.errors import GateError
from geo.formats.layers import Layer, cell, read_layer
from geo.schema import Options, Rows
from geo.sources.base import shipped_reader
from geo.sources.incident_rows import Raw, Row, day, gather, joined, text
from geo.text.dates_in_files import without_date

# how near the place named the point lies, in the layers' own words: (UCDP where_prec, km)
_PRECISION = {"exact": (1.0, None), "general neighborhood": (1.0, 1.0), "general town": (1.0, 5.0)}
_UNKNOWN = ("UNK", "UNKNOWN", "UNSPECIFIED")
_DATES = ("event_date", "strikedate", "date")
_WORDS = re.compile(r"[^a-z0-9]+")
# layers name the edition in their own name: the same event has the same id in every one of them
_EDITION = re.compile(r"\b(?:Morning|Evening|Afternoon) of\b", re.IGNORECASE)


def read(path: Path, options: Options) -> Rows:
    layer = read_layer(path, options=options)
    names = list(map(str, layer.table.columns))
    if "event_id" not in names or not set(_DATES) & set(names):
        raise GateError(
            f"{path}: no column event_id and one of {', '.join(_DATES)}; found: {', '.join(names) or 'none'}"
        )
    short = _WORDS.sub("-", _EDITION.sub("", without_date(layer.name)).lower()).strip("-")
    return gather(_raws(layer, short), options, record=_record, notes=(*layer.repairs, *layer.notes))


def _raws(layer: Layer, short: str) -> Iterator[Raw]:
    columns = [list(map(cell, layer.table[name])) for name in layer.table.columns]
    names = list(map(str, layer.table.columns))
    for at, values in enumerate(zip(*columns, strict=True)):
        orig = dict(zip(names, values, strict=True))
        yield Raw(at + 1, _cells(orig, layer, at, short), orig)


def _cells(orig: Mapping[str, str | None], layer: Layer, at: int, short: str) -> Row:
    """The columns as text, with the layer's name and the point itself, which counts before its columns."""
    cells = {name: value or "" for name, value in orig.items()}
    point = layer.geometry[at]
    found = point is not None and point.geom_type == "Point" and not shapely.is_empty(point)
    cells |= {" layer": short, " x": repr(float(point.x)) if found else "", " y": repr(float(point.y)) if found else ""}
    return cells


def _record(row: Row, _: Options) -> dict[str, Any]:
    if not row[" x"]:
        raise GateError("no geometry: geocode the place, or leave the row out")
    number = text(row, "event_id")
    if number in (None, "0"):
        raise GateError(f"no event id ({number or 'blank'}): give each event its own")
    date = day(row, next((n for n in _DATES if n in row), "date"))
    kind = text(row, "event_type")
    prec, km = _PRECISION.get((text(row, "coord_type") or "").casefold(), (None, None))
    parts = [part.strip() for n in ("source_1", "source_2", "sources") for part in (text(row, n) or "").split(";")]
    links = [part for part in parts if part]
    actor = _known(row, "actor")
    country = _known(row, "country")
    # the point's own numbers, as the layer's metres give them back to a tenth of a millimetre
    x, y = (float(np.round(float(row[name]), 9)) for name in (" x", " y"))
    return {
        "event_id": f"{row[' layer']}-{number}", "date_start": date, "date_end": date,
        "report_date": day(row, "pub_date"), "source_date": day(row, "post_date"), "latitude": y, "longitude": x,
        "where_prec": prec, "geo_precision": prec, "uncertainty_km": km, "where_description": text(row, "coord_type"),
        "where_coordinates": _known(row, "city") or _known(row, "location"),
        "adm_1": _known(row, "province") or _known(row, "governate"),
        "country": None if country is None or country.isdigit() else country, "actor1": actor,
        "actor2": _known(row, "subject"), "event_type": kind, "verification": _verification(kind),
        "claimed_by": actor if (text(row, "claimed") or "").upper() == "TRUE" else None,
        "source_article": joined(links), "number_of_sources": float(len(set(links))) if links else None,
        "tags": joined([_known(row, "siteStype") or _known(row, "site_type"), *_vessel(row)]),
    }  # fmt: skip


def _known(row: Row, name: str) -> str | None:
    value = text(row, name)
    return None if value is None or value.upper() in _UNKNOWN else value


def _verification(kind: str | None) -> str | None:
    """What the event type itself says: a confirmed airstrike, or a reported one."""
    first = (kind or "").partition(" ")[0].casefold()
    return {"confirmed": "verified", "reported": "unverified"}.get(first)


def _vessel(row: Row) -> list[str]:
    named = (("vessel", "vesselname"), ("flag", "flag"), ("IMO", "IMO"), ("MMSI", "MMSI"))
    return [f"{word}={value}" for word, name in named if (value := _known(row, name))]


READER = shipped_reader("isw-events", read)
