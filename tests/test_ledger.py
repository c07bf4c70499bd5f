"""The ledger against full overlays: random partitions, the traps of real series, and the real series themselves."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from geo.archive import Archive, open_archive
from geo.importing.importer import import_files
from geo.measure import areas
from geo.measure.ellipsoid import areas_km2
from geo.measure.series import edge_history, edges, panel
from geo.schema import text_or_none

DAY0 = datetime(2024, 8, 1, tzinfo=UTC)
CELLS = [box(30 + x, 50 + y, 31 + x, 51 + y) for x in range(4) for y in range(4)]


def rows_of(days: list[list[shapely.Geometry]]) -> tuple[gpd.GeoDataFrame, list[datetime]]:
    """A series in which every day has polygons of its own, none carried over as a row."""
    instants = [DAY0 + timedelta(days=i) for i in range(len(days))]
    table = [
        {"controller": "X", "status": "held", "native": "n", "part": "", "valid_from": instants[i],
         "valid_to": instants[i + 1] if i + 1 < len(days) else pd.NaT, "geometry": shape}
        for i, shapes in enumerate(days)
        for shape in shapes
    ]  # fmt: skip
    return gpd.GeoDataFrame(pd.DataFrame(table), geometry="geometry", crs="EPSG:4326"), instants


def km2(shapes: object) -> float:
    return float(areas_km2(np.atleast_1d(np.asarray(shapes, dtype=object))).sum())


def check_against_overlays(days: list[list[shapely.Geometry]]) -> list[edge_history.Step]:
    rows, instants = rows_of(days)
    (ledger,) = panel.class_ledgers(rows, instants).values()
    steps = ledger.steps()
    area = 0.0
    before: shapely.Geometry = MultiPolygon()
    for step, shapes in zip(steps, days, strict=True):
        after = shapely.union_all(shapes) if shapes else MultiPolygon()
        limit = max(1e-6, 1e-9 * km2(after))
        assert km2(step.gained) == pytest.approx(km2(shapely.difference(after, before)), abs=limit)
        assert km2(step.lost) == pytest.approx(km2(shapely.difference(before, after)), abs=limit)
        area += step.growth_km2
        assert area == pytest.approx(km2(after), abs=limit)
        if len(step.gained):
            assert km2(shapely.intersection(shapely.union_all(step.gained), before)) < limit
        before = after
    return steps


def turned(shape: Polygon) -> Polygon:
    return shapely.reverse(shape)


def denser(shape: Polygon) -> Polygon:
    return shapely.segmentize(shape, 0.3)


cell_sets = st.sets(st.integers(0, 15), max_size=10)


@st.composite
def a_day(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Some cells of a grid: merged or apart, either way round, with or without vertices between."""
    chosen = [CELLS[i] for i in sorted(draw(cell_sets))]
    if not chosen:
        return []
    if draw(st.booleans()):
        merged = shapely.union_all(chosen)
        chosen = list(shapely.get_parts(merged)) if draw(st.booleans()) else [merged]
    shapes = []
    for shape in chosen:
        if draw(st.booleans()):
            shape = shapely.reverse(shape)
        if draw(st.booleans()):
            shape = shapely.segmentize(shape, 0.3)
        shapes.append(shape)
    return shapes


@settings(max_examples=150, deadline=None)
@given(st.lists(a_day(), min_size=1, max_size=5).filter(any))
def test_random_partitions_equal_full_overlays(days: list[list[shapely.Geometry]]) -> None:
    check_against_overlays(days)


coordinates = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 12), st.integers(1, 12))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(coordinates, max_size=5), min_size=1, max_size=4).filter(any))
def test_rows_that_overlap_each_other_count_once(days: list[list[tuple[int, int, int, int]]]) -> None:
    check_against_overlays(
        [[box(30 + x / 10, 50 + y / 10, 30 + (x + w) / 10, 50 + (y + h) / 10) for x, y, w, h in day] for day in days]
    )


RING = Polygon(box(30, 50, 34, 54).exterior.coords, [box(31, 51, 33, 53).exterior.coords])


@pytest.mark.parametrize(
    "days",
    [
        [[box(30, 50, 31, 51)], [turned(box(30, 50, 31, 51))]],  # the same ground, the other way round
        [[box(30, 50, 31, 51)], [denser(box(30, 50, 31, 51))]],  # vertices put in on old edges: faces without area
        [[RING], [box(30, 50, 34, 54)], [RING]],  # a hole closes and opens again
        [[RING], [shapely.difference(RING, box(33, 51.5, 35, 52))]],  # a hole opens into the sea
        [[box(30, 50, 32, 51)], [box(30, 50, 30.9, 51), box(31.1, 50, 32, 51)], [box(30, 50, 32, 51)]],  # split, merge
        [[box(30, 50, 31, 51), box(31, 51, 32, 52)], [box(31, 50, 32, 51)]],  # corners that touch
        [[MultiPolygon([box(30, 50, 31, 51), box(33, 50, 34, 51)])], []],  # all is lost
        [[box(30, 50, 31, 51)], [box(30.5, 50.5, 31.5, 51.5)]],  # edges cross
        [[box(30, 50, 31, 51)]] * 4,  # nothing ever changes
        [[RING, box(31.5, 51.5, 32.5, 52.5)], [RING]],  # an island in the hole
    ],
)
def test_the_traps_of_real_series(days: list[list[shapely.Geometry]]) -> None:
    check_against_overlays(days)


def test_days_that_repeat_cost_nothing() -> None:
    steps = check_against_overlays([[RING]] * 5)
    assert all(step is edge_history.NOTHING for step in steps[1:]) or all(not len(s.gained) for s in steps[1:])


def test_a_step_that_cannot_prove_itself_is_done_by_an_overlay(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right, calls = edge_history.faces, []

    def no_faces_at_first(bundle: edges.Bundle) -> object:
        calls.append(bundle)
        return [(edge_history.NOTHING.gained, edge_history.NOTHING.lost)] if len(calls) == 1 else right(bundle)

    monkeypatch.setattr(edge_history, "faces", no_faces_at_first)
    with caplog.at_level(logging.INFO, logger="geo.measure.series.edge_history"):
        steps = check_against_overlays([[box(30, 50, 31, 51)], [box(30, 50, 30.5, 51)]])
    assert steps[1].overlay
    assert "full overlay" in caplog.text


def ledger_of(days: list[list[shapely.Geometry]]) -> edge_history.Ledger:
    clerk = edge_history.LedgerBuilder()
    for shapes in days:
        clerk.snapshot(shapes)
    return clerk.ledger()


def the_same(a: edge_history.Ledger, b: edge_history.Ledger) -> None:
    for left, right in zip((*a.edges, a.born, a.died), (*b.edges, b.born, b.died), strict=True):
        assert left.tobytes() == right.tobytes()
    assert a.count == b.count
    for one, other in zip(a.steps(), b.steps(), strict=True):
        assert one.growth_km2 == other.growth_km2
        for left, right in ((one.gained, other.gained), (one.lost, other.lost)):
            assert [g.wkb for g in left] == [g.wkb for g in right]


@settings(max_examples=100, deadline=None)
@given(st.lists(a_day(), min_size=2, max_size=6), st.data())
def test_ledgers_of_spans_join_to_the_ledger_of_the_whole(
    days: list[list[shapely.Geometry]], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(days) - 1), max_size=3)))
    spans = [ledger_of(days[a:b]) for a, b in zip([0, *cuts], [*cuts, len(days)], strict=True)]
    joined = spans[0]
    for span in spans[1:]:
        joined = joined.then(span)
    the_same(joined, ledger_of(days))


@settings(max_examples=80, deadline=None)
@given(st.lists(a_day(), min_size=2, max_size=5), st.data())
def test_any_two_dates_equal_an_overlay_and_areas_are_those_of_the_ground(
    days: list[list[shapely.Geometry]], data: st.DataObject
) -> None:
    made = ledger_of(days)
    i, j = data.draw(st.integers(0, len(days) - 1)), data.draw(st.integers(0, len(days) - 1))
    before, after = (shapely.union_all(days[k]) if days[k] else MultiPolygon() for k in (i, j))
    step = made.between(i, j)
    assert km2(step.gained) == pytest.approx(km2(shapely.difference(after, before)), abs=1e-5)
    assert km2(step.lost) == pytest.approx(km2(shapely.difference(before, after)), abs=1e-5)
    assert made.areas_km2()[i] == pytest.approx(km2(before), abs=1e-5)
    assert shapely.equals(made.ground(i), before) or km2(shapely.symmetric_difference(made.ground(i), before)) < 1e-6


def test_winding_numbers_against_containment() -> None:
    old, new = box(30, 50, 32, 52), Polygon([(31, 49), (33, 51), (31, 53), (29, 51)])
    chain = edges.difference(edges.boundary_edges(old), edges.boundary_edges(new))
    rng = np.random.default_rng(3)
    points = shapely.points(rng.uniform(28, 34, 400), rng.uniform(48, 54, 400))
    wanted = shapely.contains(new, points).astype(int) - shapely.contains(old, points).astype(int)
    assert (edges.winding_numbers(chain, points) == wanted).all()
    assert edges.chain_areas_km2(edges.bundled([chain]))[0] == pytest.approx(km2(new) - km2(old), rel=1e-12)


# every so many steps of a real series are overlaid; areas are sums of all steps, so that none goes unseen
EACH = int(os.environ.get("GEO_STEPS", "3"))


def naive_series(archive: Archive, source: str, zones: list[areas.Zone]) -> pd.DataFrame:
    """Steps by full overlays of all the ground there is."""
    rows = []
    stamps = sorted(set(archive.reader.snapshots(source)["depicts"]))
    for first, last in list(pairwise(stamps))[::-EACH]:
        before, after = (archive.control(stamp, source=source) for stamp in (first, last))
        rows += [r | {"stamp": last} for r in areas.change_rows(areas.overlaid(before, after), zones=zones)]
    return pd.DataFrame(rows)


def compare(archive: Archive, source: str) -> None:
    found = archive.series(source=source)
    stamps = pd.to_datetime(found["date"], utc=True)
    naive = naive_series(archive, source, list(areas.EVERYWHERE))
    keyed = found.assign(stamp=stamps, controller=found["controller"].fillna("")).set_index(
        ["stamp", "controller", "status"]
    )
    assert len(naive) > 100
    for row in naive.to_dict("records"):
        mine = keyed.loc[(pd.Timestamp(row["stamp"]), text_or_none(row["controller"]) or "", row["status"])]
        limit = max(1e-6, 1e-9 * row["after_km2"])
        for ours, theirs in (("area_km2", "after_km2"), ("gained_km2", "gained_km2"), ("lost_km2", "lost_km2")):
            assert mine[ours] == pytest.approx(row[theirs], abs=limit), (row["stamp"], ours)
    by_unit = archive.series(source=source, by="unit").fillna({"controller": ""})
    sums = by_unit.groupby(["date", "controller", "status"])["area_km2"].sum()
    whole = found.fillna({"controller": ""}).set_index(["date", "controller", "status"])["area_km2"]
    assert ((sums - whole.loc[sums.index]).abs() <= 1e-9 * whole.loc[sums.index] + 1e-6).all()
    assert len(sums) == len(whole[whole > 0]) or len(sums) == len(whole)


@pytest.mark.long
def test_steps_of_the_mirror_equal_full_overlays(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-mirror").glob("*.geojson"))
    import_files(tmp_path / "a.gpkg", "deepstate-mirror", files)
    compare(open_archive(tmp_path / "a.gpkg"), "deepstate-mirror")


@pytest.mark.long
def test_steps_of_the_raw_series_equal_full_overlays(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-raw").glob("*.geojson"))
    import_files(tmp_path / "a.gpkg", "deepstate", files)
    compare(open_archive(tmp_path / "a.gpkg"), "deepstate")


def test_a_unit_of_a_series_equals_its_areas(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-raw").glob("1736*.geojson"))
    import_files(tmp_path / "a.gpkg", "deepstate", files)
    archive = open_archive(tmp_path / "a.gpkg")
    series = archive.series(within="RU-KRS", controller="UA", status="held")
    for row in series.to_dict("records"):
        area = archive.area(row["date"], within="RU-KRS", controller="UA", status="held")["area_km2"][0]
        assert row["area_km2"] == pytest.approx(area, rel=1e-9)
    known = archive.reader.snapshots()["recorded_at"].max()
    pd.testing.assert_frame_equal(archive.series(as_known_on=known), archive.series(), rtol=1e-12)
