"""Names of places on maps: the right ones, near the news first, and none on another."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import box

from geo.archive import open_archive
from geo.importing.importer import import_files
from geo.output.images import picture
from geo.output.map_content import gather
from geo.presentation import basemap, map_names
from geo.presentation.basemap import touch
from geo.presentation.map_names import place_names

REGION = (30.0, 44.5, 42.0, 54.0)
# places of the war as they are written today; which of them is meant where a name is common, by what lies near
OF_THE_WAR = """
Avdiivka, Bakhmut, Balakliia, Berdiansk, Bilohorivka, Borova, Chasiv Yar, Chuhuiv, Dobropillia, Dokuchaievsk, Donetsk,
Druzhkivka, Dvorichna, Enerhodar, Hirnyk, Horlivka, Huliaipole, Hryshyne, Izium, Kharkiv, Kherson, Khotin, Kivsharivka,
Kostiantynivka, Kramatorsk, Krasnohorivka, Kreminna, Kupiansk, Kurakhove, Kurakhivka, Kurylivka, Luhansk, Lyman, Lyptsi,
Lysychansk, Makiivka, Marinka, Mariupol, Melitopol, Mykolaivka, Myrnohrad, Niu-York, Nikopol, Novohrodivka, Ocheretyne,
Orikhiv, Pivnichne, Pokrovsk, Polohy, Popasna, Rodynske, Rubizhne, Selydove, Shakhtarsk, Siversk, Siverskodonetsk,
Sloviansk, Snihurivka, Soledar, Starobilsk, Stepnohirsk, Sudzha, Sumy, Svatove, Svitlodarsk, Tokmak, Toretsk, Torske,
Trostianets, Ukrainsk, Vasylivka, Velyka Novosilka, Velyka Pysarivka, Volnovakha, Vovchansk, Vuhledar, Yampil, Yasynuvata,
Yunakivka, Zalizne, Zaporizhzhia, Zarichne, Belgorod, Kursk, Lgov, Rylsk, Korenevo, Glushkovo, Shebekino, Grayvoron,
Valuyki, Bryansk, Klintsy, Novozybkov, Rossosh, Kyiv, Dnipro, Odesa, Mykolaiv, Homel
"""


def named(code: str = "en", area: basemap.Box = REGION) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for lat, lon, name, people, _ in map_names.places(area, code, least=0):
        found.setdefault(name, []).append([lat, lon, people])
    return found


def test_a_hundred_places_of_the_war_have_their_names() -> None:
    wanted = [name.strip() for name in OF_THE_WAR.replace("\n", " ").split(",")]
    assert len(set(wanted)) == 100
    assert set(wanted) - set(named()) == set()


def test_what_the_source_has_wrong_is_put_right() -> None:
    english = named()
    assert [people for *_, people in english["Rossosh"]].count(64_323) == 0
    assert len([p for *_, p in english["Rossosh"] if p > 50_000]) == 1
    assert english["Kherson"][0][2] > 250_000
    assert len(english["Lgov"]) == 1
    wrong = {"Lgovsky", "Mar'yinka", "Maryinka", "Svetlodarsk", "Gomel", "Trostyanets", "Kupyansk", "Abakumova"}
    assert wrong.isdisjoint(english)
    assert {"Куп’янськ", "Мар’їнка", "Нью-Йорк", "Світлодарськ"} <= set(named("uk"))
    assert "El Fasher" in named(area=(24.0, 12.0, 27.0, 15.0))


def test_districts_of_cities_are_no_places() -> None:
    around = named(area=(37.4, 47.8, 38.2, 48.4))
    assert {"Kyivskyi", "Smolianskyi", "Rutchenkivskyi", "Voznesenskyi", "Mykytivskyi"}.isdisjoint(around)
    assert {"Donetsk", "Makiivka", "Horlivka", "Yasynuvata"} <= set(around)


def test_a_place_by_the_news_comes_before_a_larger_one_far_off() -> None:
    view, news = (36.0, 47.5, 38.5, 49.0), [shapely.LineString([(37.1, 48.1), (37.1, 48.3)])]
    plain = [place[2] for place in map_names.places(view, "en")]
    near = [place[2] for place in map_names.places(view, "en", news=news)]
    assert plain.index("Kramatorsk") < plain.index("Pokrovsk")
    assert near.index("Pokrovsk") < near.index("Kramatorsk")
    assert near[0] == "Pokrovsk"
    assert near.index("Myrnohrad") < near.index("Udachne")  # a town before a village


def test_no_two_names_touch_and_one_gives_way_to_another() -> None:
    rng = np.random.default_rng(4)
    frame = (0.0, 0.0, 500.0, 400.0)
    dots = [(float(x), float(y)) for x, y in rng.uniform((0, 0), (500, 400), size=(400, 2))]
    sizes = [(float(w), 9.0) for w in rng.uniform(20, 70, size=400)]
    kept_free = [(0.0, 0.0, 120.0, 90.0)]
    found = place_names(dots, sizes, frame, kept_free, gap=4, most=400)
    assert len(found) > 60
    rooms = [*found.values(), *kept_free]
    assert not any(touch(one, other) for one, other in combinations(rooms, 2))
    for (i, room), (j, other) in combinations(found.items(), 2):
        assert not box(*room).contains(shapely.Point(dots[j]))
        assert not box(*other).contains(shapely.Point(dots[i]))
    assert len(place_names(dots, sizes, frame, [], gap=4, most=5)) == 5
    # the second has room on one side alone, where the first stood
    pair = place_names([(50, 10), (92, 10)], [(30.0, 9.0)] * 2, (0, 0, 100, 20), [], gap=4, most=2)
    assert set(pair) == {0, 1}
    assert pair[0][2] < 50


def test_a_name_without_room_is_set_smaller() -> None:
    frame, dots, sizes = (0, 0, 100, 12), [(4.0, 6.0)], [(100.0, 10.0)]
    assert not place_names(dots, sizes, frame, [], gap=4, most=9)
    ((left, top, right, bottom),) = place_names(dots, sizes, frame, [], gap=4, most=9, smallest=0.85).values()
    assert (right - left, bottom - top) == pytest.approx((85, 8.5))


def test_a_place_under_a_mark_has_its_name_beside_the_mark() -> None:
    mark, other = (44.0, 44.0, 56.0, 56.0), (0.0, 44.0, 12.0, 56.0)
    frame = (0.0, 0.0, 100.0, 100.0)
    assert not place_names([(50, 50)], [(30.0, 9.0)], frame, [mark], gap=4, most=1)
    (box,) = place_names([(50, 50)], [(30.0, 9.0)], frame, [mark, other], gap=4, most=1, marks=[mark]).values()
    assert box[0] >= mark[2] or box[2] <= mark[0] or box[3] <= mark[1] or box[1] >= mark[3]


def test_names_leave_changed_ground_free_where_they_can() -> None:
    moved = box(50, 0, 100, 100)
    bare = place_names([(50, 50)], [(30.0, 9.0)], (0, 0, 100, 100), [], gap=4, most=1)
    beside = place_names([(50, 50)], [(30.0, 9.0)], (0, 0, 100, 100), [], gap=4, most=1, avoid=moved)
    assert box(*bare[0]).intersects(moved)
    assert not box(*beside[0]).intersects(moved)


@pytest.mark.long
@pytest.mark.parametrize("shape", ["slide", "square", "column", "card", "a4"])
@pytest.mark.parametrize(
    ("unit", "since", "day", "must"),
    [
        ("UA-14", "2024-12-01", "2025-01-11", {"Pokrovsk", "Kurakhove", "Toretsk"}),
        ("RU-KRS", "2024-12-01", "2025-01-11", {"Sudzha"}),
        ("UA-63", "2024-05-04", "2024-06-04", {"Vovchansk", "Kupiansk"}),
    ],
)
def test_towns_by_the_front_are_named_on_the_picture_of_an_oblast(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, since: str, day: str, must: set[str],
    shape: str,
) -> None:  # fmt: skip
    """90 % of the places of 5,000 people and more within 15 km of the front that the picture shows."""
    stamps = {"2024-05-04": 1714858645, "2024-06-04": 1717524858, "2024-12-01": 1733089579, "2025-01-11": 1736623460}
    opened = open_archive(tmp_path / "a.gpkg")
    import_files(opened, "deepstate", [shared / f"deepstate-raw/{stamps[d]}.geojson" for d in (since, day)])
    planes = []
    lay_out = picture._lay_out
    monkeypatch.setattr(picture, "_lay_out", lambda drawing: planes.append(laid := lay_out(drawing)) or laid)
    path = picture.draw_picture(opened, day, tmp_path / "a.svg", since=since, within=unit, shape=shape)
    front, plane = gather(opened, day, within=unit).front, planes[-1][1]
    assert front is not None
    drawn = shapely.intersection(shapely.transform(front.lines, plane.xy), box(*plane.rect))
    shown = {"".join(e.itertext()) for e in ET.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")}
    near = set()
    for lat, lon, name, people, _ in map_names.places(plane.view(), "en", least=5_000):
        x, y = plane.xy(np.array([[lon, lat]]))[0]
        if plane.holds(x, y) and people >= 5_000 and drawn.distance(shapely.Point(x, y)) <= 15 * plane.points_per_km:
            near.add(name)
    assert len(near & shown) >= 0.9 * len(near), near - shown
    assert must <= shown


def test_arabic_names_leave_no_letter_out() -> None:
    """The source lists cut-off spellings, and those without the article or the hamza, beside the right ones."""
    names = {place[2] for place in map_names.places((21.0, 8.0, 39.0, 23.0), "ar")}
    assert {"الأبيض", "كسلا", "الخرطوم", "الخرطوم بحري", "أم درمان", "الفاشر"} <= names
    assert {"الأبي", "كسل", "بحري"} & names == set()
