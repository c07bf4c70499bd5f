"""What the rounding of sums leaves is 0 in every figure, an area is never negative, and small ground stays."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from geo.archive import Archive, open_archive
from geo.measure.areas import Zone, border_band
from geo.measure.ellipsoid import area_km2, areas_km2, running_areas_km2, without_residue
from geo.measure.series.edge_history import LedgerBuilder
from geo.measure.source_comparison import Ground, side_by_side, totals
from geo.schema import ControlColumns, Source
from geo.storage.snapshots import Recording, record

FIXTURE = Path(__file__).with_name("fixtures") / "layout_1.gpkg"
DAY0 = datetime(2024, 8, 1, tzinfo=UTC)
LEAST_KM2 = 1e-9


def is_settled(value: float, *, least: float = LEAST_KM2, signed: bool = False) -> bool:
    """0 without a sign, or more than any residue, and below 0 only where that means something."""
    if value == 0:
        return math.copysign(1, value) == 1
    return abs(value) > least and (signed or value > 0)


def check(table: pd.DataFrame) -> None:
    for name in table.columns:
        if name.endswith(("_km2", "_percent")):
            values = [v for v in table[name].tolist() if not pd.isna(v)]
            # a share of small ground may be as small as it likes, but is never a negative nothing
            least = 0.0 if name.endswith("_percent") else LEAST_KM2
            assert all(is_settled(v, least=least, signed=name.startswith("net_")) for v in values), (name, values)


def archive_of(folder: str | Path, days: list[list[shapely.Geometry]]) -> Archive:
    opened = open_archive(Path(folder) / "a.gpkg")
    units = gpd.GeoDataFrame(
        {
            "unit": ["AA", "AA-1", "AA-2"], "name": ["Aland", "West", "East"], "name_local": None,
            "level": [0, 1, 1], "parent": [None, "AA", "AA"], "boundary": "test set",
        },
        geometry=[box(30, 40, 50, 60), box(30, 40, 36.1, 60), box(36.1, 40, 50, 60)], crs="EPSG:4326",
    )  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.put_units(
            connection, units, areas_km2(units.geometry.to_numpy()).tolist(), "2024-01-01T00:00:00.000Z"
        )
        opened.store.add_source(connection, Source("desk", "desk"))
        for i, shapes in enumerate(days):
            classes = {"controller": ["X", None, "X"], "status": ["held", "contested", "claimed"], "native": "n"}
            rows = [s for s in zip(*list(classes.values())[:2], shapes, strict=False) if not s[2].is_empty]
            frame = pd.DataFrame([r[:2] for r in rows], columns=["controller", "status"], dtype=object).assign(
                native="n"
            )
            shaped = gpd.GeoDataFrame(frame, geometry=[r[2] for r in rows], crs="EPSG:4326")
            record(
                connection,
                Recording("desk", "", DAY0 + timedelta(days=i), ControlColumns.of(shaped), f"s{i}", 1, f"s{i}"),
            )
    return opened


def test_the_series_of_the_fixture_ends_in_nothing() -> None:
    table = open_archive(FIXTURE).series()
    check(table)
    assert table["area_km2"].iloc[-1] == 0.0


# corners on no round numbers, so that sums round
corner = st.floats(31.0, 44.0, allow_nan=False).map(lambda v: round(v, 7) + 1e-8 / 3)
size = st.sampled_from([0.0, 1e-4 / 3, 0.1, 1 / 3, 2.7])


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry:
    x, y, wide, high = draw(corner), draw(corner) + 9, draw(size), draw(size)
    return box(x, y, x + wide, y + high) if wide and high else shapely.Polygon()


@settings(max_examples=6, deadline=None)
@given(st.lists(st.lists(shapes(), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_table_has_a_residue(days: list[list[shapely.Geometry]]) -> None:
    days = [*days, [days[0][1], days[0][0], shapely.Polygon()]]
    if any(all(s.is_empty for s in listed) for listed in days):
        return
    with TemporaryDirectory() as folder:
        archive = archive_of(folder, days)
        last = f"2024-08-{len(days):02d}"
        for by in (None, "unit"):
            check(archive.area(last, by=by))
            check(archive.change("2024-08-01", last, by=by))
            check(archive.series(by=by))
        check(archive.series(within="West"))
        check(archive.changed("2024-08-01", last))
        check(archive.corrections())
        if any(not listed[0].is_empty for listed in days[-1:]):
            for figure in archive.explain(last, status="held", accuracy_km=50).facts["figures"]:
                assert all(is_settled(v) for v in figure["range_km2"])


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=30))
def test_what_came_and_went_leaves_nothing(amounts: list[float]) -> None:
    growth = np.array([*amounts, *(-a for a in sorted(amounts))])
    area = running_areas_km2(growth)
    assert area[-1] == 0.0
    assert all(is_settled(v) for v in area.tolist())


@pytest.mark.parametrize("value", [-0.0, 1e-12, -1.6e-12, -1e-10])
def test_a_residue_is_nothing_with_and_without_a_sign(value: float) -> None:
    for signed in (False, True):
        assert math.copysign(1, float(without_residue(value, signed=signed))) == 1
        assert without_residue(value, signed=signed) == 0


@pytest.mark.parametrize("of", [0.0, 1e3, 1e5, 1.7e7, 5.1e8])
def test_a_square_metre_stays(of: float) -> None:
    assert without_residue(1e-6, of=of) == 1e-6
    assert without_residue(-1e-6, of=of, signed=True) == -1e-6
    assert math.isnan(float(without_residue(math.nan, of=of)))


def test_a_square_metre_stays_in_every_table(tmp_path: Path) -> None:
    metre = box(34, 50, 34 + 1e-5, 50 + 1.4e-5)  # about a square metre
    km2 = float(areas_km2(np.array([metre], dtype=object))[0])
    assert 5e-7 < km2 < 2e-6
    archive = archive_of(tmp_path, [[box(33, 49, 36, 50)], [shapely.union(box(33, 49, 36, 50), metre)], [metre]])
    assert archive.series()["area_km2"].iloc[-1] == pytest.approx(km2, rel=1e-3)
    assert archive.area("2024-08-03")["area_km2"].tolist() == pytest.approx([km2], rel=1e-9)
    assert archive.change("2024-08-01", "2024-08-02")["gained_km2"].iloc[0] == pytest.approx(km2, rel=1e-9)
    assert archive.changed("2024-08-01", "2024-08-02")["area_km2"].tolist() == pytest.approx([km2], rel=1e-9)


def test_holes_that_fill_a_shell_leave_nothing() -> None:
    whole = box(33.1, 49.7, 36.3, 52.9)
    halves = [box(33.1, 49.7, 34.7, 52.9), box(34.7, 49.7, 36.3, 52.9)]
    hollow = shapely.Polygon(whole.exterior, [half.exterior for half in halves])
    assert area_km2(gpd.GeoSeries([hollow], crs=4326)).tolist() == [0.0]


def test_a_ledger_of_ground_that_is_gone_ends_in_nothing() -> None:
    builder = LedgerBuilder()
    for listed in ([box(33.123, 49.7, 36.1, 51)], [box(33.123, 49.7, 35 + 1 / 3, 51)], []):
        builder.snapshot(listed)
    assert builder.ledger().areas_km2()[-1] == 0.0


def test_sides_and_bands_have_no_residue() -> None:
    one, other = box(33.1, 49.7, 35 + 1 / 3, 51), box(35 + 1 / 3 - 1e-15, 49.7, 36.3, 51)
    pieces = side_by_side([Ground("a", one, {}), Ground("b", other, {})], ("X", "held"), zones=[Zone(None, None, None)])
    check(pd.DataFrame(pieces))
    check(totals(pieces, ["a", "b"]))
    band = border_band(one, accuracy_km=500)
    assert is_settled(band.inside_km2)
