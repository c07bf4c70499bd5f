"""Incidents out of the archive in the field's own shapes: ACLED's 31 columns, UCDP GED's 49, and our own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

import geopandas as gpd

from geo.errors import UsageError
from geo.formats.tables import defused
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, dated, text_or_none
from geo.sources.event_datasets import ACLED_DATE_PREC, ACLED_TAG, COLUMNS, GEO_PRECISION

Fields = Mapping[str, Any]
SHAPES = ("acled", "ucdp-ged", "csv")

_ACLED, _UCDP = COLUMNS["acled"], COLUMNS["ucdp-ged"]

_TIME_PRECISION = {ucdp_code: acled_code for acled_code, ucdp_code in ACLED_DATE_PREC.items()}
_COORDINATES = ("latitude", "longitude")
# an account's name, which a spreadsheet may show but cannot compute: no bracket, no operator, no reference
_HANDLE = re.compile(r"@\w+(?:[;,] ?@?\w[\w ]*)*$")


def shaped(frame: gpd.GeoDataFrame, shape: str, *, raw: bool = False) -> Iterator[list[str]]:
    """Incidents as rows of text, the header first."""
    frame = dated(frame)
    if shape not in SHAPES:
        raise UsageError(f"no shape {shape!r}; there are: {', '.join(SHAPES)}")
    columns, cells = _OF[shape](frame)
    keep = str if raw else lambda value: value if _HANDLE.match(value) else defused(value)
    yield list(map(keep, columns))
    for row in _rows(frame):
        yield list(map(keep, cells(row)))


def _rows(frame: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    names = [str(c) for c in frame.columns if c != frame.geometry.name]
    for values in zip(*(frame[c].tolist() for c in names), strict=True):
        yield {n: None if v is None or v != v else v for n, v in zip(names, values, strict=True)}


def _orig(row: Fields, marks: Sequence[str]) -> dict[str, Any]:
    """The row as it stood, where it came in in the shape that has these columns."""
    found = json.loads(row["orig"]) if row.get("orig") else {}
    return found if isinstance(found, dict) and all(mark in found for mark in marks) else {}


def number_text(value: Any, *, name: str = "") -> str:
    """A number as these files write it: whole ones without a point, coordinates with one; "" where there is none."""
    if value is None or value != value:
        return ""
    number = float(value)
    return str(int(number)) if number.is_integer() and name not in _COORDINATES else repr(number)


def _cell(row: Fields, name: str) -> str:
    value = row.get(name)
    return number_text(value, name=name) if name in INCIDENT_NUMBERS else text_or_none(value) or ""


# -- ACLED ----------------------------------------------------------------------------------------------------------

_ACLED_OURS = {name: name for name in (*_ACLED["same"], "latitude", "longitude", "geo_precision")} | {
    theirs: ours for ours, theirs in _ACLED["renamed"].items()
}


def _acled_cells(row: Fields) -> list[str]:
    made = {theirs: _cell(row, ours) for theirs, ours in _ACLED_OURS.items()}
    start = row.get("date_start")
    made["event_date"] = f"{date.fromisoformat(start):%d %B %Y}" if start else ""
    made["year"] = start[:4] if start else ""
    made["time_precision"] = number_text(_TIME_PRECISION.get(row.get("date_prec") or 0.0))
    made["fatalities"] = number_text(row.get("best"))
    made["disorder_type"] = _ACLED["disorder"].get(made["sub_event_type"]) or _ACLED["disorder"].get(
        made["event_type"], ""
    )
    made["interaction"] = _interaction(made["inter1"], made["inter2"])
    made["geo_precision"] = made["geo_precision"] or number_text(GEO_PRECISION.get(row.get("where_prec") or 0.0))
    orig = _orig(row, ("event_date", "latitude", "longitude", "event_type"))
    if not orig:
        made["tags"] = "; ".join([*([made["tags"]] if made["tags"] else []), *_carried(row, made)])
    # ACLED writes what it does not know as NA
    whole = {name: str(orig[name]) if name in orig else made.get(name) or "NA" for name in _ACLED["columns"]}
    return [whole[name] for name in _ACLED["columns"]]


def _interaction(one: str, other: str) -> str:
    codes = [c for c in (one, other) if c.isdigit()]
    if len(codes) < 2 or "0" in codes:
        return (codes[0] + "0") if codes else ""
    return "".join(sorted(codes))


def _carried(row: Fields, made: Mapping[str, str]) -> list[str]:
    """What ACLED has no column for, as tags: ``geo:verification=unverified``."""
    there = {*_ACLED_OURS.values(), "date_start", "best", "orig"}
    implied = {"date_end": row.get("date_start")}
    if made["time_precision"] or row.get("date_prec") is None:
        there.add("date_prec")
    names = [n for n in (*INCIDENT_TEXT, *INCIDENT_NUMBERS) if n not in there]
    cells = {n: _cell(row, n) for n in names if row.get(n) is not None and row.get(n) != implied.get(n)}
    return [f"{ACLED_TAG}{name}={quote(value, safe=' /:,.?&=()')}" for name, value in cells.items() if value]


# -- UCDP -----------------------------------------------------------------------------------------------------------

_UCDP_OURS = {name: name for name in (*INCIDENT_TEXT, *INCIDENT_NUMBERS) if name in _UCDP["columns"]} | {
    theirs: ours for ours, theirs in _UCDP["renamed"].items()
}


def _ucdp(frame: gpd.GeoDataFrame) -> tuple[Sequence[str], Callable[[Fields], list[str]]]:
    own = [n for n in (*INCIDENT_TEXT, *INCIDENT_NUMBERS) if n not in _UCDP_OURS.values()]
    needs = ["where_prec", frame.geometry.name]
    behind = [n for n in own if n in frame and any(_not_implied(row, n) for row in _rows(frame[[n, *needs]]))]
    columns = (*_UCDP["columns"], *behind)
    return columns, lambda row: _ucdp_cells(row, behind)


def _not_implied(row: Fields, name: str) -> bool:
    """Whether a row says something under this column that UCDP's own columns do not say already."""
    value = row.get(name)
    return value is not None and not (name == "geo_precision" and value == GEO_PRECISION.get(row["where_prec"]))


def _ucdp_cells(row: Fields, behind: Sequence[str]) -> list[str]:
    made = {theirs: _cell(row, ours) for theirs, ours in _UCDP_OURS.items()}
    made["number_of_sources"] = made["number_of_sources"] or "-1"  # UCDP's word for not known
    made["year"] = (row.get("date_start") or "")[:4]
    lat, lon = row["latitude"], row["longitude"]
    made["geom_wkt"] = f"POINT ({lon:.15g} {lat:.15g})"
    made["priogrid_gid"] = str(math.floor((lat + 90) * 2) * 720 + math.floor((lon + 180) * 2) + 1)
    orig = _orig(row, ("id", "date_start", "date_end", "where_prec"))
    whole = made | {name: str(value) for name, value in orig.items() if name in _UCDP["columns"]}
    return [*(whole.get(name, "") for name in _UCDP["columns"]), *(_cell(row, name) for name in behind)]


# -- ours -----------------------------------------------------------------------------------------------------------


def _ours(frame: gpd.GeoDataFrame) -> tuple[Sequence[str], Callable[[Fields], list[str]]]:
    extra = [str(c) for c in frame.columns if c not in (*INCIDENT_TEXT, *INCIDENT_NUMBERS, "orig", frame.geometry.name)]
    columns = [*INCIDENT_TEXT, *INCIDENT_NUMBERS, *extra]
    return columns, lambda row: [_other(row, n) if n in extra else _cell(row, n) for n in columns]


def _other(row: Fields, name: str) -> str:
    value = row.get(name)
    return number_text(value) if isinstance(value, int | float) else "" if value is None else str(value)


_OF: dict[str, Callable[[gpd.GeoDataFrame], tuple[Sequence[str], Callable[[Fields], list[str]]]]] = {
    "acled": lambda _: (_ACLED["columns"], _acled_cells),
    "ucdp-ged": _ucdp,
    "csv": _ours,
}
