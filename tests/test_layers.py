"""Any geodata file into EPSG:4326; what is not what it says is turned back before GDAL sees it."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geo.errors import FileError, GateError, UsageError
from geo.formats.layers import cell, read_layer
from geo.measure.ellipsoid import areas_km2

BOX = shapely.box(35, 51, 35.5, 51.3)


@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"status": ["held", None], "n": [1.0, None]}, geometry=[BOX, BOX], crs="EPSG:4326")


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".shp", ".geojson"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_every_format_and_crs_ends_in_degrees(tmp_path: Path, frame: gpd.GeoDataFrame, suffix: str, crs: str) -> None:
    path = tmp_path / f"x{suffix}"
    frame.to_crs(crs).to_file(path)
    layer = read_layer(path)
    assert all(shapely.equals_exact(shapely.normalize(g), shapely.normalize(BOX), 1e-9) for g in layer.geometry)
    assert [cell(value) for value in layer.table["status"]] == ["held", None]
    assert [cell(value) for value in layer.table["n"]] == ["1", None]
    assert bool(layer.notes) == (crs != "EPSG:4326")


@pytest.mark.parametrize("name", ["a!b.gpkg", "x.zip.gpkg", "q?.gpkg", "http:..gpkg"])
def test_a_name_with_a_meaning_for_gdal_is_only_a_name(tmp_path: Path, frame: gpd.GeoDataFrame, name: str) -> None:
    frame.to_file(tmp_path / "plain.gpkg", layer="control")
    (tmp_path / "plain.gpkg").rename(tmp_path / name)
    assert read_layer(tmp_path / name).name == "control"


@pytest.mark.parametrize(
    "path", ["http://example.invalid/x.gpkg", "/vsicurl/http://example.invalid/x.fgb", "GPKG:x.gpkg"]
)
def test_an_address_is_no_file(path: str) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_layer(Path(path))


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".shp"])
def test_content_must_be_what_the_name_says(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text("<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>")
    with pytest.raises(FileError, match="not a "):
        read_layer(path)
    path.write_bytes(b"")
    with pytest.raises(FileError, match="empty file"):
        read_layer(path)


def test_other_kinds_are_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "x.gml"
    path.write_bytes(b"\x89PNG....")
    with pytest.raises(FileError, match="of no kind that can be read"):
        read_layer(path)


def test_a_truncated_file_is_a_file_error(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    for suffix in (".gpkg", ".fgb"):
        path = tmp_path / f"x{suffix}"
        frame.to_file(path)
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(FileError, match=r"x\."):
            read_layer(path)


def test_a_window_to_the_outside_is_not_opened(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = tmp_path / "x.gpkg"
    frame.to_file(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        sql = "CREATE VIRTUAL TABLE v USING VirtualOGR('/vsicurl/http://example.invalid/x')"
        connection.execute("INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, ?)", (sql,))
    connection.close()
    with pytest.raises(FileError, match=r"VirtualOGR|damaged"):
        read_layer(path)


def test_several_layers_are_listed(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = tmp_path / "x.gpkg"
    frame.to_file(path, layer="one")
    frame.to_file(path, layer="two")
    with pytest.raises(GateError, match=r"2 layers.*one, two"):
        read_layer(path)
    with pytest.raises(GateError, match="no layer 'three'"):
        read_layer(path, layer="three")
    assert read_layer(path, layer="two").name == "two"


def test_zipped_shapefiles(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    for name in ("a", "b"):
        frame.to_crs(3857).to_file(tmp_path / f"{name}.shp")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for part in sorted(tmp_path.glob("[ab].*")):
            archive.write(part, f"folder/{part.name}")
    with pytest.raises(GateError, match=r"2 layers.*a, b"):
        read_layer(tmp_path / "z.zip")
    layer = read_layer(tmp_path / "z.zip", layer="b")
    assert layer.name == "b"
    assert areas_km2(layer.geometry)[0] == pytest.approx(areas_km2(shapely.multipolygons([[BOX]]))[0])


def test_a_file_without_crs_asks(tmp_path: Path, frame: gpd.GeoDataFrame) -> None:
    path = tmp_path / "x.shp"
    frame.to_crs(3857).to_file(path)
    (tmp_path / "x.prj").unlink()
    with pytest.raises(GateError, match=r"names no CRS.*--crs"):
        read_layer(path)
    assert shapely.equals_exact(shapely.normalize(read_layer(path, crs="EPSG:3857").geometry[0]), BOX.normalize(), 1e-9)
    with pytest.raises(UsageError, match="is no CRS"):
        read_layer(path, crs="EPSG:nonsense")


@pytest.mark.parametrize(
    ("member", "given", "outcome"),
    [
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, None, "read"),
        ({"type": "name", "properties": {"name": "EPSG:4326"}}, None, "read"),
        (None, None, "names no CRS"),
        ({"type": "link", "properties": {"href": "http://example.invalid"}}, None, "links are not followed"),
        ({"type": "name", "properties": {"name": "EPSG:3857"}}, "EPSG:32637", "leave --crs out"),
    ],
)
def test_the_crs_member_of_geojson(tmp_path: Path, member: Any, given: str | None, outcome: str) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": member, "features": []}))
    if outcome == "read":
        assert len(read_layer(path, crs=given).geometry) == 0
        return
    with pytest.raises(GateError, match=outcome):
        read_layer(path, crs=given)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("random_bytes.gpkg", "not a GeoPackage"),
        ("sqlite_but_no_geopackage.gpkg", "SQLite, but no GeoPackage"),
        ("sqlite_header_only.gpkg", "damaged SQLite file"),
    ],
)
def test_hostile_packages(shared: Path, name: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_layer(shared / "hostile" / name)


def test_a_crs_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.shp"
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.box(30, 50, 31, 51)], crs=3857).to_file(path)
    prj = path.with_suffix(".prj")
    prj.write_bytes(prj.read_bytes().replace(b"WGS_1984_Web", b"WGS_1984_\xff\x90eb", 1))
    with pytest.raises(FileError, match="CRS"):
        read_layer(path)


@pytest.mark.parametrize("text", ["5", '"x"', "true", "null", "[]", "[5]"])
def test_json_that_is_no_collection_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GateError, match="not a GeoJSON FeatureCollection"):
        read_layer(path)
