"""Names of countries, regions, seas and rivers: what a view has, where they may stand, and that none touches another."""

from __future__ import annotations

import itertools
import zipfile

import numpy as np
import pytest
import shapely

from geo.output.images.fonts import can_be_slanted
from geo.presentation import basemap
from geo.presentation import map_names as module
from geo.presentation.basemap import touch
from geo.presentation.language import speaking
from geo.presentation.map_names import area_names, place_area

THEATRE, DONBAS, KHERSON = (31.75, 46.0, 40.4, 51.9), (36.5, 47.5, 39.0, 49.5), (32.0, 46.1, 33.2, 46.9)
AZOV, SUDAN, WINDOW = (33.5, 44.2, 38.5, 47.3), (22.0, 8.0, 39.0, 23.0), (37.0, 48.1, 37.2, 48.3)


def named(view: basemap.Box, kind: str) -> set[str]:
    return {name.text for name in area_names(view) if name.kind == kind}


def test_a_view_has_its_countries_regions_seas_and_rivers() -> None:
    assert named(THEATRE, "country") == {"Ukraine", "Russia"}
    assert {"Donetsk region", "Kharkiv region", "Kursk region", "Sumy region"} <= named(THEATRE, "region")
    assert named(DONBAS, "river") == {"Siverskyi Donets", "Oskil", "Samara"}
    assert "Dnipro" in named(KHERSON, "river")
    assert named(AZOV, "sea") == {"Sea of Azov", "Black Sea"}
    assert {"Sudan", "Chad", "Egypt"} <= named(SUDAN, "country")
    assert {"Nile", "White Nile", "Blue Nile"} <= named(SUDAN, "river")
    assert named(SUDAN, "sea") == {"Red Sea"}


def test_a_view_inside_one_country_names_its_region_alone() -> None:
    assert [(name.kind, name.text) for name in area_names(WINDOW)] == [("region", "Donetsk region")]


@pytest.mark.parametrize(
    ("lang", "names"),
    [
        ("uk", {"Україна", "Азовське море"}),
        ("de", {"Ukraine", "Asowsches Meer"}),
        ("ar", {"أوكرانيا", "بحر آزوف"}),
        ("pl", {"Ukraina", "Morze Azowskie"}),
    ],
)
def test_names_are_in_the_language_that_is_spoken(lang: str, names: set[str]) -> None:
    with speaking(lang):
        assert names <= {name.text for name in area_names(THEATRE)}


def test_names_stand_in_what_they_name() -> None:
    water = basemap.water(AZOV)
    for name in area_names(AZOV):
        points = shapely.points(name.spots)
        assert shapely.intersects(shapely.box(*AZOV), points).all()
        if name.shape is not None:
            assert shapely.intersects(name.shape, points).all()
        if name.kind == "sea":
            assert shapely.dwithin(water, points, 0.1).all()


def test_rivers_run_where_they_are_drawn() -> None:
    """The course of a river of the window is one of its lines, but in reservoirs and deltas."""
    for row, course in module._courses():
        x, y = course.centroid.coords[0]
        if row["en"] in ("Siverskyi Donets", "Oskil", "Seim", "Desna", "Kuban"):
            tiles = list(basemap._tiles((x - 5, y - 5, x + 5, y + 5)))
            lines = np.array([s for tile in tiles for kind in ("rivers", "streams") for s in tile.get(kind, ())])
            drawn = shapely.buffer(shapely.union_all(lines), 150)
            at = shapely.transform(course, lambda xy: xy * basemap.SCALE)
            assert shapely.intersection(at, drawn).length > 0.8 * at.length, row["en"]


def test_no_name_touches_another_or_leaves_the_map() -> None:
    spots = np.random.default_rng(1).uniform(0, 200, (40, 2))
    taken = [(50.0, 50.0, 90.0, 60.0)]
    for _ in range(12):
        box = place_area(spots, 40, 10, (0, 0, 200, 200), taken, is_good=lambda box: box[0] > 20)
        if box:
            taken.append(box)
    assert len(taken) > 4
    assert not any(touch(a, b) for a, b in itertools.combinations(taken, 2))
    assert all(min(a) >= 0 and max(a) <= 200 for a in taken)
    assert all(a[0] > 20 for a in taken[1:])


def test_small_water_is_drawn_in_narrow_views_alone() -> None:
    close, box = basemap.cut((37.0, 47.8, 37.6, 48.2)), (37.0, 47.8, 37.6, 48.2)
    assert len(close["ponds"]) >= 3
    assert len(basemap.cut(box, view=DONBAS)["ponds"]) < len(close["ponds"])
    assert not basemap.cut(box, view=THEATRE)["ponds"]
    for view in ((20.0, 40.0, 60.0, 60.0), THEATRE):  # the Dnipro is a line where its banks cannot be seen
        assert basemap.cut((34.8, 47.9, 35.4, 48.5), view=view)["rivers"]
    assert "streams" in basemap.cut(THEATRE)
    assert "streams" not in basemap.cut((20.0, 40.0, 60.0, 60.0))


@pytest.mark.parametrize("lang", ["en", "uk", "ru", "de", "fr", "es", "pl", "ar"])
def test_the_font_of_water_has_its_letters(lang: str) -> None:
    with speaking(lang):
        waters = [name.text for view in (THEATRE, SUDAN) for name in area_names(view) if name.kind in ("sea", "river")]
    assert len(waters) > 5
    assert all(can_be_slanted(text) == (lang != "ar") for text in waters)


def test_a_view_of_the_world_opens_the_basemap_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    open_zip = zipfile.ZipFile
    monkeypatch.setattr(zipfile, "ZipFile", lambda *given: opened.append(given) or open_zip(*given))
    basemap.packed_tiles.cache_clear()
    basemap._tile.cache_clear()
    assert len(basemap.cut((-180.0, -60.0, 180.0, 85.0))["land"]) > 100
    assert len(opened) == 1
