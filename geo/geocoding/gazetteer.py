"""The gazetteer: names to places, from an index that is built once for the countries in play."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.archive.shared_docs import described
from geo.assets import ASSETS
from geo.errors import FileError, GeoError, NoSnapshotError, SourceError, UsageError
from geo.formats.geojson import read_json
from geo.geocoding.place_index import COLUMNS, LAYOUT, Progress, build_index, in_memory, index_path
from geo.measure.ellipsoid import local_plane
from geo.schema import CRS
from geo.text.words import Word, fold, is_cyrillic, key_of, loose_key, plain_key, stem, stem_key

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When


# what may stand between two words of one name
_JOINT = re.compile(r"[ \u00a0\u202f\n]|\s?[-‐‑–]\s?|\.|\. |\s?['’]\s?")
_SMALL_WORDS = frozenset((
    "of", "the", "de", "del", "la", "le", "les", "los", "las", "el", "al", "am", "an", "i", "y", "e", "da", "do", "dos",
    "das", "du", "des", "di", "ar", "az", "ad", "un", "na", "ez", "es", "ash", "at", "as", "on", "sur", "van", "den",
    "der", "and", "upon", "in", "by", "на", "над", "під", "под", "ль",
))  # fmt: skip
# endings (folded) of adjectives in -ский, -ський and of a region's name in -щина
_ADJECTIVE = re.compile("(?:[сзц]ь?к|[щч]ин)(?:ая|ои|ую|ою|ии|ого|ому|ом|им|ім|ими|іми|оі|іи|а|у|і|ие|их|и|ы)$")


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the index; coordinates in degrees (WGS 84), `area` its first-level unit in GeoNames' codes."""

    number: int
    gazetteer: str
    place_id: str
    name: str
    kind: str
    country: str
    latitude: float
    longitude: float
    area: str
    adm_1: str
    adm_2: str
    population: int
    radius_km: float
    exact: int
    capital: int

    def inside(self, other: Place) -> bool:
        """Whether it lies in another place that is a country, a region or a district."""
        if other.kind == "country":
            return self.country == other.country
        if other.kind == "region":
            return self.area == other.area and self.kind != "country"
        # a register's places name their district; of the others only the distance is known
        if self.area != other.area or self.kind in ("country", "region"):
            return False
        # continents, seas and areas hold nothing: where they end is nobody's word
        same = bool(self.adm_2 and other.adm_2) and fold(self.adm_2)[:5] == fold(other.adm_2)[:5]
        return other.kind == "district" and (same or apart_km(self, other) <= max(1.6 * other.radius_km, 25.0))


def apart_km(a: Place, b: Place) -> float:
    """The distance of two places in km, on a sphere, good to 1 %."""
    return distance_km((a.latitude, a.longitude), (b.latitude, b.longitude))


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance of two points (latitude, longitude) in km, on a sphere."""
    from math import asin, cos, radians, sin, sqrt

    p, q = radians(a[0]), radians(b[0])
    half = sin((q - p) / 2) ** 2 + cos(p) * cos(q) * sin(radians(b[1] - a[1]) / 2) ** 2
    return 12742.0 * asin(min(1.0, sqrt(half)))


Found = tuple[Place, int]
# what the columns of places are, with their number
_KINDS = (int, str, str, str, str, str, float, float, str, str, str, int, float, int, int)


def stem_keys(key: str) -> list[str]:
    """The stem of a folded Cyrillic name, and that of a nominative whose vowel is lost: Марганця, Марганець."""
    own = stem_key(key)
    return [own] if "ц" not in key[-3:] else [own, re.sub(r"(?<=[^аеиоуєія])к$", "ок", own)]


class Lookup:
    """An open index. Names are looked up by key; what was found is kept in memory up to a limit."""

    def __init__(self, path: Path, base: sqlite3.Connection | None = None) -> None:
        self.path = path
        try:
            uri = f"file:{quote(str(path))}?mode=ro&immutable=1"
            self._base = base or sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._damaged(error) from None
        if self._rows("SELECT value FROM facts WHERE name = 'layout'") != [(str(LAYOUT),)]:
            raise FileError(f"{path}: an index of another layout; delete it and it is built again")
        self.named = lru_cache(maxsize=20_000)(self._named)
        self._longest = lru_cache(maxsize=20_000)(self._longest_of)
        self.place = lru_cache(maxsize=30_000)(self._place)
        self.adjective = lru_cache(maxsize=2_000)(self._adjective)
        self.names_inside = lru_cache(maxsize=16)(self._names_inside)

    def close(self) -> None:
        self._base.close()

    def _rows(self, query: str, *values: object, kinds: tuple[type, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query gives; its columns are of these kinds, or the index is damaged."""
        try:
            # halves of signs, which undecodable input leaves, are no letters of any name
            bound = [v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for v in values]
            rows = self._base.execute(query, bound).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._damaged(error) from None
        for row in rows if kinds else ():
            if not all(map(isinstance, row, kinds)):
                raise self._damaged(f"a row of another kind: {row!r:.80}")
        return rows

    def _damaged(self, why: object) -> FileError:
        return FileError(f"{self.path}: the index of places is damaged ({why}); delete it and it is built again")

    def _place(self, number: int) -> Place:
        """A place by its number in the index."""
        rows = self._rows(f"SELECT id, {', '.join(COLUMNS)} FROM places WHERE id = ?", number, kinds=_KINDS)
        if not rows:
            raise self._damaged(f"place {number} is missing")
        found = Place(*rows[0])
        if not (abs(found.latitude) <= 90 and abs(found.longitude) <= 180):
            raise self._damaged(f"place {number} lies at {found.latitude}, {found.longitude}")
        return found

    def _named(self, key: str) -> tuple[Found, ...]:
        rows = self._rows("SELECT place, how FROM names WHERE key = ?", key, kinds=(int, int))
        return tuple((self.place(number), how) for number, how in rows)

    def _longest_of(self, head: str) -> int:
        rows = self._rows("SELECT longest FROM heads WHERE head = ?", head, kinds=(int,))
        return int(rows[0][0]) if rows else 0

    def called(self, key: str, *, cyrillic: bool, loose: bool = True) -> tuple[Found, ...]:
        """Places of a name: as written, else by its stems (Cyrillic), else by a loose spelling."""
        found = self.named(key)
        if cyrillic and not any(p.kind != "place" or p.population > 0 for p, _ in found):
            known = {p.number for p, _ in found}
            found += tuple(f for own in stem_keys(key) for f in self.named(f"~{own}") if f[0].number not in known)
            if not found and (hard := _SOFTENED.sub(lambda m: _HARD[m[0]], key)) != key:  # у Кривому Розі
                found = self.named(f"~{stem_key(hard)}")
        if not found and loose and len(key) > 4:
            found = self.named(f"?{loose_key(key)}")
        return found

    def longest(self, words: Sequence[Word], at: int, text: str) -> tuple[int, tuple[Found, ...]]:
        """How many words the longest name has that begins at a word, and its places; (0, ()) where none begins."""
        word = words[at]
        most = self._longest(word.key)
        if word.cyrillic:
            most = max(most, *(self._longest(f"~{key}") for key in stem_keys(word.key)))
        reach = _reach(words, at, text, max(most, 1))
        for count in range(reach, 0, -1):
            if not most:
                break
            last = words[at + count - 1]
            if not last.capital and count > 1 and not last.cyrillic:
                continue
            key = " ".join(w.key for w in words[at : at + count])
            found = self.called(key, cyrillic=word.cyrillic, loose=False)
            if found:
                return count, found
        for count in range(_reach(words, at, text, 2), 0, -1):
            key = " ".join(w.key for w in words[at : at + count])
            if words[at + count - 1].capital and len(key) > 4:
                found = self.named(f"?{loose_key(key)}")
                if found:
                    return count, found
        return 0, ()

    def _adjective(self, key: str) -> tuple[Place, ...]:
        """Regions that a folded adjective or a word in -щина means (курскои, харківщині), by their seats' names."""
        for kind in ("област", "кра"):
            listed = [p for p, _ in self.named(f"~{stem_key(key)} {kind}") if p.kind == "region"]
            if listed:
                return tuple(listed)
        base = _ADJECTIVE.sub("", key)
        if base == key or len(base) < 3:
            return ()
        best: dict[str, int] = {}
        for area, name in self._seats():
            alike = _alike(key, name)
            if min(alike, len(base)) >= max(3, len(base) - 2) and len(name.partition(" ")[0]) - alike <= 3:
                best[area] = max(best.get(area, 0), alike * 10 - (len(name) - alike))
        top = max(best.values(), default=0)
        found = [p for area, score in best.items() if score == top for p in self.regions(area)]
        return tuple(sorted(found, key=lambda p: -p.population))

    def districts(self, key: str) -> tuple[Place, ...]:
        """Districts that a folded Cyrillic adjective means, by the town that they are named after; else those towns."""
        base = _ADJECTIVE.sub("", key)
        if base == key or len(base) < 3:
            return ()
        towns = [
            p
            for name in (base, f"{base}ск", f"{base}ськ", f"{base}цк", re.sub("[иі]н$", "а", base))
            for p, _ in self.named(f"~{stem(name)}")
        ]
        found: dict[int, Place] = {}
        for town in towns:
            rows = self._rows("SELECT id FROM places WHERE area = ? AND kind = 'district'", town.area, kinds=(int,))
            for (number,) in rows if town.kind == "place" else ():
                district = self.place(number)
                if fold(district.name)[:5] == fold(town.name)[:5]:
                    found[number] = district
        return tuple(found.values() if found else (t for t in towns if t.kind == "place"))

    def _seats(self) -> list[tuple[str, str]]:
        if not hasattr(self, "_seated"):
            rows = self._rows("SELECT area, name FROM seats", kinds=(str, str))
            self._seated = [(a, n) for a, n in rows if "а" <= n[:1] <= "ӿ"]
        return self._seated

    def regions(self, area: str) -> tuple[Place, ...]:
        """The region of a GeoNames code such as ``UA.26``; empty where there is none."""
        rows = self._rows("SELECT id FROM places WHERE area = ? AND kind = 'region'", area, kinds=(int,))
        return tuple(self.place(number) for (number,) in rows)

    def country(self, code: str) -> Place | None:
        """The country of an ISO 3166-1 alpha-2 code."""
        found = self.named(f"#{code}")
        return found[0][0] if found else None

    def _names_inside(self, area: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Every name (as `plain_key` has it) of the settlements in a region, and whose it is."""
        rows = self._rows("SELECT key, place FROM spelled WHERE area = ?", area, kinds=(str, int))
        return tuple(key for key, _ in rows), tuple(number for _, number in rows)


def _alike(one: str, other: str) -> int:
    """How many letters two words begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _reach(words: Sequence[Word], at: int, text: str, most: int) -> int:
    """How many words from one on may be one name, by what stands between them."""
    count = 1
    while count < most and at + count < len(words):
        before, after = words[at + count - 1], words[at + count]
        gap = text[before.end : after.start]
        if not _JOINT.fullmatch(gap) or (". " in gap and len(before.text) > 2):
            break
        if not after.capital and after.key not in _SMALL_WORDS and not (after.cyrillic and count):
            break
        count += 1
    return count


PLACE_COLUMNS = (
    "name", "kind", "country", "adm_1", "adm_2", "latitude", "longitude", "population", "front_km", "gazetteer",
    "place_id",
)  # fmt: skip
# names that differ more than this (of 100) are not taken for one another
ALIKE = 88
SAME_KM = 15.0  # incidents and places of one name that lie no further apart are of one place
_SOFTENED, _HARD = re.compile(r"[зс](?=і\b)"), {"з": "г", "с": "х"}
_TOGETHER = 0.8  # the least share of the incidents of a name that do
_SURE, _FRONT_KM = 3, 60.0  # incidents of a name that are believed anywhere; km from the front where one is
_INSET_KM, _EXACT = 2.0, 2  # of the front; the where_prec of incidents that are at a place or near it


class Gazetteer:
    """Places by name. Open it with `open_gazetteer`, once, and hand it on."""

    def __init__(self, lookup: Lookup, countries: tuple[str, ...] | None) -> None:
        self.lookup = lookup
        self.countries = countries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.lookup.close()

    def candidates(self, name: str) -> list[Place]:
        """Every place of a name, in any spelling or case, the most populous first."""
        found = self.lookup.called(key_of(name), cyrillic=is_cyrillic(name))
        return [p for p, _ in sorted(found, key=lambda f: (f[1], -f[0].population, f[0].number))]

    def alike(self, name: str, area: str, *, least: float = ALIKE) -> list[tuple[Place, float]]:
        """Places of a region whose names are like one, with the likeness (0 to 100), the likest first."""
        from rapidfuzz import fuzz, process

        keys, numbers = self.lookup.names_inside(area)
        hits = process.extract(plain_key(key_of(name)), keys, scorer=fuzz.ratio, limit=5, score_cutoff=least)
        best: dict[int, float] = {}
        for _, score, at in hits:
            best.setdefault(numbers[at], float(score))
        return [(self.lookup.place(number), score) for number, score in best.items()]


@described
def open_gazetteer(
    *,
    countries: Sequence[str] | None = None,
    files: Sequence[str | Path] = (),
    archive: Archive | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Gazetteer:
    """Open the gazetteer of the countries in play; its index is built the first time, in the user's cache.

    Parameters
    ----------
    countries : sequence of str or None
        ISO 3166-1 alpha-2 codes. None takes those that the archive has units of below the country, or all of them
        without an archive. Larger cities, regions and countries of the whole world are always known.
    files : sequence of path
        Gazetteer files of the user's own (`geo.geocoding.place_index`).
    archive : Archive or None
        Its units name the regions.
    name : str or None
        The one name that will be asked for: where there is no index yet, none is built while GeoNames has the name.
    progress : callable or None
        Gets (done, of how many, what) while an index is built.

    Returns
    -------
    Gazetteer

    Raises
    ------
    ArchiveError
    FileError
        A gazetteer file cannot be read, or the cache cannot be written.
    UsageError
        A country's code is not one.

    Examples
    --------
    >>> gazetteer = geo.open_gazetteer(archive=archive)
    >>> geo.geocode("Sudzha", gazetteer=gazetteer)["country"].tolist()
    ['RU']
    """
    units = None
    if archive is not None:
        units = archive.reader.units()
        units = units[units["level"] == 1].reset_index(drop=True)
    if countries is None and units is not None and len(units):
        countries = sorted({str(c) for c in units["parent"].dropna()})
    if countries is not None:
        countries = tuple(sorted({c.strip().upper() for c in countries}))
        wrong = [c for c in countries if not (len(c) == 2 and c.isalpha())]
        if wrong:
            raise UsageError(f"{wrong[0]!r} is no country code; give ISO 3166-1 alpha-2, such as UA")
    paths = [Path(f) for f in files]
    path = index_path(countries, paths, units)
    if not path.exists():
        if units is None:
            shipped = read_json(ASSETS / "units" / "admin1_ua_ru.geojson")
            units = gpd.GeoDataFrame.from_features(shipped["features"], crs=CRS)
        if name is not None and not paths:
            alone = Gazetteer(Lookup(path, in_memory(name, countries, units)), countries)
            if countries is None or alone.candidates(name):
                return alone
        build_index(path, countries=countries, registers=paths, units=units, progress=progress)
    return Gazetteer(Lookup(path), countries)


def archive_prior(archive: Archive, date: When | None = None, *, source: str | None = None) -> ArchivePrior:
    """What an archive says of where texts about it speak: the front of a date by one source, and its incidents."""
    listed = [source] if source else list(dict.fromkeys(archive.reader.snapshots()["source"]))
    drawn = (_front_lines(archive, date, name) for name in listed)
    return ArchivePrior(next((lines for lines in drawn if lines is not None), None), archive.incidents())


def _front_lines(archive: Archive, date: When | None, source: str) -> shapely.Geometry | None:
    """A source's front; where it has none inside border and coast, the outlines of what it draws."""
    try:
        found = archive.front(date, source=source, tolerance_km=0.5, inset_km=_INSET_KM).lines
    except (NoSnapshotError, SourceError):
        return None
    except GeoError:
        found = shapely.MultiLineString()
    if found.is_empty:
        shapes = np.asarray(archive.control(date, source=source).geometry.array, dtype=object)
        found = shapely.union_all(shapely.boundary(shapes))
    return None if found.is_empty else found


class ArchivePrior:
    """How far places lie from an archive's front, in km, and where its incidents have names."""

    def __init__(self, front: shapely.Geometry | None, incidents: pd.DataFrame) -> None:
        self._plane = local_plane((0, 0, 1, 1) if front is None else front.bounds)
        lines = [] if front is None else shapely.get_parts(self._plane.laid(front))
        self._tree = shapely.STRtree(lines)
        self._known: dict[int, float] = {}
        self._points: dict[str, list[tuple[float, float]]] = defaultdict(list)
        if len(incidents):
            exact = ~(incidents["where_prec"] > _EXACT).fillna(False).to_numpy(dtype=bool)
            rows = incidents[exact & incidents["latitude"].notna().to_numpy()]
            for name, lat, lon in zip(rows["where_coordinates"], rows["latitude"], rows["longitude"], strict=True):
                self._points[_place_key(name)].append((float(lat), float(lon)))

    def front_km(self, place: Place) -> float | None:
        """The distance of a place to the front, in km; None where there is no front."""
        if not len(self._tree):
            return None
        if place.number not in self._known:
            self._known[place.number] = self._away((place.latitude, place.longitude))
        return self._known[place.number]

    def share(self, name: str, place: Place) -> float | None:
        """Of the incidents at places of a name, how many lie by this place; None where there are none."""
        points = self._points.get(_place_key(name), ())
        near = sum(distance_km(at, (place.latitude, place.longitude)) <= SAME_KM for at in points)
        return near / len(points) if points else None

    def named(self, name: str, *, least: int = 1) -> tuple[float, float] | None:
        """The point of the incidents at places of a name, where they lie together."""
        points = self._points.get(_place_key(name), ())
        if len(points) < least:
            return None
        middle = (float(np.median([lat for lat, _ in points])), float(np.median([lon for _, lon in points])))
        together = sum(distance_km(at, middle) <= SAME_KM for at in points)
        # one incident far from the front may be of another village of the name
        sure = len(points) >= _SURE or self._away(middle) <= _FRONT_KM
        return middle if sure and together >= _TOGETHER * len(points) else None

    def _away(self, at: tuple[float, float]) -> float:
        """The distance of a point to the front in km; 0 where there is no front."""
        if not len(self._tree):
            return 0.0
        point = self._plane.laid(shapely.Point(at[1], at[0]))
        return float(shapely.distance(point, self._tree.geometries[self._tree.nearest(point)]))


def _place_key(name: object) -> str:
    """The key of an incident's place: "Chuhuiv, south of Kharkiv" is Chuhuiv."""
    return plain_key(key_of(re.split("[,(]", str(name or ""), maxsplit=1)[0].strip()))


def list_places(
    gazetteer: Gazetteer, name: str, *, country: str | None = None, prior: ArchivePrior | None = None
) -> pd.DataFrame:
    found = [p for p in gazetteer.candidates(name) if country is None or p.country == country.upper()]
    away = [prior.front_km(p) if prior is not None and p.kind == "place" else None for p in found]
    rows = [
        (p.name, p.kind, p.country, p.adm_1 or None, p.adm_2 or None, p.latitude, p.longitude, p.population or None,
         None if km is None else round(km, 1), p.gazetteer, p.place_id)
        for p, km in zip(found, away, strict=True)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(PLACE_COLUMNS), dtype=object)
    return table.astype({"latitude": "float64", "longitude": "float64", "population": "Int64", "front_km": "float64"})
