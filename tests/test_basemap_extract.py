"""An extract of OpenStreetMap of the owner's own under the maps: cut once, to the corridor, drawn by what a view needs."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from shapely.geometry import LineString, Point, box
from test_archive import put, state
from test_maps import DAY, data_of

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import FileError, UsageError
from geo.importing.basemap_extract import CREDIT, corridor, import_basemap
from geo.importing.importer import ensure_units, import_files
from geo.maintenance.check import check_archive
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.timeline_page import draw_timeline
from geo.output.images.picture import draw_picture
from geo.output.map_content import gather
from geo.presentation import map_names
from geo.presentation.basemap import decode_line, finest_rank
from geo.presentation.map_names import area_names

EDGE = 35.3  # where the ground of the archive below ends in the east
ROADS: list[tuple[dict[str, str], Any]] = [
    ({"highway": "motorway"}, LineString([(35.1, 51.2), (35.5, 51.2)])),
    ({"highway": "tertiary_link"}, LineString([(35.2, 51.1), (35.4, 51.1)])),
    ({"highway": "residential"}, LineString([(35.2, 51.12), (35.4, 51.12)])),  # a street: no map needs it
    ({"railway": "rail"}, LineString([(35.2, 51.3), (35.4, 51.3)])),
    ({"waterway": "river"}, LineString([(35.25, 51.05), (35.25, 51.35)])),
    ({"highway": "motorway"}, LineString([(45.0, 51.2), (45.4, 51.2)])),  # far from any front
]
AREAS: list[tuple[dict[str, str], Any]] = [
    ({"landuse": "residential"}, box(35.28, 51.18, 35.33, 51.22)),
    ({"natural": "wood"}, box(35.2, 51.0, 35.35, 51.08)),
    ({"natural": "water"}, box(35.4, 51.2, 35.45, 51.25)),
]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    opened = open_archive(tmp_path / "a.gpkg")
    ensure_units(opened)
    for day, edge in ((0, EDGE - 0.02), (30, EDGE)):
        put(opened, DAY.replace(month=1) if not day else DAY.replace(month=2), state(
            ("X", "held", "n", box(35.1, 51, edge, 51.4)), ("Y", "held", "n", box(edge, 51, 35.6, 51.4)),
        ))  # fmt: skip
    return opened


def frame_of(rows: list[tuple[dict[str, str], Any]]) -> gpd.GeoDataFrame:
    names = sorted({name for tags, _ in rows for name in tags})
    columns = {name: [tags.get(name) for tags, _ in rows] for name in names}
    return gpd.GeoDataFrame(columns, geometry=[shape for _, shape in rows], crs="EPSG:4326")


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def zigzag(value: int) -> bytes:
    return varint(2 * value if value >= 0 else -2 * value - 1)


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def pbf_of(rows: list[tuple[dict[str, str], Any]]) -> bytes:
    """Ways of OpenStreetMap with their nodes, as the PBF format has them."""
    texts = [b""]
    nodes, ways, number = b"", b"", 0

    def text(word: str) -> int:
        if word.encode() not in texts:
            texts.append(word.encode())
        return texts.index(word.encode())

    for tags, shape in rows:
        line = shape if shape.geom_type == "LineString" else shape.exterior
        points = list(line.coords)
        refs = []
        for lon, lat in points[:-1] if line.is_closed else points:
            number += 1
            refs.append(number)
            at = [varint(8 << 3) + zigzag(round(lat * 1e7)), varint(9 << 3) + zigzag(round(lon * 1e7))]
            nodes += field(1, varint(1 << 3) + zigzag(number) + b"".join(at))
        refs += refs[:1] if line.is_closed else []
        steps = b"".join(zigzag(int(d)) for d in np.diff([0, *refs]))
        keys, values = (b"".join(varint(text(word)) for word in words) for words in (tags, tags.values()))
        ways += field(3, field(1, number) + field(2, keys) + field(3, values) + field(8, steps))
    table = field(1, b"".join(field(1, word) for word in texts))
    block = table + field(2, nodes) + field(2, ways)
    head = field(4, b"OsmSchema-V0.6")
    made = b""
    for name, raw in ((b"OSMHeader", head), (b"OSMData", block)):
        blob = field(1, raw) + field(2, len(raw))
        begin = field(1, name) + field(3, len(blob))
        made += struct.pack(">I", len(begin)) + begin + blob
    return made


def written(folder: Path, kind: str) -> Path:
    path = folder / f"extract{kind}"
    if kind == ".osm.pbf":
        path.write_bytes(pbf_of([*ROADS, *AREAS]))
    elif kind == ".geojson":
        path.write_text(frame_of([*ROADS, *AREAS]).to_json())
    else:
        driver = {".gpkg": "GPKG", ".pmtiles": "PMTiles"}[kind]
        for name, rows in (("lines", ROADS), ("areas", AREAS)):
            if driver == "PMTiles" and name == "areas":
                break  # this driver writes one layer at a time
            pyogrio.write_dataframe(frame_of(rows), path, layer=name, driver=driver, append=name == "areas",
                                    **({"MINZOOM": 8, "MAXZOOM": 12} if driver == "PMTiles" else {}))  # fmt: skip
    return path


def lines_of(base: dict[str, Any], name: str) -> list[Any]:
    return [decode_line(line, base["scale"]) for line in base[name]]


@pytest.mark.parametrize("kind", [".osm.pbf", ".gpkg", ".pmtiles", ".geojson"])
def test_every_kind_of_extract_is_cut_to_the_corridor(archive: Archive, tmp_path: Path, kind: str) -> None:
    driver = {".osm.pbf": "OSM", ".pmtiles": "PMTiles"}.get(kind)
    if driver is not None and driver not in pyogrio.list_drivers():
        pytest.skip(f"needs a GDAL with the driver {driver}")
    counts = import_basemap(archive, written(tmp_path, kind), corridor_km=30)
    wanted = {"roads", "railways", "streams"} | (set() if kind == ".pmtiles" else {"built", "woods", "ponds"})
    assert set(counts) == wanted
    zone = corridor(archive, 30).buffer(0.001)
    shapes, credit = archive.store.basemap((-180, -90, 180, 90), 4)
    assert credit == CREDIT
    assert len(shapes) == sum(counts.values())
    assert all(zone.covers(shape) for _, shape, _ in shapes)
    roads = shapely.union_all([shape for name, shape, _ in shapes if name == "roads"])
    assert roads.distance(shapely.Point(35.3, 51.2)) < 1e-3
    assert roads.distance(shapely.Point(35.3, 51.12)) > 0.01  # the street
    assert check_archive(archive.path).is_whole


def test_a_view_has_the_roads_that_it_needs(archive: Archive, tmp_path: Path) -> None:
    import_basemap(archive, written(tmp_path, ".gpkg"))
    content = gather(archive, view=(35.2, 51.05, 35.4, 51.25))
    assert finest_rank(content.bounds) == 4
    base = content.ground.base
    assert base is not None
    assert len(lines_of(base, "roads")) == 2
    motorway = max(lines_of(base, "roads"), key=len)
    assert abs(motorway[:, 1] - 51.2).max() < 1e-3 or len(motorway) == 2
    assert base["built"]
    assert f"Basemap: {CREDIT}" in content.credits
    wide = gather(archive, view=(30, 48, 36, 53))
    assert finest_rank(wide.bounds) == 1
    assert {name for name, *_ in wide.extract} == {"roads"}  # the motorway
    assert gather(archive, view=(35.2, 51.05, 35.4, 51.25), draw_basemap=False).extract == ()


def test_pages_and_pictures_name_whom_the_extract_is_owed_to(archive: Archive, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["basemap", str(archive.path), str(written(tmp_path, ".geojson"))])
    assert result.exit_code == 0, result.output
    assert "2 pieces of roads" in result.output
    page = save_map(draw_map(archive), tmp_path / "a.html").read_text()
    picture = Path(str(draw_picture(archive, path=tmp_path / "a.svg"))).read_text()
    timeline = save_map(draw_timeline(archive), tmp_path / "t.html").read_text()
    assert data_of(timeline)["basemap"]["roads"]
    assert "OpenStreetMap contributors, https://www.openstreetmap.org/copyright" in timeline
    assert "OpenStreetMap contributors, https://www.openstreetmap.org/copyright" in page
    assert "OpenStreetMap contributors, https://www.openstreetmap.org/copyright" in picture


def test_a_second_extract_takes_the_place_of_the_first(archive: Archive, tmp_path: Path) -> None:
    import_basemap(archive, written(tmp_path, ".geojson"))
    only = tmp_path / "one.geojson"
    only.write_text(frame_of(ROADS[:1]).to_json())
    assert import_basemap(archive, only, credit="A mapper") == {"roads": 1}
    shapes, credit = archive.store.basemap((-180, -90, 180, 90), 4)
    assert (len(shapes), credit) == (1, "A mapper")


@pytest.mark.parametrize("kind", [".gpkg", ".geojson"])
def test_places_of_an_extract_are_named_in_the_language_of_the_map(archive: Archive, tmp_path: Path, kind: str) -> None:
    rows = [
        ({"place": "village", "name": "Мале", "name:en": "Male"}, Point(35.28, 51.15)),
        ({"place": "hamlet", "name": "Ляди", "other_tags": '"name:en"=>"Liady","name:ru"=>"Ляды"'}, Point(35.25, 51.2)),
        ({"place": "town", "name": "Far"}, Point(45.0, 51.2)),  # beyond the corridor
        ({"place": "locality", "name": "Field"}, Point(35.27, 51.1)),  # no place where anybody lives
        ({"place": "village", "name": "<b>{{x}}</b>"}, Point(35.22, 51.1)),  # in no language
    ]
    path = tmp_path / f"places{kind}"
    frame_of(rows).to_file(path, driver="GPKG" if kind == ".gpkg" else "GeoJSON")
    assert import_basemap(archive, path) == {"places": 2}
    view = (35.2, 51.05, 35.4, 51.25)
    for lang, names in (("en", {"Male", "Liady"}), ("uk", {"Мале", "Ляди"}), ("ru", {"Ляды"})):
        content = gather(archive, view=view, lang=lang)
        assert {place[2] for place in content.places} & {"Male", "Liady", "Мале", "Ляди", "Ляды"} == names
    drawn = Path(str(draw_picture(archive, path=tmp_path / "a.svg", view=view))).read_text()
    assert ">Male<" in drawn
    assert "Field" not in drawn


def test_a_place_that_is_shipped_is_not_named_twice(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "places.geojson"
    frame_of([({"place": "town", "name:en": "Sudzha"}, Point(35.29, 51.2))]).to_file(path, driver="GeoJSON")
    import_basemap(archive, path)
    named = [place[2] for place in gather(archive, view=(35.0, 51.0, 35.5, 51.4)).places]
    assert named.count("Sudzha") == 1


@pytest.mark.long
def test_windows_on_the_front_have_names(shared: Path, tmp_path: Path) -> None:
    """10 × 10 km windows along the front of 11 January 2025, with the official list of settlements as an extract."""
    opened = open_archive(tmp_path / "a.gpkg")
    import_files(opened, "deepstate", [shared / "deepstate-raw/1736623460.geojson"])
    listed = pd.read_csv(shared / "gazetteer/ua_settlements.csv").dropna(subset=["lat", "lon", "name_en"])
    spots = shapely.points(listed["lon"], listed["lat"])
    columns = {"place": "village", "name": listed["name_uk"], "name:en": listed["name_en"]}
    gpd.GeoDataFrame(columns, geometry=spots, crs="EPSG:4326").to_file(tmp_path / "p.geojson", driver="GeoJSON")
    import_basemap(opened, tmp_path / "p.geojson")
    front = opened.front("2025-01-11").lines
    named, there = [], []
    for part in shapely.get_parts(front):
        for at in shapely.get_coordinates(shapely.line_interpolate_point(part, np.arange(0, part.length, 0.1))):
            high = 5 / 111.2
            wide = high / math.cos(math.radians(at[1]))
            window = (at[0] - wide, at[1] - high, at[0] + wide, at[1] + high)
            own = map_names.own_places(opened.store.basemap(window, 4)[0])
            places = map_names.places(window, "en", news=[front], own=own)
            named.append((len(places), len(area_names(window))))
            there.append(shapely.contains_xy(shapely.box(*window), *shapely.get_coordinates(spots).T).sum())
    places, areas = np.array(named).T
    assert len(places) > 100
    assert (places >= np.minimum(there, 3)).mean() > 0.97  # as many as there are; two of a spot are one
    assert (places + areas >= 3).mean() > 0.85
    assert (places + areas >= 1).all()


def test_what_cannot_be_read_is_said(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_map = tmp_path / "a.osm.pbf"
    no_map.write_bytes(b"not a map of anything, for all that its name says")
    with pytest.raises(FileError, match="not a OSM file"):
        import_basemap(archive, no_map)
    with pytest.raises(FileError, match=r"\.osm\.pbf, \.gpkg, \.pmtiles"):
        import_basemap(archive, tmp_path / "a.shp")
    far = tmp_path / "far.geojson"
    far.write_text(frame_of(ROADS[-1:]).to_json())
    with pytest.raises(FileError, match="within 25 km"):
        import_basemap(archive, far)
    with pytest.raises(UsageError, match="corridor_km"):
        import_basemap(archive, far, corridor_km=0)
    monkeypatch.setattr(pyogrio, "list_drivers", lambda: {"GPKG": "rw"})
    with pytest.raises(FileError, match="no driver OSM"):
        import_basemap(archive, no_map)
    with pytest.raises(UsageError, match="neither a front nor an incident"):
        import_basemap(open_archive(empty(tmp_path)), far)


def empty(folder: Path) -> Path:
    path = folder / "empty.gpkg"
    ensure_units(open_archive(path))
    return path


def test_tags_of_an_extract_are_data_and_no_page_shows_them(archive: Archive, tmp_path: Path) -> None:
    bad = json.loads(frame_of(ROADS[:1]).to_json())
    bad["features"][0]["properties"] |= {"name": "<script>alert(1)</script>", "kind": "{{ 7 * 7 }}"}
    path = tmp_path / "bad.geojson"
    path.write_text(json.dumps(bad))
    import_basemap(archive, path)
    page = save_map(draw_map(archive), tmp_path / "a.html").read_text()
    assert "alert(1)" not in page
