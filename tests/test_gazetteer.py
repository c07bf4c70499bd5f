"""Names to places: spelling and endings, a user's registers, and an index that is whole or not there."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from geo.cli import main
from geo.errors import FileError, UsageError
from geo.geocoding.gazetteer import Lookup, distance_km, list_places, open_gazetteer
from geo.geocoding.place_index import read_register
from geo.text.words import fold, key_of, loose_key, plain_key, stem_key, words_of

DUMP = "\t".join(
    ["1", "Testove", "Testove", "Тестове,Testovoye", "48.5", "37.5", "P", "PPL", "UA", "", "05", "", "", "", "1200", "",
     "", "Europe/Kyiv", "2020-01-01"]
)  # fmt: skip
REGION = DUMP.replace("\tP\t", "\tA\t").replace("Testove", "Testska")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # one cache for the whole module: Moldova alone is quick to index
    folder = tmp_path_factory.getbasetemp() / "gazetteer-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.mark.parametrize(
    "forms",
    [
        "Харків Харкова Харкові Харковом",
        "Київ Києва Києві Києвом",
        "Авдіївка Авдіївки Авдіївку Авдіївці",
        "Запоріжжя Запоріжжі Запоріжжю",
        "Курск Курска Курске Курском",
        "Суджа Суджи Судже Суджу Суджей",
        "Миколаїв Миколаєва Миколаєві",
        "Сумы Сум Сумах Сумами",
        "Тернопіль Тернополя Тернополю",
        "Нова-Каховка Новій-Каховці Нової-Каховки Нову-Каховку",
        "Часів-Яр Часового-Яру Часовому-Яру",
        "Кривий-Ріг Кривого-Рогу Кривому-Розі",
    ],
)
def test_a_name_is_found_in_all_its_cases(forms: str) -> None:
    keys = {form: stem_key(key_of(form)) for form in forms.split()}
    # Розі has its consonant changed as well, which no ending tells
    assert len({k for form, k in keys.items() if "Розі" not in form}) == 1, keys


@pytest.mark.parametrize(
    "spellings",
    ["Zaporizhzhya Zaporizhzhia Zaporizhia", "Pogrebki Pohrebky", "Robotyne Robotine", "Роботине Роботино",
     "Новопрокопівка Новопрокоповка", "Kharkiv Harkiv", "Kryvyi Kryvyy"],
)  # fmt: skip
def test_spellings_of_one_name_meet(spellings: str) -> None:
    assert len({loose_key(key_of(s)) for s in spellings.split()}) == 1


def test_scripts_meet() -> None:
    assert plain_key(key_of("Погребки")) == plain_key(key_of("Pogrebki"))


@given(st.text(max_size=60))
def test_words_lie_where_they_say(text: str) -> None:
    for word in words_of(text):
        assert text[word.start : word.end] == word.text
        assert word.key == word.key.casefold()


@given(st.text(alphabet="абвгґдежзиіїйклмнопрстуфхцчшщьюя", min_size=1, max_size=14))
def test_a_stem_is_never_empty(word: str) -> None:
    assert stem_key(fold(word)) or fold(word) == "ь" * len(word)


def test_a_geonames_dump_is_read_and_regions_in_it_left_out(tmp_path: Path) -> None:
    path = tmp_path / "UA.txt"
    path.write_text(f"{DUMP}\n{REGION}\n", encoding="utf-8")
    (place,) = read_register(path)
    assert (place.name, place.country, place.area, place.population) == ("Testove", "UA", "UA.05", 1200)
    assert place.others == ["Testove", "Тестове", "Testovoye"]


def test_a_table_is_read_whatever_its_columns_are_called(tmp_path: Path) -> None:
    path = tmp_path / "cod.csv"
    path.write_text(
        "admin4Pcode;name_en;name_uk;ADM1_EN;ADM2_EN;Lat;Lon\nX1;Abc;Абц;Somewhere;Near;10.5;20.5\nX2;Nowhere;;;;;\n"
        "X3;Null;;;;0;0\nX4;Far;;;;95;20\n",
        encoding="utf-8",
    )
    (place,) = read_register(path)
    assert (place.name, place.adm_1, place.adm_2, place.latitude) == ("Abc", "Somewhere", "Near", 10.5)


def test_places_of_a_geojson_are_read(tmp_path: Path) -> None:
    path = tmp_path / "osm.geojson"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"Місто","name:en":"Misto",'
        '"place":"town","population":"1,500"},"geometry":{"type":"Point","coordinates":[30.5,50.5]}}]}',
        encoding="utf-8",
    )
    (place,) = read_register(path)
    assert (place.name, place.others, place.population) == ("Misto", ["Місто"], 1500)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n", "no column of names, latitude, longitude"),
        (b"name,lat,lon\n", "no row"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_file_that_is_no_gazetteer_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(FileError, match=says):
        read_register(path)
    with pytest.raises(FileError, match="no such gazetteer file"):
        open_gazetteer(countries=["MD"], files=[tmp_path / "absent.csv"])


def test_countries_are_codes() -> None:
    with pytest.raises(UsageError, match="ISO 3166-1"):
        open_gazetteer(countries=["Ukraine"])


@pytest.mark.long
def test_a_register_stands_for_the_city_beside_it_and_learns_its_region(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(
        "code,name_en,lat,lon,region\nM1,Tiraspol,46.8403,29.6433,Left bank\nM2,Vigadani,46.85,29.70,Left bank\n",
        encoding="utf-8",
    )
    with open_gazetteer(countries=["MD"], files=[path]) as gazetteer:
        table = list_places(gazetteer, "Tiraspol", country="md")
        towns = table[table["kind"] == "place"]
        assert towns["gazetteer"].tolist() == ["register.csv"]
        assert towns["population"].iloc[0] > 100_000
        village = list_places(gazetteer, "Vigadani").iloc[0]
        assert village["adm_1"] == towns["adm_1"].iloc[0]
        likest, likeness = gazetteer.alike("Vigadany", gazetteer.candidates("Tiraspol")[0].area)[0]
        assert (likest.place_id, likeness > 85) == ("M2", True)


def test_an_index_is_built_once_and_a_broken_one_is_named() -> None:
    calls: list[str] = []
    open_gazetteer(countries=["MD"], progress=lambda done, total, what: calls.append(what)).close()
    first = len(calls)
    open_gazetteer(countries=["md"], progress=lambda done, total, what: calls.append(what)).close()
    assert len(calls) == first
    files = sorted((Path(os.environ["XDG_CACHE_HOME"]) / "geo-control").iterdir())
    assert {f.suffix for f in files} == {".sqlite"}
    for file in files:
        assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_is_no_index_is_named_with_the_way_out(tmp_path: Path) -> None:
    broken = tmp_path / "places-x.sqlite"
    broken.write_bytes(b"not a database")
    with pytest.raises(FileError, match="delete it and it is built again"):
        Lookup(broken)


def test_distances_are_those_of_a_sphere() -> None:
    assert distance_km((0, 0), (0, 1)) == pytest.approx(111.2, abs=0.1)
    assert distance_km((50, 30), (50, 30)) == 0


def test_the_verbs_print_candidates_and_mentions(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(main, ["places", "Bender", "--country", "MD", "--format", "csv"])
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.splitlines()[0].startswith("name,kind,country,adm_1,adm_2,latitude,longitude,population")
    assert "MD" in listed.stdout.splitlines()[1]
    said = run(main, ["geocode", "A fire broke out in the city of Tiraspol.", "--country", "MD", "--format", "json"])
    assert said.exit_code == 0, said.output
    import json

    (mention,) = json.loads(said.stdout)["mentions"]
    assert (mention["text"], mention["role"], mention["country"], mention["where_prec"]) == (
        "Tiraspol",
        "place",
        "MD",
        1,
    )
    wanted = {"text", "start", "end", "role", "place", "adm_1", "country", "latitude", "longitude", "where_prec",
              "uncertainty_km", "score", "why"}  # fmt: skip
    assert wanted <= mention.keys()


@pytest.mark.long
def test_the_ukrainian_register_lists_ten_prymorske(
    shared: Path, places_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(places_cache))
    with open_gazetteer(countries=["UA"], files=[shared / "gazetteer" / "ua_settlements.csv"]) as gazetteer:
        table = list_places(gazetteer, "Prymorske", country="UA")
    assert len(table) == 10
    at = table[table["adm_1"] == "Zaporizhzhia Oblast"].iloc[0]
    assert (at["latitude"], at["longitude"]) == pytest.approx((47.648, 35.293), abs=0.01)


@pytest.mark.parametrize(
    "name",
    ["Soroca", "Сорок", "Sorocca"]
    + [
        pytest.param(name, marks=pytest.mark.long)
        for name in ("Сороки", "Bălți", "Stefan Voda", "Anenii Noi", "Moldova")
    ],
)
def test_one_name_is_found_without_an_index_as_with_one(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open_gazetteer(countries=["MD"]) as whole:
        expected = list_places(whole, name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    with open_gazetteer(countries=["MD"], name=name) as alone:
        found = list_places(alone, name)
    assert len(found)
    assert found.to_csv() == expected.to_csv()
    is_built = (tmp_path / "empty").exists()
    assert is_built == (name == "Sorocca")  # which a loose spelling alone finds, and loose ones need the index


@pytest.mark.parametrize(
    ("name", "least"),
    [("St. Albans", 2), ("", 0)]
    + [pytest.param(*one, marks=pytest.mark.long) for one in (("Saint Albans", 2), ("?", 0))],
)
def test_saint_is_found_as_st_and_a_name_of_nothing_as_nothing(name: str, least: int) -> None:
    with open_gazetteer(name=name) as gazetteer:
        assert len(list_places(gazetteer, name)) >= least
        assert (len(list_places(gazetteer, name)) == 0) == (least == 0)
