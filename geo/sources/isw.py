"""Institute for the Study of War / Critical Threats: maps of one class each, and layers of events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.assets import read_toml
from geo.errors import GateError
from geo.formats.dates import date_in_name, read_instant, without_date
from geo.formats.layers import Layer, cell, read_layer
from geo.measure.ellipsoid import km2_of
from geo.schema import CRS, Options, Refusal, Rows, Snapshot, parse_instant
from geo.sources.base import by_dates, refuse_several_dates, shipped_reader
from geo.sources.incidents import Raw, Row, day, gather, joined, text


@dataclass(frozen=True)
class _Class:
    part: str
    words: re.Pattern[str]
    controller: str | None
    status: str


_CLASSES = tuple(
    _Class(row["part"], re.compile(row["words"]), row.get("controller"), row["status"])
    for row in read_toml("classes/isw.toml")["class"]
)
PARTS = tuple(sorted(kind.part for kind in _CLASSES))
# Columns with the day that a feature depicts; those of edits and creation say nothing about the map.
_DATE_COLUMNS = ("datetime", "date", "pub_date", "EndDate")
_PEOPLE = re.compile(r"creator|editor", re.IGNORECASE)
# Ukraine and the Russian regions around it, where no archive says which country a point lies in: west … north
_THEATRE = shapely.box(21, 43, 65, 63)
_SIDES = ("Name", "name", "Control", "control", "Side", "side", "Controller")
_NO_NAME = frozenset(("temp", "data", "layer", "collection", ""))


def read(path: Path, options: Options) -> list[Snapshot]:
    layer = read_layer(path, options=options)
    kind = _class(path, layer, options)
    _refuse_elsewhere(path, layer, options)
    moments, notes = _dates(path, layer, options)
    title = next((name for name in (layer.name, path.stem) if name.lower() not in _NO_NAME), path.stem)
    count = len(layer.geometry)
    frame = gpd.GeoDataFrame(
        {
            "row": np.arange(1, count + 1),
            "controller": pd.Series([kind.controller] * count, dtype=object),
            "status": kind.status,
            "native": without_date(title) or title,
        },
        geometry=gpd.GeoSeries(layer.geometry, crs=CRS),
    )
    present = np.array([geometry is not None for geometry in layer.geometry], dtype=bool)
    missing = int((~present).sum()) - len(layer.errors)
    undated = {at for at, moment in enumerate(moments) if moment is None and present[at]}
    errors = {**dict.fromkeys(undated, "no date, as other rows have one"), **layer.errors}
    whole = Snapshot(
        rows=frame[present & ~np.isin(np.arange(count), list(undated))].reset_index(drop=True),
        depicts=next((moment for moment in moments if moment is not None), datetime.now(UTC)),
        rows_in=count,
        part=kind.part,
        left_out={"no geometry in the file (too small for its grid, or never drawn)": missing} if missing else {},
        refusals=tuple(_refusal(layer, at, why) for at, why in sorted(errors.items())),
        repairs=layer.repairs,
        notes=(*layer.notes, *notes),
    )
    return by_dates(whole, moments, accept=options.accept) if len(set(moments)) > 1 else [whole]


def _class(path: Path, layer: Layer, options: Options) -> _Class:
    """By the user's word, else the layer's name, the file's, a column, the folder's."""
    if options.part:
        found = next((kind for kind in _CLASSES if kind.part == options.part), None)
        if found is None:
            raise GateError(f"{path}: ISW has no class {options.part!r}; there are: {', '.join(PARTS)}")
        return found
    own = sorted({cell(value) or "" for value in layer.table.get("layer_type", ())})
    for name in (layer.name, path.stem, own[0] if len(own) == 1 else "", path.parent.name):
        bare = re.sub(r"[^a-z0-9]", "", name.lower())
        for kind in _CLASSES:
            if kind.words.search(bare):
                return kind
    raise GateError(
        f"{path}: layer {layer.name!r}: neither its name nor the file's says which class of ISW's it is:"
        f" name it with --part: {', '.join(PARTS)}"
    )


def _refuse_elsewhere(path: Path, layer: Layer, options: Options) -> None:
    """ISW maps other wars under like names; its classes here are those of its maps of Ukraine alone."""
    areas = [g for g in layer.geometry if g is not None and not g.is_empty and np.isfinite(shapely.bounds(g)).all()]
    points = shapely.get_coordinates(shapely.point_on_surface(areas)) if areas else np.empty((0, 2))
    points = points[(np.abs(points) <= (180, 90)).all(axis=1)]
    if options.locate is None:
        where = {"another country"} if len(points) and not _THEATRE.contains(shapely.points(points)).any() else set()
    else:
        where = {str(code) for code in options.locate(points[:, 0], points[:, 1])} - {""}
    if not where or where & {"RU", "UA"}:
        return
    named = sorted({cell(value) or "" for name in _SIDES for value in layer.table.get(name, ())} - {""})
    sides = f", and its features name {', '.join(map(repr, named[:6]))}" if named else ""
    raise GateError(
        f"{path}: layer {layer.name!r} is no class of ISW's maps of Ukraine: it lies in {', '.join(sorted(where)[:4])}"
        f"{sides}: import it as 'vector', and say whose it is with --column, --set and --status-map"
    )


def _dates(path: Path, layer: Layer, options: Options) -> tuple[list[datetime | None], list[str]]:
    """The instant of every row: by the user's word, a column of several dates, else names, else a column of one."""
    count = max(len(layer.geometry), 1)
    if options.date is not None:
        return [parse_instant(options.date)] * count, refuse_several_dates(path, layer.table, options, "")
    own = _date_column(path, layer, options)
    if own is not None and len(set(own)) > 1:
        return own, []
    names = [date_in_name(path, name) for name in (layer.name, path.stem, path.parent.name)]
    dates = [date for date in names if date is not None]
    if not dates and own is not None:
        return own, []
    where = f"the name says {dates[0][1]!r}" if dates else "no name says which one the map depicts"
    refuse_several_dates(path, layer.table, options, where)
    if not dates:
        raise GateError(
            f"{path}: no date in the names of the layer, the file or its folder, nor in the columns"
            f" {', '.join(_DATE_COLUMNS)}: say which day it depicts, --date YYYY-MM-DD"
        )
    moment, written = dates[0]
    others = sorted({other[1] for other in dates[1:] if other[0] != moment})
    notes = [f"the date is read from {written!r}, and not from {', '.join(others)}"] if others else []
    return [moment] * count, notes


def _date_column(path: Path, layer: Layer, options: Options) -> list[datetime | None] | None:
    wanted = (options.columns["date"],) if "date" in options.columns else _DATE_COLUMNS
    for column in wanted:
        cells = [cell(value) for value in layer.table.get(column, ())]
        if any(cells):
            try:
                return [None if text is None else read_instant(text, form=options.date_format) for text in cells]
            except GateError as error:
                raise GateError(f"{path}: column {column!r}: {error}") from None
    return None


def _refusal(layer: Layer, at: int, why: str) -> Refusal:
    row: Mapping[Any, Any] = layer.table.iloc[at].to_dict()
    kept = {str(name): cell(value) for name, value in row.items() if not _PEOPLE.search(str(name))}
    return Refusal(at + 1, why, "draw it again, or leave the row out", kept, km2_of(layer.geometry[at]))


READER = shipped_reader("isw", read)


# how near the place named the point lies, in the layers' own words: (UCDP where_prec, km)
_PRECISION = {"exact": (1.0, None), "general neighborhood": (1.0, 1.0), "general town": (1.0, 5.0)}
_UNKNOWN = ("UNK", "UNKNOWN", "UNSPECIFIED")
_DATES = ("event_date", "strikedate", "date")
_NO_WORD = re.compile(r"[^a-z0-9]+")
# layers name the edition in their own name: the same event has the same id in every one of them
_EDITION = re.compile(r"\b(?:Morning|Evening|Afternoon) of\b", re.IGNORECASE)


def read_events(path: Path, options: Options) -> Rows:
    layer = read_layer(path, options=options)
    names = list(map(str, layer.table.columns))
    if "event_id" not in names or not set(_DATES) & set(names):
        raise GateError(
            f"{path}: no column event_id and one of {', '.join(_DATES)}; found: {', '.join(names) or 'none'}"
        )
    short = _NO_WORD.sub("-", _EDITION.sub("", without_date(layer.name)).lower()).strip("-")
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


EVENTS = shipped_reader("isw-events", read_events)
