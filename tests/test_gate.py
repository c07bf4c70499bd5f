"""The gate, finding by finding: let in, mended and said so, or refused and said why."""

from __future__ import annotations

from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from geo.errors import GateError
from geo.importing.validation import FindingCache, admit_control, admit_points, admit_units, check_together
from geo.measure.ellipsoid import areas_km2
from geo.schema import INCIDENT_COLUMNS, Options, Refusal, Rows, Snapshot
from geo.storage.gpkg import decode, encode
from geo.units import countries_of

DAY = datetime(2025, 1, 11, tzinfo=UTC)
SQUARE = box(35, 51, 35.5, 51.3)
NONE = Options()


def frame(*shapes: object, controller: object = "UA", status: str = "held", native: str = "x") -> gpd.GeoDataFrame:
    n = len(shapes)
    columns = {"row": range(1, n + 1), "controller": controller, "status": status, "native": native}
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs="EPSG:4326", index=range(n))


def snapshot(*shapes: object, depicts: datetime = DAY, **columns: object) -> Snapshot:
    return Snapshot(frame(*shapes, **columns), depicts, len(shapes))  # type: ignore[arg-type]


def world(*rows: tuple[str, int, str | None, object]) -> gpd.GeoDataFrame:
    shapes = [shape for *_, shape in rows]
    columns = {
        "unit": [r[0] for r in rows], "name": [r[0] for r in rows], "name_local": None, "level": [r[1] for r in rows],
        "parent": [r[2] for r in rows], "boundary": "test", "area_km2": areas_km2(np.array(shapes, dtype=object)),
    }  # fmt: skip
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


COUNTRIES = countries_of(
    world(
        ("AA", 0, None, box(30, 45, 40, 52)),
        ("BB", 0, None, box(45, 30, 60, 40)),
        ("AA-1", 1, "AA", box(30, 45, 40, 52)),
    )
)


def test_a_sound_polygon_passes_untouched() -> None:
    out = admit_control(snapshot(SQUARE), options=NONE, countries=COUNTRIES)
    assert out.frame.geometry[0].equals_exact(SQUARE, 0)
    assert (out.refusals, out.repairs, out.notes) == ((), (), ())


def test_clockwise_rings_stay_as_they_are() -> None:
    turned = Polygon(list(SQUARE.exterior.coords)[::-1])
    out = admit_control(snapshot(turned), options=NONE)
    assert list(out.frame.geometry[0].exterior.coords) == list(turned.exterior.coords)


def test_a_bowtie_becomes_its_two_triangles_and_says_so() -> None:
    bow = Polygon([(35, 51), (35.5, 51.3), (35.5, 51), (35, 51.3)])
    out = admit_control(snapshot(bow), options=NONE)
    assert shapely.is_valid(out.frame.geometry[0])
    assert len(shapely.get_parts(out.frame.geometry[0])) == 2
    assert "km² before" in out.repairs[0]
    assert "km² after" in out.repairs[0]
    halves = [Polygon([(35, 51), (35, 51.3), (35.25, 51.15)]), Polygon([(35.5, 51), (35.5, 51.3), (35.25, 51.15)])]
    assert areas_km2(np.array([out.frame.geometry[0]]))[0] == pytest.approx(areas_km2(np.array(halves)).sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (None, "no geometry"),
        (Polygon(), "empty geometry"),
        (Point(35, 51), "only areas are control"),
        (LineString([(35, 51), (36, 52)]), "only areas are control"),
        (GeometryCollection([Point(35, 51)]), "only areas are control"),
        (Polygon([(35, 51), (float("nan"), 51), (35.5, 51.3)]), "NaN coordinate"),
        (Polygon([(35, 51), (float("inf"), 51), (35.5, 51.3)]), "infinite coordinate"),
        (box(3.8e6, 6.6e6, 3.9e6, 6.7e6), "metres where degrees are declared"),
        (Polygon([(535, 51), (535.5, 51), (535.5, 51.3)]), "longitude out of range"),
        (Polygon([(35, 151), (35.5, 151), (35.5, 151.3)]), "latitude out of range"),
        (Polygon([(35, 51), (35.5, 51), (35, 51)]), "no area is left"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_stay(shape: object, why: str) -> None:
    out = admit_control(snapshot(shape, SQUARE), options=NONE, countries=COUNTRIES)
    assert len(out.frame) == 1
    assert why in out.refusals[0].why
    assert out.refusals[0].row == 1
    with pytest.raises(GateError, match=why.split("(")[0]):
        admit_control(snapshot(shape), options=NONE, countries=COUNTRIES)


RING = "((35 51,35.5 51,35.5 51.3,35 51.3,35 51)"
WITH_EMPTY = (
    f"POLYGON {RING}, EMPTY)",
    f"MULTIPOLYGON(EMPTY, {RING}), EMPTY)",
    f"MULTIPOLYGON({RING}, EMPTY, EMPTY), EMPTY)",
    f"GEOMETRYCOLLECTION(POINT EMPTY, MULTIPOLYGON(EMPTY, {RING}, EMPTY)), GEOMETRYCOLLECTION EMPTY)",
)


@pytest.mark.parametrize("text", WITH_EMPTY)
def test_empty_parts_and_holes_of_an_area_are_nothing(text: str) -> None:
    odd, whole = shapely.from_wkt(text), areas_km2(np.array([SQUARE]))
    assert areas_km2(np.array([odd])) == whole
    out = admit_control(snapshot(odd), options=NONE, countries=COUNTRIES)
    assert shapely.get_num_coordinates(out.frame.geometry[0]) == 5
    assert "EMPTY" not in out.frame.geometry[0].wkt
    assert areas_km2(np.array([out.frame.geometry[0]])) == whole
    if odd.geom_type == "MultiPolygon":  # as another program may have left it in the archive
        assert "EMPTY" not in decode(encode(np.array([odd])))[0].wkt


def test_a_collection_whose_one_area_is_empty_is_refused() -> None:
    with pytest.raises(GateError, match="no area is left"):
        admit_control(snapshot(shapely.from_wkt("GEOMETRYCOLLECTION(POINT(1 1), POLYGON EMPTY)")), options=NONE)


def test_a_hole_outside_its_shell_is_said() -> None:
    odd = Polygon(SQUARE.exterior.coords, [box(40, 51, 40.1, 51.1).exterior.coords])
    out = admit_control(snapshot(odd), options=NONE)
    assert "made valid" in out.repairs[0]
    assert shapely.is_valid(out.frame.geometry[0])


def test_a_polygon_across_180_is_cut_there() -> None:
    across = Polygon([(179, 65), (-179, 65), (-179, 66), (179, 66)])
    out = admit_control(snapshot(across), options=NONE)
    mended = out.frame.geometry[0]
    assert mended.bounds == (-180, 65, 180, 66)
    assert areas_km2(np.array([mended]))[0] == pytest.approx(10322.96660376, rel=1e-9)
    assert "180°" in out.repairs[0]


def test_the_whole_world_is_more_than_any_country() -> None:
    with pytest.raises(GateError, match=r"5\d\d,\d{3},\d{3} km², more than"):
        admit_control(snapshot(box(-180, -90, 180, 90)), options=NONE, countries=COUNTRIES)
    accepted = Options(accept=frozenset({"large"}))
    assert len(admit_control(snapshot(box(-180, -90, 180, 90)), options=accepted, countries=COUNTRIES).frame) == 1


def test_more_than_a_country_has_is_refused() -> None:
    with pytest.raises(GateError, match="more than all of AA"):
        admit_control(snapshot(box(28, 44, 42, 54)), options=NONE, countries=COUNTRIES)


def test_swapped_axes_are_told_by_the_units() -> None:
    swapped = Polygon([(51, 35), (51.3, 35), (51.3, 35.5), (51, 35.5)])
    with pytest.raises(GateError, match="swapped"):
        admit_control(snapshot(swapped, controller="AA"), options=NONE, countries=COUNTRIES)
    accepted = Options(accept=frozenset({"swapped"}))
    assert len(admit_control(snapshot(swapped, controller="AA"), options=accepted, countries=COUNTRIES).frame) == 1


def test_the_future_is_refused_unless_accepted() -> None:
    later = datetime(2199, 1, 1, tzinfo=UTC)
    with pytest.raises(GateError, match="2199-01-01 is later than now"):
        admit_control(snapshot(SQUARE, depicts=later), options=NONE)
    assert len(admit_control(snapshot(SQUARE, depicts=later), options=Options(accept=frozenset({"future"}))).frame) == 1


def test_an_unknown_status_lists_the_known() -> None:
    with pytest.raises(GateError, match="'sort of held'.*held, claimed, advance, contested, liberated"):
        admit_control(snapshot(SQUARE, status="sort of held"), options=NONE)


def test_an_empty_snapshot_must_be_asked_for() -> None:
    with pytest.raises(GateError, match="no features"):
        admit_control(snapshot(), options=NONE)
    assert admit_control(snapshot(), options=Options(accept=frozenset({"empty"}))).frame.empty


def test_equal_features_are_kept_once_and_counted() -> None:
    out = admit_control(snapshot(SQUARE, SQUARE, box(36, 51, 36.1, 51.1)), options=NONE)
    assert (len(out.frame), out.duplicates) == (2, 1)
    assert "1 kept, 2 counted" in out.repairs[0]


def test_sides_that_overlap_are_counted_with_km2_and_kept() -> None:
    both = frame(SQUARE, box(35.25, 51, 36, 51.3))
    both["controller"] = ["UA", "RU"]
    out = admit_control(Snapshot(both, DAY, 2), options=NONE)
    shared = areas_km2(np.array([box(35.25, 51, 35.5, 51.3)]))[0]
    assert len(out.frame) == 2
    assert f"RU held and UA held overlap on {shared:.3f} km²" in out.notes[-1]


def test_slivers_are_counted_and_kept() -> None:
    out = admit_control(snapshot(MultiPolygon([SQUARE, box(36, 51, 36.0001, 51.0001)])), options=NONE)
    assert out.notes == ("1 sliver under 0.01 km², kept",)


def test_memory_changes_nothing_but_time() -> None:
    memory = FindingCache()
    bow = Polygon([(35, 51), (35.5, 51.3), (35.5, 51), (35, 51.3)])
    both = frame(SQUARE, box(35.25, 51, 36, 51.3), bow, Point(1, 1))
    both["controller"] = ["UA", "RU", "UA", "UA"]
    first, again = (
        admit_control(Snapshot(both, DAY, 4), options=NONE, countries=COUNTRIES, memory=memory) for _ in range(2)
    )
    fresh = admit_control(Snapshot(both, DAY, 4), options=NONE, countries=COUNTRIES)
    for out in (first, again):
        assert out.frame.geometry.geom_equals_exact(fresh.frame.geometry, 0).all()
        assert (out.refusals, out.repairs, out.notes) == (fresh.refusals, fresh.repairs, fresh.notes)


ODD = (
    SQUARE, MultiPolygon([SQUARE, box(36, 51, 36.0001, 51.0001)]), None, Polygon(), Point(1, 1), box(-1, -1, 1, 1),
    Polygon([(35, 51), (35.5, 51.3), (35.5, 51), (35, 51.3)]), shapely.force_3d(SQUARE, 7), box(-180, -90, 180, 90),
    Polygon([(0, 80), (90, 80), (180, 80), (-90, 80)]), Polygon([(170, 60), (-170, 60), (-170, 65), (170, 65)]),
    Polygon([(35, 151), (35.5, 151), (35.5, 151.3)]), box(200, 10, 201, 11), box(35, 51, 90, 90),
    Polygon([(35, 51), (36, 51), (np.nan, 52)]), GeometryCollection([SQUARE, LineString([(0, 0), (1, 1)])]),
    SQUARE.difference(box(35.1, 51.1, 35.2, 51.2)), box(51, 35, 51.3, 35.5),
    *map(shapely.from_wkt, WITH_EMPTY),
)  # fmt: skip


def test_polygons_checked_together_are_judged_as_each_by_itself() -> None:
    def judged(maps: list[Snapshot], memory: FindingCache) -> list[object]:
        found: list[object] = []
        for one in maps:
            try:
                out = admit_control(one, options=NONE, countries=COUNTRIES, memory=memory)
                found.append((encode(out.rows.geometry), out.repairs, out.notes, str(out.refusals)))
            except GateError as error:
                found.append((str(error), str(error.refusals)))
        return found

    maps = [snapshot(shape, *more) for shape in ODD for more in ((), (SQUARE, box(35.4, 51, 35.9, 51.3)))]
    memory = FindingCache()
    check_together(maps, memory, COUNTRIES)
    assert memory.km2
    assert judged(maps, memory) == [said for one in maps for said in judged([one], FindingCache())]


def points(*xy: tuple[float, float], country: str | None = None) -> Rows:
    columns: dict[str, object] = dict.fromkeys(INCIDENT_COLUMNS)
    columns |= {"row": range(1, len(xy) + 1), "country": country}
    return Rows(
        gpd.GeoDataFrame(columns, geometry=[Point(p) for p in xy], crs="EPSG:4326", index=range(len(xy))), len(xy)
    )


@pytest.mark.parametrize(
    ("xy", "why"),
    [
        ((0.0, 0.0), "0,0 is no place"),
        ((190.0, 10.0), "longitude out of range"),
        ((10.0, 95.0), "latitude out of range"),
        ((51.73, 36.19), "swapped"),
    ],
)
def test_points_that_cannot_be_are_refused_one_by_one(xy: tuple[float, float], why: str) -> None:
    out = admit_points(points(xy, (35.0, 50.0)), options=NONE, countries=COUNTRIES)
    assert len(out.frame) == 1
    assert why in out.refusals[0].why


def test_a_row_that_names_its_country_is_not_swapped() -> None:
    out = admit_points(points((51.73, 36.19), country="BB"), options=NONE, countries=COUNTRIES)
    assert not out.refusals


def test_refusals_of_the_reader_are_kept() -> None:
    rows = points((35.0, 50.0))
    out = admit_points(Rows(rows.frame, 2, refusals=(Refusal(2, "unreadable date"),)), options=NONE)
    assert [r.why for r in out.refusals] == ["unreadable date"]


def test_units_are_mended_too() -> None:
    units = world(
        ("A", 1, None, Polygon([(35, 51), (35.5, 51.3), (35.5, 51), (35, 51.3)])), ("B", 1, None, Point(3, 3))
    )
    units["row"] = [1, 2]
    out = admit_units(Rows(units, 2))
    assert list(out.frame["unit"]) == ["A"]
    assert out.refusals[0].row == 2
    assert shapely.is_valid(out.frame.geometry[0])
