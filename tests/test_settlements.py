"""Settlements that changed hands, against the history of each place."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

from geo.archive import open_archive
from geo.cli import main
from geo.errors import GateError
from geo.importing.importer import import_files
from geo.measure.settlements import read_places


def test_places_that_changed_hands_are_those_whose_history_did(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    files = [shared / "deepstate-mirror" / f"deepstatemap_data_{d}.geojson" for d in ("20241002", "20250112")]
    import_files(path, "deepstate-mirror", files)
    archive = open_archive(path)
    moved = archive.changed("2024-10-01", "2025-01-11")
    rng = np.random.default_rng(5)
    west, south, east, north = moved.total_bounds
    points = shapely.points(rng.uniform(west, east, 3000), rng.uniform(south, north, 3000))
    inside = shapely.point_on_surface(shapely.get_parts(moved.geometry.array))
    every = np.concatenate([points, inside])
    places = gpd.GeoDataFrame({"name": [f"place {i}" for i in range(len(every))]}, geometry=every, crs=4326)
    places.to_file(tmp_path / "places.geojson")
    args = ["settlements", str(path), "--places", str(tmp_path / "places.geojson"), "--from", "2024-10-01"]
    result = CliRunner().invoke(main, [*args, "--to", "2025-01-11", "--format", "json"], catch_exceptions=False)
    rows = json.loads(result.stdout)["rows"]
    assert {r["from_snapshot"] for r in rows} == {"deepstate-mirror@2024-10-01"}
    before, after = (shapely.union_all(archive.control(d).geometry) for d in ("2024-10-01", "2025-01-11"))
    wanted = shapely.intersects(before, every) != shapely.intersects(after, every)
    assert {r["name"] for r in rows} == {f"place {i}" for i in np.flatnonzero(wanted)}
    assert len(rows) >= len(inside) - 1 > 10
    for row in rows[:5]:
        history = archive.who(row["lat"], row["lon"])
        assert len(history) == 1
        assert (history["valid_to"].isna()[0], row["after"]) in ((True, "RU held"), (False, None))


def test_a_layer_without_names_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "p.geojson"
    gpd.GeoDataFrame({"dorf": ["A"]}, geometry=[shapely.Point(30, 50)], crs=4326).to_file(path)
    with pytest.raises(GateError, match="--column"):
        read_places(path)
    assert read_places(path, column="dorf")["name"].tolist() == ["A"]


def test_places_of_a_csv_are_those_of_its_geojson(tmp_path: Path) -> None:
    table, layer = tmp_path / "p.csv", tmp_path / "p.geojson"
    table.write_text(
        'Settlement,Lat,Lng,note\n"A, the first",51.19,35.27,\nB,,,nowhere\n,50,30,nameless\nЛьгов,51.66,35.26,\n'
    )
    rows = gpd.GeoDataFrame(
        {"name": ["A, the first", "Льгов"]}, geometry=gpd.points_from_xy([35.27, 35.26], [51.19, 51.66]), crs=4326
    )
    rows.to_file(layer)
    found, wanted = read_places(table), read_places(layer)
    assert found["name"].tolist() == wanted["name"].tolist()
    assert found.geometry.geom_equals(wanted.geometry).all()
    assert found.crs == wanted.crs


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,latitude,longitude\nA,99,1\n", "row 1: 99, 1 is no place"),
        ("name,latitude,longitude\nA,50,30\nB,50,\n", "row 2: 50,  is no place"),
        ("name,latitude,longitude\nA,north,30\n", "row 1"),
        ("name,latitude,longitude\nA,nan,30\n", "is no place"),
        ("name,latitude,longitude\nA,50\n", "row 1"),
        ("name,breadth,longitude\nA,50,30\n", "no column of latitudes"),
        ("name,latitude,longitude\n", "no feature has a name and a place"),
    ],
)
def test_a_csv_that_says_no_place_is_refused_by_row(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(GateError, match=says) as caught:
        read_places(path)
    assert str(path) in str(caught.value)
