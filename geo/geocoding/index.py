"""The index: names to places in an SQLite file of its own, built once in the user's cache, then only read."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
from platformdirs import user_cache_path

from geo.errors import FileError
from geo.formats.geojson import read_bytes
from geo.geocoding.gazetteer_files import read_register
from geo.geocoding.geonames import (
    Record,
    area_records,
    city_records,
    country_records,
    region_records,
    world_version,
)
from geo.geocoding.language_tables import bare_name, rules
from geo.geocoding.merge import seats, settle, with_units
from geo.storage.atomic_write import aside
from geo.text.normalize import is_cyrillic, key_of, loose_key, plain_key, stem_key

LAYOUT = 4
# how a name is the place's: its own, another, the unit's without its kind, by stem, by a loose spelling
OWN, OTHER, BARE, STEM, LOOSE = range(5)
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE places (id INTEGER PRIMARY KEY, gazetteer TEXT, place_id TEXT, name TEXT, kind TEXT, country TEXT,
    latitude REAL, longitude REAL, area TEXT, adm_1 TEXT, adm_2 TEXT, population INTEGER, radius_km REAL,
    exact INTEGER, capital INTEGER);
CREATE TABLE names (key TEXT, place INTEGER, how INTEGER, PRIMARY KEY (key, place, how)) WITHOUT ROWID;
CREATE TABLE heads (head TEXT PRIMARY KEY, longest INTEGER) WITHOUT ROWID;
CREATE TABLE seats (area TEXT, name TEXT);
CREATE INDEX places_by_area ON places (area, kind);
CREATE TABLE spelled (area TEXT, key TEXT, place INTEGER, PRIMARY KEY (area, key, place)) WITHOUT ROWID;
"""
Progress = Callable[[int, int, str], None]


def index_path(countries: Sequence[str] | None, registers: Sequence[Path], units: gpd.GeoDataFrame | None) -> Path:
    """The file of an index, named after all that goes into it."""
    parts = [str(LAYOUT), world_version(), "*" if countries is None else ",".join(sorted(countries))]
    for path in registers:
        if not path.is_file():
            raise FileError(f"{path}: no such gazetteer file")
        parts.append(f"{path.name} {hashlib.sha256(read_bytes(path)).hexdigest()}")
    if units is not None:
        rows = zip(units["unit"], units["name"], units["boundary"], units.geometry, strict=True)
        parts += [f"{unit} {name} {boundary} {shape.bounds}" for unit, name, boundary, shape in rows]
    for name in ("rules.json", "regions.csv.gz", "countries.csv", "areas.csv"):
        parts.append(hashlib.sha256((files("geo") / "assets" / "places" / name).read_bytes()).hexdigest())
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    return user_cache_path("geo-control", appauthor=False) / f"places-{name}.sqlite"


def build_index(
    path: Path,
    *,
    countries: Sequence[str] | None,
    registers: Sequence[Path] = (),
    units: gpd.GeoDataFrame | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build an index under another name, then move it into place: it is whole or not there."""
    tell = progress or _silent
    tell(0, 4, "GeoNames")
    cities = list(city_records(countries))
    tell(1, 4, "registers")
    places = settle(cities, [read_register(p) for p in registers])
    tell(2, 4, "units")
    regions = region_records(countries)
    if units is not None and len(units):
        regions = with_units(regions, units, cities)
    _people(regions, cities)
    records = [*country_records(), *regions, *area_records(), *places]
    _name_regions(records, regions)
    tell(3, 4, "index")
    try:
        _write(path, records, seats(regions, cities), loose=countries is not None)
    except (OSError, sqlite3.Error) as error:
        raise FileError(f"{path.parent}: the index of places cannot be written there: {error}") from None
    tell(4, 4, "index")
    return path


def _silent(_done: int, _total: int, _what: str) -> None:
    """No progress."""


def _people(regions: Iterable[Record], cities: Iterable[Record]) -> None:
    """A region's people, as far as its settlements are known."""
    counts: Counter[str] = Counter()
    for city in cities:
        counts[city.area] += city.population
    for region in regions:
        region.population = counts[region.area] if region.kind == "region" else 0


def _name_regions(records: Iterable[Record], regions: Iterable[Record]) -> None:
    names = {r.area: r.name for r in regions if r.kind == "region"}
    for record in records:
        if record.area in names:
            record.adm_1 = names[record.area]


def _write(path: Path, records: Sequence[Record], seated: dict[str, list[str]], *, loose: bool) -> None:
    with aside(path) as temporary, closing(sqlite3.connect(temporary)) as base:
        base.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_TABLES}")
        with base:
            _fill(base, records, seated, loose=loose)


def _fill(base: sqlite3.Connection, records: Sequence[Record], seated: dict[str, list[str]], *, loose: bool) -> None:
    base.executemany(
        "INSERT INTO places VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", map(_row, range(len(records)), records)
    )
    best: dict[tuple[str, int], int] = {}
    for number, record in enumerate(records):
        for key, how in _keys(record, loose=loose):
            best[key, number] = min(how, best.get((key, number), how))
    rows = sorted((key, number, how) for (key, number), how in best.items())
    base.executemany("INSERT INTO names VALUES (?,?,?)", rows)
    longest: dict[str, int] = defaultdict(int)
    for key, _, how in rows:
        if how != LOOSE:
            head, _, rest = key.partition(" ")
            longest[head] = max(longest[head], 2 + rest.count(" ") if rest else 1)
    base.executemany("INSERT INTO heads VALUES (?,?)", sorted(longest.items()))
    base.executemany("INSERT INTO seats VALUES (?,?)", [(a, n) for a, names in seated.items() for n in names])
    spelled = {
        (r.area, plain_key(key_of(name)), number)
        for number, r in enumerate(records)
        if r.kind == "place"
        for name in ((r.name, *r.others) if loose else (r.name,))
    }
    base.executemany("INSERT INTO spelled VALUES (?,?,?)", sorted(spelled))
    base.execute("INSERT INTO facts VALUES ('layout', ?)", (str(LAYOUT),))


def _row(number: int, r: Record) -> tuple[object, ...]:
    return (number, r.gazetteer, r.place_id, r.name, r.kind, r.country, r.latitude, r.longitude, r.area, r.adm_1,
            r.adm_2, r.population, r.radius_km, int(r.exact), int(r.capital))  # fmt: skip


def _keys(record: Record, *, loose: bool) -> Iterator[tuple[str, int]]:
    if record.kind == "country":
        yield f"#{record.country}", OWN
    # a name that ends in a full stop is one only with it
    for short in rules().abbreviations.get(record.area, ()) if record.kind == "region" else ():
        yield f".{key_of(short)}", OTHER
    for position, name in enumerate((record.name, *record.others)):
        key = key_of(name)
        if not key:
            continue
        yield key, OWN if position == 0 else OTHER
        if record.kind in ("region", "district"):
            bare = bare_name(name)
            if bare and bare != key:
                yield bare, BARE
        if is_cyrillic(key):
            yield f"~{stem_key(key)}", STEM
        if loose and record.kind == "place":
            yield f"?{loose_key(key)}", LOOSE
