"""The daily mirror of DeepState's occupied ground: one polygon a day, dated by the day of its download."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.errors import GateError
from geo.formats.geojson import build, features, read_json
from geo.formats.limits import refuse_too_many_instants
from geo.measure.ellipsoid import areas_km2
from geo.schema import ControlColumns, Options, Refusal, Snapshot, parse_instant
from geo.sources.base import shipped_reader

_NAME = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_ARTEFACT_KM2 = 0.01
_SMALL = 1e-4  # square degrees: what is larger is no artefact, not even near a pole


def read(path: Path, options: Options) -> list[Snapshot]:
    """Read one day, or the one file of all days: published on the day of name or feature, depicting the day before."""
    listed = features(read_json(path), path=path)
    days = [_day_of(feature["properties"].get("date")) for feature in listed]
    if options.date is None and _published(path) is None and any(days):
        return _days(path, listed, days, options)
    published = _published(path)
    if options.date:
        depicts = parse_instant(options.date)
    elif published is not None:
        depicts = published - timedelta(days=1)
    else:
        raise GateError(f"{path}: no date in the file's name (…_YYYYMMDD.geojson) or its features; say --date")
    return [_snapshot(listed, range(1, len(listed) + 1), depicts, published)]


def _days(
    path: Path, listed: Sequence[Mapping[str, Any]], days: Sequence[datetime | None], options: Options
) -> list[Snapshot]:
    """A snapshot of each day; the mirror dates a feature by the day on which it came, as it does its daily files."""
    rows: dict[datetime, list[int]] = {}
    for row, day in enumerate(days, 1):
        if day is None:
            raise GateError(f"{path}: feature {row} has no date, and others have: is the download whole?")
        rows.setdefault(day, []).append(row)
    refuse_too_many_instants(path, len(rows), 0, options.accept)  # before a snapshot of each is made
    note = "dated by the day of download: each day's map is taken for the day before, as those of the daily files are"
    found = [
        _snapshot([listed[row - 1] for row in rows[day]], rows[day], day - timedelta(days=1), day)
        for day in sorted(rows)
    ]
    return [replace(found[0], notes=(*found[0].notes, note)), *found[1:]]


def _snapshot(
    listed: Sequence[Mapping[str, Any]], rows: Sequence[int], depicts: datetime, published: datetime | None
) -> Snapshot:
    built = build([f["geometry"] for f in listed])
    good = np.array([i for i in range(len(listed)) if i not in built.errors], dtype=int)
    same = {"controller": "RU", "status": "held", "native": "occupied"}
    columns = {name: np.full(len(good), word, dtype=object) for name, word in same.items()}
    columns["row"] = np.array(rows, dtype=object)[good]
    ground = ControlColumns(built.geometry[good], columns)
    refusals = tuple(Refusal(rows[i], why) for i, why in built.errors.items())
    closed = tuple(f"row {rows[i]}: ring closed" for i in built.closed)
    notes = _artefacts(built.geometry[good])
    return Snapshot(ground, depicts, len(listed), published=published, refusals=refusals, repairs=closed, notes=notes)


def _day_of(value: Any) -> datetime | None:
    try:
        return parse_instant(str(value)[:10]) if value is not None else None
    except GateError:
        return None


def _published(path: Path) -> datetime | None:
    found = _NAME.search(path.stem)
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _artefacts(geometry: np.ndarray[tuple[int], np.dtype[np.object_]]) -> tuple[str, ...]:
    """Holes too small to have been drawn: the mirror's own buffering makes them."""
    polygons = shapely.get_parts(geometry)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    holes = rings[np.concatenate([[False], owner[1:] == owner[:-1]])] if len(rings) else rings
    drawn = shapely.polygons(holes)
    count = int((areas_km2(drawn[shapely.area(drawn) < _SMALL]) < _ARTEFACT_KM2).sum())
    return (f"{count} holes under {_ARTEFACT_KM2} km², artefacts of the mirror, kept",) if count else ()


READER = shipped_reader("deepstate-mirror", read)
