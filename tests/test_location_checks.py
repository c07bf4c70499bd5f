"""Can this ground be there? True maps of many wars come in; spoilt ones are refused or told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import box

from geo.archive import open_archive
from geo.errors import GateError
from geo.importing.importer import import_files
from geo.importing.validation import Admitted, admit_control, admit_points
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import Expected
from geo.output.map_content import gather
from geo.schema import INCIDENT_COLUMNS, Options, Rows, Snapshot
from geo.sources import units
from geo.units import Countries, countries_of

UNITS = Path(__file__).parent.parent / "geo" / "assets" / "units"
Boxes = tuple[tuple[float, float], ...]
DONBAS: Boxes = ((37, 48), (38, 48), (39, 48), (37.5, 47.2))


@cache
def countries() -> Countries:
    """The countries that every archive has, and nothing in detail."""
    return countries_of(units.read(UNITS / "countries.geojson", Options()).frame.assign(area_km2=1e8))


def admitted(
    corners: Boxes, *, side: str = "A", size: float = 0.4, expected: Expected | None = None, accept: str = "",
    file_name: str = "", country: str | None = None,
) -> Admitted:  # fmt: skip
    shapes = [box(x, y, x + size, y + size) for x, y in corners]
    n = len(shapes)
    columns = {"row": range(1, n + 1), "controller": side, "status": "held", "native": "x"}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326", index=range(n))
    frame["country"] = country
    snapshot = Snapshot(frame, datetime(2025, 1, 11, tzinfo=UTC), n, file_name=file_name)
    options = Options(accept=frozenset({accept} if accept else ()))
    return admit_control(snapshot, options=options, countries=countries(), expected=expected)


TRUE: dict[str, tuple[str, Boxes]] = {
    "Karabakh": ("AZ", ((46.6, 39.6), (46.7, 39.9))), "Karabakh, peacekeepers": ("RU", ((46.6, 39.7),)),
    "Karabakh, one square": ("A", ((46.6, 39.6),)), "Armenia's border": ("AM", ((45.6, 40.1), (46.0, 39.5))),
    "Tehran": ("IR", ((51.3, 35.6),)), "Iran's western border": ("A", ((45.3, 34.3), (46.1, 33.1), (47.7, 31.2))),
    "Sudan": ("SAF", ((30, 15), (32, 15), (24, 12), (28, 9))), "Khartoum": ("RSF", ((32.4, 15.5),)),
    "Darfur": ("RSF", ((25.3, 13.6), (22.4, 13.4))), "South Sudan": ("A", ((31.5, 4.8), (29.7, 9.2))),
    "Myanmar": ("AA", ((93.2, 20.1), (97.1, 21.9), (98.6, 16.6), (97.4, 25.4))), "Sittwe": ("AA", ((92.8, 20.1),)),
    "Gaza": ("A", ((34.3, 31.3),)), "Gaza and the north": ("IL", ((34.3, 31.3), (35.4, 33.1))),
    "Lebanon": ("IL", ((35.2, 33.1), (35.6, 33.3))), "Golan": ("IL", ((35.7, 32.9),)),
    "Syria": ("SDF", ((38.9, 36.4), (40.1, 35.3), (36.2, 33.3))), "Syria, the coast": ("RU", ((35.8, 35.3),)),
    "Idlib": ("HTS", ((36.5, 35.8),)), "Turkish-held Syria": ("TR", ((37.9, 36.5), (40.0, 36.8))),
    "Mosul": ("A", ((43.0, 36.2),)), "Sahel": ("JNIM", ((-3, 14.5), (-1.2, 13.9), (0.3, 12.1), (-4.2, 16.7))),
    "Dushanbe, Russians": ("RU", ((68.8, 38.5),)), "Mali, Russians": ("RU", ((-3.0, 16.7), (1.4, 18.4))), "Burkina Faso": ("A", ((-0.5, 13.0),)),
    "Ghana's coast": ("A", ((-0.4, 5.6),)), "Togo, near 0": ("A", ((0.6, 8.0), (-0.3, 8.2))),
    "Lake Chad": ("ISWAP", ((13.4, 12.9), (14.1, 13.2))), "Libya": ("LNA", ((20.1, 32.0), (13.1, 32.7))),
    "Kidal and Tripoli": ("A", ((1.4, 18.4), (13.1, 32.7))), "Goma": ("M23", ((29.1, -1.7),)),
    "Eastern Congo": ("M23", ((29.1, -1.7), (28.8, -2.5), (29.3, -0.6))), "Equator": ("A", ((29.4, -0.2),)),
    "Cabo Delgado": ("A", ((40.3, -11.4),)), "Tigray": ("A", ((39.4, 13.4), (38.3, 14.1))),
    "Socotra": ("A", ((53.8, 12.4),)), "Spratly": ("A", ((114.3, 10.3),)), "Falklands": ("AR", ((-58.6, -51.8),)),
    "Taveuni": ("A", ((179.9, -16.9),)), "Chukotka": ("RU", ((178.5, 65.5), (-179.9, 66.0), (-175.5, 65.0))),
    "Donbas": ("RU", DONBAS), "Donbas and Crimea": ("RU", (*DONBAS, (34.1, 45.1))),
    "Colombia": ("ELN", ((-72.4, 7.0), (-76.8, 2.4))), "Kashmir": ("A", ((74.7, 34.1),)),
    "Donetsk, one square": ("A", ((37.7, 48.0),)), "Kursk": ("UA", ((35.1, 51.1),)),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_a_true_map_of_any_war_comes_in(name: str) -> None:
    side, corners = TRUE[name]
    out = admitted(corners, side=side)
    assert out.refusals == ()
    assert len(out.frame) == len(corners)


@pytest.mark.parametrize("name", TRUE)
def test_true_incidents_of_any_war_come_in(name: str) -> None:
    _, corners = TRUE[name]
    out = incidents(*((x + 0.05, y + 0.05, "") for x, y in corners))
    assert out.refusals == ()


def swapped(corners: Boxes) -> Boxes:
    return tuple((y, x) for x, y in corners)


def west(corners: Boxes) -> Boxes:
    return tuple((-x, y) for x, y in corners)


THEATRE = Expected(theatre=("UA", "RU"))
BEFORE = Expected(before=np.array([[37, 47, 39.4, 48.4]]))
SUDAN: Boxes = ((30, 15), (31, 15), (32, 15.4))
# name -> (side, corners, what is expected, rows refused, a word of why); rows () are kept and told
Spoilt = tuple[str, Boxes, Expected | None, tuple[int, ...], str]
SPOILT: dict[str, Spoilt] = {
    "one of four swapped": ("RU", (*DONBAS[:3], (48, 36)), None, (4,), "swapped"),
    "the first swapped": ("RU", ((48, 37), *DONBAS), None, (1,), "swapped"),
    "two of six swapped": ("A", (*DONBAS, (48, 37), (48.2, 38)), None, (5, 6), "swapped"),
    "one of Sudan's swapped": ("A", (*SUDAN, (15, 30.5)), None, (4,), "swapped"),
    "one of Iran's swapped": ("A", ((46, 33), (47, 33), (33.6, 46.2)), None, (3,), "swapped"),
    "one of Congo's swapped": ("A", ((29, -1.6), (29.2, -1), (-1.4, 29)), None, (3,), "swapped"),
    "one lost its sign": ("A", ((-3, 14.5), (-4, 14.8), (3.4, 14.6), (-12, 14.6)), None, (), ""),
    "one of Mali's lost its sign": ("A", ((-8, 14.5), (-8.4, 14.2), (8.2, 14.6)), None, (3,), "sign"),
    "one of Congo's lost its sign": ("A", ((29, -5.6), (29.2, -6), (29.1, 5.9)), None, (3,), "sign"),
    "one to the west": ("RU", (*DONBAS, (-37.5, 48)), None, (5,), "sign"),
    "one to the south": ("RU", (*DONBAS, (37.5, -48)), None, (5,), "sign"),
    "one turned about": ("RU", (*DONBAS, (-37.5, -48)), None, (5,), "sign"),
    "one swapped, without its sign": ("A", ((-72, 7), (-72.4, 8), (7.5, 72.2)), None, (3,), "swapped"),
    "all of Ukraine swapped, beside Russia": ("RU", swapped(DONBAS), None, (), "swapped"),
    "all of Ukraine swapped, by the other side": ("UA", swapped(DONBAS), None, (1, 2, 3, 4), "swapped"),
    "all swapped, by the source": ("A", swapped(DONBAS), THEATRE, (1, 2, 3, 4), "swapped"),
    "all swapped, by the map before": ("A", swapped(DONBAS), BEFORE, (1, 2, 3, 4), "swapped"),
    "Sudan's side swapped": ("SD", swapped(SUDAN), None, (1, 2, 3), "swapped"),
    "Iran's side swapped": ("IR", ((33.1, 51.2), (33.6, 51.4)), None, (1, 2), "swapped"),
    "Gaza swapped, at sea": ("A", ((31.3, 34.3),), None, (1,), "swapped"),
    "Congo swapped, at sea": ("A", ((-1.7, 29.1), (-22, 29)), None, (), ""),
    "all to the west, at sea": ("RU", west(DONBAS), None, (1, 2, 3, 4), "sign"),
    "all to the west, by the source": ("A", west(DONBAS), THEATRE, (1, 2, 3, 4), "sign"),
    "all to the south, by the map before": ("A", ((38, -48),), BEFORE, (1,), "sign"),
    "Syria under a source of Ukraine": ("RU", ((38.9, 36.4),), THEATRE, (1,), "another part of the world"),
    "Sudan under a source of Ukraine": ("RU", SUDAN, THEATRE, (1, 2, 3), "another part of the world"),
    "Kansas under a source of Ukraine": ("RU", ((-98, 38),), THEATRE, (1,), "another part of the world"),
    "Kansas after Ukraine": ("A", ((-98, 38),), BEFORE, (), "a jump"),
    "Syria after Ukraine": ("A", ((38.9, 36.4),), BEFORE, (), "a jump"),
    "one in the Arabian Sea": ("A", (*DONBAS, (64.4, 14.5)), None, (5,), "open sea"),
    "one in the Atlantic": ("A", (*DONBAS, (-30, 30)), None, (5,), "open sea"),
    "one in the Mediterranean": ("A", (*DONBAS, (18, 35)), None, (5,), "open sea"),
    "all in the Pacific": ("A", ((-140, 30),), None, (1,), "open sea"),
    "all in the Indian Ocean": ("A", ((80, -25), (81, -25)), None, (1, 2), "open sea"),
    "one over 0,0": ("A", (*DONBAS, (-0.2, -0.2)), None, (5,), "0° E 0° N"),
    "a corner at 0,0": ("A", (*DONBAS, (0, 0)), None, (5,), "0° E 0° N"),
    "all over 0,0": ("A", ((-0.1, -0.1),), None, (1,), "0° E 0° N"),
    "one in Kansas": ("A", (*DONBAS, (-98, 38)), None, (), "km from the rest"),
    "one in Siberia": ("A", (*DONBAS, (100, 60)), None, (), "km from the rest"),
    "one in Australia": ("A", (*SUDAN, (134, -25)), None, (), "km from the rest"),
    "one in Brazil": ("A", (*DONBAS, (-50, -10)), None, (), "km from the rest"),
    "one in the Black Sea": ("A", (*DONBAS, (34, 43.3)), None, (), "at sea"),
    "one half swapped": ("A", (*DONBAS[:2], (48, 37), (48.1, 38)), None, (), "other half"),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, case in SPOILT.items() if case[4]])
def test_a_spoilt_map_is_refused_or_told(name: str) -> None:
    side, corners, expected, refused, word = SPOILT[name]
    if len(refused) == len(corners):
        with pytest.raises(GateError, match=word) as caught:
            admitted(corners, side=side, expected=expected)
        assert [r.row for r in caught.value.refusals] == list(refused)
    else:
        out = admitted(corners, side=side, expected=expected)
        assert sorted(r.row for r in out.refusals) == list(refused)
        assert all(word in r.why and "km²" in r.why for r in out.refusals)
        assert refused or any(word in note for note in out.notes)
        assert len(out.frame) == len(corners) - len(refused)
    assert len(admitted(corners, side=side, expected=expected, accept="elsewhere").frame) == len(corners)


@pytest.mark.parametrize(
    ("name", "corners", "word"),
    [
        ("Sudan", ((15, 30), (15.4, 31)), "swapped"), ("Sudan control", ((-30, 15),), "sign"),
        ("DR Congo", ((-1.7, 29.1),), "swapped"), ("Colombia", ((72, 7),), "sign"), ("Iran", ((33.6, 51.4),), "swapped"),
        ("Burkina Faso", ((13, -1.2),), "swapped"), ("Afghanistan", ((34, 66),), "swapped"),
        ("Mozambique", ((40.3, 11.4),), "sign"), ("SyriaControl", ((38, -36),), "sign"),
        ("Venezuela", ((66, 8),), "sign"),
    ],
)  # fmt: skip
def test_a_whole_file_is_held_against_the_country_that_it_names(name: str, corners: Boxes, word: str) -> None:
    """In the file's name, or in a column: no unit below the countries is known there."""
    for given in (
        {"file_name": f"{name} 2025-01-11"},
        {"country": name.removesuffix(" control").removesuffix("Control")},
    ):
        with pytest.raises(GateError, match=f"{word}|open sea"):
            admitted(corners, **given)
        assert len(admitted(corners, **given, accept="elsewhere").frame) == len(corners)


@pytest.mark.parametrize("name", TRUE)
def test_names_that_are_right_refuse_nothing(name: str) -> None:
    side, corners = TRUE[name]
    assert admitted(corners, side=side, file_name=f"{name} 2025").refusals == ()


@pytest.mark.parametrize(
    ("side", "corners", "size", "accepted"),
    [
        ("Armenia, with the ground around Karabakh", ((45.2, 39.0),), 2.0, True),
        ("Israel, with the West Bank and Golan", ((34.4, 30.2),), 1.7, True),
        ("Fiji and its sea", ((177, -19),), 2.9, True), ("Maldives", ((72, 3),), 1.8, True),
        ("Ukraine and as much again", ((22, 44),), 16, False), ("all of the ocean", ((-150, -40),), 30, False),
    ],
)  # fmt: skip
def test_more_than_a_country_is_told_and_far_more_refused(
    side: str, corners: Boxes, size: float, accepted: bool
) -> None:
    frame = units.read(UNITS / "countries.geojson", Options()).frame
    known = countries_of(frame.assign(area_km2=areas_km2(np.asarray(frame.geometry.array, dtype=object))))
    shapes = [box(x, y, x + size, y + size) for x, y in corners]
    rows = gpd.GeoDataFrame(
        {"row": [1], "controller": side, "status": "held", "native": "x"}, geometry=shapes, crs="EPSG:4326"
    )
    snapshot = Snapshot(rows, datetime(2025, 1, 11, tzinfo=UTC), 1)
    if accepted:
        assert admit_control(snapshot, options=Options(), countries=known).refusals == ()
    else:
        with pytest.raises(GateError, match="more than all of|more than any|open sea"):
            admit_control(snapshot, options=Options(), countries=known)


def test_of_one_feature_only_the_stray_part_is_refused() -> None:
    grey = shapely.multipolygons([box(37, 48, 37.2, 48.2), box(38, 48, 38.2, 48.2), box(64.4, 14.5, 64.6, 14.7)])
    frame = gpd.GeoDataFrame(
        {"row": [1], "controller": [None], "status": "contested", "native": "grey"}, geometry=[grey], crs="EPSG:4326"
    )
    snapshot = Snapshot(frame, datetime(2023, 2, 2, tzinfo=UTC), 1)
    out = admit_control(snapshot, options=Options(), countries=countries())
    assert out.frame.total_bounds.tolist() == [37, 48, 38.2, 48.2]
    assert [r.row for r in out.refusals] == [1]
    assert "open sea" in out.refusals[0].why
    assert "64.4" in str(out.refusals[0].properties["geometry"])


def incidents(*places: tuple[float, float, str], place: str = "") -> Admitted:
    n = len(places)
    columns: dict[str, object] = dict.fromkeys(INCIDENT_COLUMNS)
    columns |= {"row": range(1, n + 1), "country": [c or None for *_, c in places], "date_start": "2025-01-11"}
    points = [shapely.Point(x, y) for x, y, _ in places]
    frame = gpd.GeoDataFrame(columns, geometry=points, crs="EPSG:4326", index=range(n))
    return admit_points(Rows(frame, n), options=Options(accept=frozenset({"empty"})), countries=countries())


KYIV = (30.5, 50.4, "Ukraine")


@pytest.mark.parametrize(
    ("place", "refused", "word"),
    [
        ((-37.2, 48.3, "Ukraine"), True, "lost its sign"), ((48.3, 37.2, "Ukraine"), True, "swapped"),
        ((37.2, -48.3, "UA"), True, "lost its sign"), ((-40, 35, "Ukraine"), True, "no country"),
        ((15.5, 32.5, "Sudan"), True, "swapped"), ((-1.2, -13.9, "Burkina Faso"), True, "lost its sign"),
        ((-98, 38, "Ukraine"), False, "United States"), ((44.5, 40.2, "Ukraine"), False, "Armenia"),
        ((0, 0, "Ukraine"), True, "0,0"), ((0.0001, 0.0001, "Ukraine"), True, "lies"),
        ((48.6, 48.6, "Ukraine"), False, "Kazakhstan"), ((165.5, -21.4, "France"), False, "New Caledonia"),
        ((-45, 65, "Denmark"), False, "Greenland"), ((48.3, 37.2, "UKR"), True, "swapped"),
        ((48.3, 37.2, "804"), True, "swapped"), ((48.3, 37.2, "Україна"), True, "swapped"),
        ((-1.7, 29.1, "DR Congo (Zaire)"), True, "swapped"), ((15.5, 32.5, "SDN"), True, "swapped"),
        ((20.1, 96.2, "Myanmar (Burma)"), True, "latitude out"),
        ((390.5, 50.4, "Ukraine"), True, "longitude out"),
    ],
)  # fmt: skip
def test_a_point_is_held_against_its_own_country(place: tuple[float, float, str], refused: bool, word: str) -> None:
    out = incidents(KYIV, place)
    assert [r.row for r in out.refusals] == ([2] if refused else [])
    assert any(word in text for text in (*(r.why for r in out.refusals), *out.notes))


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        (((288, 7, "Colombia"), (287.5, 7.2, "Colombia")), 2), (((288, 7, ""), (3, 14, "")), 1),
        (((288, 7, "Colombia"), (-72.5, 7.2, "")), 1), (((288, 7, ""), (-72.5, 7.2, "")), 0),
        (((288, 7, "Ukraine"), (30.5, 50.4, "")), 0), (((-323, 48, "Ukraine"),), 1), (((190, 10, ""),), 0),
    ],
)  # fmt: skip
def test_points_counted_from_0_to_360_are_brought_back_where_they_fit(
    places: tuple[tuple[float, float, str], ...], moved: int
) -> None:
    out = incidents(*places)
    assert any(f"{moved} point" in text for text in out.repairs) == bool(moved)
    assert (out.frame.geometry.x.abs() <= 180).all()
    assert len(out.refusals) == sum(abs(x) > 180 for x, *_ in places) - moved


@pytest.mark.parametrize(
    "place",
    [KYIV, (47.5, 42.987, "Russia"), (34.1, 45.0, "Ukraine"), (30.2, 45.25, "Ukraine"),
     (51.4, 35.7, "Iran"), (51.4, 35.7, "Iran (Islamic Republic of)"), (46.7, 39.8, "Azerbaijan"), (177.5, 64.7, "Russia"), (-178.4, 51.9, "United States"),
     (46.7, 39.8, "Nagorno-Karabakh")],
)  # fmt: skip
def test_a_point_in_its_own_country_stays_without_a_word(place: tuple[float, float, str]) -> None:
    out = incidents(place)
    assert (out.refusals, out.notes) == ((), ())


def test_true_ground_near_its_sides_country_is_not_called_swapped() -> None:
    assert admitted(((39.2, 48.2),), side="RU").notes == ()


def test_a_corner_out_of_place_is_told() -> None:
    shapes = [box(x, y, x + 0.4, y + 0.4) for x, y in DONBAS] + [shapely.Polygon([(37, 48), (38, 48), (38, 4.8)])]
    columns = {"row": range(1, 6), "controller": "RU", "status": "held", "native": "x"}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326", index=range(5))
    snapshot = Snapshot(frame, datetime(2025, 1, 11, tzinfo=UTC), 5)
    notes = admit_control(snapshot, options=Options(), countries=countries()).notes
    assert [note for note in notes if "row 5" in note and "corners out of place" in note]


def test_what_is_refused_is_not_called_kept() -> None:
    out = admitted(((-3, 14.5), (-4, 14.6), (-5, 14.5), (3, 14.5)), country="Mali")
    assert [r.row for r in out.refusals] == [4]
    assert not any("kept" in note for note in out.notes)


def test_maps_do_not_frame_what_is_kept_far_off(tmp_path: Path) -> None:
    """It counts alike in areas, changes and series, and each of them says how much of them it is."""
    shapes = [*(box(x, y, x + 0.4, y + 0.4) for x, y in DONBAS), box(64.4, 14.5, 64.8, 14.9)]
    rows = [{"type": "Feature", "properties": {"controller": "A", "status": "held"}, "geometry": s.__geo_interface__}
            for s in shapes]  # fmt: skip
    file = tmp_path / "2025-01-11.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    import_files(tmp_path / "a.gpkg", "vector", file, accept=frozenset({"elsewhere"}))
    archive = open_archive(tmp_path / "a.gpkg")
    found = gather(archive, "2025-01-11")
    assert found.bounds[0] > 30
    assert found.bounds[2] < 45
    assert found.limits[2] > 64
    figures = (archive.area("2025-01-11"), archive.change("2025-01-11", "2025-01-12"), archive.series())
    assert figures[0]["area_km2"].tolist() == pytest.approx(figures[2]["area_km2"].tolist())
    for notes in (found.notes, *(table.attrs["notes"] for table in figures)):
        assert any("maps do not frame" in note and "64.60° E" in note for note in notes)
    assert not any("maps do not frame" in note for note in archive.area("2025-01-11", within="UA").attrs["notes"])


def test_contested_ground_far_off_is_left_out_of_figures_of_everywhere_and_said(tmp_path: Path) -> None:
    """It stays in the archive, and figures of a place there count it; of a feature, its far part alone is left out."""
    near, far = box(39.4, 48, 39.8, 48.4), box(-98, 38, -97.6, 38.4)
    archive = {}
    for name, contested in (("near", near), ("both", shapely.union_all([near, far]))):
        for day in ("2025-01-11", "2025-01-12"):
            rows = [
                {
                    "type": "Feature",
                    "properties": {"status": "held", "controller": "A"},
                    "geometry": s.__geo_interface__,
                }
                for s in (box(x, y, x + 0.4, y + 0.4) for x, y in DONBAS)
            ]
            if day == "2025-01-12":
                shape = contested.__geo_interface__
                rows.append({"type": "Feature", "properties": {"status": "contested"}, "geometry": shape})
            file = tmp_path / f"{day}.geojson"
            file.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
            import_files(tmp_path / f"{name}.gpkg", "vector", file)
        archive[name] = open_archive(tmp_path / f"{name}.gpkg")
    for figures in (
        lambda a: a.area("2025-01-12"),
        lambda a: a.area("2025-01-12", by="unit"),
        lambda a: a.change("2025-01-11", "2025-01-12"),
        lambda a: a.series(),
    ):
        tables = {name: figures(one) for name, one in archive.items()}
        numbers = [t.select_dtypes("number").fillna(0).to_numpy() for t in tables.values()]
        assert numbers[0] == pytest.approx(numbers[1])
        (said,) = [n for n in tables["both"].attrs["notes"] if "maps do not frame" in n]
        assert "(contested) count only in figures of a unit there" in said
        assert "in United States" in said
        assert not any("maps do not frame" in n for n in tables["near"].attrs["notes"])
    import_files(archive["both"].path, "vector", tmp_path / "2025-01-12.geojson", date="2025-01-12T12:00Z")
    import_files(archive["both"].path, "vector", tmp_path / "2025-01-11.geojson", date="2025-01-13")
    for table in (archive["both"].series(), archive["both"].series(from_="2025-01-12")):  # the last map has none
        (said,) = [n for n in table.attrs["notes"] if "maps do not frame" in n]
        assert said.startswith("12 January 2025: ")
    assert not any("maps do not frame" in n for n in archive["both"].series(from_="2025-01-13").attrs["notes"])
    whole = archive["both"]
    km2 = areas_km2(np.array([far], dtype=object))[0]
    there = whole.area("2025-01-12", within="US")
    assert there.set_index("status")["area_km2"]["contested"] == pytest.approx(km2)
    series = whole.series(within="US")
    assert series[series["status"] == "contested"]["area_km2"].max() == pytest.approx(km2)
    assert len(shapely.get_parts(whole.control("2025-01-12").geometry.to_numpy())) == len(DONBAS) + 2
    assert gather(whole, "2025-01-12").bounds[0] > 30
