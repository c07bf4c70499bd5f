"""Areas and changes of an archive against figures worked out by hand from boxes."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from geo.archive import Archive, open_archive
from geo.archive.figures import AREA_COLUMNS, CHANGE_COLUMNS, SERIES_COLUMNS
from geo.errors import ArchiveError, NoSnapshotError, SourceError, UnitError, UsageError
from geo.measure import areas as measures
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.panel import changed_ground
from geo.schema import ControlColumns, Source
from geo.storage.snapshots import Recording, record

DAY0 = datetime(2024, 8, 1, tzinfo=UTC)


def km2(*shapes: shapely.Geometry) -> float:
    return float(areas_km2(np.array(shapes, dtype=object)).sum())


def state(*rows: tuple[str | None, str, str, shapely.Geometry]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame([r[:3] for r in rows], columns=["controller", "status", "native"], dtype=object)
    return gpd.GeoDataFrame(frame, geometry=[r[3] for r in rows], crs="EPSG:4326")


def put(archive: Archive, when: datetime, frame: gpd.GeoDataFrame, *, source: str = "desk", part: str = "") -> str:
    with archive.store.writing() as connection:
        archive.store.add_source(connection, Source(source, source))
        name = f"{when}{part}{frame.geometry.to_wkb().tolist()}"
        return record(connection, Recording(source, part, when, ControlColumns.of(frame), name, 1, name)).snapshot


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two countries side by side, A (two provinces) and B; side X holds ground in both, Y in A."""
    opened = open_archive(tmp_path / "a.gpkg")
    shapes = [box(0, 0, 10, 10), box(10, 0, 20, 10), box(0, 0, 5, 10), box(5, 0, 10, 10)]
    units = gpd.GeoDataFrame(
        {
            "unit": ["AA", "BB", "AA-1", "AA-2"], "name": ["Aland", "Bland", "West Oblast", "East Oblast"],
            "name_local": [None, None, "Захід", None], "level": [0, 0, 1, 1], "parent": [None, None, "AA", "AA"],
            "boundary": "test set",
        },
        geometry=shapes, crs="EPSG:4326",
    )  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.put_units(connection, units, areas_km2(np.array(shapes)).tolist(), "2024-01-01T00:00:00.000Z")
    first = state(("X", "held", "red", box(4, 2, 6, 4)), ("Y", "held", "blue", box(1, 1, 2, 2)),
                  (None, "contested", "grey", box(6, 2, 7, 4)), (None, "contested", "grey B", box(11, 1, 12, 2)))  # fmt: skip
    put(opened, DAY0, first)
    put(opened, DAY0 + timedelta(days=2, hours=6), state(("X", "held", "red", box(4, 2, 7, 3))))
    put(opened, DAY0 + timedelta(days=2, hours=18), state(("X", "held", "red", box(4, 2, 8, 3))))
    return opened


def test_area_with_its_range(archive: Archive) -> None:
    frame = archive.area("2024-08-01")
    assert tuple(frame.columns) == AREA_COLUMNS
    row = frame[(frame["controller"] == "X") & (frame["status"] == "held")].iloc[0]
    assert row["area_km2"] == pytest.approx(km2(box(4, 2, 6, 4)), rel=1e-12)
    assert row["lower_km2"] == row["area_km2"]
    assert row["upper_km2"] == pytest.approx(km2(box(4, 2, 7, 4)), rel=1e-12)  # B's contested ground is not added
    assert (row["snapshot"], row["snapshot_age_days"], row["unit"]) == ("desk@2024-08-01", 0, None)
    contested = frame[frame["status"] == "contested"].iloc[0]
    assert contested["controller"] is None
    assert contested["area_km2"] == pytest.approx(km2(box(6, 2, 7, 4), box(11, 1, 12, 2)), rel=1e-12)


def test_a_bare_date_is_its_last_snapshot_and_an_instant_the_last_before_it(archive: Archive) -> None:
    assert archive.area("2024-08-03")["snapshot"][0] == "desk@2024-08-03T18:00Z"
    assert archive.area("2024-08-03T12:00Z")["snapshot"][0] == "desk@2024-08-03T06:00Z"
    assert archive.area("2024-08-03T12:00Z")["snapshot_age_days"][0] == 0.25
    assert archive.area()["snapshot"][0] == "desk@2024-08-03T18:00Z"


def test_a_missing_day_says_whose_it_used_and_can_refuse(archive: Archive) -> None:
    frame = archive.area("2024-08-02")
    assert set(frame["snapshot"]) == {"desk@2024-08-01"}
    assert set(frame["snapshot_age_days"]) == {1}
    with pytest.raises(NoSnapshotError, match="1 day old"):
        archive.area("2024-08-02", max_age_days=0)
    with pytest.raises(NoSnapshotError, match="the first depicts 2024-08-01"):
        archive.area("2024-07-31")


def test_within_a_unit_and_a_polygon(archive: Archive) -> None:
    west = archive.area("2024-08-01", within="AA-1", controller="X").iloc[0]
    assert west["area_km2"] == pytest.approx(km2(box(4, 2, 5, 4)), rel=1e-12)
    assert (west["unit"], west["boundary"]) == ("AA-1", "test set")
    assert archive.area("2024-08-01", within="west", controller="X")["area_km2"][0] == west["area_km2"]
    assert archive.area("2024-08-01", within="захід", controller="X")["area_km2"][0] == west["area_km2"]
    drawn = archive.area("2024-08-01", within=box(0, 0, 5, 10), controller="X").iloc[0]
    assert drawn["area_km2"] == west["area_km2"]


def test_units_sum_to_the_whole(archive: Archive) -> None:
    whole = archive.area("2024-08-01").groupby("status")["area_km2"].sum()
    parts = archive.area("2024-08-01", by="unit")
    assert set(parts["unit"]) == {"AA-1", "AA-2", measures.OUTSIDE}
    pd.testing.assert_series_equal(parts.groupby("status")["area_km2"].sum(), whole, rtol=1e-12)
    by_country = archive.area("2024-08-01", by="unit", level=0)
    assert set(by_country["unit"]) == {"AA", "BB"}


def test_by_native(archive: Archive) -> None:
    frame = archive.area("2024-08-01", by="native", status="contested")
    assert dict(zip(frame["native"], frame["area_km2"], strict=True)) == pytest.approx(
        {"grey": km2(box(6, 2, 7, 4)), "grey B": km2(box(11, 1, 12, 2))}, rel=1e-12
    )


def test_change_gross_net_and_percent_of_a_named_base(archive: Archive) -> None:
    frame = archive.change("2024-08-01", "2024-08-03")
    assert tuple(frame.columns) == CHANGE_COLUMNS
    row = frame[frame["controller"] == "X"].iloc[0]
    assert row["gained_km2"] == pytest.approx(km2(box(6, 2, 8, 3)), rel=1e-12)
    assert row["lost_km2"] == pytest.approx(km2(box(4, 3, 6, 4)), rel=1e-12)
    assert row["net_km2"] == pytest.approx(km2(box(4, 2, 8, 3)) - km2(box(4, 2, 6, 4)), rel=1e-9)
    assert row["net_percent"] == pytest.approx(100 * row["net_km2"] / km2(box(4, 2, 6, 4)), rel=1e-12)
    assert (row["from_snapshot"], row["to_snapshot"]) == ("desk@2024-08-01", "desk@2024-08-03T18:00Z")
    other = archive.change("2024-08-01", "2024-08-03", base="2024-08-03T06:00Z", controller="X").iloc[0]
    assert other["base_km2"] == pytest.approx(km2(box(4, 2, 7, 3)), rel=1e-12)
    gone = frame[frame["controller"] == "Y"].iloc[0]
    assert (gone["gained_km2"], gone["net_percent"]) == (0, pytest.approx(-100))


def test_changed_polygons(archive: Archive) -> None:
    frame = archive.changed("2024-08-01", "2024-08-03")
    mine = frame[frame["controller"] == "X"].set_index("change")
    assert mine.loc["gained", "geometry"].equals(box(6, 2, 8, 3))
    assert mine.loc["lost", "geometry"].equals(box(4, 3, 6, 4))


def test_series(archive: Archive) -> None:
    frame = archive.series(controller="X")
    assert tuple(frame.columns) == SERIES_COLUMNS
    assert frame["date"].dt.strftime("%d %H").tolist() == ["01 00", "03 06", "03 18"]
    assert np.isnan(frame["gained_km2"][0])
    steps = frame["gained_km2"] - frame["lost_km2"]
    assert frame["area_km2"].diff()[1:].tolist() == pytest.approx(steps[1:].tolist(), rel=1e-9)
    panel = archive.series(by="unit", controller="X").groupby("date")["area_km2"].sum()
    assert panel.tolist() == pytest.approx(frame["area_km2"].tolist(), rel=1e-12)


def test_as_known_on_goes_through_every_figure(archive: Archive) -> None:
    before = archive.reader.snapshots()["recorded_at"].max()
    wrong = archive.area("2024-08-03", controller="X")["area_km2"][0]
    put(archive, DAY0 + timedelta(days=2, hours=18), state(("X", "held", "red", box(4, 2, 4.5, 3))))
    assert archive.area("2024-08-03", controller="X")["area_km2"][0] == pytest.approx(km2(box(4, 2, 4.5, 3)), rel=1e-12)
    assert archive.area("2024-08-03", controller="X", as_known_on=before)["area_km2"][0] == wrong
    then = archive.change("2024-08-01", "2024-08-03", controller="X", as_known_on=before)
    assert then["gained_km2"][0] == pytest.approx(km2(box(6, 2, 8, 3)), rel=1e-12)
    assert archive.series(controller="X", as_known_on=before)["area_km2"].iloc[-1] == pytest.approx(wrong, rel=1e-12)


def test_a_retraction_gives_the_place_back(archive: Archive) -> None:
    right = archive.area("2024-08-03", controller="X")["area_km2"][0]
    name = put(archive, DAY0 + timedelta(days=2, hours=18), state(("X", "held", "red", box(4, 2, 4.5, 3))))
    assert name == "desk@2024-08-03T18:00Z+1"
    archive.retract(name, why="a draft, sent by mistake")
    assert archive.area("2024-08-03", controller="X")["area_km2"][0] == right
    with pytest.raises(ArchiveError, match="already"):
        archive.retract(name, why="again")
    with pytest.raises(ArchiveError, match="no snapshot 'nothing'"):
        archive.retract("nothing", why="x")
    with pytest.raises(UsageError, match="say why"):
        archive.retract("desk@2024-08-01", why=" ")


def test_several_sources_must_be_named(archive: Archive) -> None:
    put(archive, DAY0, state(("X", "held", "red", box(0, 0, 1, 1))), source="other")
    with pytest.raises(SourceError, match="desk, other"):
        archive.area("2024-08-01")
    with pytest.raises(SourceError, match="no control by source 'third'.*desk, other"):
        archive.control("2024-08-01", source="third")
    assert set(archive.area("2024-08-01", source="other")["source"]) == {"other"}


def test_each_part_answers_with_its_own_snapshot(archive: Archive) -> None:
    put(archive, DAY0, state(("X", "held", "red", box(0, 0, 1, 1))), source="parts", part="control")
    put(
        archive,
        DAY0 - timedelta(days=5),
        state(("X", "claimed", "pink", box(1, 0, 2, 1))),
        source="parts",
        part="claimed",
    )
    frame = archive.area("2024-08-01", source="parts").set_index("status")
    assert frame.loc["held", "snapshot"] == "parts/control@2024-08-01"
    assert frame.loc["claimed", "snapshot"] == "parts/claimed@2024-07-27"
    assert frame.loc["claimed", "snapshot_age_days"] == 5


def test_units_unknown_and_ambiguous_give_the_candidates(archive: Archive) -> None:
    with pytest.raises(UnitError, match="West Oblast"):
        archive.area("2024-08-01", within="Wost Oblast")
    with pytest.raises(UsageError, match="status heldd is unknown"):
        archive.area("2024-08-01", status="heldd")
    twice = gpd.GeoDataFrame(
        {"unit": ["AA-3", "AA-4"], "name": ["Same", "Same"], "name_local": None, "level": 2, "parent": "AA", "boundary": "b"},
        geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs="EPSG:4326",
    )  # fmt: skip
    with archive.store.writing() as connection:
        areas = areas_km2(np.array(twice.geometry.array, dtype=object)).tolist()
        archive.store.put_units(connection, twice, areas, "2024-01-02T00:00:00.000Z")
    with pytest.raises(UnitError, match="AA-3 Same.*AA-4 Same"):
        archive.area("2024-08-01", within="same")


def test_an_absent_archive_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="geo import makes one"):
        open_archive(tmp_path / "typo.gpkg").area("2024-08-01")
    with pytest.raises(UsageError, match="is a folder"):
        open_archive(tmp_path)


corner = st.integers(0, 7)
boxes = st.lists(
    st.tuples(corner, corner, st.integers(1, 4), st.integers(1, 4), st.sampled_from("XY")), min_size=1, max_size=6
)


# the box moves a cell westward: what is gained and lost is one loop, of which the halves are equal
@example([(4, 7, 2, 1, "X")], [(0, 0, 4, 3, "X"), (3, 7, 2, 1, "X"), (4, 3, 2, 4, "X")])
@settings(max_examples=60, deadline=None)
@given(boxes, boxes)
def test_figures_add_up_whatever_is_drawn(old: list[tuple], new: list[tuple]) -> None:
    before, after = (
        state(*((c, "held", "n", box(x, 45 + y, x + w, 45 + y + h)) for x, y, w, h, c in rows)) for rows in (old, new)
    )
    zones = [*(measures.Zone(str(i), "b", box(3 * i, 40, 3 * i + 3, 70)) for i in range(3))]
    zones.append(measures.Zone(measures.OUTSIDE, None, box(9, 40, 30, 70)))
    moved = changed_ground(before, after)
    for ours, plain in zip(moved, measures.overlaid(before, after), strict=True):
        assert ours.key == plain.key
        for mine, theirs in zip(ours[1:], plain[1:], strict=True):
            assert mine.is_valid
            assert mine.symmetric_difference(theirs).area < 1e-12
    parts = pd.DataFrame(measures.change_rows(moved, zones=zones))
    for row in measures.change_rows(moved):
        assert row["net_km2"] == pytest.approx(row["after_km2"] - row["before_km2"], rel=1e-12, abs=1e-7)
        mine = parts[parts["controller"] == row["controller"]]
        for column in ("before_km2", "after_km2", "gained_km2", "lost_km2"):
            assert mine[column].sum() == pytest.approx(row[column], rel=1e-12, abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(boxes, boxes, st.booleans())
def test_ground_outside_all_units_is_what_their_union_leaves(
    drawn: list[tuple], laid: list[tuple], inside: bool
) -> None:
    ground = state(*((c, "held", "n", box(x, 45 + y, x + w, 45 + y + h)) for x, y, w, h, c in drawn))
    shapes = [box(3 * x - 90, 40 + y, 3 * x - 90 + 40 * w, 44 + y + h) for x, y, w, h, _ in laid]
    names = [str(i) for i in range(len(shapes))]
    units = gpd.GeoDataFrame({"unit": names, "name": names, "boundary": "b"}, geometry=shapes, crs=4326)
    within = measures.Zone("w", None, box(2, 46, 6, 70)) if inside else None
    rows = measures.area_rows(ground, zones=measures.zones_by_unit(units, within=within))
    found = {row["controller"]: row["area_km2"] for row in rows if row["unit"] == measures.OUTSIDE}
    for key, shape in measures.ground_by_class(ground).items():
        left = shapely.difference(measures.clip(shape, within and within.shape), shapely.union_all(shapes))
        assert found.get(key[0], 0.0) == pytest.approx(areas_km2(np.array([left]))[0], rel=1e-9, abs=1e-6)


def test_who_held_a_place(archive: Archive) -> None:
    frame = archive.who(3.5, 5.5)
    assert list(frame.columns) == ["source", "controller", "status", "native", "valid_from", "valid_to"]
    assert frame.iloc[0].astype(str).tolist()[1:] == [
        "X", "held", "red", "2024-08-01 00:00:00+00:00", "2024-08-03 06:00:00+00:00"]  # fmt: skip
    # the polygon changed at 06:00 and at 18:00, who holds the place did not
    kept = archive.who(2.5, 5.0)
    assert kept[["controller", "valid_from"]].astype(str).values.tolist() == [["X", "2024-08-01 00:00:00+00:00"]]
    assert kept["valid_to"].isna().all()
    assert archive.who(9.0, 19.0).empty
    with pytest.raises(UsageError, match="no place"):
        archive.who(91, 0)
    with pytest.raises(SourceError, match="there are: desk"):
        archive.who(3, 5, source="nobody")


@settings(max_examples=25, deadline=None)
@given(boxes, boxes, corner, corner)
def test_who_agrees_with_each_day(old: list[tuple], new: list[tuple], x: int, y: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = open_archive(Path(folder) / "a.gpkg")
        days = [
            state(*((c, "held", "n", box(a, b, a + w, b + h)) for a, b, w, h, c in dict.fromkeys(rows)))
            for rows in (old, new)
        ]
        for i, frame in enumerate(days):
            put(opened, DAY0 + timedelta(days=i), frame)
        opened.close()
        found = opened.who(y + 0.5, x + 0.5)
        point = shapely.Point(x + 0.5, y + 0.5)
        for i, frame in enumerate(days):
            stamp = DAY0 + timedelta(days=i)
            stands = found[(found["valid_from"] <= stamp) & (found["valid_to"].isna() | (found["valid_to"] > stamp))]
            assert set(stands["controller"]) == set(frame[frame.intersects(point)]["controller"])
