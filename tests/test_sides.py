"""Sides have names in every language and a colour for good: fixed when first seen, never by who else is there."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping
from test_archive import DAY0, put, state
from test_maps import data_of
from test_palette import EYES, fill, lab, rgb, themes

import geo
from geo.archive import Archive, open_archive
from geo.assets import read_toml
from geo.cli import main
from geo.errors import SourceError, UsageError
from geo.maintenance.check import check_archive
from geo.maintenance.repair import repair_archive
from geo.presentation.labels import class_label
from geo.presentation.language import LANGUAGES, gettext, isolated, speaking
from geo.presentation.sides import find_side, shipped_sides, side_colours, side_of
from geo.presentation.symbols import class_symbols

RED, BLUE = "#b2182b", "#2166ac"
TABLE = read_toml("names/sides.toml")["sides"]


def run(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, (words, done.output, done.exception)
    return done.output


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    opened = open_archive(tmp_path / "a.gpkg")
    put(opened, DAY0, state(("UA", "held", "", box(34, 50, 35, 51))))
    return opened


def drawn(archive: Archive, folder: Path, **options: object) -> tuple[dict[str, str], str]:
    """The pattern of each class on the page of the first day, and the picture of it."""
    text = geo.draw_map(archive, "2024-08-01", draw_basemap=False, **options).get_root().render()
    patterns = dict(re.findall(r'<pattern id="(p\d+)"(.*?)</pattern>', text))
    picture = geo.draw_picture(archive, "2024-08-01", folder / "p.svg", draw_basemap=False, **options)
    looks = {item["label"]: item["edge"] + patterns[item["pattern"]] for item in data_of(text)["classes"]}
    return looks, picture.read_text(encoding="utf-8")


# -- the shipped table -------------------------------------------------------------------------------------------------


def test_every_shipped_side_of_a_war_has_a_name_in_every_language() -> None:
    for code, row in TABLE.items():
        for kind in ("name", "adjective"):
            if kind in row:
                assert list(row[kind]) == list(LANGUAGES), code
                assert all(word.strip() == word != "" for word in row[kind].values()), code
        assert "name" in row or "theatre" not in row, code
    wanted = "RU UA SAF RSF IL HAMAS HEZBOLLAH SY TATMADAW ARAKAN-ARMY PDF JNIM ISSP ML BF NE FARDC M23 ADF SO HOUTHIS YE AM AZ HT"
    assert {*wanted.split()} <= {code for code, row in TABLE.items() if "theatre" in row}


def test_a_shipped_name_means_one_side_of_its_theatre() -> None:
    theatres: dict[str, dict[str, str]] = {}
    for code, side in shipped_sides().items():
        known = theatres.setdefault(TABLE[code].get("theatre", ""), {})
        for word in {w.casefold() for w in (*side.names.values(), code)}:
            assert known.setdefault(word, code) == code, (word, known[word], code)


@pytest.mark.parametrize("theatre", sorted({row["theatre"] for row in TABLE.values() if "theatre" in row}))
def test_the_sides_of_one_war_are_told_apart(theatre: str) -> None:
    """All by their colours; the first six by every eye, as tests/test_palette.py asks."""
    mine = {code: row for code, row in TABLE.items() if row.get("theatre") == theatre}
    assert len({row["colour"] for row in mine.values()}) == len(mine) == len({row["order"] for row in mine.values()})
    first = sorted(mine, key=lambda code: mine[code]["order"])[:6]
    for name, least in (("light", 15.0), ("dark", 15.0)):
        land = rgb(themes()[name]["land"])
        symbols = class_symbols([*((code, "held") for code in first), (None, "contested")])
        for eye, (one, other) in itertools.product(EYES.values(), itertools.combinations(symbols.values(), 2)):
            assert np.linalg.norm(lab(fill(one, land, name), eye) - lab(fill(other, land, name), eye)) >= least


def test_the_first_four_sides_without_a_row_are_told_apart_beside_russia_and_ukraine(archive: Archive) -> None:
    for code in "BDCA":
        put(archive, DAY0, state((code, "held", "", box(36, 50, 37, 51))), part=code)
    put(archive, DAY0, state(("RU", "held", "", box(36, 50, 37, 51))), part="z")
    with archive.holding():
        seen = class_symbols([*((code, "held") for code in archive.controllers()), (None, "contested")])
    assert len(seen) == 7
    land = rgb(themes()["light"]["land"])
    for eye, (one, other) in itertools.product(EYES.values(), itertools.combinations(seen.values(), 2)):
        assert np.linalg.norm(lab(fill(one, land, "light"), eye) - lab(fill(other, land, "light"), eye)) >= 15


def test_russia_is_red_and_ukraine_blue_whoever_else_is_there() -> None:
    assert side_colours(["UA"]) == {"UA": BLUE}
    assert side_colours(["RU", "UA"]) == {"RU": RED, "UA": BLUE}
    found = side_colours(["A", "B", "RU", "UA", "ZZ"])
    assert (found["RU"], found["UA"]) == (RED, BLUE)
    assert len(set(found.values())) == 5


# -- a colour for good -------------------------------------------------------------------------------------------------


def test_a_third_side_changes_no_colour_of_an_earlier_page(archive: Archive, tmp_path: Path) -> None:
    put(archive, DAY0, state(("B", "held", "", box(36, 50, 37, 51)), ("C", "held", "", box(38, 50, 39, 51))), part="x")
    before, picture = drawn(archive, tmp_path)
    for day, code in enumerate(("A", "RU", "0", "ZZ", "SAF"), start=1):
        put(archive, DAY0.replace(day=1 + day), state((code, "held", "", box(30, 50, 31, 51))), part="y")
        after, again = drawn(archive, tmp_path)
        assert after == before
        assert again == picture
    sides = archive.sides().set_index("side")
    assert (sides.loc["RU", "colour"], sides.loc["UA", "colour"]) == (RED, BLUE)
    assert sides["colour"].is_unique
    assert sides["order"].is_unique


def test_an_archive_of_twenty_sides_has_twenty_colours(archive: Archive) -> None:
    for n in range(18):
        put(archive, DAY0, state((f"S{n}", "held", "", box(n, 40, n + 0.5, 41))), part=str(n))
    assert archive.sides()["colour"].nunique() == 19


def test_an_archive_of_an_older_layout_has_the_colours_that_it_keeps(tmp_path: Path) -> None:
    path = Path(shutil.copy(Path(__file__).with_name("fixtures") / "layout_1.gpkg", tmp_path / "old.gpkg"))
    before = open_archive(path).sides()
    assert len(before)
    archive = open_archive(path)
    put(archive, DAY0, state(("AAA", "held", "", box(30, 50, 31, 51))))
    after = archive.sides().set_index("side").drop("AAA").reset_index()
    assert after.to_dict("records") == before.to_dict("records")


# -- names -------------------------------------------------------------------------------------------------------------


def test_pages_pictures_and_qgis_say_the_name(archive: Archive, tmp_path: Path) -> None:
    page, picture = drawn(archive, tmp_path)
    assert list(page) == ["Held by Ukraine"]
    assert "Held by Ukraine" in picture
    assert "Held by UA" not in picture
    assert class_label("UA", "held") == "Held by Ukraine"


def test_a_side_is_named_and_coloured_by_its_archive(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "x.geojson"
    ground = {"type": "Feature", "properties": {"controller": "X", "status": "held"},
              "geometry": mapping(box(36, 50, 37, 51))}  # fmt: skip
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [ground]}))
    run("import", archive.path, "vector", file, "--name", "rival", "--date", "2024-08-01",
        "--accept", "elsewhere")  # fmt: skip
    said = run("sides", archive.path, "X", "--name", "en=The Front", "--name", "uk=Фронт", "--alias", "front",
               "--colour", "#123456", "--order", 9)  # fmt: skip
    assert "X is set" in said
    assert "The Front" in said
    page, _ = drawn(archive, tmp_path, source="rival")
    assert "#123456" in page["Held by The Front"]
    for word in ("front", "FRONT", "The Front", "фронт"):
        assert archive.area("2024-08-01", controller=word, source="Rival")["controller"].tolist() == ["X"]
    with sqlite3.connect(archive.path) as connection:
        (style,) = connection.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'control'").fetchone()
    assert "Held by The Front" in style
    assert "18,52,86," in style
    run("sides", archive.path, "X", "--name", "en=")
    assert side_names(archive)["X"] == "X"
    assert check_archive(archive.path).is_whole


def test_a_name_is_said_in_the_language_that_is_spoken(archive: Archive) -> None:
    with archive.holding():
        for lang, name in {"en": "Ukraine", "uk": "Україна", "ar": "أوكرانيا"}.items():
            with speaking(lang):
                assert side_of("UA").label == name
                assert side_names(archive)["UA"] == name


def side_names(archive: Archive) -> dict[str, str]:
    return dict(archive.sides()[["side", "name"]].itertuples(index=False))


def test_the_names_of_one_archive_are_not_those_of_another(archive: Archive, tmp_path: Path) -> None:
    other = open_archive(tmp_path / "b.gpkg")
    put(other, DAY0, state(("UA", "held", "", box(34, 50, 35, 51))))
    other.name_side("UA", names={"en": "Kyiv"}, colour="#123456")
    assert list(drawn(other, tmp_path)[0]) == ["Held by Kyiv"]
    assert list(drawn(archive, tmp_path)[0]) == ["Held by Ukraine"]
    assert side_of("UA").label == "Ukraine"


def test_workers_know_the_names(archive: Archive, tmp_path: Path) -> None:
    put(archive, DAY0.replace(day=2), state(("UA", "held", "", box(34, 50, 35, 50.5))))
    archive.name_side("UA", names={"en": "Kyiv"}, colour="#123456")
    for path in geo.draw_maps(archive, tmp_path / "maps", workers=2, draw_basemap=False):
        text = path.read_text(encoding="utf-8")
        assert "Held by Kyiv" in text
        assert "#123456" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["UA", "--name", "xx=Ukraine"], "no language 'xx'"), (["UA", "--name", "Ukraine"], "write it as NAME=VALUE"),
        (["UA", "--colour", "blue"], "#rrggbb"), (["UA", "--alias", " "], "empty"),
        (["UA", "--name", "en=Sudan"], "is what SD is called"), (["UA", "--alias", "Moscow"], "--set controller=RU"),
        (["X", "--name", "en=Ukraine"], "is what UA is called"), (["X", "--alias", "ukraine"], "is what UA is called"),
        (["UA", "--name", "en=a\nb"], "is no name"), (["UA", "--name", f"en={'a' * 200}"], "is no name"),
        (["--name", "en=Ukraine"], "which side"), (["QQ"], "no side 'QQ'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_set(archive: Archive, words: list[str], said: str) -> None:
    put(archive, DAY0, state(("X", "held", "", box(36, 50, 37, 51))), part="x")
    before = archive.sides().to_dict("records")
    done = CliRunner().invoke(main, ["sides", str(archive.path), *words])
    assert done.exit_code != 0
    assert said in done.output
    assert archive.sides().to_dict("records") == before


def test_a_side_may_be_named_before_anything_is_on_record(archive: Archive) -> None:
    run("sides", archive.path, "RU", "--name", "en=Russia", "--name", "uk=Росія", "--alias", "Moscow")
    assert side_names(archive) == {"RU": "Russia", "UA": "Ukraine"}
    assert archive.sides().set_index("side").loc["RU", "colour"] == RED


# -- names in options --------------------------------------------------------------------------------------------------


def test_options_take_names_and_aliases(archive: Archive) -> None:
    wanted = run("area", archive.path, "--controller", "UA", "--format", "json")
    for word in ("Ukraine", "ukraine", "Україна", "أوكرانيا", "Kyiv"):
        assert run("area", archive.path, "--controller", word, "--format", "json") == wanted
    assert run("series", archive.path, "--controller", "Ukraine") == run("series", archive.path, "--controller", "UA")
    out = run(
        "claims",
        archive.path,
        "--text",
        "On 1 August 2024 it held more than 10 km² of ground.",
        "--set",
        "controller=Ukraine",
    )
    assert "supports" in out


def test_what_is_unknown_or_unclear_names_the_choices(archive: Archive) -> None:
    with pytest.raises(UsageError, match="no side 'Ukrane'.*did you mean UA"):
        archive.area(controller="Ukrane")
    put(archive, DAY0, state(("Ukrainian forces", "held", "", box(36, 50, 37, 51))), part="x")
    with pytest.raises(UsageError, match="may be several sides"), archive.holding():
        find_side("Kyiv", archive.controllers())
    with pytest.raises(SourceError, match="did you mean desk"):
        archive.area(source="dsek")
    assert archive.source_name("Desk") == "desk"


# -- care --------------------------------------------------------------------------------------------------------------


def test_check_and_repair_know_the_table(archive: Archive, tmp_path: Path) -> None:
    archive.name_side("UA", names={"en": "Kyiv"}, colour="#123456")
    archive.close()
    copy = tmp_path / "c.gpkg"
    repair_archive(archive.path, copy)
    assert open_archive(copy).sides().to_dict("records") == archive.sides().to_dict("records")
    with sqlite3.connect(archive.path) as connection:
        connection.execute("UPDATE sides SET names = '[1]', colour = 'blue'")
    told = " ".join(check_archive(archive.path).lines())
    assert re.search(r"side UA: its names cannot be read", told)
    with pytest.raises(geo.ArchiveError, match="table sides is damaged"):
        archive.area()
    mended = tmp_path / "d.gpkg"
    repair_archive(archive.path, mended)
    assert check_archive(mended).is_whole
    assert side_names(open_archive(mended)) == {"UA": "Ukraine"}
    archive.path.unlink()  # spoiled on purpose


# -- words from right to left ------------------------------------------------------------------------------------------


def test_a_name_from_right_to_left_turns_no_word_around_it(archive: Archive, tmp_path: Path) -> None:
    name = "لواء الفجر"
    put(archive, DAY0, state((name, "held", "", box(36, 50, 37, 51))), source="rival")
    page, picture = drawn(archive, tmp_path, source="rival")
    assert list(page) == [f"Held by \u2068{name}\u2069"]
    assert f"Held by \u2068{name}\u2069" in picture
    assert f"\u2068{name}\u2069" in run("claims", archive.path, "--text", "On 1 August 2024 it held more than 10 km² of ground.",
                                        "--set", f"controller={name}")  # fmt: skip
    assert "\u2068" not in archive.sides()["name"].str.cat()


def test_only_what_is_written_the_other_way_is_isolated() -> None:
    assert isolated("Ukraine, Київ") == "Ukraine, Київ"
    assert isolated("عربي") == "\u2068عربي\u2069" == gettext("{x}", x="عربي")
    assert isolated("by \u2068عربي\u2069") == "by \u2068عربي\u2069"
    assert isolated("\u202eעברית") == "\u2068עברית\u2069"
    with speaking("ar"):
        assert isolated("عربي، 5") == "عربي، 5"
        assert isolated("DeepState") == "\u2068DeepState\u2069"
