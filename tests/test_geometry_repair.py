"""Repair adds no ground, and says what it takes away."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, MultiPolygon, Point, Polygon, box

from geo.archive import open_archive
from geo.importing.geometry_repair import area_of, made_valid, mend
from geo.importing.importer import import_files

SHELL = box(0, 0, 10, 10)
RING = SHELL.exterior.coords
STAR = [(5 + 4 * math.sin(i * 4 * math.pi / 5), 5 + 4 * math.cos(i * 4 * math.pi / 5)) for i in range(5)]


def rings(*boxes: tuple[float, float, float, float]) -> list[Any]:
    return [box(*b).exterior.coords for b in boxes]


@pytest.mark.parametrize(
    ("geometry", "area"),
    [
        (Polygon(RING, rings((1, 1, 4, 4), (3, 3, 6, 6))), 100 - 17),
        (Polygon(RING, rings((1, 1, 6, 6), (2, 2, 4, 4))), 100 - 25),
        (Polygon(RING, rings((1, 1, 4, 4), (1, 1, 4, 4))), 100 - 9),
        (Polygon(RING, rings((1, 1, 4, 4), (1, 1, 4, 4), (1, 1, 4, 4))), 100 - 9),
        (Polygon(RING, rings((8, 8, 14, 14))), 100 - 4),
        (Polygon(RING, rings((11, 11, 14, 14))), 100),
        (Polygon(RING, rings((1, 1, 4, 9), (4, 1, 9, 9))), 100 - 64),
        (Polygon(RING, [[(2, 2), (8, 8), (8, 2), (2, 8)]]), 100 - 18),
        (MultiPolygon([SHELL, box(5, 5, 15, 15)]), 175),
        (MultiPolygon([Polygon(RING, rings((1, 1, 9, 9))), box(2, 2, 3, 3), box(2, 2, 3, 3)]), 37),
        (GeometryCollection([SHELL, SHELL, Point(50, 50)]), 100),
    ],
    ids=["two holes overlap", "a hole in a hole", "a hole twice", "a hole thrice", "a hole across the edge",
         "a hole outside", "holes side by side", "a hole like a bow tie", "parts overlap", "a part in a hole, twice",
         "one part twice in a collection"],
)  # fmt: skip
def test_a_hole_stays_a_hole(geometry: shapely.Geometry, area: float) -> None:
    mended = made_valid(geometry)
    assert mended.is_valid
    assert mended.area == pytest.approx(area, rel=1e-9)


@pytest.mark.parametrize(
    "geometry", [Polygon(RING, [RING]), Polygon(RING, rings((-1, -1, 11, 11))), Polygon([(0, 0), (5, 5), (10, 10)])],
    ids=["a hole equal to its shell", "a hole larger than its shell", "a line"],
)  # fmt: skip
def test_nothing_left_is_refused_with_a_reason(geometry: shapely.Geometry) -> None:
    reasons: dict[int, tuple[str, str]] = {}
    mend(np.array([geometry]), np.array([1]), np.array([True]), reasons, [])
    assert reasons[0][0] == "no area is left once the ring is made valid"


def ground(ring: list[Any]) -> shapely.Geometry:
    """What a ring encloses, without the lines that GEOS keeps of a ring that runs back on itself."""
    parts = shapely.get_parts(shapely.make_valid(Polygon(ring)))
    return shapely.union_all([part for part in shapely.get_parts(parts) if part.geom_type == "Polygon"])


corner = st.tuples(st.integers(0, 12), st.integers(0, 12))
ring = st.lists(corner, min_size=3, max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ring, st.lists(ring, max_size=3)), min_size=1, max_size=3))
@example([([(1, 1), (0, 0), (1, 0), (1, 1), (0, 1)], [[(0, 0), (1, 0), (1, 1)]])])
def test_repair_adds_no_ground_and_loses_none_in_silence(parts: list[tuple[list[Any], list[list[Any]]]]) -> None:
    given_ = [Polygon(shell, holes) for shell, holes in parts]
    geometry = np.array([MultiPolygon(given_) if len(given_) > 1 else given_[0]], dtype=object)
    said: list[str] = []
    before, was_valid = geometry[0], shapely.is_valid(geometry[0])
    outer = shapely.union_all([ground(shell) for shell, _ in parts])
    mend(geometry, np.array([1]), np.array([True]), {}, said)
    after = geometry[0]
    assert after.is_valid
    assert after.area <= outer.area + 1e-9
    assert shapely.difference(after, outer).area < 1e-9
    for shell, holes in parts if len(parts) == 1 else ():
        # what lies in no hole is kept: the even-odd truth of the outer ring less every hole
        inner = shapely.union_all([ground(hole) for hole in holes])
        assert after.area == pytest.approx(ground(shell).difference(inner).area, abs=1e-9)
    if was_valid:
        assert after.equals(before)
    else:
        assert any("km² before" in text and "km² after" in text for text in said)


def file_with(path: Path, *polygons: Any, **properties: Any) -> Path:
    listed = [
        {"type": "Feature", "properties": {"controller": "RU", "status": "held", **properties}, "geometry": g}
        for g in polygons
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def test_overlapping_holes_in_a_file(tmp_path: Path) -> None:
    holes = [square(37.1, 48.1, 37.25, 48.2), square(37.15, 48.12, 37.3, 48.22)]
    truth = box(37, 48, 37.5, 48.3) - box(*(37.1, 48.1, 37.25, 48.2)) - box(*(37.15, 48.12, 37.3, 48.22))
    path = file_with(
        tmp_path / "2025-01-11.geojson",
        {"type": "Polygon", "coordinates": [square(37, 48, 37.5, 48.3), *holes]},
    )
    (receipt,) = import_files(tmp_path / "a.gpkg", "vector", path)
    assert receipt.outcome == "stored"
    assert f"{area_of(truth):.3f} km² after" in receipt.repairs[0]


@pytest.mark.parametrize(
    ("polygon", "bounds", "said"),
    [
        (square(178.5, -17, 181, -16), (-180, 180), "cut at 180°"),
        (square(-181, -17, -178.5, -16), (-180, 180), "cut at 180°"),
        (square(190, 62, 191, 63), (-170, -169), "moved by 360°"),
        (square(356, 14, 361, 15), (-4, 1), "moved by 360°"),
        (square(397, 48, 397.5, 49), (37, 37.5), "moved by 360°"),
        (square(-323, 48, -322.5, 49), (37, 37.5), "moved by 360°"),
        (square(-185, 62, -184, 63), (175, 176), "moved by 360°"),
    ],
)
def test_longitudes_past_180_are_brought_back(
    polygon: list[list[float]], bounds: tuple[float, float], said: str
) -> None:
    geometry, text = np.array([Polygon(polygon)], dtype=object), []
    width = polygon[1][0] - polygon[0][0]
    mend(geometry, np.array([1]), np.array([True]), {}, text)
    assert (geometry[0].bounds[0], geometry[0].bounds[2]) == bounds
    assert geometry[0].area == pytest.approx(width)
    assert said in text[0]


def test_a_ring_that_jumps_over_greenwich_is_as_wide_as_it_was_drawn() -> None:
    jumping = Polygon([(359, 14), (1, 14), (1, 15), (359, 15)])
    geometry, text = np.array([jumping], dtype=object), []
    mend(geometry, np.array([1]), np.array([True]), {}, text)
    assert geometry[0].bounds == (-1, 14, 1, 15)


@pytest.mark.parametrize(
    ("polygons", "widths", "stored"),
    [
        ([square(178.5, -17, 181, -16)], [2.5], True),
        ([square(178.5, -17, 181, -16), square(-179, -19, -178, -18)], [2.5, 1], True),
        ([square(179, -17, 180, -16), square(180, -17, 181, -16)], [1, 1], True),
        ([square(286, 6, 288, 7)], [2], True),
        ([square(177, 65, 185, 66), square(-175, 66, -174, 67)], [8, 1], True),
        ([square(72.5, -1, 73.5, 7)], [1], True),
        ([square(590, 6, 591, 7)], [], False),
        ([square(37, 48, 372, 49)], [], False),
    ],
)
def test_files_that_go_on_past_180(tmp_path: Path, polygons: list[Any], widths: list[float], stored: bool) -> None:
    """Also several parts of one feature, and islands in more sea than they have land."""
    truth = sum(w * (p[2][1] - p[0][1]) for w, p in zip(widths, polygons, strict=False))
    for name, geometries in {
        "each": [{"type": "Polygon", "coordinates": [p]} for p in polygons],
        "one": [{"type": "MultiPolygon", "coordinates": [[p] for p in polygons]}],
    }.items():
        path = file_with(tmp_path / f"{name} 2025-01-11.geojson", *geometries)
        (receipt,) = import_files(tmp_path / f"{name}.gpkg", "vector", path)
        assert (receipt.outcome == "stored") == stored, receipt
        if stored:
            shapes = open_archive(tmp_path / f"{name}.gpkg").control("2025-01-11").geometry
            assert shapely.area(shapes).sum() == pytest.approx(truth)
            assert shapes.total_bounds[0] >= -180
            assert shapes.total_bounds[2] <= 180
