"""Areas against GeographicLib, against an equal-area projection, and against themselves."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from geo.errors import GateError, UsageError
from geo.measure.ellipsoid import area_km2, areas_km2, edge_areas_km2

GEOD = Geod(ellps="WGS84")


def one(shape: shapely.Geometry, **options: str) -> float:
    return float(areas_km2(np.array([shape], dtype=object), **options)[0])  # type: ignore[arg-type]


def dense_oracle(shape: shapely.Geometry, step: float = 0.0005) -> float:
    """GeographicLib on edges cut so short that it does not matter how they bend.

    A geodesic of 0.0005° leaves the straight edge by up to 0.03 mm: 1e-9 of a shape of one degree, less of a larger.
    """
    return abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(shapely.segmentize(shape, step)))[0]) / 1e6


@st.composite
def polygons(draw: st.DrawFn, low: float = -70, high: float = 70) -> Polygon:
    lon, lat = draw(st.floats(-170, 160)), draw(st.floats(low, high - 3))
    size = draw(st.floats(0.05, 2.5))
    angles = np.sort(draw(st.lists(st.floats(0, 6.28), min_size=3, max_size=9, unique=True)))
    radii = np.array(draw(st.lists(st.floats(0.3, 1.0), min_size=len(angles), max_size=len(angles))))
    ring = np.column_stack([lon + size + size * radii * np.cos(angles), lat + size + size * radii * np.sin(angles)])
    shape = Polygon(ring)
    assume(shape.is_valid and shape.area > 1e-4)
    return shape


@settings(max_examples=20, deadline=None)
@given(polygons())
def test_within_1e_9_of_geographiclib_on_short_edges(shape: Polygon) -> None:
    assert one(shape) == pytest.approx(dense_oracle(shape, 0.0001), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    "shape", [box(30, 40, 50, 70), box(-10, -5, 10, 5), box(100, -60, 101, -30), box(0, 80, 30, 89)]
)
def test_long_edges_too(shape: Polygon) -> None:
    assert one(shape) == pytest.approx(dense_oracle(shape), rel=2e-9)


def test_an_equal_area_projection_agrees() -> None:
    shape = shapely.segmentize(box(33, 50, 37, 52), 0.001)
    projected = gpd.GeoSeries([shape], crs=4326).to_crs(6933).area.iloc[0] / 1e6
    assert one(shape) == pytest.approx(projected, rel=1e-8)
    mercator = gpd.GeoSeries([shape], crs=4326).to_crs(3857).area.iloc[0] / 1e6
    assert mercator > 2 * one(shape)  # what a throw-away script would have said


@settings(max_examples=60, deadline=None)
@given(polygons(), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_the_parts_of_an_overlay_sum_to_the_whole(a: Polygon, dx: float, dy: float) -> None:
    b = shapely.transform(a, lambda xy: xy + np.array([dx, dy]))
    parts = one(shapely.difference(a, b)) + one(shapely.intersection(a, b))
    # abs: what GEOS rounds where edges cross, 1e-14 degrees along edges of hundreds of km
    assert parts == pytest.approx(one(a), rel=1e-12, abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(polygons(), st.integers(0, 8))
def test_neither_start_nor_direction_matters(shape: Polygon, k: int) -> None:
    ring = np.array(shape.exterior.coords)[:-1]
    turned = Polygon(np.roll(ring, k, axis=0)[::-1])
    # abs: what is rounded along edges of tens of km, of which little ground is left in a thin shape
    assert one(turned) == pytest.approx(one(shape), rel=1e-12, abs=1e-10)
    south = shapely.transform(shape, lambda xy: xy * np.array([1, -1]))
    assert one(south) == pytest.approx(one(shape), rel=1e-12, abs=1e-10)


def test_holes_collections_and_what_has_no_area() -> None:
    hole = Polygon(box(0, 50, 2, 52).exterior.coords, [box(0.5, 50.5, 1, 51).exterior.coords])
    assert one(hole) == pytest.approx(one(box(0, 50, 2, 52)) - one(box(0.5, 50.5, 1, 51)), rel=1e-13)
    many = MultiPolygon([box(0, 0, 1, 1), box(2, 0, 3, 1)])
    assert one(many) == pytest.approx(2 * one(box(0, 0, 1, 1)), rel=1e-13)
    nested = GeometryCollection([Point(0, 0), GeometryCollection([many, LineString([(0, 0), (1, 1)])])])
    assert one(nested) == one(many)
    assert [one(s) for s in (Point(1, 1), LineString([(0, 0), (1, 1)]), Polygon(), MultiPolygon())] == [0, 0, 0, 0]


def test_across_the_antimeridian() -> None:
    across = Polygon([(179, 65), (-179, 65), (-179, 66), (179, 66)])
    assert one(across) == pytest.approx(one(box(179, 65, 181, 66)), rel=1e-13)
    assert one(across) == pytest.approx(one(box(10, 65, 12, 66)), rel=1e-12)


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (Polygon([(0, 80), (120, 80), (-120, 80)]), "around a pole"),
        (box(3e6, 6e6, 4e6, 7e6), "beyond"),
        (box(0, 0, 1e17, 1), "beyond"),
        (Polygon([(0, 50), (1, 50), (1, float("nan"))]), "not a finite number"),
    ],
)
def test_what_cannot_be_measured_is_refused(shape: Polygon, why: str) -> None:
    with pytest.raises(GateError, match=why):
        one(shape)


def test_a_series_in_a_series_out() -> None:
    series = gpd.GeoSeries([box(0, 50, 1, 51), None, Polygon()], index=["a", "b", "c"], crs=4326)
    found = area_km2(series)
    assert isinstance(found, pd.Series)
    assert found.name == "area_km2"
    assert list(found.index) == ["a", "b", "c"]
    assert np.isnan(found["b"])
    assert found["c"] == 0
    projected = area_km2(gpd.GeoSeries([box(0, 50, 1, 51)], crs=4326).to_crs(3857))
    assert projected[0] == pytest.approx(found["a"], rel=1e-12)


def test_geodesic_edges_are_another_convention() -> None:
    shape = box(30, 45, 40, 50)
    assert one(shape, edges="geodesic") == pytest.approx(abs(GEOD.geometry_area_perimeter(shape)[0]) / 1e6, rel=1e-12)
    assert one(shape, edges="geodesic") != pytest.approx(one(shape), rel=1e-4)
    with pytest.raises(UsageError, match="geodesic"):
        area_km2(gpd.GeoSeries([shape]), edges="rhumb")  # type: ignore[arg-type]


def test_edges_sum_to_the_ring() -> None:
    ring = np.array(box(30, 45, 31, 46).exterior.coords)
    assert abs(edge_areas_km2(*ring[:-1].T, *ring[1:].T).sum()) == pytest.approx(one(box(30, 45, 31, 46)), rel=1e-13)


def test_real_control_agrees_with_geographiclib(shared: Path) -> None:
    path = shared / "deepstate-mirror" / "deepstatemap_data_20250111.geojson"
    shape = gpd.read_file(path).geometry.iloc[0]
    assert one(shape) == pytest.approx(dense_oracle(shape), rel=1e-9)
