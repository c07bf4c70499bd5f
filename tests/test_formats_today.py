"""What programs and servers of today hand out: gzip, Parquet, Esri JSON, and the JSON answers of event datasets."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geo
from geo.formats import tables, zips

WEST = shapely.box(35.0, 51.1, 35.2, 51.3)
HOLED = WEST.difference(shapely.box(35.05, 51.15, 35.1, 51.2))
FRAME = gpd.GeoDataFrame({"controller": ["UA"], "status": ["held"], "date": ["2025-01-11"]}, geometry=[HOLED], crs=4326)
EVENT = {"event_id_cnty": "UKR1", "event_date": "2025-01-11", "latitude": "51.2", "longitude": "35.3", "fatalities": 2,
         "event_type": "Battles", "sub_event_type": "Armed clash"}  # fmt: skip
GED = {"id": 7, "date_start": "2026-08-01 00:00:00.000", "date_end": "2026-08-01 00:00:00.000", "latitude": 51.2,
       "longitude": 35.3, "where_prec": 1, "best": 3}  # fmt: skip


def taken(tmp_path: Path, path: Path, source: str = "vector", **options: Any) -> tuple[geo.Receipt, geo.Archive]:
    archive = geo.open_archive(tmp_path / "war.gpkg")
    return geo.import_files(archive, source, path, **options)[0], archive


def km2(shape: shapely.Geometry) -> float:
    return float(geo.area_km2(gpd.GeoSeries([shape], crs=4326)).item())


def test_geoparquet_comes_in_with_its_crs_and_its_dates(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = FRAME.assign(date=pd.to_datetime(FRAME["date"])).to_crs(3857)
    frame.to_parquet(path := tmp_path / "ground.parquet", write_covering_bbox=True, schema_version="1.1.0")
    receipt, archive = taken(tmp_path, path)
    assert receipt.snapshots == ("vector@2025-01-11",), receipt.error
    assert archive.area()["area_km2"].item() == pytest.approx(km2(HOLED), rel=1e-6)


def test_incidents_come_from_parquet_too(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.DataFrame([EVENT, {**EVENT, "event_id_cnty": "UKR2", "fatalities": None}]).to_parquet(
        path := tmp_path / "acled.parquet"
    )
    receipt, archive = taken(tmp_path, path, "acled")
    assert receipt.rows_stored == 2, receipt.error
    assert archive.incidents()["best"].fillna(-1).tolist() == [2, -1]


def test_a_parquet_file_that_is_none_or_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    (cut := tmp_path / "cut.parquet").write_bytes(b"PAR1 and nothing that follows")
    assert "damaged Parquet" in taken(tmp_path, cut)[0].error
    (tmp_path / "bomb.parquet").write_bytes(pd.DataFrame({"a": np.zeros(10_000)}).to_parquet(None))
    monkeypatch.setattr(tables, "CELLS", 9_999)
    assert "too much of cells" in taken(tmp_path, tmp_path / "bomb.parquet")[0].error


@pytest.mark.parametrize("source", ["vector", "acled", "deepstate-mirror"])
def test_gzip_files_are_read_as_what_they_hold(source: str, tmp_path: Path) -> None:
    plain = {
        "vector": ("2025-01-11.geojson", FRAME.drop(columns="date").to_json()),
        "acled": ("acled.csv", pd.DataFrame([EVENT]).to_csv(index=False)),
        "deepstate-mirror": ("deepstatemap_data_20250112.geojson", FRAME.drop(columns="date").to_json()),
    }[source]
    path = tmp_path / f"{plain[0]}.gz"
    path.write_bytes(gzip.compress(plain[1].encode()))
    receipt, archive = taken(tmp_path, path, source)
    assert receipt.outcome == "stored", receipt.error
    assert receipt.file == path.name
    if source != "acled":
        assert archive.reader.snapshots()["depicts"].iloc[0][:10] == "2025-01-11"


def test_a_gzip_bomb_and_a_damaged_one_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bomb := tmp_path / "bomb.geojson.gz").write_bytes(gzip.compress(b" " * 5_000_000))
    monkeypatch.setattr(zips, "UNPACKED_LIMIT", 1_000_000)
    monkeypatch.setattr(zips.gunzipped, "__kwdefaults__", {"limit": 1_000_000})
    receipt, _ = taken(tmp_path, bomb)
    assert receipt.error.startswith(str(bomb))
    assert "zip bomb" in receipt.error
    (cut := tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 1000)[:30])
    assert "damaged gzip" in taken(tmp_path, cut, "acled")[0].error


def esri(shape: shapely.Polygon, **about: Any) -> dict[str, Any]:
    rings = [list(shapely.orient_polygons(shape, exterior_cw=True).exterior.coords),
             *(list(hole.coords) for hole in shapely.orient_polygons(shape, exterior_cw=True).interiors)]  # fmt: skip
    cells = {"OBJECTID": 1, "controller": "UA", "status": "held", "date": 1736553600000}
    return {
        "geometryType": "esriGeometryPolygon",
        "features": [{"attributes": cells, "geometry": {"rings": rings}}],
        **about,
    }


def test_esri_json_is_read_with_its_holes_its_crs_and_its_epoch_dates(tmp_path: Path) -> None:
    turned = gpd.GeoSeries([HOLED], crs=4326).to_crs(3857).iloc[0]
    for wkid, shape in ((4326, HOLED), (102100, turned)):
        document = esri(shape, spatialReference={"wkid": wkid, "latestWkid": 3857 if wkid == 102100 else 4326})
        (path := tmp_path / f"{wkid}.json").write_text(json.dumps(document))
        receipt, archive = taken(tmp_path, path, credit=geo.Source(f"s{wkid}", "S"))
        assert receipt.snapshots == (f"s{wkid}@2025-01-11",), receipt.error
        assert archive.area(source=f"s{wkid}")["area_km2"].item() == pytest.approx(km2(HOLED), rel=1e-6)


def test_a_part_of_a_feature_service_is_refused(tmp_path: Path) -> None:
    document = esri(WEST, spatialReference={"wkid": 4326}, exceededTransferLimit=True)
    (path := tmp_path / "part.json").write_text(json.dumps(document))
    assert "a part" in taken(tmp_path, path)[0].error


@pytest.mark.parametrize(
    ("source", "answer", "identity"),
    [
        ("acled", {"status": 200, "success": True, "count": 1, "data": [EVENT], "data_query_restrictions": "no last 12 months"}, "UKR1"),
        ("ucdp-ged", {"TotalCount": 1, "TotalPages": 1, "NextPageUrl": "", "Result": [GED]}, "7"),
        ("incidents", [{"event_id": "a", "date": "2025-01-11", "Latitude": 51.2, "LONGITUDE": 35.3}], "a"),
    ],
)  # fmt: skip
def test_answers_of_event_datasets_come_in_as_they_are(source: str, answer: Any, identity: str, tmp_path: Path) -> None:
    (path := tmp_path / "answer.json").write_text(json.dumps(answer))
    receipt, archive = taken(tmp_path, path, source)
    assert receipt.rows_stored == 1, receipt.error
    assert archive.incidents()["event_id"].tolist() == [identity]
    assert any("12 months" in note for note in receipt.notes) == (source == "acled")


@pytest.mark.parametrize(
    ("source", "answer", "said"),
    [
        ("ucdp-ged", {"NextPageUrl": "https://example.org/2", "Result": [GED]}, "a part"),
        ("acled", {"status": 403, "message": "Access denied"}, "Access denied"),
        ("acled", {"error": {"code": 400, "message": "Invalid token"}}, "Invalid token"),
        ("acled", {"type": "FeatureCollection", "features": []}, "no column event_date"),
    ],
)  # fmt: skip
def test_answers_that_are_a_part_or_an_error_are_refused_in_their_words(
    source: str, answer: Any, said: str, tmp_path: Path
) -> None:
    (path := tmp_path / "answer.json").write_text(json.dumps(answer))
    receipt, _ = taken(tmp_path, path, source)
    assert receipt.outcome == "refused"
    assert said in receipt.error


def test_the_mirrors_one_file_of_all_days_is_dated_as_its_daily_files_are(tmp_path: Path) -> None:
    days = gpd.GeoDataFrame(
        {"date": ["2024-07-08", "2024-07-09", "2024-07-10"]}, geometry=[WEST, HOLED, WEST], crs=4326
    )
    (path := tmp_path / "deepstate-map-data.geojson.gz").write_bytes(gzip.compress(days.to_json().encode()))
    receipt, archive = taken(tmp_path, path, "deepstate-mirror")
    assert receipt.rows_stored == 3, receipt.error
    assert archive.reader.snapshots()["depicts"].str[:10].tolist() == ["2024-07-07", "2024-07-08", "2024-07-09"]
    assert archive.reader.snapshots()["published"].str[:10].tolist() == days["date"].tolist()
    (daily := tmp_path / "deepstatemap_data_20240709.geojson").write_text(days.iloc[[1]].drop(columns="date").to_json())
    assert taken(tmp_path, daily, "deepstate-mirror")[0].supersedes in ((), ("deepstate-mirror@2024-07-08",))
    assert archive.area("2024-07-08")["area_km2"].item() == pytest.approx(km2(HOLED), rel=1e-9)
    days.loc[1, "date"] = None
    (path := tmp_path / "cut.geojson").write_text(days.to_json())
    assert "feature 2 has no date" in taken(tmp_path, path, "deepstate-mirror")[0].error


def test_eyes_on_russia_by_its_feature_service(tmp_path: Path) -> None:
    cells = {"Entry_Number": "UW9001", "TIMESTAMP": 1736553600000, "Primary_category": "Bombing or Explosion",
             "Town_or_City": "Sudzha", "Country": "Russia"}  # fmt: skip
    answer = {"geometryType": "esriGeometryPoint", "spatialReference": {"wkid": 4326},
              "features": [{"attributes": cells, "geometry": {"x": 35.27, "y": 51.19}}]}  # fmt: skip
    (path := tmp_path / "eor.json").write_text(json.dumps(answer))
    receipt, archive = taken(tmp_path, path, "eyes-on-russia")
    assert receipt.rows_stored == 1, receipt.error
    found = archive.incidents()[["event_id", "date_start", "event_type", "where_coordinates", "latitude"]]
    assert found.assign(date_start=found["date_start"].dt.strftime("%Y-%m-%d")).values.tolist() == [
        ["UW9001", "2025-01-11", "Bombing or Explosion", "Sudzha", 51.19]
    ]


def test_a_table_with_capitals_such_as_geoconfirmeds_is_a_table_of_incidents(tmp_path: Path) -> None:
    (path := tmp_path / "geoconfirmed.csv").write_text(
        "Id,Date,Latitude,Longitude,Notes\nx1,2025-01-11,51.19,35.27,seen\n"
    )
    receipt, archive = taken(tmp_path, path, "incidents")
    assert receipt.rows_stored == 1, receipt.error
    assert archive.incidents()["notes"].tolist() == ["seen"]


CONFIRMED = (
    "\ufeffDate;Name;Faction;Origin;Latitude;Longitude;PlusCode;Description;Source;Geolocation;Equipment;EquipmentItems;"
    "Units;OrbatUnits;Id\r\n"
    '2026-09-17;Truck;Russia;UAV;48.9;37.8;"GH4P+X43 Lyman, Donetsk Oblast, Ukraine";"FPV strike; a truck burns";'
    "https://x.com/1;https://x.com/2 https://x.com/3;Truck;;;;id1\r\n"
    ';NPP;Special;;47.5;34.5;"GH4P+X43 Enerhodar";;;;;;;;id2\r\n'
)
MARK = """<Placemark><name><![CDATA[20 APR 2026]]></name><description><![CDATA[FPV strike<br>Source: https://x.com/1]]>
</description><styleUrl>#api/icons/E00000/False/icons/Ukraine/tank_4.png</styleUrl>
<Point><coordinates>37.8,48.9,0</coordinates></Point></Placemark>"""


def test_geoconfirmeds_table_comes_in_with_its_places_and_links(tmp_path: Path) -> None:
    (path := tmp_path / "Ukraine.csv").write_text(CONFIRMED, encoding="utf-8", newline="")
    receipt, archive = taken(tmp_path, path, "geoconfirmed")
    assert (receipt.rows_stored, receipt.rows_refused) == (1, 1), receipt.error  # a place without a day is no event
    row = archive.incidents().iloc[0]
    assert (row["event_id"], str(row["date_start"])[:10]) == ("id1", "2026-09-17")
    assert (row["latitude"], row["longitude"]) == (48.9, 37.8)
    assert row["where_coordinates"] == "Lyman, Donetsk Oblast, Ukraine"
    assert (row["notes"], row["verification"]) == ("FPV strike; a truck burns", "verified")
    assert row["source_article"] == "https://x.com/1; https://x.com/2; https://x.com/3"
    assert row["tags"] == "faction=Russia; origin=UAV; equipment=Truck"


def test_geoconfirmeds_map_has_an_event_once_however_many_folders_show_it(tmp_path: Path) -> None:
    other = MARK.replace("20 APR", "19 APR").replace("E00000", "0051CA")
    body = f"<Folder><name>Last 7 days</name>{MARK}</Folder><Folder><name>Last 30 days</name>{MARK}{other}</Folder>"
    with zipfile.ZipFile(path := tmp_path / "Ukraine.kmz", "w") as packed:
        packed.writestr("doc.kml", f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>')
    receipt, archive = taken(tmp_path, path, "geoconfirmed")
    assert (receipt.rows_stored, receipt.rows_left_out) == (2, 1), receipt.error
    rows = archive.incidents().sort_values("date_start")
    assert rows["date_start"].dt.day.tolist() == [19, 20]
    assert rows["tags"].tolist() == ["faction=Ukraine", "faction=Russia"]
    assert set(rows["source_article"]) == {"https://x.com/1"}
    assert rows["event_type"].isna().all()  # a folder names a span of time


@pytest.mark.parametrize("source", ["viina", "ucdp-candidate"])
def test_a_table_comes_out_of_its_zip(source: str, tmp_path: Path) -> None:
    rows = {"viina": {"event_id_1pd": 1, "date": 20260801, "longitude": 36.9, "latitude": 50.3, "GEO_PRECISION": "ADM3"},
            "ucdp-candidate": GED}  # fmt: skip
    with zipfile.ZipFile(path := tmp_path / "event_1pd_latest_2026.zip", "w") as packed:
        packed.writestr("event_1pd_latest_2026.csv", pd.DataFrame([rows[source]]).to_csv(index=False))
    receipt, archive = taken(tmp_path, path, source)
    assert receipt.rows_stored == 1, receipt.error
    assert archive.incidents()["dataset"].tolist() == [source]
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("another.csv", "a,b\n1,2\n")
    assert "name one of them with --layer" in taken(tmp_path, path, source)[0].error
    assert taken(tmp_path, path, source, layer="event_1pd_latest_2026")[0].outcome == "unchanged"


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.csv", b"Date,Latitude\n2026-09-17,48.9\n", "no column Date"),
        ("a.csv", b"<!doctype html><p>Bad gateway", "HTML"),
        ("a.kmz", b"PK\x03\x04 half", "damaged zip"),
        ("a.zip", b"PK\x05\x06" + b"\0" * 18, "zip archive, not CSV"),
    ],
)
def test_what_is_none_of_geoconfirmeds_files_is_refused_in_words(
    name: str, raw: bytes, said: str, tmp_path: Path
) -> None:
    (path := tmp_path / name).write_bytes(raw)
    receipt, _ = taken(tmp_path, path, "geoconfirmed")
    assert receipt.outcome == "refused"
    assert said in receipt.error


def ring(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    about = {"controller": "UA", "status": "held"}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [corners]}, "properties": about}


@pytest.mark.parametrize("west", [178.0, -182.0])
def test_longitudes_beyond_180_are_cut_and_a_polar_cap_is_whole(west: float, tmp_path: Path) -> None:
    """Their areas are those of zones of the ellipsoid, by the closed formula for WGS 84."""
    for name, (edges, share) in {
        "beyond": ((west, 66, west + 6, 68), 6 / 360),
        "cap": ((-180, 85, 180, 90), 1.0),
    }.items():
        (path := tmp_path / f"{name}.geojson").write_text(
            json.dumps({"type": "FeatureCollection", "features": [ring(*edges)]})
        )
        receipt, archive = taken(tmp_path, path, date="2025-01-11", accept=frozenset({"large", "elsewhere"}),
                                 credit=geo.Source(name, "S"))  # fmt: skip
        assert receipt.outcome == "stored", receipt.error
        expected = (zone(edges[3]) - zone(edges[1])) * share
        assert geo.area_km2(archive.control(source=name).geometry).sum() == pytest.approx(expected, rel=2e-4)


def zone(latitude: float) -> float:
    """km² of the ellipsoid from the equator to a parallel."""
    b, e = 6356.752314245, 0.0818191908426
    s = np.sin(np.radians(latitude))
    return float(np.pi * b**2 * (s / (1 - (e * s) ** 2) + np.arctanh(e * s) / e))
