"""Settlements that changed hands: whose ground each stood on, on one date and on another."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from io import TextIOWrapper
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.assets import ASSETS
from geo.errors import GateError, UsageError
from geo.measure.areas import NOWHERE
from geo.measure.coverage import NOT_COVERED, is_in
from geo.presentation.labels import class_words
from geo.presentation.language import N_, current, gettext
from geo.presentation.sides import side_of
from geo.schema import CRS, number_of, text_or_none

GEONAMES = N_("GeoNames' places of 500 people or more")
UNMARKED = N_(
    "{source} maps only what is taken: ground that it does not mark is counted as held by the country's government"
)
COLUMNS = ("name", "lat", "lon", "before", "after")
_COORDINATES = {"latitudes": ("latitude", "lat", "y"), "longitudes": ("longitude", "lon", "lng", "long", "x")}
_NAMES = ("name", "name:en", "name_en", "settlement", "place")


def read_places(path: Path, *, column: str | None = None) -> gpd.GeoDataFrame:
    """Settlements from a geodata file."""
    from geo.formats.layers import cell, read_layer  # figures need no reader of files

    if Path(path).suffix.lower() == ".csv":
        table, shapes = _of_csv(Path(path))
    else:
        layer = read_layer(path)
        table, shapes = layer.table, np.asarray(layer.geometry, dtype=object)
    found = _column(path, table.columns, [column.casefold()] if column else _NAMES, "names", "; --column names one")
    names = np.array([cell(v) for v in table[found]], dtype=object)
    there = np.array([bool(n) for n in names], dtype=bool) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    if not there.any():
        raise GateError(f"{path}: no feature has a name and a place")
    points = shapely.point_on_surface(shapes[there])
    return gpd.GeoDataFrame({"name": names[there]}, geometry=points, crs=CRS)


def geonames_places(box: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """GeoNames' places of 500 people or more in a box of degrees."""
    west, south, east, north = box
    found = [
        (place, x, y)
        for place in shipped_settlements()
        if west <= (x := float(place.longitude)) <= east and south <= (y := float(place.latitude)) <= north
    ]
    points = shapely.points([(x, y) for _, x, y in found]) if found else []
    names = [_name_in(current().code, p.name, [*p.others.split("|"), *p.arabic.split("|")]) for p, *_ in found]
    return gpd.GeoDataFrame({"name": names}, geometry=points, crs=CRS)


class Settlement(NamedTuple):
    """A shipped place as its line has it: numbers are texts, names are parted by ``|``."""

    country: str
    number: str
    name: str
    latitude: str
    longitude: str
    unit: str
    people: str
    others: str
    arabic: str


def shipped_settlements(
    wanted: Collection[str] | None = None, *, elsewhere: float = float("inf"),
    lines_of: Callable[[str], Iterable[str]] = str.splitlines,
) -> Iterator[Settlement]:  # fmt: skip
    """GeoNames' places of 500 people or more of some countries, and of others those of so many people or more.

    `lines_of` gives the lines to read of a country's whole text; of other countries it is not asked.
    """
    with ZipFile(ASSETS / "places" / "settlements.zip") as archive:
        for country in archive.namelist():
            if wanted is None or country in wanted:
                for line in lines_of(archive.read(country).decode()):
                    yield Settlement(country, *line.split("\t"))
            elif elsewhere < float("inf"):
                with TextIOWrapper(archive.open(country), encoding="utf-8") as stream:
                    places = (Settlement(country, *line.removesuffix("\n").split("\t")) for line in stream)
                    yield from takewhile(lambda place: int(place.people) >= elsewhere, places)


@lru_cache(maxsize=64)  # a desk's watches name the same few places in every round
def named_places(names: frozenset[str]) -> dict[str, list[tuple[str, float, float]]]:
    """The shipped places (name, longitude, latitude) that have one of some names, by that name in small letters."""
    wanted = {name.casefold() for name in names}
    found: dict[str, list[tuple[str, float, float]]] = {}
    for place in shipped_settlements() if wanted else ():
        known = {one.casefold() for one in (place.name, *place.others.split("|"), *place.arabic.split("|"))}
        for name in wanted & known:
            found.setdefault(name, []).append((place.name, float(place.longitude), float(place.latitude)))
    return found


def place_named(name: str, *, within: shapely.Geometry | None = None) -> tuple[str, float, float]:
    """A shipped place by any of its names, alone of that name in an area or in the world: name, longitude, latitude."""
    every = named_places(frozenset([name])).get(name.casefold(), [])
    found = [one for one in every if within is None or within.intersects(shapely.Point(*one[1:]))]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{lat}, {lon}" for _, lon, lat in found[:5])
    raise UsageError(
        f"{name!r} is the name of {number_of(len(found), 'place')} of GeoNames of 500 people or more"
        f"{f' ({listed})' if found else ''}: name the unit (within), or say where (at = [LAT, LON])"
    )


_CYRILLIC = re.compile("[\u0400-\u04ff’' -]+")
# the letters of a language that is not written in Latin ones, and those that tell its names from its neighbour's
_LETTERS = {
    "uk": ("[а-щьюяґєії’' -]+", "[іїєґ]|[сц]ьк"), "ru": ("[а-яё -]+", "[ыэъё]"), "ar": ("[\u0621-\u064a -]+", "."),
}  # fmt: skip


def _name_in(lang: str, name: str, others: Sequence[str]) -> str:
    """What a place is called in a language, of all the names that it is known by; the one in Latin letters else."""
    if lang not in _LETTERS:
        return name
    letters, own = (re.compile(pattern) for pattern in _LETTERS[lang])
    fits = [other for other in others if letters.fullmatch(other.lower())]
    if lang != "ar":  # the letters of a neighbour before those of another script
        fits += [other for other in others if _CYRILLIC.fullmatch(other)]
    return next((other for other in fits if own.search(other.lower())), fits[0] if fits else name)


def unmarked_words(government: object) -> str | None:
    """Whose ground it is where a source that maps only what is taken marks nothing."""
    code = text_or_none(government)
    return None if code is None else gettext("{side} government (not marked)", side=side_of(code).label)


def _column(path: Path, columns: Iterable[object], wanted: Sequence[str], what: str, way_out: str = "") -> str:
    """Which of a file's columns is meant: the first of those wanted that there is, whatever its case."""
    known = {str(c).casefold(): str(c) for c in columns}
    found = next((known[w] for w in wanted if w in known), None)
    if found is None:
        listed = ", ".join(known.values()) or "none"
        raise GateError(f"{path}: no column of {what} ({', '.join(wanted)}); there are: {listed}{way_out}")
    return found


def _of_csv(path: Path) -> tuple[pd.DataFrame, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """The rows of a CSV file, and the point of each; None where both coordinates are empty."""
    from geo.formats.tables import read_table

    read = read_table(path)
    if read.refusals:
        raise GateError(f"{path}, row {read.refusals[0].row}: {read.refusals[0].why}")
    lat, lon = (_column(path, read.header, wanted, what) for what, wanted in _COORDINATES.items())
    points = [_point(path, row, cells[lat], cells[lon]) for row, cells in read.rows]
    table = pd.DataFrame([cells for _, cells in read.rows], columns=list(read.header))
    return table, np.array(points, dtype=object)


def _point(path: Path, row: int, lat: str, lon: str) -> shapely.Point | None:
    from geo.formats.tables import number

    if not lat.strip() and not lon.strip():
        return None
    try:
        y, x = number(lat), number(lon)
    except GateError as error:
        raise GateError(f"{path}, row {row}: {error}") from None
    if y is None or x is None or not (-90 <= y <= 90 and -180 <= x <= 180):
        raise GateError(f"{path}, row {row}: {lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
    return shapely.Point(x, y)


def changed_hands(
    places: gpd.GeoDataFrame,
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    *,
    uncovered: Sequence[shapely.Geometry] = (NOWHERE, NOWHERE),
) -> pd.DataFrame:
    """The places that stood on other ground after than before, and that the source covers on both dates."""
    points = np.asarray(places.geometry.array, dtype=object)
    sides = zip((before, after), uncovered, strict=True)
    old, new = (ground_at(points, frame, out) for frame, out in sides)
    rows = [
        (str(name), float(p.y), float(p.x), a, b)
        for name, p, a, b in zip(places["name"], points, old, new, strict=True)
        if a != b and NOT_COVERED not in (a, b)
    ]
    return pd.DataFrame(sorted(rows, key=lambda r: (r[0], r[1])), columns=list(COLUMNS), dtype=object)


def ground_at(
    points: np.ndarray[tuple[int], np.dtype[np.object_]],
    frame: gpd.GeoDataFrame,
    uncovered: shapely.Geometry = NOWHERE,
) -> list[str | None]:
    """Whose ground points stand on: ``A held``, None where no polygon is, `NOT_COVERED` where the source has none."""
    tree = shapely.STRtree(points)
    polygon, point = tree.query(np.asarray(frame.geometry.array, dtype=object), predicate="intersects")
    words: list[set[str]] = [set() for _ in points]
    controllers, statuses = frame["controller"].tolist(), frame["status"].tolist()
    for i, k in zip(polygon.tolist(), point.tolist(), strict=True):
        words[k].add(class_words(text_or_none(controllers[i]), statuses[i]))
    out = is_in(points, uncovered).tolist()
    return ["; ".join(sorted(w)) or (NOT_COVERED if left_out else None) for w, left_out in zip(words, out, strict=True)]
