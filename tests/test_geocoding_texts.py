"""The texts of tests/geocoding: at least 95 % of the mentions right, none outside of a container that the text names."""

from __future__ import annotations

from pathlib import Path

import pytest
from geocoding_score import FOLDER, archive_of_the_front, bare_near_front, names_near_front, score, texts

from geo.geocoding.gazetteer import open_gazetteer
from geo.geocoding.geocoder import mentions
from tests import sentence_scores


@pytest.fixture(scope="module", autouse=True)
def _cache(places_cache: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(places_cache))
        yield


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.json")))
def test_the_mentions_of_the_texts_come_out_right(name: str) -> None:
    table = texts(name)
    total = score(table, open_gazetteer(countries=table["countries"]))
    assert not total.outside
    assert total.share >= 0.95, "\n".join(total.wrong)


@pytest.mark.long
def test_names_of_the_world_are_places_only_where_they_are() -> None:
    scores = sentence_scores.places("places")
    assert scores["mentions"].precision >= 0.85, scores["mentions"].wrong
    assert scores["country"].precision == 1.0, scores["country"].wrong


def test_current_names_come_before_former_ones_and_capitals_that_speak_have_no_place() -> None:
    gazetteer = open_gazetteer(countries=["RU", "UA"])
    (pokrovsk,) = mentions("Shelling hit Pokrovsk.", gazetteer=gazetteer)
    assert (pokrovsk.country, pokrovsk.adm_1) == ("UA", "Donetsk Oblast")
    spoken = mentions("Regimes in Moscow grew closer, and prisoners held by Kyiv were questioned.", gazetteer=gazetteer)
    assert [(m.role, m.latitude) for m in spoken] == [("metonym", None), ("metonym", None)]
    (own,) = mentions("I've seen shelling before, a resident of Kherson said.", gazetteer=gazetteer)
    assert own.text == "Kherson"


@pytest.mark.long
def test_a_surname_that_a_town_elsewhere_has_is_no_place() -> None:
    text = "Holroyd was asked about the vote. It rained in Lexington, and the Lexington fair closed."
    found = {m.text: m.role for m in mentions(text, gazetteer=open_gazetteer()) if m.latitude is not None}
    assert found == {"Lexington": "place"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The city Council met in Charleston, West Virginia.", ["Charleston", "West Virginia"]),
        ("A slide closed W.Va. 61 near Charleston, West Virginia.", ["Charleston", "West Virginia"]),
        ("Clifford Archer left Gainesville, Florida.", ["Gainesville", "Florida"]),
        # a small place of the world that the text has nothing beside
        ("It rained. The Archer trail reopened.", []),
        ("The Archer trail near Gainesville, Florida, reopened.", ["Archer", "Gainesville", "Florida"]),
        ("Shells fell in Krynky.", ["Krynky"]),
    ],
)
def test_what_only_looks_like_a_place_is_none(text: str, found: list[str]) -> None:
    assert [m.text for m in mentions(text, gazetteer=open_gazetteer()) if m.latitude is not None] == found


@pytest.mark.long
def test_bare_names_near_the_front_are_right_or_without_a_place(shared: Path, tmp_path: Path) -> None:
    archive = archive_of_the_front(shared, tmp_path / "front.gpkg")
    named = names_near_front(shared, archive)[:200]
    assert len(named) == 200
    for files, least, most in (([], 0.55, 0.03), ([shared / "gazetteer" / "ua_settlements.csv"], 0.82, 0.015)):
        right, _, wrong = bare_near_front(archive, open_gazetteer(archive=archive, files=files), named)
        assert right >= least * len(named)
        assert len(wrong) <= most * len(named), "\n".join(wrong)


def test_there_are_texts_enough_in_three_languages() -> None:
    names = [entry["id"] for path in FOLDER.glob("*.json") for entry in texts(path.name)["texts"]]
    assert len(names) >= 25
    assert {name[:2] for name in names} == {"en", "uk", "ru"}
