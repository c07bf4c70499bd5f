"""DeepState: history files of all statuses, told by the colour of the fill, and the mirror of occupied ground."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely

from geo.errors import GateError
from geo.formats.geojson import build, features, read_json
from geo.formats.limits import refuse_too_many_instants
from geo.measure.ellipsoid import areas_km2, km2_of
from geo.schema import ControlColumns, Options, Refusal, Snapshot, parse_instant
from geo.sources.base import shipped_reader


class _Class(NamedTuple):
    controller: str | None
    status: str


_RU, _FREED, _ABROAD, _GREY, _MUTINEERS = (
    _Class("RU", "held"), _Class("UA", "liberated"), _Class("UA", "held"), _Class(None, "contested"),
    _Class("Wagner", "held"),
)  # fmt: skip
# From this instant on the fill is the class; one English word, "dismissed", stands for liberated and for held in
# Russia. Before it the same colours mean other things. Learnt from the files of 2022-04-03 to 2025-08.
MEANING_CHANGED = datetime(2022, 5, 29, 17, 35, tzinfo=UTC)
FILLS: Mapping[str, _Class] = {
    "#a52714": _RU, "#880e4f": _RU, "#0f9d58": _FREED, "#0288d1": _FREED, "#01579b": _ABROAD,
    "#bcaaa4": _GREY, "#bdbdbd": _GREY,
}  # fmt: skip
# Fills that were in use for some weeks only: fill -> (first day, day after the last, class).
_BRIEFLY: Mapping[str, tuple[datetime, datetime, _Class]] = {
    "#757575": (datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 9, 1, tzinfo=UTC), _GREY),
    "#0097a7": (datetime(2022, 9, 26, tzinfo=UTC), datetime(2022, 9, 29, tzinfo=UTC), _FREED),
    "#ce93d8": (datetime(2023, 6, 23, tzinfo=UTC), datetime(2023, 6, 27, tzinfo=UTC), _MUTINEERS),
}
OTHER_TERRITORIES = "#ff5252"
# No state was published before; a smaller number in a file's name is no Unix second of one (20250111 would be 1970).
_FIRST = datetime(2022, 2, 24, tzinfo=UTC)

# Before 29 May 2022, name and fill together: fill -> (what the name must say, the class, None to leave it out)
_IN_DOUBT = re.compile(r"питанням|невідом|doubt|unknown", re.IGNORECASE)
_BY_NAME: tuple[tuple[str, re.Pattern[str], _Class | None], ...] = (
    ("#000000", re.compile(r"крим|ордло|тузла|crimea|cadr|tuzla", re.IGNORECASE), _RU),
    ("#880e4f", re.compile(r"придністров|transnistria", re.IGNORECASE), None),
    ("#a52714", _IN_DOUBT, _GREY),
    ("#a52714", re.compile(""), _RU),
    ("#bdbdbd", re.compile(r"контролюється ворогом", re.IGNORECASE), _RU),
    ("#bdbdbd", _IN_DOUBT, _GREY),
    ("#bcaaa4", re.compile(""), _GREY),
    ("#0288d1", re.compile(""), _FREED),
    ("#0f9d58", re.compile(""), _FREED),
)
_BARE = ("Point", "MultiPoint", "LineString", "MultiLineString")
_POINTS = "points and lines: positions and headings, not control"
_ELSEWHERE = "territories elsewhere, which are no part of this war's map"
_SUFFIX = re.compile(r"(?<!\s)\s*\{\{(?:(?!\{\{|\}\}).)*\}\}")
_DAYS = re.compile(r"(?<![\s\d.,\-–:])[\s\d.,\-–:]+$")


def read(path: Path, options: Options) -> list[Snapshot]:
    document = read_json(path, repeats=True)
    published = _published(path, document)
    depicts = parse_instant(options.date) if options.date else published
    if depicts is None:
        raise GateError(
            f"{path}: nothing says when it was published: its name is no Unix second since 2022 and it has no such id;"
            " say --date"
        )
    # what the colours mean is a matter of when the file was written
    moment = published or depicts
    listed = features(document["map"] if isinstance(document, dict) and "map" in document else document, path=path)
    sorted_out = [_class(feature, moment) for feature in listed]
    left_out = Counter(why for why in sorted_out if isinstance(why, str))
    areal = [i for i, what in enumerate(sorted_out) if not isinstance(what, str)]
    built = build([listed[i]["geometry"] for i in areal])
    refusals, rows = [], []
    for n, i in enumerate(areal):
        what = sorted_out[i]
        why = what.why if isinstance(what, Refusal) else built.errors.get(n)
        properties = listed[i].get("properties") or {}
        if why is None:
            rows.append((n, i + 1, *what, _native(properties, moment)))  # type: ignore[misc]
        else:
            way_out = what.way_out if isinstance(what, Refusal) else ""
            carried = {k: properties.get(k) for k in ("name", "fill")}
            refusals.append(Refusal(i + 1, why, way_out, carried, km2_of(built.geometry[n])))
    names, cells = ("row", "controller", "status", "native"), np.empty((len(rows), 4), dtype=object)
    cells[:] = [r[1:] for r in rows] or cells
    geometry = built.geometry[np.array([r[0] for r in rows], dtype=int)]
    closed = tuple(f"row {areal[n] + 1}: ring closed" for n in built.closed)
    return [
        Snapshot(
            ControlColumns(geometry, dict(zip(names, cells.T, strict=True))), depicts, len(listed), published=published,
            left_out=dict(left_out), refusals=tuple(refusals), repairs=closed,
        )
    ]  # fmt: skip


def _published(path: Path, document: Any) -> datetime | None:
    """The Unix second in the file's name or, failing that, in the reply's id."""
    reply = document.get("id") if isinstance(document, dict) else None
    for second in (path.stem if path.stem.isdigit() else None, reply):
        try:
            moment = datetime.fromtimestamp(int(second), UTC)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError, OSError):
            continue
        if moment >= _FIRST:
            return moment
    return None


def _class(feature: Mapping[str, Any], moment: datetime) -> _Class | str | Refusal:
    """A feature's class, why it is left out, or why it is refused."""
    geometry = feature.get("geometry")
    if geometry is not None and (geometry.get("type") in _BARE or not _may_have_area(geometry)):
        return _POINTS
    properties = feature.get("properties") or {}
    fill, name = _said(properties, "fill").strip().lower(), _said(properties, "name")
    if moment >= MEANING_CHANGED:
        if fill == OTHER_TERRITORIES:
            return _ELSEWHERE
        if fill in FILLS:
            return FILLS[fill]
        if fill in _BRIEFLY and _BRIEFLY[fill][0] <= moment < _BRIEFLY[fill][1]:
            return _BRIEFLY[fill][2]
    for colour, words, what in _BY_NAME:
        # black kept its meaning, and went out of use in June 2022
        if fill == colour and words.search(name) and (moment < MEANING_CHANGED or fill == "#000000"):
            return _ELSEWHERE if what is None else what
    if moment >= MEANING_CHANGED:
        return Refusal(
            0, f"fill {fill!r} is no class known on {moment:%Y-%m-%d}", f"the known ones: {', '.join(FILLS)}"
        )
    why = f"neither the fill {fill!r} nor the name {_words(name)!r} explains it"
    return Refusal(0, why, "store it by your own file")


def _may_have_area(geometry: Mapping[str, Any]) -> bool:
    if geometry.get("type") == "GeometryCollection":
        return any(isinstance(g, dict) and _may_have_area(g) for g in geometry.get("geometries") or ())
    return geometry.get("type") not in _BARE


def _native(properties: Mapping[str, Any], moment: datetime) -> str:
    """The source's class in its own words, the same on every day: token or name, and the fill."""
    word = _word(_said(properties, "name"), last=moment >= MEANING_CHANGED)
    return f"{word} {_said(properties, 'fill').strip().lower()}".strip()


@lru_cache(maxsize=4096)
def _word(name: str, *, last: bool) -> str:
    names = [n for part in name.split("///") if (n := _words(_SUFFIX.sub("", part)))] or [""]
    return _DAYS.sub("", names[-1] if last else names[0])


def _said(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    return "" if value is None else str(value)


def _words(text: str) -> str:
    return " ".join(text.split())


READER = shipped_reader("deepstate", read)


_MIRROR_NAME = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_ARTEFACT_KM2 = 0.01
_SMALL = 1e-4  # square degrees: what is larger is no artefact, not even near a pole


def read_mirror(path: Path, options: Options) -> list[Snapshot]:
    """Read one day, or the one file of all days: published on the day of name or feature, depicting the day before."""
    listed = features(read_json(path), path=path)
    days = [_day_of(feature["properties"].get("date")) for feature in listed]
    if options.date is None and _published_mirror(path) is None and any(days):
        return _mirror_days(path, listed, days, options)
    published = _published_mirror(path)
    if options.date:
        depicts = parse_instant(options.date)
    elif published is not None:
        depicts = published - timedelta(days=1)
    else:
        raise GateError(f"{path}: no date in the file's name (…_YYYYMMDD.geojson) or its features; say --date")
    return [_mirror_snapshot(listed, range(1, len(listed) + 1), depicts, published)]


def _mirror_days(
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
        _mirror_snapshot([listed[row - 1] for row in rows[day]], rows[day], day - timedelta(days=1), day)
        for day in sorted(rows)
    ]
    return [replace(found[0], notes=(*found[0].notes, note)), *found[1:]]


def _mirror_snapshot(
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


def _published_mirror(path: Path) -> datetime | None:
    found = _MIRROR_NAME.search(path.stem)
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
    small = drawn[shapely.area(drawn) < _SMALL]
    count = _count_artefacts(shapely.to_wkb(shapely.multipolygons(small))) if len(small) else 0
    return (f"{count} holes under {_ARTEFACT_KM2} km², artefacts of the mirror, kept",) if count else ()


@lru_cache(maxsize=64)  # most days have the holes of the day before
def _count_artefacts(holes: bytes) -> int:
    return int((areas_km2(shapely.get_parts(shapely.from_wkb(holes))) < _ARTEFACT_KM2).sum())


MIRROR = shipped_reader("deepstate-mirror", read_mirror)
