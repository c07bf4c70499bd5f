"""A number's workings: Perkal's band against a naive construction, every cause named, three dates, hashes."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box
from test_archive import archive, km2  # noqa: F401

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import UsageError
from geo.measure.areas import border_band
from geo.measure.ellipsoid import lengths_km

CENTRE = Point(35.3, 51.2)


def spread(ground: shapely.Geometry, accuracy_km: float, rng: np.random.Generator, n: int) -> tuple[float, float]:
    """The band by dropping points: how much of a box lies within a geodesic-like distance of the outline."""
    west, south, east, north = shapely.buffer(shapely.box(*ground.bounds), accuracy_km / 60).bounds
    xy = np.column_stack([rng.uniform(west, east, n), rng.uniform(south, north, n)])
    squeeze = np.cos(np.radians((south + north) / 2))
    flat = shapely.transform(
        shapely.segmentize(shapely.boundary(ground), 0.002), lambda c: c * [111.32 * squeeze, 111.2]
    )
    points = shapely.points(xy * [111.32 * squeeze, 111.2])
    near = shapely.distance(points, flat) <= accuracy_km
    inside = shapely.contains_xy(ground, xy[:, 0], xy[:, 1])
    whole = km2(box(west, south, east, north))
    return whole * float((near & inside).mean()), whole * float((near & ~inside).mean())


@settings(max_examples=8, deadline=None)
@given(size=st.floats(0.05, 0.3), ring=st.integers(5, 30), accuracy=st.sampled_from([0.3, 1.0, 2.0]))
def test_the_band_is_that_of_points_dropped_at_random(size: float, ring: int, accuracy: float) -> None:
    angle = np.linspace(0, 2 * np.pi, ring, endpoint=False)
    radius = size * (1 + 0.4 * np.sin(3 * angle))
    ground = shapely.Polygon(np.column_stack([35.3 + radius * np.cos(angle), 51.2 + 0.6 * radius * np.sin(angle)]))
    band = border_band(ground, accuracy_km=accuracy)
    inside, outside = spread(ground, accuracy, np.random.default_rng(7), 60_000)
    assert band.inside_km2 == pytest.approx(inside, rel=0.06, abs=0.5)
    assert band.outside_km2 == pytest.approx(outside, rel=0.06, abs=0.5)
    length = float(lengths_km(np.array([shapely.boundary(ground)], dtype=object))[0])
    assert band.outside_km2 <= accuracy * length + np.pi * accuracy**2 + 0.5
    assert km2(band.inside, shapely.difference(ground, band.inside)) == pytest.approx(km2(ground), rel=1e-6)


def test_state_border_and_coast_have_no_band() -> None:
    """The ground fills the western half of a country: of its four sides only the eastern one is drawn by the source."""
    country = gpd.GeoDataFrame({"unit": ["AA"]}, geometry=[box(35, 51, 35.8, 51.4)], crs="EPSG:4326")
    ground = box(35, 51, 35.4, 51.4)
    side = float(lengths_km(np.array([shapely.LineString([(35.4, 51), (35.4, 51.4)])], dtype=object))[0])
    band = border_band(ground, accuracy_km=0.5, countries=country)
    assert band.inside_km2 == pytest.approx(0.5 * side, rel=0.03)
    assert band.outside_km2 == pytest.approx(0.5 * side, rel=0.03)
    whole = border_band(ground, accuracy_km=0.5)
    assert whole.inside_km2 > 3 * band.inside_km2
    half = border_band(ground, accuracy_km=0.5, countries=country, within=box(35, 51, 36, 51.2))
    assert half.inside_km2 == pytest.approx(band.inside_km2 / 2, rel=0.05)
    with pytest.raises(UsageError, match="above 0"):
        border_band(ground, accuracy_km=0)


def test_the_workings_of_an_area(archive: Archive) -> None:  # noqa: F811
    facts = archive.explain("2024-08-02", controller="X", status="held", accuracy_km=1.0).facts
    row = facts["figures"][0]
    area = archive.area("2024-08-02", controller="X", status="held").iloc[0]
    causes = {c["cause"]: c for c in row["causes"]}
    assert row["value_km2"] == area["area_km2"]
    assert causes["contested ground"]["more_km2"] == pytest.approx(area["upper_km2"] - area["lower_km2"], rel=1e-12)
    band = border_band(box(4, 2, 6, 4), accuracy_km=1.0, countries=archive.units(0))
    assert causes["drawing accuracy"]["less_km2"] == pytest.approx(band.inside_km2, rel=1e-9)
    # where contested ground lies beyond the line, the band would count it twice
    beyond = km2(shapely.difference(band.outside, box(6, 2, 7, 4)))
    assert causes["drawing accuracy"]["more_km2"] == pytest.approx(beyond, rel=1e-6)
    assert row["range_km2"][1] == pytest.approx(area["upper_km2"] + beyond, rel=1e-6)
    assert causes["age of the snapshot"]["age_days"] == 1
    snapshot = facts["snapshots"][0]
    assert snapshot["snapshot"] == "desk@2024-08-01"
    assert {"depicts", "published", "retrieved", "recorded_at", "sha256", "file_name"} <= set(snapshot)
    assert (row["native_classes"], row["polygons"]) == (["red"], 1)
    inside = archive.explain("2024-08-01", controller="X", status="held", within="AA-1").facts
    assert inside["unit"]["boundary"] == "test set"
    unknown = {c["cause"]: c for c in inside["figures"][0]["causes"]}["drawing accuracy"]
    assert unknown["less_km2"] is None
    assert "not known" in unknown["words"]


def test_the_workings_of_a_change(archive: Archive) -> None:  # noqa: F811
    """X went from 4..6 × 2..4 to 4..7 × 2..3: all within 200 km of both lines, next to nothing within 100 m."""
    rough = archive.explain_change("2024-08-01", "2024-08-03T06:00Z", controller="X", status="held", accuracy_km=200.0)
    row = rough.facts["figures"][0]
    drawing = {c["cause"]: c for c in row["causes"]}["drawing accuracy"]
    assert drawing["less_km2"] == pytest.approx(row["gained_km2"], rel=1e-2)
    fine = archive.explain_change("2024-08-01", "2024-08-03T06:00Z", controller="X", status="held", accuracy_km=0.1)
    drawing = {c["cause"]: c for c in fine.facts["figures"][0]["causes"]}["drawing accuracy"]
    assert drawing["less_km2"] < 1
    contested = {c["cause"]: c for c in row["causes"]}["contested ground"]
    net = km2(box(4, 2, 7, 3)) - km2(box(4, 2, 7, 4))
    assert row["net_km2"] - contested["less_km2"] + contested["more_km2"] == pytest.approx(net, rel=1e-9)
    assert len(rough.facts["snapshots"]) == 2
    low, high = row["range_km2"]
    assert low <= row["net_km2"] <= high


def test_the_accuracy_of_a_source_is_kept(archive: Archive) -> None:  # noqa: F811
    archive.set_accuracy("desk", 0.5)
    archive.close()
    row = open_archive(archive.path).explain("2024-08-01", controller="X", status="held").facts["figures"][0]
    assert {c.get("accuracy_km") for c in row["causes"]} == {None, 0.5}
    with pytest.raises(UsageError, match="above 0"):
        archive.set_accuracy("desk", -1)


def test_the_verbs_explain_in_text_and_json(archive: Archive) -> None:  # noqa: F811
    archive.close()
    path = str(archive.path)
    done = CliRunner().invoke(main, ["area", path, "--date", "2024-08-01", "--explain", "--accuracy-km", "1"])
    assert done.exit_code == 0, done.output
    for words in (
        "Perkal's band",
        "sha256",
        "depicts 2024-08-01",
        "published not known",
        "retrieved not known",
        "method:",
    ):
        assert words in done.output
    span = ["--from", "2024-08-01", "--to", "2024-08-03", "--explain", "--format", "json"]
    facts = json.loads(CliRunner().invoke(main, ["change", path, *span]).stdout)
    assert facts["figure"] == "change"
    assert all(row["causes"] for row in facts["figures"])
    done = CliRunner().invoke(main, ["sources", path, "--source", "desk", "--accuracy-km", "0.3"])
    assert done.exit_code == 0, done.output
