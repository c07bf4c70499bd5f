"""Gazetteers into one: which first-level unit a register's place lies in, and which rows are one place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from geo.measure.ellipsoid import areas_km2
from geo.schema import text_or_none
from geo.text.normalize import key_of

if TYPE_CHECKING:
    from geo.geocoding.geonames import Record

# two registers' rows of one name are one place within this
_SAME_KM = 6.0
_KM_A_DEGREE = 111.2


def settle(cities: Sequence[Record], registers: Sequence[Sequence[Record]]) -> list[Record]:
    """The places of all gazetteers, each once: a register's row stands for the city of its name beside it."""
    kept = list(cities)
    for register in registers:
        if not register:
            continue
        nearest = _nearest(kept, register)
        _give_units(register, [kept[i] for i in nearest])
        kept = _joined(kept, register)
    return kept


def _points(records: Sequence[Record]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.asarray(shapely.points([(r.longitude, r.latitude) for r in records]), dtype=object)


def _nearest(cities: Sequence[Record], register: Sequence[Record]) -> list[int]:
    tree = shapely.STRtree(_points(cities))
    return [int(i) for i in tree.nearest(_points(register))]


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
    return float(np.hypot(a.latitude - b.latitude, east) * _KM_A_DEGREE)


def with_units(regions: Sequence[Record], units: gpd.GeoDataFrame, cities: Sequence[Record]) -> list[Record]:
    """Regions with the names, points and extents of administrative units, where those are known."""
    by_area = {r.area: i for i, r in enumerate(regions) if r.kind == "region"}
    out = list(regions)
    tree = shapely.STRtree(_points(cities))
    for unit in units[units["level"] == 1].itertuples():
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
