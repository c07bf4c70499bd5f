"""The index of places: GeoNames and a user's own registers as records, the two merged, and the file made of them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from platformdirs import user_cache_path

from geo.assets import ASSETS, read_toml
from geo.errors import FileError
from geo.formats.geojson import read_bytes
from geo.formats.layers import cell, read_layer
from geo.measure.ellipsoid import areas_km2
from geo.measure.settlements import shipped_settlements
from geo.schema import KM_PER_DEGREE, text_or_none
from geo.storage.atomic_write import aside
from geo.text.languages import languages, word_list
from geo.text.words import (
    bare_name,
    is_cyrillic,
    is_readable,
    key_of,
    lines_with,
    loose_key,
    place_words,
    plain_key,
    stem_key,
)

_PLACES = ASSETS / "places"
CREDIT = "GeoNames, CC BY 4.0"
AREAS = "geo-control areas"
# cities of countries that are not in play are kept from this population on, for Paris and Washington to be known
ELSEWHERE = 15_000


@dataclass(slots=True)
class Record:
    """One place on its way into the index."""

    gazetteer: str
    place_id: str
    name: str
    kind: str
    country: str
    latitude: float
    longitude: float
    area: str = ""
    adm_1: str = ""
    adm_2: str = ""
    population: int = 0
    radius_km: float = 0.0
    exact: bool = True
    capital: bool = False
    others: list[str] = field(default_factory=list)


def country_records() -> list[Record]:
    """Every country, with names in English, Ukrainian and Russian."""
    aliases = place_words().country_aliases
    found = []
    for row in _table("countries.csv"):
        names = [row["name_en"], row["name_uk"], row["name_ru"], *aliases.get(row["code"], ())]
        record = Record(
            CREDIT, row["code"], row["name"], "country", row["code"], float(row["latitude"]), float(row["longitude"]),
            population=int(row["population"] or 0), radius_km=float(row["radius_km"]), others=[n for n in names if n],
        )  # fmt: skip
        found.append(record)
    return found


def area_records() -> list[Record]:
    """Continents, seas and areas that are no unit of any country."""
    found = []
    for row in _table("areas.csv"):
        name, *others = row["names"].split("|")
        record = Record(
            AREAS, name, name, row["kind"], row["country"], float(row["latitude"]), float(row["longitude"]),
            radius_km=float(row["radius_km"]), others=others,
        )  # fmt: skip
        found.append(record)
    return found


def region_records(countries: Sequence[str] | None) -> list[Record]:
    """First-level units of the world, and second-level ones of the countries in play (None: of all)."""
    aliases = place_words().region_aliases
    text = gzip.decompress((_PLACES / "regions.csv.gz").read_bytes()).decode()
    rows = list(csv.reader(io.StringIO(text)))[1:]
    first = {code: name for code, name, *_ in rows if code.count(".") == 1}
    found = []
    for code, name, lat, lon, radius in rows:
        country, *below = code.split(".")
        if len(below) > 1 and countries is not None and country not in countries:
            continue
        area = f"{country}.{below[0]}"
        kind = "region" if len(below) == 1 else "district"
        record = Record(
            CREDIT, code, name, kind, country, float(lat), float(lon), area, first.get(area, ""),
            adm_2=name if kind == "district" else "", radius_km=float(radius), others=list(aliases.get(code, ())),
        )  # fmt: skip
        found.append(record)
    return found


def city_records(
    countries: Sequence[str] | None, *, elsewhere: float = ELSEWHERE,
    lines_of: Callable[[str], Iterable[str]] = str.splitlines,
) -> Iterator[Record]:  # fmt: skip
    """Settlements of 500 people or more of the countries in play (None: of all), and larger ones elsewhere."""
    seat = {row["code"]: row["capital"] for row in _table("countries.csv")}
    for place in shipped_settlements(countries, elsewhere=elsewhere, lines_of=lines_of):
        people = int(place.people)
        yield Record(
            CREDIT, place.number, place.name, "place", place.country, float(place.latitude), float(place.longitude),
            f"{place.country}.{place.unit}", population=people, radius_km=town_radius_km(people),
            others=_with_articles(place.name, place.others.split("|") if place.others else [], place.country),
            capital=people > 50_000 and seat.get(place.country) == place.name,
        )  # fmt: skip


_ARTICLE = re.compile(r"(?:A[lnrstz]|E[ln]|A[sd]h?|Ed)[ -]['’‘]?(?=\w{4})")


def _with_articles(name: str, others: Sequence[str], country: str) -> list[str]:
    """The other names of a place, in countries of Arabic without the article and with "Al": Qamishli, Al-Obeid."""
    if country.casefold() not in place_words()["arabic_countries"]:
        return list(others)
    bare = [listed[match.end() :] for listed in (name, *others) if (match := _ARTICLE.match(listed))]
    return list(dict.fromkeys([*others, *bare, *(f"Al {rest}" for rest in bare)]))


def town_radius_km(population: float) -> float:
    """About how far a settlement reaches from its middle, in km: a village 1, a city of a million about 9."""
    return round(max(1.0, 0.009 * math.sqrt(population)), 1)


def _table(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader((_PLACES / name).read_text(encoding="utf-8").splitlines())


# two registers' rows of one name are one place within this
_SAME_KM = 6.0


def settle(cities: Sequence[Record], registers: Sequence[Sequence[Record]]) -> list[Record]:
    """The places of all gazetteers, each once: a register's row stands for the city of its name beside it."""
    kept = list(cities)
    for register in registers:
        if not register:
            continue
        nearest = shapely.STRtree(_points(kept)).nearest(_points(register))
        _give_units(register, [kept[int(i)] for i in nearest])
        kept = _joined(kept, register)
    return kept


def _points(records: Sequence[Record]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.asarray(shapely.points([(r.longitude, r.latitude) for r in records]), dtype=object)


def _give_units(register: Sequence[Record], beside: Sequence[Record]) -> None:
    votes: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for record, city in zip(register, beside, strict=True):
        if not record.country or record.country == city.country:
            votes[record.country, record.adm_1][city.country, city.area] += 1
    for record, city in zip(register, beside, strict=True):
        if record.area:
            continue
        elected = votes[record.country, record.adm_1].most_common(1) if record.adm_1 else []
        country, area = elected[0][0] if elected else (city.country, city.area)
        record.country, record.area = record.country or country, area


def _joined(cities: Sequence[Record], register: Sequence[Record]) -> list[Record]:
    by_name: dict[str, list[Record]] = defaultdict(list)
    for record in register:
        for name in {key_of(n) for n in (record.name, *record.others)}:
            by_name[name].append(record)
    left = []
    for city in cities:
        names = {key_of(n) for n in (city.name, *city.others)}
        twins = [r for name in names for r in by_name.get(name, ()) if _apart_km(r, city) <= _SAME_KM]
        if not twins:
            left.append(city)
            continue
        twin = min(twins, key=lambda r: _apart_km(r, city))
        if not twin.exact:
            # a place known less well adds nothing to the city but its unit's names
            city.adm_2 = city.adm_2 or twin.adm_2
            left.append(city)
            twin.name = ""
            continue
        twin.population = max(twin.population, city.population)
        twin.radius_km = max(twin.radius_km, city.radius_km)
        twin.capital = twin.capital or city.capital
        twin.others += [n for n in (city.name, *city.others) if n not in twin.others]
    return left + [r for r in register if r.name]


def _apart_km(a: Record, b: Record) -> float:
    east = (a.longitude - b.longitude) * np.cos(np.radians(a.latitude))
    return float(np.hypot(a.latitude - b.latitude, east) * KM_PER_DEGREE)


def with_units(regions: Sequence[Record], units: gpd.GeoDataFrame, cities: Sequence[Record]) -> list[Record]:
    """Regions with the names, points and extents of administrative units, where those are known."""
    by_area = {r.area: i for i, r in enumerate(regions) if r.kind == "region"}
    out = list(regions)
    tree = shapely.STRtree(_points(cities))
    for unit in units.itertuples():
        inside = tree.query(unit.geometry, predicate="contains")
        votes = Counter(cities[int(i)].area for i in inside)
        elected = votes.most_common(1)
        if not elected or elected[0][0] not in by_area:
            continue
        at = by_area[elected[0][0]]
        out[at] = _as_unit(out[at], unit)
    return out


def _as_unit(region: Record, unit: object) -> Record:
    shape = unit.geometry  # type: ignore[attr-defined]
    middle = shape.centroid if shape.contains(shape.centroid) else shape.representative_point()
    names = [text_or_none(getattr(unit, c)) for c in ("name", "name_local")]
    code = text_or_none(unit.unit) or region.place_id  # type: ignore[attr-defined]
    radius = float((areas_km2(np.array([shape], dtype=object))[0] / np.pi) ** 0.5)
    others = [*region.others, region.name, *(n for n in names if n)]
    boundary = text_or_none(unit.boundary) or "units"  # type: ignore[attr-defined]
    return replace(
        region, name=names[0] or region.name, gazetteer=boundary, place_id=code, latitude=round(middle.y, 4),
        longitude=round(middle.x, 4), radius_km=round(radius, 1), others=others,
    )  # fmt: skip


def seats(regions: Sequence[Record], cities: Sequence[Record]) -> dict[str, list[str]]:
    """Folded names of each region's seat: its largest city, or a large one whose name the region's begins with."""
    largest: dict[str, list[Record]] = defaultdict(list)
    for city in sorted(cities, key=lambda c: -c.population):
        if city.area and len(largest[city.area]) < 3:
            largest[city.area].append(city)
    found = {}
    for region in regions:
        towns = largest.get(region.area, [])
        if region.kind != "region" or not towns:
            continue
        alike = [t for t in towns if key_of(t.name)[:4] == key_of(region.name)[:4]]
        seat = (alike or towns)[0]
        found[region.area] = sorted({key_of(n) for n in (seat.name, *seat.others) if key_of(n)})
    return found


# what columns are called, in order of preference
_COLUMNS = {what: names.split() for what, names in read_toml("places/columns.toml").items()}
_DUMP = 19  # columns of a GeoNames country file
_REGIONS = frozenset(("O", "K"))  # KATOTTH: oblast; city with a special status


def read_register(path: Path) -> list[Record]:
    """The places of a gazetteer file."""
    if not path.is_file():
        raise FileError(f"{path}: no such gazetteer file")
    reader = _from_text if path.suffix.lower() in (".csv", ".txt", ".tsv") else _from_layer
    records = list(reader(path))
    if not records:
        raise FileError(f"{path}: no row has both a name and a place on the earth")
    return records


def _from_text(path: Path) -> Iterator[Record]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: cannot be read as UTF-8 text: {error}; save it as UTF-8") from None
    head = text[: text.find("\n")]
    csv.field_size_limit(10_000_000)
    if head.count("\t") == _DUMP - 1 and head.split("\t")[0].isdigit():
        yield from _from_dump(path, text)
        return
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from _rows(path, reader)
    except csv.Error as error:
        raise FileError(f"{path}: line {reader.line_num}: {error}: is a quotation mark left open?") from None


def _from_dump(path: Path, text: str) -> Iterator[Record]:
    """GeoNames' own layout: populated places alone; its regions are the index's already."""
    for line in text.splitlines():
        part = line.split("\t")
        if len(part) != _DUMP or part[6] != "P":
            continue
        at, people = _position(part[4], part[5]), _people(part[14])
        if at is None or not part[1].strip():
            continue
        names = [n for n in (part[2], *part[3].split(",")) if len(n) > 2 and is_readable(n)]
        yield Record(
            path.name, part[0], part[1], "place", part[8], *at, f"{part[8]}.{part[10]}", population=people,
            radius_km=town_radius_km(people), others=names,
        )  # fmt: skip


def _from_layer(path: Path) -> Iterator[Record]:
    layer = read_layer(path)
    columns = [str(c) for c in layer.table.columns]
    rows = []
    for values, shape in zip(layer.table.itertuples(index=False), layer.geometry, strict=True):
        if shape is None or shape.is_empty:
            continue
        point = shapely.point_on_surface(shape)
        row = {c: cell(v) or "" for c, v in zip(columns, values, strict=True)}
        rows.append({**row, "lat": str(point.y), "lon": str(point.x)})
    yield from _rows(path, rows)


def _rows(path: Path, rows: Iterable[dict[str, str]]) -> Iterator[Record]:
    found: dict[str, list[str]] | None = None
    for number, row in enumerate(rows, start=1):
        if found is None:
            found = _columns(path, [str(c) for c in row])
        record = _record(path, number, row, found)
        if record is not None:
            yield record


def _columns(path: Path, there: Sequence[str]) -> dict[str, list[str]]:
    known = {c.strip().casefold(): c for c in there}
    found = {what: [known[n] for n in names if n in known] for what, names in _COLUMNS.items()}
    # names in a language that the list does not know
    found["names"] += [c for c in there if c.casefold().startswith(("name_", "name:")) and c not in found["names"]]
    missing = [what for what in ("names", "latitude", "longitude") if not found[what]]
    if missing:
        wanted = "; ".join(f"{what}: {', '.join(_COLUMNS[what])}" for what in missing)
        raise FileError(f"{path}: no column of {', '.join(missing)} (known: {wanted}); there are: {', '.join(there)}")
    return found


def _first(row: dict[str, str], columns: Sequence[str]) -> str:
    return next((v for v in ((row.get(c) or "").strip() for c in columns) if v), "")


def _position(latitude: str, longitude: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None where they are none of the earth."""
    try:
        lat, lon = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _people(text: str) -> int:
    """A number of people, 0 where there is none that can be: no place has ten thousand million."""
    whole = text.replace(",", "").replace(" ", "").partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) < 11 else 0


def _record(path: Path, number: int, row: dict[str, str], found: dict[str, list[str]]) -> Record | None:
    at = _position(_first(row, found["latitude"]), _first(row, found["longitude"]))
    names = [n.strip() for c in found["names"] for n in (row.get(c) or "").split(";") if n.strip()]
    if not names or at is None or at == (0, 0):
        return None
    if _first(row, found["category"]) in _REGIONS:
        return None
    count = _people(_first(row, found["population"]))
    country = _first(row, found["country"])
    official = bool(found["id"])
    return Record(
        path.name, _first(row, found["id"]) or f"row {number}", names[0], "place",
        country.upper() if len(country) == 2 else "", *at, adm_1=_first(row, found["region"]),
        adm_2=_first(row, found["district"]), population=count,
        radius_km=town_radius_km(count) if official else 4.0, exact=official, others=names[1:],
    )  # fmt: skip


LAYOUT = 6
COLUMNS = tuple(f.name for f in fields(Record) if f.name != "others")  # of places, behind their number
# how a name is the place's: its own, another, the unit's without its kind, by stem, by a loose spelling
OWN, OTHER, BARE, STEM, LOOSE = range(5)
Progress = Callable[[int, int, str], None]


def index_path(countries: Sequence[str] | None, registers: Sequence[Path], units: gpd.GeoDataFrame | None) -> Path:
    """The file of an index, named after all that goes into it."""
    parts = [str(LAYOUT), "*" if countries is None else ",".join(sorted(countries))]
    for path in registers:
        if not path.is_file():
            raise FileError(f"{path}: no such gazetteer file")
        parts.append(f"{path.name} {hashlib.sha256(read_bytes(path)).hexdigest()}")
    if units is not None:
        rows = zip(units["unit"], units["name"], units["boundary"], units.geometry, strict=True)
        parts += [f"{unit} {name} {boundary} {shape.bounds}" for unit, name, boundary, shape in rows]
    for name in ("rules.json", "settlements.zip", "regions.csv.gz", "countries.csv", "areas.csv"):
        parts.append(hashlib.sha256((ASSETS / "places" / name).read_bytes()).hexdigest())
    parts += [str(word_list(language, "places")) for language in languages()]
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
    tell = progress or (lambda _done, _total, _what: None)
    tell(0, 4, "GeoNames")
    cities = list(city_records(countries))
    tell(1, 4, "registers")
    places = settle(cities, [read_register(p) for p in registers])
    tell(2, 4, "units")
    regions = region_records(countries)
    if units is not None and len(units):
        regions = with_units(regions, units, cities)
    people: Counter[str] = Counter()  # of a region, as far as its settlements are known
    for city in cities:
        people[city.area] += city.population
    records = _named_regions(regions, people, places)
    tell(3, 4, "index")
    write_index(path, records, seats(regions, cities), loose=countries is not None)
    tell(4, 4, "index")
    return path


def _named_regions(regions: Sequence[Record], people: Counter[str], places: Sequence[Record]) -> list[Record]:
    """All records of an index: regions with their people, and places with the names of their regions."""
    for region in regions:
        region.population = people[region.area] if region.kind == "region" else 0
    records = [*country_records(), *regions, *area_records(), *places]
    names = {r.area: r.name for r in regions if r.kind == "region"}
    for record in records:
        record.adm_1 = names.get(record.area, record.adm_1)
    return records


def in_memory(name: str, countries: Sequence[str] | None, units: gpd.GeoDataFrame) -> sqlite3.Connection:
    """An index in memory that has the places of one name: what of the rest may have it is not even split in fields."""
    lines_of = lines_with(name)
    beside = list(city_records([str(c) for c in units["parent"].dropna().unique()], elsewhere=float("inf")))
    regions = with_units(region_records(countries), units, beside)
    named = [r for r in regions if lines_of(" ".join((r.name, *r.others)))]
    people: Counter[str] = Counter()
    for place in shipped_settlements({r.country for r in named}):
        people[f"{place.country}.{place.unit}"] += int(place.people)
    records = _named_regions(regions, people, list(city_records(countries, lines_of=lines_of)))
    kept = [r for r in records if lines_of(" ".join((r.name, *r.others)))]
    base = sqlite3.connect(":memory:", check_same_thread=False)
    base.executescript(_tables())
    _fill(base, kept, {}, loose=False)
    return base


def write_index(path: Path, records: Sequence[Record], seated: dict[str, list[str]], *, loose: bool) -> None:
    """Write an index of records, whole or not at all; `seated` names the seat of each region."""
    try:
        with aside(path) as temporary, closing(sqlite3.connect(temporary)) as base:
            base.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_tables()}")
            with base:
                _fill(base, records, seated, loose=loose)
    except (OSError, sqlite3.Error) as error:
        raise FileError(f"{path.parent}: the index of places cannot be written there: {error}") from None


def _tables() -> str:
    return (ASSETS / "places" / "index.sql").read_text(encoding="utf-8")


def _fill(base: sqlite3.Connection, records: Sequence[Record], seated: dict[str, list[str]], *, loose: bool) -> None:
    rows_of_places = ((number, *(getattr(r, name) for name in COLUMNS)) for number, r in enumerate(records))
    base.executemany(f"INSERT INTO places VALUES (?{',?' * len(COLUMNS)})", rows_of_places)
    best: dict[tuple[str, int], int] = {}
    keyed = [[key_of(name) for name in (record.name, *record.others)] for record in records]
    for number, record in enumerate(records):
        for key, how in _keys(record, keyed[number], loose=loose):
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
        (r.area, plain_key(key), number)
        for number, r in enumerate(records)
        if r.kind == "place"
        for key in (keyed[number] if loose else keyed[number][:1])
    }
    base.executemany("INSERT INTO spelled VALUES (?,?,?)", sorted(spelled))
    base.execute("INSERT INTO facts VALUES ('layout', ?)", (str(LAYOUT),))


def _keys(record: Record, keys: Sequence[str], *, loose: bool) -> Iterator[tuple[str, int]]:
    if record.kind == "country":
        yield f"#{record.country}", OWN
    # a name that ends in a full stop is one only with it
    for short in place_words().abbreviations.get(record.area, ()) if record.kind == "region" else ():
        yield f".{key_of(short)}", OTHER
    for position, (name, key) in enumerate(zip((record.name, *record.others), keys, strict=True)):
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
