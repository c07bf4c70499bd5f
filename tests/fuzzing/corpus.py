"""Small, sound files of every kind that a reader takes: our own, and cuts of the real ones where they are."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry import box, mapping

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
LIMIT = 60_000  # bytes of a seed: thousands of them are read


@dataclass(frozen=True)
class Seed:
    """A file's name (it may carry the date) and its content."""

    name: str
    content: bytes


def polygons(*properties: dict[str, Any], wrap: bool = False) -> bytes:
    """A FeatureCollection, a square a feature."""
    features = [
        {"type": "Feature", "properties": p, "geometry": mapping(box(35 + i / 10, 51, 35.08 + i / 10, 51.2))}
        for i, p in enumerate(properties)
    ]
    document: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    return json.dumps({"value": document} if wrap else document).encode()


def table(*rows: dict[str, str]) -> bytes:
    """A CSV with a header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def kml(body: str) -> bytes:
    """A KML document."""
    return (
        f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'.encode()
    )


def zipped(name: str, content: bytes) -> bytes:
    """A zip of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


_RING = "<LinearRing><coordinates>35,51,0 35.5,51,0 35.5,51.3,0 35,51,0</coordinates></LinearRing>"
_PLACE = (
    "<Folder><name>A</name><Placemark><name>ru</name><styleUrl>#ru</styleUrl><TimeSpan><begin>2025-01-02</begin>"
    f"</TimeSpan><Polygon><outerBoundaryIs>{_RING}</outerBoundaryIs></Polygon></Placemark></Folder>"
)
_POINT = (
    "<Placemark><name>Event</name><description>&lt;b&gt;x&lt;/b&gt;</description><ExtendedData><Data name='date'>"
    "<value>2024.01.23</value></Data></ExtendedData><Point><coordinates>35.3,51.2,0</coordinates></Point></Placemark>"
)
_INCIDENT = {
    "event_id": "e1", "date_start": "2025-01-11", "latitude": "51.2", "longitude": "35.3", "where_coordinates": "Sudzha",
    "best": "2", "notes": "=1+1",
}  # fmt: skip
_REVIEW = {
    "confirm": "yes",
    **_INCIDENT,
    "words_what": "hit [3-6]",
    "told": "1",
    "briefing": "b.txt",
    "briefing_sha256": "0",
}
_ACLED = {
    "event_id_cnty": "BEN1", "event_date": "28 December 2022", "year": "2022", "time_precision": "1", "event_type": "Battles",
    "sub_event_type": "Armed clash", "actor1": "A", "actor2": "NA", "country": "Benin", "admin1": "Alibori",
    "location": "Banikoara", "latitude": "11.2985", "longitude": "2.4386", "geo_precision": "1", "source": "S",
    "notes": "n", "fatalities": "3", "timestamp": "1672700000",
}  # fmt: skip
_UCDP = {
    "id": "244657", "relid": "IRQ-1", "year": "2017", "type_of_violence": "1", "source_article": "x", "where_prec": "1",
    "where_coordinates": "Kabul", "latitude": "34.53", "longitude": "69.16", "country": "Afghanistan", "event_clarity": "1",
    "date_prec": "1", "date_start": "2017-07-31 00:00:00.000", "date_end": "2017-07-31 00:00:00.000", "deaths_a": "0",
    "deaths_b": "4", "deaths_civilians": "0", "deaths_unknown": "2", "best": "6", "high": "6", "low": "6", "side_a": "A",
    "side_b": "B",
}  # fmt: skip
_VIINA = {
    "event_id_1pd": "1", "date": "20220224", "longitude": "36.2", "latitude": "50.0", "GEO_PRECISION": "ADM3",
    "text": "shelling", "source": "ria",
}  # fmt: skip
_CONFIRMED = {
    "Date": "2026-08-01", "Name": "Shelling", "Faction": "Russia", "Latitude": "50.28", "Longitude": "36.94",
    "Description": "FPV strike", "Source": "https://x.com/a/1", "Id": "id1",
}  # fmt: skip
_PANEL = {"geonameid": "693381", "date": "20250104", "status_wiki": "RU", "status_isw": "UA", "status": "UA"}
_LUA = b"""return { marks = {
 { lat = "50.10", long = "36.20", mark = "Location dot red.svg", label = "Vovchansk", link = "Vovchansk" },
 { lat = "50.20", long = "36.30", mark = "Map-ctl2-red+yellow.svg", label = "Lyptsi" },
} }
"""
_DEEP = {"name": "Окуповано /// Occupied /// geoJSON.status.occupied", "fill": "#a52714"}
_HELD = {"controller": "UA", "status": "held", "date": "2025-01-11"}
_UNIT = {"unit": "XX-1", "name": "One", "level": 1, "parent": "XX", "boundary": "made up"}
_CONTESTED = {"controller": None, "status": "contested"}

# how a reader is called -> our own files for it
OWN: dict[str, tuple[Seed, ...]] = {
    "deepstate": (Seed("1736553600.geojson", polygons(_DEEP, {"name": "Невідомо /// Unknown", "fill": "#bcaaa4"})),),
    "deepstate-mirror": (Seed("deepstatemap_data_20250111.geojson", polygons({})),),
    "nzz": (
        Seed("2025-01-12.json", polygons(
            {"type": "nochange", "date": "2025-01-11", "_datefrom": "2025-01-10", "_dateto": "2025-01-11"},
            {"type": "losses", "date": "2025-01-11"}, wrap=True)),
    ),
    "isw": (Seed("20220415_RussianAssessedCoTinUkraine.geojson", polygons({"OBJECTID": 1, "date": 1650000000000})),),
    "uacontrolmap": (Seed("map_25_01_02.kml", kml(_PLACE)), Seed("map_25_01_02.kmz", zipped("doc.kml", kml(_PLACE)))),
    "vector": (
        Seed("2025-01-11.geojson", polygons(_HELD, _CONTESTED)), Seed("2025-01-11.kml", kml(_PLACE)),
        Seed("2025-01-11.kmz", zipped("doc.kml", kml(_PLACE))),
    ),
    "units": (Seed("units.geojson", polygons(_UNIT)),),
    "incidents": (Seed("incidents.csv", table(_INCIDENT, {**_INCIDENT, "event_id": "e2"})),),
    "acled": (Seed("acled.csv", table(_ACLED)),),
    "ucdp-ged": (Seed("ucdp.csv", table(_UCDP)),),
    "viina": (Seed("viina.csv", table(_VIINA)),),
    "eyes-on-russia": (
        Seed("eor.csv", table({"entry": "UW1", "date": "2022-03-01", "event_group": "x", "title": "t", "brief description": "d",
                               "lat": "50.1", "lon": "36.2", "country": "Ukraine", "town/city": "Kharkiv", "violence level": "3"})),
    ),
    "bellingcat": (
        Seed("bellingcat.json", json.dumps([
            {"id": "a1", "date": "3/1/2022", "latitude": "50.1", "longitude": "36.2", "location": "Kharkiv",
             "description": "d", "sources": [{"path": "https://example.org/"}], "filters": []}]).encode()),
    ),
    "review": (Seed("review.csv", table(_REVIEW, {**_REVIEW, "event_id": "e2", "confirm": ""})),),
    "mymaps": (Seed("alarm.kml", kml(_POINT)),),
    "geoconfirmed": (Seed("map.csv", table(_CONFIRMED).replace(b",", b";")),),
    "ucdp-candidate": (Seed("GEDEvent_v25_01_25_12.csv", table(_UCDP)),),
    "settlements": (Seed("towns.csv", table(
        {"settlement": "Sudzha", "date": "2024-08-15", "side": "UA", "latitude": "51.19", "longitude": "35.27"})),),
    "viina-control": (Seed("control_latest_2025.csv", table(_PANEL, {**_PANEL, "date": "20250105", "status": "RU"})),),
    "wikipedia-map": (Seed("module-2020-01-01.lua", _LUA),),
}  # fmt: skip
# how a reader is called -> real files, of which those small enough, or cut, are seeds too
REAL = {
    "deepstate": "deepstate-raw/*.geojson", "deepstate-mirror": "deepstate-mirror/*20250101.geojson",
    "nzz": "nzz/2025-01-1*.json", "isw": "isw-*/**/*", "uacontrolmap": "kml/*.kml", "acled": "incidents/acled/*.csv",
    "ucdp-ged": "incidents/ucdp_ged/*.csv", "viina": "incidents/viina_derived/*.csv",
    "eyes-on-russia": "incidents/eyes_on_russia/*.csv", "bellingcat": "incidents/bellingcat/*.json",
    "isw-events": "incidents/isw_events/*.zip", "mymaps": "incidents/google_mymaps_kml/*.kml",
    "incidents": "hostile/*.csv", "vector": "hostile/*",
}  # fmt: skip


def geopackage(folder: Path) -> bytes:
    """A small GeoPackage of a desk's own polygons, as GDAL writes it."""
    frame = gpd.GeoDataFrame(
        {"controller": ["UA"], "status": ["held"]}, geometry=[box(35, 51, 35.2, 51.2)], crs="EPSG:4326"
    )
    frame.to_file(folder / "seed.gpkg", layer="control")
    return (folder / "seed.gpkg").read_bytes()


def shortened(path: Path) -> bytes | None:
    """A real file cut to a few features or rows, still sound; None where it cannot be small."""
    content = path.read_bytes()
    if len(content) <= LIMIT:
        return content
    if path.suffix == ".csv":
        return b"\n".join(content.split(b"\n")[:8])
    if path.suffix in (".geojson", ".json"):
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            return None
        inner = document.get("value", document) if isinstance(document, dict) else document
        if isinstance(inner, list):
            return json.dumps(inner[:4]).encode()
        if not isinstance(inner, dict):
            return None
        for feature in inner.get("features", []):
            _cut_rings(feature.get("geometry"))
        inner["features"] = [f for f in inner.get("features", []) if len(json.dumps(f)) < 9000][:5]
        return json.dumps(document).encode() if inner["features"] else None
    return None


def _cut_rings(geometry: Any) -> None:
    """Rings of at most thirty positions, closed again."""
    if not isinstance(geometry, dict) or "coordinates" not in geometry:
        return
    nested = {"Polygon": 1, "MultiPolygon": 2}.get(geometry.get("type", ""), 0)
    if nested == 2:
        geometry["coordinates"] = geometry["coordinates"][:3]
    for polygon in geometry["coordinates"] if nested == 2 else [geometry["coordinates"]] * nested:
        for at, ring in enumerate(polygon):
            polygon[at] = [*ring[:30], ring[0]] if len(ring) > 31 else ring


def seeds(source: str, folder: Path) -> list[Seed]:
    """What mutation starts from, for a reader."""
    found = list(OWN.get(source, ()))
    if source == "vector":
        found.append(Seed("2025-01-11.gpkg", geopackage(folder)))
    if SHARED.is_dir() and source in REAL:
        for path in sorted(p for p in SHARED.glob(REAL[source]) if p.is_file() and p.suffix != ".md")[:40]:
            content = shortened(path)
            if content:
                found.append(Seed(path.name, content))
    return found
