"""Rules against harm: nothing newer than an embargo, no incident more exactly placed than is safe to publish."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from html import unescape
from typing import Any
from urllib.parse import unquote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.assets import read_toml
from geo.errors import UsageError
from geo.presentation import map_names
from geo.presentation.language import N_, gettext, plain_number
from geo.schema import CRS, INCIDENT_TEXT, KM_PER_DEGREE, parse_instant, text_or_none

WITHHELD = "[place withheld]"
_DEGREE = "°"
# what stands for a degree sign, and separators of other scripts
_SIGNS = str.maketrans(
    {**dict.fromkeys("ºᵒ˚◦⁰∘", _DEGREE), "٫": ".", "，": ",", "．": ".", "。": ".", "、": ",", "·": ".", "˙": "."}
)
_NOTATIONS = read_toml("places/notations.toml")


@cache
def _pattern(links: str, *kinds: str) -> re.Pattern[str]:
    whole = "|".join([_NOTATIONS["links"][links], *(p for kind in kinds for p in _NOTATIONS["patterns"][kind])])
    for name, part in _NOTATIONS["parts"].items():
        whole = whole.replace(f"<{name}>", part)
    return re.compile(whole)


def without_places(text: str, *, is_link: bool = False) -> str:
    """A text without what is written like a place; one that has nothing of the kind as it was."""
    plain = _plain(text)
    pattern = _pattern("maps", "decimal", "words") if is_link else _pattern("any", *_NOTATIONS["patterns"])
    return pattern.sub(WITHHELD, plain) if pattern.search(plain) else text


def _plain(text: str) -> str:
    """The text as it is read: no signs without a width, one blank for many, figures and signs in their common form."""
    text = unicodedata.normalize("NFKC", unquote(unescape(text)).translate(_SIGNS))
    text = "".join(
        str(unicodedata.digit(c)) if c.isdigit() else c
        for c in text
        if unicodedata.category(c) not in ("Cf", "Me", "Mn")
    )
    text = re.sub(r"(?<=\d)(?:\s+([.,])\s*|\s*([.,])\s*\n\s*)(?=\d)", r"\1\2", text)
    return re.sub(r"\s+", " ", text)


KINDS = ("embargo", "coarsen", "withhold", "release")
# fields in which anybody writes what they like; a coarsened incident keeps those alone that are released by name
TEXTS = ("source_article", "source_headline", "notes", "tags")
# UCDP where_prec -> the radius in km that it stands for (docs/formats.md)
_RADII_KM = ((2, 25.0), (3, 40.0), (4, 100.0), (6, math.inf))
_RINGS_KM = (5.0, 10.0, 25.0, 50.0, 100.0)  # how far a settlement may be off is told in these steps alone
_NAMES = ("where_coordinates", "where_description", "gazetteer", "place_id")
_GRID = re.compile(r"grid:(\d+(?:\.\d+)?)(km|deg)")


@dataclass(frozen=True)
class Rule:
    """One rule: its kind, whose rows and which events it is for (None is all), and what it asks for."""

    kind: str
    value: str
    source: str | None = None
    event_type: str | None = None
    places: str | None = None


def rule_of(
    kind: str,
    value: str,
    *,
    source: str | None = None,
    event_type: str | None = None,
    places: gpd.GeoDataFrame | None = None,
) -> Rule:
    """A rule, checked."""
    if kind not in KINDS:
        raise UsageError(f"a rule of kind {kind!r} is unknown: {', '.join(KINDS)}")
    value = value.strip().removeprefix("incidents=")
    if kind == "embargo":
        try:
            hours = float(value)
        except ValueError:
            hours = -1.0
        if not 0 < hours < 1e6:
            raise UsageError(f"an embargo of {value!r} hours: write a number of hours above 0")
        value = f"{hours:g}"
    elif kind == "coarsen" and value != "settlement":
        size = _cell(value)
        if not 0.1 <= size <= 500:
            raise UsageError(f"coarsen {value!r}: a grid of 0.1 to 500 km")
    elif kind in ("withhold", "release"):
        fields = [f.strip() for f in value.split(",") if f.strip()]
        known = TEXTS if kind == "release" else INCIDENT_TEXT
        unknown = sorted(set(fields) - set(known) | set(fields) & {"event_id"})
        if unknown or not fields:
            raise UsageError(f"{kind} {', '.join(unknown) or 'nothing'}: fields of text are {', '.join(known)}")
        value = ",".join(fields)
    points = None
    if places is not None:
        listed = zip(places["name"], places.geometry, strict=True)
        points = json.dumps([[str(n), round(p.y, 5), round(p.x, 5)] for n, p in listed], ensure_ascii=False)
    return Rule(kind, value, source, event_type, points)


def clock() -> datetime:
    """Now: what an embargo counts back from."""
    return datetime.now(UTC)


def embargo_hours(rules: Sequence[Rule], source: str) -> float:
    """The longest embargo on a source's control; 0 where there is none. One for event types is for incidents alone."""
    mine = [r for r in rules if r.kind == "embargo" and r.event_type is None and r.source in (None, source)]
    return max((float(r.value) for r in mine), default=0.0)


def first_withheld(depicts: Sequence[str], hours: float) -> str | None:
    """The first instant of a source's series that is under embargo, and with it all after it; None where none is."""
    if not hours:
        return None
    limit = clock() - timedelta(hours=hours)
    return next((d for d in sorted(depicts) if _end_of(d) > limit), None)


def released(frame: gpd.GeoDataFrame, rules: Sequence[Rule]) -> gpd.GeoDataFrame:
    """Incidents as they may be shown."""
    return released_with_withheld(frame, rules)[0]


def released_with_withheld(
    frame: gpd.GeoDataFrame, rules: Sequence[Rule]
) -> tuple[gpd.GeoDataFrame, dict[str, NDArray[np.bool_]]]:
    """Incidents as they may be shown, and of each field withheld which rows lack it for that."""
    if frame.empty:  # which fields are withheld is told by the rules alone: rows under embargo must make no difference
        fields = [name for rule in rules if rule.kind == "withhold" for name in rule.value.split(",")]
        return frame, {name: np.zeros(0, dtype=bool) for name in fields}
    if not rules:
        return frame, {}
    limits = [(_matched(frame, rule), float(rule.value)) for rule in rules if rule.kind == "embargo"]
    hours = np.max([np.where(mine, h, 0.0) for mine, h in limits], axis=0) if limits else np.zeros(len(frame))
    kept = [
        not h or _last_moment(row) <= clock() - timedelta(hours=h) for h, row in zip(hours, _days(frame), strict=True)
    ]
    frame = gpd.GeoDataFrame(frame[kept].reset_index(drop=True), crs=CRS)
    # which rows a rule is for is told by what stands in the archive, whatever another rule leaves of it
    matched = [(rule, _matched(frame, rule)) for rule in rules]
    free = {c: np.zeros(len(frame), dtype=bool) for c in TEXTS}
    for column, mine in ((c, m) for rule, m in matched if rule.kind == "release" for c in rule.value.split(",")):
        free[column] |= mine
    coarse = [(rule, mine) for rule, mine in matched if rule.kind == "coarsen"]
    for rule, mine in sorted(coarse, key=lambda p: 0.0 if p[0].value == "settlement" else _cell(p[0].value)):
        frame = _coarsened(frame, rule, mine)
        for column in TEXTS:
            frame.loc[mine & ~free[column], column] = None
    withheld: dict[str, NDArray[np.bool_]] = {}
    for rule, mine in matched:
        if rule.kind == "withhold":
            fields = rule.value.split(",")
            frame.loc[mine, [*fields, "orig"]] = None
            withheld |= {name: withheld.get(name, np.zeros(len(frame), dtype=bool)) | mine for name in fields}
    return frame, withheld


def rule_words(rules: Sequence[Rule], *, control: str | None = None, dataset: str | None = None) -> list[str]:
    """What is to be said of the rules beside a source's credit."""
    words = []
    for rule in rules:
        if rule.source not in (None, control, dataset) or (
            dataset is None and (rule.kind != "embargo" or rule.event_type)
        ):
            continue
        what = gettext(" of type {type}", type=rule.event_type) if rule.event_type else ""
        if rule.kind == "embargo":
            words.append(
                gettext(
                    "embargo: nothing{what} newer than {n} hours is shown", what=what, n=plain_number(float(rule.value))
                )
            )
        elif rule.kind == "release":
            words.append(_field_words(N_("fields of text released{what}: {fields}"), what, rule.value))
        elif rule.kind == "withhold":
            words.append(_field_words(N_("fields withheld{what}: {fields}"), what, rule.value.replace(",", ", ")))
        else:
            size = rule.value.removeprefix("grid:").replace("km", " km").replace("deg", "°")
            to = gettext("a grid of {size}", size=size)
            to = gettext("the nearest settlement") if rule.value == "settlement" else to
            words.append(gettext("coordinates of incidents{what} are coarsened on purpose, to {to}", what=what, to=to))
    return words


def _field_words(words: str, what: str, fields: str) -> str:
    return gettext(words, what=gettext(" of incidents") + what if what else "", fields=fields)


# -- inside -------------------------------------------------------------------------------------------------------


def _end_of(depicts: str) -> datetime:
    moment = parse_instant(depicts)
    return moment + timedelta(days=1) if moment.time() == datetime.min.time() else moment


def _days(frame: pd.DataFrame) -> list[tuple[Any, Any, Any]]:
    return list(zip(frame["date_end"], frame["date_start"], frame["recorded_at"], strict=True))


def _last_moment(row: tuple[Any, Any, Any]) -> datetime:
    """When an incident is over: the end of its last day; where no day is known, when it was recorded."""
    day = text_or_none(row[0]) or text_or_none(row[1])
    return _end_of(f"{day[:10]}T00:00:00.000Z") if day else parse_instant(row[2])


def _matched(frame: pd.DataFrame, rule: Rule) -> NDArray[np.bool_]:
    mine = np.ones(len(frame), dtype=bool)
    if rule.source is not None:
        mine &= (frame["dataset"] == rule.source).to_numpy(dtype=bool)
    if rule.event_type is not None:
        wanted = rule.event_type.casefold()
        kinds = zip(frame["event_type"], frame["sub_event_type"], strict=True)
        mine &= np.array([wanted in {(text_or_none(k) or "").casefold() for k in pair} for pair in kinds], dtype=bool)
    return mine


def _cell(value: str) -> float:
    """The side of a grid's cells in km."""
    found = _GRID.fullmatch(value)
    if found is None:
        raise UsageError(f"coarsen {value!r}: write settlement, grid:5km or grid:0.1deg")
    return float(found[1]) * (1.0 if found[2] == "km" else KM_PER_DEGREE)


def _coarsened(frame: gpd.GeoDataFrame, rule: Rule, mine: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """The rows of a rule moved, with an honest radius and precision, and without what would tell the place."""
    frame = frame.copy()
    points = np.asarray(frame.geometry.array, dtype=object)
    placed = mine & ~(shapely.is_missing(points) | shapely.is_empty(points))
    at = np.flatnonzero(placed)
    lat, lon = shapely.get_y(points[at]), shapely.get_x(points[at])
    if rule.value == "settlement":
        lat, lon, radius, names = _to_settlements(lat, lon, rule)
    else:
        lat, lon, radius = _to_grid(lat, lon, rule.value)
        names = None
    points[at] = shapely.points(lon, lat)
    frame = frame.set_geometry(points, crs=CRS)
    frame.loc[placed, "latitude"], frame.loc[placed, "longitude"] = lat, lon
    stated = frame.loc[placed, "uncertainty_km"].to_numpy(dtype=float)
    radius = np.ceil(10 * (np.nan_to_num(stated) + radius)) / 10
    frame.loc[placed, "uncertainty_km"] = radius
    _set_precision(frame, placed, radius)
    _strip(frame, mine)
    if names is not None:
        frame.loc[placed, "where_coordinates"] = names
    return frame


def _to_grid(lat: Any, lon: Any, value: str) -> tuple[Any, Any, Any]:
    """The middles of the cells in which points lie, and half a cell's diagonal in km."""
    size = float(_GRID.fullmatch(value)[1])  # type: ignore[index]
    km = value.endswith("km")
    tall = size / KM_PER_DEGREE if km else size
    middle = np.clip((np.floor(lat / tall) + 0.5) * tall, -90, 90)
    squeeze = np.maximum(np.cos(np.radians(middle)), 0.01)
    wide = tall / squeeze if km else np.full(len(lat), tall)
    across = np.clip((np.floor(lon / wide) + 0.5) * wide, -180, 180)
    half = np.hypot(tall, wide * squeeze) * KM_PER_DEGREE / 2
    return np.round(middle, 5), np.round(across, 5), half


def _to_settlements(lat: Any, lon: Any, rule: Rule) -> tuple[Any, Any, Any, Any]:
    """The nearest settlements, how far off in coarse steps, and their names; far from all of them a grid of 100 km."""
    listed, squeeze, tree = _settlements(rule.places)
    nearest = tree.nearest(shapely.points(lon * squeeze, lat)) if len(lat) else np.empty(0, dtype=int)
    found = [listed[i] for i in nearest.tolist()]
    new_lat, new_lon = (np.array([p[k] for p in found], dtype=float) for k in (1, 2))
    off = np.hypot(new_lat - lat, (new_lon - lon) * np.cos(np.radians(lat))) * KM_PER_DEGREE
    rings = np.array([next((r for r in _RINGS_KM if d <= r), np.nan) for d in off.tolist()], dtype=float)
    names = np.array([p[0] for p in found], dtype=object)
    far = np.isnan(rings)
    new_lat[far], new_lon[far], rings[far] = _to_grid(lat[far], lon[far], "grid:100km")
    names[far] = None
    return new_lat, new_lon, rings, names


@lru_cache(maxsize=4)  # every question about incidents asks for them
def _settlements(places: str | None) -> tuple[list[list[Any]], float, shapely.STRtree]:
    shipped = () if places else map_names.places((-180.0, -90.0, 180.0, 90.0), "en", least=15_000)
    listed = json.loads(places) if places else [[name, lat, lon] for lat, lon, name, *_ in shipped]
    squeeze = float(np.cos(np.radians(np.median([p[1] for p in listed]))))
    return listed, squeeze, shapely.STRtree(shapely.points([p[2] * squeeze for p in listed], [p[1] for p in listed]))


def _set_precision(frame: gpd.GeoDataFrame, placed: NDArray[np.bool_], radius: NDArray[np.float64]) -> None:
    """UCDP's and ACLED's codes, never finer than the radius allows; what was coarser stays."""
    codes = np.array([next(code for code, km in _RADII_KM if r <= km) for r in radius.tolist()], dtype=float)
    for column, new in (("where_prec", codes), ("geo_precision", np.where(codes <= 2, 2.0, 3.0))):
        old = frame.loc[placed, column].to_numpy(dtype=float)
        frame.loc[placed, column] = np.fmax(old, new)
    for column, km in (("adm_2", 40.0), ("adm_1", 100.0)):  # a name must say no more than the radius does
        wide = placed.copy()
        wide[placed] = radius > km
        frame.loc[wide, column] = None


def _strip(frame: gpd.GeoDataFrame, mine: NDArray[np.bool_]) -> None:
    """Take out what would tell the place all the same: the row as it stood, names of places, figures in texts."""
    regions = [{text_or_none(v) for v in row} for row in frame.loc[mine, ["adm_1", "adm_2", "country"]].to_numpy()]
    frame.loc[mine, "orig"] = None
    for column in _NAMES:
        values = frame.loc[mine, column].tolist()
        frame.loc[mine, column] = np.array(
            [
                v if text_or_none(v) in known and text_or_none(v) else None
                for v, known in zip(values, regions, strict=True)
            ],
            dtype=object,
        )
    for column in (c for c in INCIDENT_TEXT if not c.startswith("date_") and c != "report_date"):
        values = frame.loc[mine, column].tolist()
        frame.loc[mine, column] = np.array([_scrubbed(v, column) for v in values], dtype=object)


def _scrubbed(value: Any, column: str) -> Any:
    text = text_or_none(value)
    if text is None or (left := without_places(text, is_link=column in ("event_id", "source_article"))) == text:
        return value
    # an id must stay one of its own
    return blake2b(text.encode(), digest_size=8).hexdigest() if column == "event_id" else left
