"""TopoJSON: arcs, directions, quantised steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from geo.errors import GateError
from geo.formats.geojson import build
from geo.formats.topojson import is_topology, objects

# Two squares that share an edge: arc 0 is the shared one, arcs 1 and 2 go round the left and the right.
SQUARES: dict[str, Any] = {
    "type": "Topology",
    "arcs": [[[1, 0], [0, 1]], [[1, 1], [-1, 0], [0, -1], [1, 0]], [[1, 0], [1, 0], [0, 1], [-1, 0]]],
    "transform": {"scale": [0.5, 2], "translate": [30, 50]},
    "objects": {
        "o": {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Polygon", "arcs": [[0, 1]], "properties": {"side": "left"}},
                {"type": "MultiPolygon", "arcs": [[[2, ~0]]]},
                {"type": None},
                {"type": "Point", "coordinates": [2, 1]},
                {"type": "LineString", "arcs": [~0]},
                {"type": "Polygon", "arcs": [[0, ~0]]},
            ],
        }
    },
}


def test_arcs_are_joined_scaled_and_turned() -> None:
    assert is_topology(SQUARES)
    found = objects(SQUARES, path=Path("f"))["o"]
    left, right, missing, point, line, folded = build([feature["geometry"] for feature in found]).geometry
    assert left.equals(shapely.box(30, 50, 30.5, 52))
    assert right.equals(shapely.box(30.5, 50, 31, 52))
    assert missing is None
    assert point.wkt == "POINT (31 52)"
    assert line.wkt == "LINESTRING (30.5 52, 30.5 50)"
    assert folded is None
    assert found[0]["properties"] == {"side": "left"}


def test_without_a_transform_arcs_are_positions() -> None:
    document = {
        "type": "Topology",
        "arcs": [[[0, 0], [1, 0], [1, 1], [0, 0]]],
        "objects": {"o": {"type": "Polygon", "arcs": [[0]]}},
    }
    (feature,) = objects(document, path=Path("f"))["o"]
    assert feature["geometry"]["coordinates"] == [[[0, 0], [1, 0], [1, 1], [0, 0]]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arcs": None}, "without 'arcs'"),
        ({"arcs": [[["1", "2"]]]}, "arc 1 of the topology"),
        ({"arcs": []}, "geometry 1: it names an arc that is not there"),
        ({"transform": {"scale": [1]}}, "'transform'"),
        ({"objects": {"o": 5}}, "object 'o'"),
    ],
)
def test_damage_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(GateError, match=words):
        objects({**SQUARES, **change}, path=Path("f"))
