"""Mentions to places: roles, containers, abstention, and the texts of tests/geocoding with what each of them means."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import shapely

import geo
from geo.geocoding.gazetteer import ArchivePrior, Gazetteer, list_places, open_gazetteer
from geo.geocoding.geocoder import MENTION_COLUMNS, mentions, resolve


@pytest.fixture(scope="module")
def gazetteer(places_cache: Path) -> Gazetteer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(places_cache))
        return open_gazetteer(countries=["UA", "RU", "SY", "SD"])


def test_regions_and_their_capitals_are_told_apart(gazetteer: Gazetteer) -> None:
    city, region = mentions("A drone hit the city of Kursk. The governor of Kursk region spoke.", gazetteer=gazetteer)
    assert (city.role, city.where_prec) == ("place", 1)
    assert (region.role, region.where_prec) == ("region", 4)
    assert region.adm_1 == city.adm_1


def test_only_ground_has_coordinates(gazetteer: Gazetteer) -> None:
    text = (
        "Moscow claimed that North Korean troops left Sudzha, Governor Ivan Fedorov told the National Bank of Ukraine."
    )
    frame = geo.geocode(text, gazetteer=gazetteer)
    assert list(frame.columns) == [*MENTION_COLUMNS, "geometry"]
    located = frame["role"].isin(["place", "region", "country"])
    assert (frame["latitude"].notna() == located).all()
    assert frame.geometry.notna().tolist() == located.tolist()
    assert frame.crs == "EPSG:4326"
    for row in frame.itertuples():
        assert text[row.start : row.end] == row.text
    assert set(frame["role"]) >= {"metonym", "demonym", "place", "person"}


def test_a_village_that_is_not_in_the_named_region_is_answered_by_the_region(gazetteer: Gazetteer) -> None:
    found = mentions("Shelling hit the village of Verkhnia Vyhadka in Kursk Oblast.", gazetteer=gazetteer)
    assert found[0].where_prec == 4
    assert found[0].adm_1 == "Kursk Oblast"


def test_the_container_decides_between_homonyms(gazetteer: Gazetteer) -> None:
    kotovsk = mentions("A factory burned in Kotovsk, Tambov Oblast.", gazetteer=gazetteer)[0]
    assert (kotovsk.latitude, kotovsk.longitude) == pytest.approx((52.5905, 41.5025), abs=0.01)


def test_of_namesakes_in_one_unit_none_is_exact(gazetteer: Gazetteer) -> None:
    found = mentions("Russian forces attacked the village of Shevchenko in the Donetsk region.", gazetteer=gazetteer)
    village = next(m for m in found if m.text == "Shevchenko")
    assert (village.where_prec, village.adm_1) == (4, "Donetsk Oblast")
    assert village.uncertainty_km == pytest.approx(18, abs=1)
    assert "another Shevchenko lies 18 km away" in village.why
    # where one of the namesakes is much larger, it is meant
    assert mentions("A shop burned in Kherson, Kherson region.", gazetteer=gazetteer)[0].where_prec == 1


def test_given_spans_are_resolved_in_their_order(gazetteer: Gazetteer) -> None:
    text = "Sumy and Sudzha"
    second, first = resolve(text, [(9, 15), (0, 4)], gazetteer=gazetteer)
    assert (first.place, second.place) == ("Sumy", "Sudzha")


def test_candidates_are_listed_in_any_spelling(gazetteer: Gazetteer) -> None:
    for name in ("Kiev", "Kyiv", "Киев", "Києва", "київ"):
        assert list_places(gazetteer, name)["name"].iloc[0] == "Kyiv", name


def test_what_is_near_is_a_place_even_where_no_gazetteer_has_it(gazetteer: Gazetteer) -> None:
    found = mentions("Clashes went on in Kursk Oblast near Malaya Vydumka and in Sudzha.", gazetteer=gazetteer)
    assert [(m.text, m.role, m.where_prec) for m in found[1:]] == [
        ("Malaya Vydumka", "place", 4),
        ("Sudzha", "place", 1),
    ]


def test_an_archive_says_where_texts_about_it_speak(gazetteer: Gazetteer) -> None:
    front = shapely.LineString([(37.2, 47.7), (37.5, 48.3), (38.0, 49.0)])
    rows = [("Sulyhivka, Kharkiv Oblast", 49.03, 37.24, 1), ("Sulyhivka", 49.02, 37.25, None), ("Izium", 50.0, 30.0, 4),
            ("Terny", 48.2, 37.3, 1), ("Terny", 48.21, 37.31, 1), ("Pavlivka", 48.1, 37.2, 1)]  # fmt: skip
    incidents = pd.DataFrame(rows, columns=["where_coordinates", "latitude", "longitude", "where_prec"])
    prior = ArchivePrior(front, incidents)

    def found(text: str, prior: ArchivePrior | None = prior) -> list[tuple[float | None, str]]:
        return [(m.latitude, m.why) for m in mentions(text, gazetteer=gazetteer, prior=prior)]

    ((lat, why),) = found("Fighting went on near Sulyhivka.")
    assert lat == pytest.approx(49.025)
    assert "incidents" in why
    assert found("Fighting went on near Sulyhivka.", None)[0][0] is None
    # a small place far from the front has the name of one that no gazetteer has
    assert found("Fighting went on near Sosnove.")[0][0] is None
    assert found("Fighting went on near Sosnove.", None)[0][0] is not None
    assert found("Fighting went on near Sosnove in Rivne region.")[0][0] is not None
    # neither is large, and both are near the front: one Sofiivka is as likely as the other, and both are named
    ((lat, why),) = found("Fighting went on near Sofiivka.")
    assert lat is None
    assert all(f"Sofiyivka, {unit}" in why for unit in ("Donetsk Oblast (17 km", "Dnipropetrovsk Oblast (20 km"))
    # one is much nearer than the other, and the distance of the other is told
    (near,) = mentions("Fighting went on near Novoselivka.", gazetteer=gazetteer, prior=prior)
    assert near.latitude == pytest.approx(48.676, abs=0.001)
    assert near.uncertainty_km == pytest.approx(49, abs=1)
    # the gazetteer has villages of 500 people or more alone
    assert "a smaller Sribne" in found("Fighting went on near Sribne.")[0][1]
    assert found("Fighting went on near Pokrovsk.")[0][0] == pytest.approx(48.28, abs=0.05)
    assert prior.named("Izium") is None  # known to its region alone
    # all that the archive knows of Terny lies away from the gazetteer's town; one incident alone may be of a third place
    assert found("Fighting went on near Terny.")[0][0] == pytest.approx(48.205)
    assert found("Fighting went on near Terny in Dnipropetrovsk region.")[0][0] != pytest.approx(48.205)
    assert found("Fighting went on near Pavlivka.")[0][0] != 48.1


def test_names_bend_and_lie_in_what_stands_beside_them(gazetteer: Gazetteer) -> None:
    (rih,) = mentions("У Кривому Розі влучання ракети пошкодило школу.", gazetteer=gazetteer)
    assert rih.place == "Kryvyy Rih"
    village, district, region = mentions(
        "Бої біля Іванівки Куп'янського району Харківської області.", gazetteer=gazetteer
    )
    assert (village.latitude, village.role) == (district.latitude, "place") != (region.latitude, "place")
    ras, hasakah = mentions("Ras al-Ayn in Hasakah was shelled.", gazetteer=gazetteer)
    assert (ras.latitude, hasakah.country) == (None, "SY")
    assert not any(m.latitude for m in mentions("In Ras al-Ain a bomb went off.", gazetteer=gazetteer))


def test_an_archive_without_a_front_still_has_its_incidents(gazetteer: Gazetteer) -> None:
    prior = ArchivePrior(None, pd.DataFrame({"where_coordinates": ["Walungu"], "latitude": [-2.6], "longitude": [28.7],
                                             "where_prec": [1]}))  # fmt: skip
    (walungu,) = mentions("Fighting went on near Walungu.", gazetteer=gazetteer, prior=prior)
    assert (walungu.latitude, walungu.gazetteer) == (-2.6, "archive")
    assert list_places(gazetteer, "Kursk", prior=prior)["front_km"].isna().all()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fighters ambushed a convoy near Kani.", "Kani"),
        ("A drone hit a depot near Modena.", "Modena"),
        ("В Белгородской области дрон атаковал машину в селе Муром.", "Муром"),
        ("In Kursk region, shelling hit the town of Engels.", "Engels"),
        ("У Сумській області обстріляли будинок в Ізюмі.", "Ізюмі"),
    ],
)
def test_a_place_outside_what_the_text_is_about_has_no_coordinates(text: str, name: str, gazetteer: Gazetteer) -> None:
    (found,) = [m for m in mentions(text, gazetteer=gazetteer) if m.text == name]
    assert (found.latitude, found.role) == (None, "place")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("In Poland, a drone fell in Rzeszow.", "Rzeszow"),
        ("A drone fell in the Polish town of Zamosc.", "Zamosc"),
        ("In Sumy region, a shell hit a house in Konotop.", "Konotop"),
        ("In Sumy region, officials heard of the attack from Kharkiv.", "Kharkiv"),
    ],
)
def test_a_place_in_what_the_text_names_keeps_its_own(text: str, name: str, gazetteer: Gazetteer) -> None:
    (found,) = [m for m in mentions(text, gazetteer=gazetteer) if m.text == name]
    assert found.latitude is not None


@pytest.mark.parametrize("name", ["Sudzha", "Minova", "Київ", "Gaza", "X", "Wagner"])
def test_a_name_alone_is_a_whole_text(name: str) -> None:
    found = geo.geocode(name)
    assert found["text"].tolist() in ([name], [])
    assert len(geo.geocode(f"{name}:")) <= 1
