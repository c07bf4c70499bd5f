"""Files to JSON to geometries: what is refused and how, and that no vertex moves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import FileError, GateError
from geo.formats.geojson import build, features, read_bytes, read_json

SQUARE = [[[35, 51], [35.5, 51], [35.5, 51.3], [35, 51.3], [35, 51]]]


def polygon(rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": rings}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a":NaN}', "NaN coordinate"),
        (b'{"a":[1,-Infinity]}', "infinite coordinate"),
        (b'{"a":"NaN","b":1e999}', "infinite coordinate"),
    ],
)
def test_numbers_that_json_does_not_know(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(GateError, match=words) as caught:
        read_json(tmp_path / "x.json", raw=content)
    assert "line 1, byte" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "an HTML page, perhaps a failed download"),
        (b'{"a":[1,2', "not complete JSON"),
        (b'{"a":"x', "not complete JSON"),
        (b"[" * 3000, "nested 3,000 deep"),
        (json.dumps({"a": 1}).encode("utf-16"), "not UTF-8"),
        ('{"a":"é"}'.encode("latin-1"), "not UTF-8"),
        (b'{"a":1}}', "not JSON"),
        (b"<kml/>", "XML, not JSON"),
        (b"  \n", "empty file"),
    ],
)
def test_text_that_is_no_json(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert read_json(tmp_path / "x", raw=b'\xef\xbb\xbf{"a":"NaN Infinity"}') == {"a": "NaN Infinity"}


def test_bytes_are_refused_when_absent_empty_or_too_many(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "big").write_bytes(b"x" * 2048)
    for name, words in (("absent", "no such file"), ("empty", "empty file"), (".", "a folder")):
        with pytest.raises(FileError, match=words):
            read_bytes(tmp_path / name)
    with pytest.raises(FileError, match="limit"):
        read_bytes(tmp_path / "big", limit=2047)
    assert len(read_bytes(tmp_path / "big", limit=2048)) == 2048


@pytest.mark.parametrize(
    ("document", "count"),
    [
        ({"type": "FeatureCollection", "features": []}, 0),
        ({"type": "Feature", "properties": None, "geometry": None}, 1),
        ({"type": "GeometryCollection", "geometries": [polygon(SQUARE), polygon(SQUARE)]}, 2),
        (polygon(SQUARE), 1),
    ],
)
def test_features_of_every_form(document: Any, count: int) -> None:
    found = features(document, path=Path("f"))
    assert len(found) == count
    assert all(isinstance(feature["properties"], dict) for feature in found)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"type": "Topology"},
        {"type": "FeatureCollection", "features": {}},
        {"type": "FeatureCollection", "features": [1]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": 5}]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": [1]}]},
    ],
)  # fmt: skip
def test_documents_without_features(document: Any) -> None:
    with pytest.raises(GateError, match="f: "):
        features(document, path=Path("f"))


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (polygon([[["35", "51"], ["36", "51"], ["36", "52"], ["35", "51"]]]), "coordinates are text"),
        (polygon([[[35, 51], [36, 51], [35, 51]]]), "a ring needs four positions"),
        (polygon([[]]), "a ring needs four positions"),
        (polygon([[[35, None], [36, 51], [36, 52], [35, 51]]]), r"not numbers \(null\)"),
        (polygon([[[35, True], [36, 51], [36, 52], [35, 51]]]), r"not numbers \(bool\)"),
        (polygon([SQUARE]), "nested wrongly"),
        (polygon([[35, 51, 36, 51]]), "nested wrongly"),
        (polygon(None), "a list is wanted"),
        (polygon([[[1], [2], [3], [1]]]), "a position of 1 numbers"),
        ({"type": "Circle"}, "'Circle' is unknown"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "a line needs two"),
        ({"type": "Point", "coordinates": ["1", "2"]}, "coordinates are text"),
        ({"type": "GeometryCollection", "geometries": None}, "a list is wanted"),
    ],
)
def test_each_refusal_is_by_index_and_stops_no_other(geometry: Any, words: str) -> None:
    built = build([polygon(SQUARE), geometry, None, polygon(SQUARE)])
    assert list(built.errors) == [1]
    assert re.search(words, built.errors[1])
    assert [g is not None for g in built.geometry] == [True, False, False, True]


def test_nested_collections_end_in_a_refusal() -> None:
    nested: Any = {"type": "Point", "coordinates": [1, 2]}
    for _ in range(400):
        nested = {"type": "GeometryCollection", "geometries": [nested]}
    built = build([{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}, nested]}])
    assert "deep" in built.errors[0]


def test_open_rings_are_closed_and_told() -> None:
    built = build(
        [polygon(SQUARE), polygon([SQUARE[0][:-1]]), polygon([SQUARE[0], [[35.1, 51.1], [35.2, 51.1], [35.2, 51.2]]])]
    )
    assert built.closed == [1, 2]
    assert built.geometry[1].equals_exact(built.geometry[0])
    assert len(built.geometry[2].interiors) == 1


def test_empty_parts_and_heights() -> None:
    tall = polygon([[[*position, 7.5] for position in SQUARE[0]]])
    mixed = polygon([[[35, 51], [35.5, 51, 3], [35.5, 51.3], [35, 51]]])
    many = {"type": "MultiPolygon", "coordinates": [SQUARE, []]}
    empty = [polygon([]), {"type": "MultiPolygon", "coordinates": []}, {"type": "Point", "coordinates": []}]
    built = build([tall, mixed, many, *empty])
    assert not built.errors
    assert not any(geometry.has_z for geometry in built.geometry)
    assert [geometry.is_empty for geometry in built.geometry] == [False, False, False, True, True, True]
    assert built.geometry[2].area == pytest.approx(0.15)


def test_a_collection_of_areas_is_a_multipolygon_and_a_mixed_one_is_not() -> None:
    point = {"type": "Point", "coordinates": [1, 2]}
    areas = {"type": "GeometryCollection", "geometries": [polygon(SQUARE), polygon(SQUARE)]}
    mixed = {"type": "GeometryCollection", "geometries": [polygon(SQUARE), point]}
    assert [g.geom_type for g in build([areas, mixed]).geometry] == ["MultiPolygon", "GeometryCollection"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=3, max_size=8),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_no_vertex_moves(polygons: list[list[list[tuple[float, float]]]]) -> None:
    """Rings keep their start, order and every bit of their numbers."""
    closed = [[[*ring, ring[0]] for ring in rings] for rings in polygons]
    together = {"type": "MultiPolygon", "coordinates": closed}
    document = orjson.loads(orjson.dumps([*map(polygon, closed), together]))
    built = build(document)
    assert not built.errors
    for rings, geometry in zip(closed, built.geometry, strict=False):
        assert np.array_equal(shapely.get_coordinates(geometry), np.array([p for ring in rings for p in ring]))
        assert len(geometry.interiors) == len(rings) - 1
    assert len(built.geometry[-1].geoms) == len(closed)


def test_agrees_with_shapely_on_real_files(shared: Path) -> None:
    path = sorted((shared / "deepstate-raw").glob("*.geojson"))[-1]
    found = features(read_json(path), path=path)
    built = build([feature["geometry"] for feature in found])
    assert not built.errors
    for feature, geometry in zip(found, built.geometry, strict=True):
        if feature["geometry"]["type"] != "GeometryCollection":
            assert shapely.equals_exact(geometry, shapely.force_2d(shapely.geometry.shape(feature["geometry"])))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deep_nesting.geojson", "deep"),
        ("empty_file.geojson", "empty file"),
        ("infinite_coordinates.geojson", "infinite coordinate"),
        ("nan_coordinates.geojson", "NaN coordinate"),
        ("not_geojson.geojson", "an HTML page, perhaps a failed download"),
        ("truncated.geojson", "not complete JSON"),
        ("utf16.geojson", "not UTF-8"),
    ],
)
def test_hostile_json(shared: Path, name: str, words: str) -> None:
    with pytest.raises((FileError, GateError), match=words):
        read_json(shared / "hostile" / name)


def test_a_name_that_no_disk_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_bytes(tmp_path / ("x" * 300))
    with pytest.raises(FileError, match="a folder"):
        read_bytes(tmp_path)
