"""The front against direct constructions: perimeters, another projection, symmetries, and the real series."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely.geometry import LineString, Point, box

from geo.archive import open_archive
from geo.cli import main
from geo.errors import UsageError
from geo.importing.importer import import_files
from geo.measure.ellipsoid import areas_km2, lengths_km, local_plane
from geo.measure.front_line import _closed, _closed_over, _water_and_banks, distance_km, front_of, movement
from geo.output.map_content import FRONT_INSET_KM
from geo.presentation.basemap import water
from geo.presentation.legend import front_words

LAND = box(30, 47, 36, 51)
GEOD = Geod(ellps="WGS84")


def frame_of(*rows: tuple[str, shapely.Geometry], status: str = "held") -> gpd.GeoDataFrame:
    table = pd.DataFrame({"controller": [c for c, _ in rows], "status": status})
    return gpd.GeoDataFrame(table, geometry=[g for _, g in rows], crs="EPSG:4326")


def land_of(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"unit": [str(i) for i in range(len(shapes))]}, geometry=list(shapes), crs="EPSG:4326")


def perimeter_km(shape: shapely.Geometry) -> float:
    return float(GEOD.geometry_length(shapely.boundary(shape))) / 1000


def test_lengths_are_those_of_geographiclib() -> None:
    lines = [
        LineString([(30, 47), (31, 48), (36, 47.5)]),
        shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 2)]]),
    ]
    wanted = [GEOD.geometry_length(line) / 1000 for line in lines]
    assert lengths_km(np.array(lines, dtype=object)) == pytest.approx(wanted, rel=1e-12)
    assert lengths_km(np.array([LineString()], dtype=object)).tolist() == [0.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 40), st.floats(0.05, 0.6), st.booleans())
def test_ground_inside_the_country_has_its_perimeter_as_front(corners: int, radius: float, turned: bool) -> None:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    shape = shapely.Polygon(np.column_stack([33 + radius * np.cos(angles), 49 + radius * np.sin(angles)]))
    shape = shapely.reverse(shape) if turned else shape
    found = front_of(frame_of(("X", shape)), land_of(LAND))
    assert found.length_km == pytest.approx(perimeter_km(shape), rel=1e-4)


def test_border_and_coast_are_no_front() -> None:
    held = box(30, 47, 32, 51)  # from the western border to a line along 32°
    found = front_of(frame_of(("X", held)), land_of(LAND), inset_km=5)
    inside = GEOD.geometry_length(LineString([(32, 47), (32, 51)])) / 1000
    assert found.length_km == pytest.approx(inside - 10, abs=0.1)
    # two countries: where the ground ends at the border between them, that is no front either
    both = front_of(frame_of(("X", held)), land_of(box(30, 47, 32, 51), box(32, 47, 36, 51)), inset_km=5)
    assert both.length_km == 0


def test_classes_of_a_side_drawn_apart_by_metres_have_no_front_between_them() -> None:
    crack = 5e-5  # degrees of longitude, about 4 m
    apart = frame_of(("X", box(32, 48, 33, 49)), ("X", box(33 + crack, 48, 34, 49)))
    whole = frame_of(("X", box(32, 48, 34, 49)))
    lengths = [front_of(f, land_of(LAND)).length_km for f in (apart, whole)]
    assert lengths[0] == pytest.approx(lengths[1], abs=0.05)


def test_strips_between_two_edges_of_one_side_have_no_front() -> None:
    strip = 0.008  # degrees of longitude, about 600 m: a neck of land between two drawn areas
    apart = [box(32, 48, 33, 49), box(33 + strip, 48, 34, 49)]
    whole = front_of(frame_of(("X", box(32, 48, 34, 49))), land_of(LAND)).length_km
    assert front_of(frame_of(*(("X", b) for b in apart)), land_of(LAND)).length_km == pytest.approx(whole, abs=3)
    # another side's ground in the strip, or a corridor that is wider, keeps its front
    held = frame_of(*(("X", b) for b in apart), ("Y", box(33, 48, 33 + strip, 49)))
    assert front_of(held, land_of(LAND), controller="X").length_km > whole + 200
    wide = frame_of(("X", box(32, 48, 33, 49)), ("X", box(33.05, 48, 34, 49)))
    assert front_of(wide, land_of(LAND)).length_km > whole + 200


def test_water_between_two_banks_of_one_side_has_no_front_and_one_bank_has() -> None:
    land, drawn = land_of(box(30, 46, 36, 51)), box(33.2, 46.9, 34.6, 47.4)
    banks = shapely.get_parts(shapely.difference(drawn, water(drawn.bounds)))
    both = front_of(frame_of(*(("X", bank) for bank in banks)), land).length_km
    assert both == pytest.approx(perimeter_km(drawn), rel=0.01)
    for bank in banks:
        assert front_of(frame_of(("X", bank)), land).length_km > 0.75 * perimeter_km(bank)


def test_the_edge_of_ground_that_is_not_covered_is_no_front() -> None:
    held, left = box(32, 48, 33, 49), box(33, 48, 34, 49)
    found = front_of(frame_of(("X", held)), land_of(LAND), uncovered=left)
    wanted = perimeter_km(held) - GEOD.geometry_length(LineString([(33, 48), (33, 49)])) / 1000
    assert found.length_km == pytest.approx(wanted, abs=3)


def test_the_front_between_two_sides_is_the_same_from_both() -> None:
    frame = frame_of(("X", box(31, 48, 33, 49)), ("Y", box(33, 48.5, 35, 50)))
    lengths = [front_of(frame, land_of(LAND), controller=a, against=b).length_km for a, b in (("X", "Y"), ("Y", "X"))]
    shared = GEOD.geometry_length(LineString([(33, 48.5), (33, 49)])) / 1000
    # a gap of 0.1 km lets each side's line run on for up to as much at either end
    assert lengths == pytest.approx([shared, shared], abs=0.25)
    everyone = front_of(frame, land_of(LAND)).length_km
    alone = [front_of(frame, land_of(LAND), controller=c).length_km for c in "XY"]
    assert everyone == pytest.approx(sum(alone) - shared, rel=1e-6)


def test_what_cannot_be_asked() -> None:
    frame = frame_of(("X", box(31, 48, 33, 49)))
    with pytest.raises(UsageError, match="Y has no ground"):
        front_of(frame, land_of(LAND), controller="X", against="Y")
    with pytest.raises(UsageError, match="0 or more"):
        front_of(frame, land_of(LAND), inset_km=-1)
    assert front_of(frame, land_of(LAND), statuses=["contested"]).length_km == 0


def test_distance_of_a_point_is_the_shortest_geodesic() -> None:
    found = front_of(frame_of(("X", box(31, 48, 33, 49))), land_of(LAND))
    assert distance_km(found, 48.5, 34) == pytest.approx(GEOD.inv(34, 48.5, 33, 48.5)[2] / 1000, rel=1e-3)
    assert distance_km(found, 48.5, 33) == pytest.approx(0, abs=1e-6)
    with pytest.raises(UsageError, match="no place"):
        distance_km(found, 91, 0)


def test_movement_of_a_straight_front() -> None:
    before, after = frame_of(("X", box(31, 48, 33, 49))), frame_of(("X", box(31, 48, 33.2, 49)))
    old = front_of(before, land_of(LAND), within=box(32.5, 47.9, 34, 49.1))
    table = movement(before, after, old, sectors=[("south", box(30, 47, 36, 48.5)), ("north", box(30, 48.5, 36, 51))])
    assert table["sector"].tolist() == [None, "south", "north"]
    gained = float(areas_km2(np.array([box(33, 48, 33.2, 49)], dtype=object))[0])
    assert table["gained_km2"][0] == pytest.approx(gained, rel=1e-9)
    assert table["gained_km2"][1:].sum() == pytest.approx(gained, rel=1e-9)
    assert (table["lost_km2"] == 0).all()
    # 0.2° of longitude is widest in the south
    assert table["greatest_advance_km"][0] == pytest.approx(GEOD.inv(33, 48, 33.2, 48)[2] / 1000, rel=5e-3)
    assert table["mean_advance_km"][0] == pytest.approx(gained / table["front_km"][0], rel=1e-12)
    back = movement(after, before, front_of(after, land_of(LAND)))
    assert back["lost_km2"][0] == pytest.approx(gained, rel=1e-9)
    assert back["greatest_retreat_km"][0] == pytest.approx(table["greatest_advance_km"][0], rel=5e-3)


def test_the_plane_keeps_areas_and_distances() -> None:
    plane = local_plane((30, 46, 40, 52))
    square = box(33, 49, 33.1, 49.1)
    assert plane.laid(square).area == pytest.approx(float(areas_km2(np.array([square], dtype=object))[0]), rel=1e-6)
    assert plane.lifted(plane.laid(Point(38, 47))).distance(Point(38, 47)) < 1e-7
    away = shapely.length(plane.laid(LineString([(30.5, 46.5), (31, 46.5)])))
    assert away == pytest.approx(GEOD.inv(30.5, 46.5, 31, 46.5)[2] / 1000, rel=1.5e-3)


def directly_km(ground: shapely.Geometry, countries: gpd.GeoDataFrame, tolerance_km: float, inset_km: float) -> float:
    """The same by another projection (transverse Mercator), another library call for the length, no code of ours."""
    there = Transformer.from_crs(4326, "+proj=tmerc +lat_0=48 +lon_0=36 +k=1 +datum=WGS84", always_xy=True)
    flat = gpd.GeoSeries([ground], crs=4326).to_crs(there.target_crs).iloc[0]
    near = countries[countries.intersects(box(*ground.bounds))].clip(box(*ground.bounds).buffer(3))
    land = near.to_crs(there.target_crs).buffer(-1000 * inset_km).union_all()
    lines = shapely.line_merge(shapely.intersection(shapely.boundary(flat), land))
    if tolerance_km:
        lines = lines.simplify(1000 * tolerance_km)
    return float(GEOD.geometry_length(gpd.GeoSeries([lines], crs=there.target_crs).to_crs(4326).iloc[0])) / 1000


def test_the_front_of_2025_01_11_at_three_tolerances(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    files = [shared / "deepstate-mirror" / f"deepstatemap_data_{d}.geojson" for d in ("20241202", "20250112")]
    import_files(path, "deepstate-mirror", files)
    archive = open_archive(path)
    ground = shapely.union_all(archive.control("2025-01-11").geometry)
    lengths = []
    for tolerance in (0, 1, 10):
        args = ["front", str(path), "--date", "2025-01-11", "--tolerance-km", str(tolerance), "--inset-km", "5"]
        result = CliRunner().invoke(main, [*args, "--format", "json"])
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert (said["tolerance_km"], said["inset_km"]) == (tolerance, 5)
        assert said["snapshot"] == "deepstate-mirror@2025-01-11"
        assert said["length_km"] == pytest.approx(directly_km(ground, archive.units(0), tolerance, 5), rel=0.015)
        lengths.append(said["length_km"])
    # a little less than the plain edge: gaps between two edges of the side are closed
    assert lengths == pytest.approx([1061.7, 971.4, 779.8], abs=0.5)
    moved = archive.front_movement("2024-12-01", "2025-01-11", inset_km=5, level=1)
    assert moved["front_km"][0] == pytest.approx(lengths[0], rel=1e-9)  # one answer, one length
    change = archive.change("2024-12-01", "2025-01-11")
    assert moved["gained_km2"][0] == pytest.approx(change["gained_km2"].sum(), rel=1e-9)
    assert moved["lost_km2"][0] == pytest.approx(change["lost_km2"].sum(), rel=1e-6)


def test_the_verb_in_words_and_as_geojson(tmp_path: Path) -> None:
    run = CliRunner()
    run.invoke(main, ["demo", "--folder", str(tmp_path)], catch_exceptions=False)
    path = tmp_path / "data" / "kursk.gpkg"
    last = sorted(open_archive(path).reader.snapshots()["depicts"])[-1][:10]
    words = run.invoke(main, ["front", str(path), "--date", last, "--inset-km", "2"], catch_exceptions=False)
    assert "length_km" in words.output
    feature = run.invoke(main, ["front", str(path), "--date", last, "--format", "geojson"], catch_exceptions=False)
    said = json.loads(feature.stdout)
    line = shapely.from_geojson(json.dumps(said["geometry"]))
    assert said["properties"]["length_km"] == pytest.approx(GEOD.geometry_length(line) / 1000, rel=1e-9)
    assert said["properties"]["source"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=6),
    st.floats(0, 40),
)  # fmt: skip
def test_no_mean_exceeds_the_greatest(boxes: list[tuple[int, int, int, int]], inset: float) -> None:
    shapes = [box(30 + x / 4, 47 + y / 4, 30 + (x + w) / 4, 47 + (y + h) / 4) for x, y, w, h in boxes]
    before, after = frame_of(("X", shapely.union_all(shapes[::2]))), frame_of(("X", shapely.union_all(shapes[1::2])))
    old = front_of(before, land_of(LAND), inset_km=inset)
    sectors = [(f"{x}", box(30 + x / 3, 46, 30 + (x + 1) / 3, 52)) for x in range(9)]
    table = movement(before, after, old, sectors=sectors)
    for way, km2 in (("advance", "gained_km2"), ("retreat", "lost_km2")):
        mean, greatest = table[f"mean_{way}_km"], table[f"greatest_{way}_km"]
        assert (mean.isna() | (mean <= greatest)).all()
        for sector in table["sector"][mean.isna() & (table[km2] > 0)]:
            assert sector is None or f"{sector}" in table.attrs["notes"][0]


def test_a_front_of_several_sides_says_whose_edges_it_is() -> None:
    apart = frame_of(("X", box(31, 48, 33, 49)), ("Y", box(33.1, 48, 34, 49)))
    found = front_of(apart, land_of(LAND))
    assert found.sides == ("X", "Y")
    assert "ground held by X or Y ends" in front_words(found)
    one = front_of(apart, land_of(LAND), controller="Y")
    assert one.sides == ("Y",)
    assert "where held ground ends" in front_words(one)


def test_the_verb_takes_the_inset_of_the_maps() -> None:
    inset = next(p for p in main.commands["front"].params if p.name == "inset_km")
    assert inset.default == FRONT_INSET_KM


def test_only_ground_near_water_is_looked_at_for_gaps_over_it() -> None:
    bounds = (30.0, 44.5, 38.0, 50.0)
    banks, zone = _water_and_banks(bounds, bounds)
    corners = np.random.default_rng(3).uniform(bounds[:2], (bounds[2] - 0.4, bounds[3] - 0.3), size=(120, 2))
    boxes = shapely.box(*corners.T, *np.add(corners, (0.4, 0.3)).T)
    ground = local_plane(bounds).laid(shapely.union_all(boxes))
    assert not shapely.covers(zone, ground)
    whole = shapely.intersection(_closed(ground, 24.0), banks)
    near = _closed_over(banks, shapely.intersection(ground, zone))
    assert shapely.area(whole) > 1000
    assert shapely.area(shapely.symmetric_difference(whole, near)) < 1e-3
