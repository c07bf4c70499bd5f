"""Frames in, frames out: what a notebook gives an archive without a file passes all that a file passes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geo
from geo.cli.demo import build
from geo.incidents.control_join import counted, encounters

NOTEBOOK = """
import geo, geopandas, numpy, pandas, shapely
dates = pandas.to_datetime(["2024-08-08", "2024-09-10"])
shapes = [shapely.box(35.0, 51.1, 35.3, 51.3), shapely.box(35.0, 51.1, 35.2, 51.3)]
frame = geopandas.GeoDataFrame({"date": dates, "controller": "UA", "status": "held"}, geometry=shapes, crs=4326)
archive = geo.open_archive("war.gpkg")
receipt = archive.add_control(frame, source="desk")
change = archive.change("2024-08-08", "2024-09-10")
panel = archive.panel(freq="MS", by="unit", level=1)
random = numpy.random.default_rng(1)
points = geopandas.points_from_xy(random.uniform(34.9, 35.4, 1000), random.uniform(51.0, 51.4, 1000), crs=4326)
who = archive.who(geopandas.GeoSeries(points))
page = geo.draw_map(archive, "2024-09-10", since="2024-08-08")
geo.save_map(page, "map.html")
panel.to_parquet("panel.parquet")
"""


def held(*shapes: shapely.Geometry, crs: int = 4326, **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=range(len(shapes))), geometry=list(shapes), crs=4326).to_crs(
        crs
    )


WEST, EAST = shapely.box(35.0, 51.1, 35.2, 51.3), shapely.box(35.2, 51.1, 35.3, 51.3)


@pytest.fixture
def archive(tmp_path: Path) -> geo.Archive:
    return geo.open_archive(tmp_path / "war.gpkg")


def test_a_notebook_without_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    assert len(NOTEBOOK.strip().splitlines()) <= 15
    names: dict[str, object] = {}
    exec(NOTEBOOK, names)
    assert names["receipt"].rows_stored == 2
    lost = geo.area_km2(gpd.GeoSeries([EAST])).sum()
    assert names["change"]["lost_km2"].tolist() == [pytest.approx(lost, rel=1e-9)]
    assert (tmp_path / "map.html").stat().st_size > 100_000
    panel = pd.read_parquet("panel.parquet")
    assert set(panel["unit_name"]) == {"Kursk Oblast", "Sumy Oblast"}
    assert panel["date"].unique().tolist() == [pd.Timestamp("2024-09-01", tz="UTC")]
    who, points = names["who"], names["points"]
    stood = who[who["valid_from"] <= pd.Timestamp("2024-08-08", tz="UTC")]["point"].unique()
    assert sorted(stood) == np.flatnonzero(shapely.intersects(shapely.union(WEST, EAST), points)).tolist()


def test_a_frame_has_the_areas_of_its_file_in_any_crs_and_twice_is_once(archive: geo.Archive, tmp_path: Path) -> None:
    frame = held(WEST, crs=3857)
    given = {"date": "2025-01-11", "controller": "UA", "status": "held"}
    assert archive.add_control(frame, source="mercator", **given).outcome == "stored"
    assert archive.add_control(frame, source="mercator", **given).outcome == "unchanged"
    frame.to_file(path := tmp_path / "2025-01-11.gpkg")
    constants = {"controller": "UA", "status": "held"}
    geo.import_files(archive, "vector", path, credit=geo.Source("file", "file"), constants=constants)
    areas = [archive.area("2025-01-11", source=s)["area_km2"].item() for s in ("mercator", "file")]
    assert areas[0] == pytest.approx(areas[1], rel=1e-12)
    assert areas[0] == pytest.approx(geo.area_km2(gpd.GeoSeries([WEST])).item(), rel=1e-8)


def test_a_frame_stands_where_a_path_does_and_keeps_the_credit_of_its_source(archive: geo.Archive) -> None:
    desk = geo.Source("desk", "The desk's outlines", licence="CC BY 4.0")
    archive.add_control(held(WEST, controller="UA", status="held"), source=desk, date=dt.date(2025, 1, 11))
    first, second = geo.import_files(
        archive, "vector", [held(EAST, controller="RU", status="claimed"), held(WEST, controller="RU")],
        date="2025-01-12", credit=desk,
    )  # fmt: skip
    assert (first.outcome, second.outcome) == ("stored", "refused")
    assert second.error.startswith("the frame: ")
    assert "/" not in second.error.split(":")[0]
    archive.add_control(held(WEST, controller="UA", status="held"), source="desk", date="2025-01-13")
    assert archive.sources().set_index("name").loc["desk", "licence"] == "CC BY 4.0"


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (held(shapely.Point(35, 51), controller="UA", status="held"), geo.GateError),
        (held(shapely.box(35, 51, 35.2, 51.2), controller="UA"), geo.GateError),
        (gpd.GeoDataFrame({"controller": ["UA"], "status": ["held"]}, geometry=[WEST]), geo.UsageError),
        (pd.DataFrame({"controller": ["UA"], "status": ["held"]}), geo.UsageError),
    ],
    ids=["a point", "no status", "no CRS", "no geometry"],
)
def test_a_frame_that_is_no_control_is_an_error_and_makes_no_archive(
    archive: geo.Archive, frame: gpd.GeoDataFrame, error: type[Exception]
) -> None:
    with pytest.raises(error):
        archive.add_control(frame, source="desk", date="2025-01-11")
    assert not archive.path.exists()


def test_incidents_from_points_and_from_columns(archive: geo.Archive) -> None:
    rows = {"event_id": ["a", "b"], "date_start": pd.to_datetime(["2025-01-11", "2025-01-12"]), "best": [2, np.nan],
            "notes": ["=1+1", "\u2014, \"quoted\"\nand broken"]}  # fmt: skip
    points = gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy([35.25, 35.1], [51.2, 51.15]), crs=4326)
    assert archive.add_incidents(points.to_crs(3857), dataset="desk").rows_stored == 2
    plain = pd.DataFrame(rows).assign(latitude=[51.2, 51.15], longitude=[35.25, 35.1])
    assert archive.add_incidents(plain, dataset="plain").rows_stored == 2
    found = archive.incidents("2025-01-11", "2025-01-12", dataset="plain")
    assert found["notes"].tolist() == rows["notes"]
    assert found["best"].isna().tolist() == [False, True]
    assert found.geometry.x.tolist() == [35.25, 35.1]


def test_units_from_a_frame_are_measured_and_a_level_that_is_not_there_is_an_error(archive: geo.Archive) -> None:
    units = held(WEST, EAST, name=["West", "East"], unit=["W", "E"], parent="RU-KRS")
    assert archive.add_units(units, boundary="parishes", level=2).rows_stored == 2
    archive.add_control(
        held(shapely.union(WEST, EAST)), source="desk", date="2025-01-11", controller="UA", status="held"
    )
    table = archive.area("2025-01-11", by="unit", level=2).set_index("unit_name")
    assert table["area_km2"].drop(index=table.index[~table.index.isin(["West", "East"])]).to_dict() == {
        "West": pytest.approx(geo.area_km2(gpd.GeoSeries([WEST])).item()), "East": pytest.approx(geo.area_km2(gpd.GeoSeries([EAST])).item())
    }  # fmt: skip
    for ask in (archive.area, archive.panel, archive.series):
        with pytest.raises(geo.UnitError, match="0, 1, 2"):
            ask(by="unit", level=7)


def test_a_panel_is_the_area_of_each_date_and_has_no_rows_where_the_map_is_too_old(archive: geo.Archive) -> None:
    for day, shape in (("2024-08-20", WEST), ("2024-09-15", EAST), ("2025-03-01", WEST)):
        archive.add_control(held(shape), source="desk", date=day, controller="UA", status="held")
    panel = archive.panel(freq="MS", by=None)
    assert panel["date"].dt.strftime("%Y-%m").tolist() == ["2024-09", "2024-10", "2025-03"]
    areas = [archive.area(day.date())["area_km2"].item() for day in panel["date"]]
    assert panel["area_km2"].tolist() == pytest.approx(areas)
    assert panel["age_days"].tolist() == [12, 16, 0]
    assert len(archive.panel(freq="MS", by=None, max_age_days=365)) == 7
    with pytest.raises(geo.UsageError):
        archive.panel(freq="fortnightly")


def test_who_of_points_is_who_of_each_point() -> None:
    archive = geo.open_archive(Path(__file__).resolve().parents[1] / "data" / "kursk.gpkg")
    if not archive.path.exists():
        pytest.skip("needs the demo archive: geo demo")
    places = {"Sudzha": (51.19, 35.27), "Guyevo": (51.09, 35.27), "Kursk": (51.73, 36.19)}
    points = gpd.GeoSeries({n: shapely.Point(lon, lat) for n, (lat, lon) in places.items()}, crs=4326)
    table = archive.who(points)
    for name, (lat, lon) in places.items():
        alone, mine = archive.who(lat, lon), table[table["point"] == name]
        keys = ["controller", "status", "native"]
        assert mine[keys].astype(object).values.tolist() == alone[keys].values.tolist()
        begins = pd.to_datetime(alone["valid_from"], utc=True)
        assert mine["valid_from"].tolist() == begins.tolist()
    hands = archive.changed_hands(None, "2024-08-08", "2025-01-11").set_index("name")
    assert hands.loc["Sudzha", "when"] == table[table["point"] == "Sudzha"]["valid_from"].iloc[-1]


def test_a_unit_is_called_as_its_own_boundary_set_calls_it(archive: geo.Archive) -> None:
    archive.add_units(held(WEST, name=["Old name"], unit=["W"], parent="RU-KRS"), boundary="old", level=2)
    archive.add_units(held(WEST, name=["New name"], unit=["W"], parent="RU-KRS"), boundary="new", level=2)
    archive.add_control(held(WEST), source="desk", date="2025-01-11", controller="UA", status="held")
    for boundary, name in (("old", "Old name"), ("new", "New name")):
        asked = {"by": "unit", "level": 2, "boundary": boundary}
        assert archive.area("2025-01-11", **asked)["unit_name"].tolist() == [name]
        assert set(archive.series(**asked)["unit_name"]) == {name}


# -- dates ------------------------------------------------------------------------------------------------------------

_SPAN = ("2024-11-23", "2025-01-11")
QUESTIONS = {
    "sources": lambda a: a.sources(), "snapshots": lambda a: a.snapshots(), "polygons": lambda a: a.polygons("seeds"),
    "control": lambda a: a.control(source="seeds"), "units": lambda a: a.units(1), "incidents": lambda a: a.incidents(),
    "claims": lambda a: a.claims(), "sides": lambda a: a.sides(), "rules": lambda a: a.rules(),
    "coverage": lambda a: a.coverage(), "area": lambda a: a.area(source="seeds", by="unit"), "change": lambda a: a.change(*_SPAN, source="seeds"),
    "changed": lambda a: a.changed(*_SPAN, source="seeds"), "series": lambda a: a.series(source="seeds"), "months": lambda a: a.series(source="seeds", every="month"),
    "panel": lambda a: a.panel(source="seeds", freq="MS"), "moved": lambda a: a.front_movement(*_SPAN, source="seeds"),
    "hands": lambda a: a.changed_hands(None, "2024-08-08", _SPAN[1], source="seeds"),
    "hands by places": lambda a: a.changed_hands(None, "2024-12-01", _SPAN[1], source="settlements"),
    "who": lambda a: a.who(51.19, 35.27),
    "who of points": lambda a: a.who(gpd.GeoSeries([shapely.Point(35.27, 51.19)], crs=4326)),
    "settlements": lambda a: a.settlements(), "corrections": lambda a: a.corrections(),
    "corrected ground": lambda a: a.corrected_ground(),
    "compare": lambda a: a.compare_span(*_SPAN, sources=["seeds", "other"], lag_days=0)[0],
}  # fmt: skip


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> geo.Archive:
    """The example with all that an archive may hold: another source, settlements, a rule, a map taken back."""
    folder = tmp_path_factory.mktemp("full")
    archive = build(folder / "kursk.gpkg")
    ground = archive.control(_SPAN[1])[["controller", "status", "geometry"]]
    archive.add_control(ground, source="other", date=_SPAN[0])
    (folder / "panel.csv").write_text(
        "name,lat,lon,date,side\nA,51.2,35.27,2024-11-01,RU\nA,51.2,35.27,2025-01-05,UA\n"
    )
    geo.import_files(archive, "settlements", folder / "panel.csv")
    archive.set_rule("withhold", "notes")
    archive.retract("seeds@2024-12-16", why="a test")
    return archive


@pytest.mark.parametrize("question", QUESTIONS)
def test_dates_in_frames_are_datetimes_and_codes_of_units_have_names(question: str, full: geo.Archive) -> None:
    frame = QUESTIONS[question](full)
    assert len(frame)
    for column in frame.columns.drop("geometry", errors="ignore"):
        if frame[column].dtype == object and column != "source_date":  # dates of all sources, by semicolons
            texts = [value for value in frame[column] if isinstance(value, str)]
            assert not [text for text in texts if re.match(r"\d{4}-\d\d-\d\d(T|$)", text)], column
    for code, name in (("unit", "unit_name"), ("sector", "sector_name")):
        assert name in frame or code not in frame or question in ("units", "claims") or frame[code].isna().all()


@pytest.mark.parametrize("ask", [
    lambda a: a.units(7), lambda a: a.area(source="seeds", level=7), lambda a: a.series(source="seeds", by="unit", level=7),
    lambda a: a.panel(source="seeds", freq="MS", level=7), lambda a: a.change(*_SPAN, source="seeds", by="unit", level=7),
    lambda a: a.front_movement(*_SPAN, source="seeds", level=7), lambda a: counted(a, by="unit", level=7),
])  # fmt: skip
def test_a_level_that_the_archive_has_not_is_an_error(ask: Callable[[geo.Archive], object], full: geo.Archive) -> None:
    with pytest.raises(geo.UnitError, match=r"no units of level 7.*0, 1"):
        ask(full)


def test_incidents_come_in_again_as_they_went_out(full: geo.Archive, tmp_path: Path) -> None:
    whole = geo.open_archive(full.path, raw=True).incidents()
    again = geo.open_archive(tmp_path / "again.gpkg")
    assert again.add_incidents(whole, dataset="again").rows_stored == len(whole)
    dates = ["event_id", "date_start", "date_end", "source_date"]
    told = [frame[dates].sort_values("event_id").astype(str).values.tolist() for frame in (whole, again.incidents())]
    assert told[0] == told[1]
    assert encounters(full, whole, sources=["seeds"])["date_start"].notna().all()
