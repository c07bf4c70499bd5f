"""The shipped border and coast of Ukraine beside ground that a source draws along them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import geo

# what DeepState itself gave for 1 January 2026, in percent of each region
SHARES = {"UA-09": 99.6, "UA-14": 78.1, "UA-63": 4.7, "UA-59": 1.0, "UA-23": 74.8, "UA-65": 72.0, "UA-12": 0.6}


@pytest.fixture(scope="module")
def mirror(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> geo.Archive:
    """Days of DeepState's mirror from 2025 to 2026."""
    days = [shared / "deepstate-mirror" / "deepstatemap_data_20250102.geojson",
            *(shared / "mirror-2026" / f"deepstatemap_data_{day}.geojson" for day in ("20260102", "20260820"))]  # fmt: skip
    if not all(day.is_file() for day in days):
        pytest.skip("needs days of DeepState's mirror of 2025 and 2026 in ../shared/data")
    path = tmp_path_factory.mktemp("borders") / "mirror.gpkg"
    geo.import_files(path, "deepstate-mirror", days)
    return geo.open_archive(path)


@pytest.mark.parametrize("unit", SHARES)
def test_shares_of_regions_are_the_sources_own(mirror: geo.Archive, unit: str) -> None:
    table = mirror.series(by="unit", from_="2026-01-01", to="2026-01-01", status="held").set_index("unit")
    assert table.loc[unit, "share_percent"] == pytest.approx(SHARES[unit], abs=0.2)


def held(mirror: geo.Archive, **place: str) -> dict[str, float]:
    table = mirror.area("2026-08-20", status="held", **place)
    return dict(zip(table["unit"], table["area_km2"], strict=True))


def test_ground_of_a_source_of_ukraine_counts_in_ukraine(mirror: geo.Archive) -> None:
    whole = held(mirror)[None]
    parts = held(mirror, by="unit")
    assert sum(parts.values()) == pytest.approx(whole, rel=1e-9)
    assert sum(v for unit, v in parts.items() if unit.startswith("RU")) < 45
    assert "(outside the units)" not in parts
    assert held(mirror, within="Ukraine")["UA"] == pytest.approx(whole, rel=1e-3)


def test_the_gain_of_2025_is_the_sources_own(mirror: geo.Archive) -> None:
    spans = {"from_": "2025-01-01", "to": "2026-01-01", "status": "held"}
    inside = mirror.change(**spans, within="Ukraine")
    assert inside["net_km2"].sum() == pytest.approx(4336, rel=0.005)
    by_unit = mirror.change(**spans, by="unit")
    assert by_unit["net_km2"].sum() == pytest.approx(inside["net_km2"].sum(), abs=1e-6)


def test_areas_and_series_put_ground_beyond_a_border_into_the_same_units(mirror: geo.Archive) -> None:
    area = mirror.area("2026-01-01", status="held", by="unit").set_index("unit")
    series = mirror.series(status="held", by="unit", from_="2025-12-01", to="2026-01-01").set_index("unit")
    for column in ("area_km2", "beyond_km2"):
        for unit in area.index:
            assert series.loc[unit, column] == pytest.approx(area.loc[unit, column], abs=1e-6)
    assert area["beyond_km2"].sum() > 600
    assert (series["share_percent"] <= 100).all()
    alone = mirror.area("2026-01-01", status="held", within="UA-59").iloc[0]
    assert alone["area_km2"] == pytest.approx(area.loc["UA-59", "area_km2"], abs=1e-6)
    assert any(
        "counts in the nearest unit" in note for note in area.attrs["notes"] or mirror.area(by="unit").attrs["notes"]
    )


# -- made files: two countries side by side, and ground along their border -----------------------------------------


def write(path: Path, rows: list[tuple[dict[str, object], shapely.Geometry]]) -> Path:
    features = [
        {"type": "Feature", "properties": properties, "geometry": shapely.geometry.mapping(shape)}
        for properties, shape in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def archive_of(folder: Path, *days: tuple[str, list[tuple[str | None, str, shapely.Geometry]]]) -> geo.Archive:
    """An archive of a desk's ground, with whatever units ship."""
    path = folder / "a.gpkg"
    for day, rows in days:
        file = write(folder / f"{day}.geojson", [({"controller": c, "status": s}, shape) for c, s, shape in rows])
        geo.import_files(path, "vector", [file], options=geo.Options(date=day))
    return geo.open_archive(path)


def km2(*shapes: shapely.Geometry) -> float:
    return float(geo.area_km2(gpd.GeoSeries([shapely.union_all(shapes)], crs="EPSG:4326")).iloc[0])


@pytest.fixture(scope="module")
def sumy(tmp_path_factory: pytest.TempPathFactory) -> geo.Archive:
    """Ground of a source of Ukraine that reaches 30 km from Sumy into Kursk."""
    folder = tmp_path_factory.mktemp("sumy")
    ground = shapely.box(34.7, 51.0, 35.3, 51.4)
    days = [write(folder / f"deepstatemap_data_{day}.geojson", [({}, shape)]) for day, shape in
            (("20250110", ground), ("20250111", shapely.box(34.7, 51.0, 35.3, 51.5)))]  # fmt: skip
    geo.import_files(folder / "a.gpkg", "deepstate-mirror", days)
    return geo.open_archive(folder / "a.gpkg")


def test_only_a_strip_beyond_the_border_goes_to_the_nearest_unit(sumy: geo.Archive) -> None:
    units = sumy.units().query("level == 1").set_index("unit").geometry
    ground = shapely.box(34.7, 51.0, 35.3, 51.4)
    rows = sumy.area("2025-01-09", by="unit").set_index("unit")
    assert rows["area_km2"].sum() == pytest.approx(km2(ground), rel=1e-9)
    inside = km2(shapely.intersection(ground, units["UA-59"]))
    beyond = rows.loc["UA-59", "area_km2"] - inside
    assert rows.loc["UA-59", "beyond_km2"] == pytest.approx(beyond, abs=1e-6)
    abroad = shapely.intersection(ground, units["RU-KRS"])
    # a degree of longitude is shorter than one of latitude, so this strip is narrower than 5 km
    strip = km2(shapely.intersection(abroad, shapely.buffer(units["UA-59"], 5 / 111.2)))
    assert strip < beyond < strip / 0.6 < km2(abroad)
    assert rows.loc["RU-KRS", "area_km2"] == pytest.approx(km2(abroad) - beyond, rel=1e-3)


def test_every_figure_by_unit_counts_the_same_ground(sumy: geo.Archive) -> None:
    dates = ("2025-01-09", "2025-01-10")
    first, last = (sumy.area(day, by="unit").set_index("unit")["area_km2"] for day in dates)
    change = sumy.change(*dates, by="unit").set_index("unit")
    series = sumy.series(by="unit")
    assert set(change.index) == set(last.index) == {"UA-59", "RU-KRS"}
    for unit in last.index:
        assert change.loc[unit, "net_km2"] == pytest.approx(last[unit] - first[unit], abs=1e-6)
        drawn = series[series["unit"] == unit]["area_km2"].tolist()
        assert drawn == pytest.approx([first[unit], last[unit]], abs=1e-6)
        alone = sumy.area(dates[1], within=unit)["area_km2"].sum()
        assert alone == pytest.approx(last[unit], abs=1e-6)
        explained = sumy.explain(dates[1], within=unit, accuracy_km=1).facts["figures"][0]
        assert explained["value_km2"] == pytest.approx(last[unit], abs=1e-6)
    assert sumy.area(dates[1], within="UA", by="unit")["area_km2"].sum() == pytest.approx(
        sumy.area(dates[1], within="UA")["area_km2"].sum(), abs=1e-6
    )


def test_a_desks_own_ground_counts_where_it_lies(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, ("2025-01-10", [("RU", "held", shapely.box(34.7, 51.0, 35.3, 51.4))]))
    table = archive.area(by="unit").set_index("unit")
    assert "beyond_km2" not in table
    unit = archive.units().query("unit == 'UA-59'").geometry.iloc[0]
    inside = km2(shapely.intersection(shapely.box(34.7, 51.0, 35.3, 51.4), unit))
    assert table.loc["UA-59", "area_km2"] == pytest.approx(inside, rel=1e-9)


# -- ranges --------------------------------------------------------------------------------------------------------


def test_in_a_war_of_four_sides_each_may_have_only_the_grey_strips_at_its_own_ground(tmp_path: Path) -> None:
    held = {side: shapely.box(30 + k, 49, 30.4 + k, 50) for k, side in enumerate("ABCD")}
    strips = [shapely.box(30.4 + k, 49, 30.6 + k, 50) for k in range(3)]  # at A's, B's and C's eastern edge alone
    chained = shapely.box(30.6, 49.2, 30.7, 49.4)  # touches the strip at A's ground, and nobody's ground
    grey = [*strips, chained]
    rows = [(side, "held", shape) for side, shape in held.items()] + [(None, "contested", shape) for shape in grey]
    table = archive_of(tmp_path, ("2025-01-10", rows)).area(status="held").set_index("controller")
    wanted = {"A": [strips[0], chained], "B": [strips[1]], "C": [strips[2]], "D": []}
    for side, near in wanted.items():
        assert table.loc[side, "lower_km2"] == pytest.approx(km2(held[side]), rel=1e-9)
        assert table.loc[side, "upper_km2"] == pytest.approx(km2(held[side], *near), rel=1e-9)


def test_a_source_that_shows_no_contested_ground_has_no_range(tmp_path: Path) -> None:
    ground = shapely.box(31, 49, 32, 50)
    archive = archive_of(tmp_path, ("2025-01-10", [("RU", "held", ground)]))
    for words in ({}, {"by": "unit"}, {"within": "Ukraine"}, {"by": "native"}):
        table = archive.area(**words)
        assert table["lower_km2"].isna().all()
        assert table["upper_km2"].isna().all()
        assert any("shows no contested ground" in note for note in table.attrs["notes"])
    plain = archive.explain().facts["figures"][0]
    assert plain["range_km2"] is None
    assert "no contested ground" in str(archive.explain())
    low, high = archive.explain(accuracy_km=1).facts["figures"][0]["range_km2"]
    assert low < km2(ground) < high


def test_other_sources_of_the_day_give_a_range(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, ("2025-01-10", [("RU", "held", shapely.box(31, 49, 32, 50))]))
    other = write(tmp_path / "other.geojson", [({"controller": "RU", "status": "held"}, shapely.box(31, 49, 33, 50))])
    credit = geo.Source("rival", "A rival's outlines")
    geo.import_files(archive.path, "vector", [other], options=geo.Options(date="2025-01-10"), credit=credit)
    far = km2(shapely.box(31, 49, 33, 50))
    table = archive.area("2025-01-10", source="vector")
    assert any(f"{far:,.1f} km² by A rival's outlines" in note for note in table.attrs["notes"])
    row = archive.explain("2025-01-10", source="vector").facts["figures"][0]
    assert row["range_km2"] == pytest.approx([km2(shapely.box(31, 49, 32, 50)), far], rel=1e-9)


SETS = {
    "OCHA": lambda n: {"ADM1_PCODE": f"UA{n}", "ADM1_EN": f"Part {n}"},
    "geoBoundaries": lambda n: {"shapeName": f"Part {n}", "shapeISO": "", "shapeGroup": "UKR", "shapeType": "ADM1"},
}


@settings(max_examples=3, deadline=None)
@given(
    kind=st.sampled_from(sorted(SETS)),
    west=st.floats(30, 36),
    south=st.floats(45, 50),
    parts=st.integers(1, 4),
)
def test_imported_units_change_no_figure_of_other_units(kind: str, west: float, south: float, parts: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [("RU", "held", shapely.box(34, 46, 38, 48)), ("UA", "held", shapely.box(34.9, 51, 35.4, 51.4)),
                (None, "contested", shapely.box(38, 46, 38.5, 48.5))]  # fmt: skip
        archive = archive_of(Path(folder), ("2025-01-10", rows))
        sets = archive.units()["boundary"].unique().tolist()

        def figures() -> list[pd.DataFrame]:
            found = [archive.area(by="unit", boundary=name) for name in sets]
            return [*found, archive.area(), *(archive.area(within=code) for code in ("UA-14", "UA", "RU"))]

        before = figures()
        step = 0.8 / parts
        new = [(SETS[kind](n), shapely.box(west + n * step, south, west + (n + 1) * step, south + 1))
               for n in range(parts)]  # fmt: skip
        (receipt,) = geo.import_files(archive.path, "units", [write(Path(folder) / "set.geojson", new)])
        assert receipt.outcome == "stored"
        for old, now in zip(before, figures(), strict=True):
            pd.testing.assert_frame_equal(old, now)


@pytest.mark.parametrize("kind", SETS)
def test_a_parent_that_the_archive_has_not_is_found_by_location(kind: str, tmp_path: Path) -> None:
    archive = archive_of(tmp_path, ("2025-01-10", [("RU", "held", shapely.box(34, 47, 35, 48))]))
    file = write(tmp_path / "set.geojson", [(SETS[kind](14), shapely.box(34, 47, 36, 49))])
    (receipt,) = geo.import_files(archive.path, "units", [file])
    assert any("1 unit with no parent in the archive" in note and "(UA)" in note for note in receipt.notes)
    archive = geo.open_archive(archive.path)
    units = archive.units()
    assert archive.countries().of(units[units["boundary"] == "set"]).tolist() == ["UA"]


def test_pages_briefings_and_claims_say_that_a_source_shows_no_contested_ground(tmp_path: Path) -> None:
    archive = archive_of(
        tmp_path,
        ("2025-01-10", [("RU", "held", shapely.box(31, 49, 32, 50))]),
        ("2025-01-11", [("RU", "held", shapely.box(31, 49, 32.1, 50))]),
    )
    words = "he source shows no contested ground"
    page = geo.save_map(geo.draw_map(archive, draw_basemap=False), tmp_path / "map.html").read_text(encoding="utf-8")
    assert words in page
    pair = geo.draw_dates(archive, "2025-01-10", "2025-01-11", draw_basemap=False)
    assert words in geo.save_map(pair, tmp_path / "dates.html").read_text(encoding="utf-8")
    brief = geo.draw_brief(archive, "2025-01-11", tmp_path / "brief.md", since="2025-01-10")[0].read_text(
        encoding="utf-8"
    )
    assert words in brief
    assert "nan" not in brief
    claim = geo.read_claim("Russia holds 7,000 km² of Ukraine.", date="2025-01-11")
    assert any(words in note for note in geo.check_claim(archive, claim).notes)
