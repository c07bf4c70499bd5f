"""What words of a map mean: right, or refused with the words named; never given to a side without being understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import geo
from geo.errors import GateError
from geo.schema import Options, Snapshot
from geo.sources import isw, uacontrolmap, vector
from geo.text.control_words import read_label

RING = "35,51 35.5,51 35.5,51.3 35,51"
AREA = (
    f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
)
REFUSED = "refused"
# label -> side and status
WORDINGS = {
    "RU held": (
        "Russian control", "RussianControl", "Occupied", "Occupied by Russia", "Russian-occupied", "Russian federation",
        "Occupied territories of Ukraine", "Ukrainian territory under Russian control", "Captured from Ukraine by Russia",
        "Controlled by Russian forces", "Тимчасово окупована територія", "Окуповані території України",
        "Під контролем РФ", "окуповано росією", "Територія під контролем рф", "Временно оккупированная территория",
        "Под контролем ВС РФ", "занято ВС РФ", "окупована рф територія", "Оккупированная Россией территория", "Российский контроль", "Russian control in Kharkiv oblast",
        "Russian control from 24 February", "Crimea (occupied by Russia since 2014)", "Russian control 2025-01-11",
        "Control of RF forces as of May 2025", "Russian-occupied Kursk", "Територія України під контролем РФ", "РФ контролирует", "Зона контроля РФ", "Зайнято росіянами",
    ),
    "UA held": (
        "Ukrainian control", "Under Ukrainian control", "Occupied by Ukraine", "Ukrainian-occupied Kursk", "ВСУ",
        "Підконтрольне ЗСУ", "під контролем України", "окуповано ЗСУ", "оккупировано украинскими войсками",
        "Kursk, held by Ukraine", "Ukrainian-held Russian territory", "Територія РФ під контролем ЗСУ", "Под украинским контролем", "ЗСУ контролюють",
    ),
    "UA liberated": (
        "Liberated from Russian forces", "Звільнено від рф", "Освобождено от ВС РФ", "De-occupied", "Liberated",
        "Liberated by Ukraine", "звільнено з-під контролю рф", "Освобождено от оккупации", "Retaken from Russia",
        "Освобождённые территории", "звільнено ЗСУ від окупантів", "Freed from Russian occupation",
        "Recaptured by Ukraine", "Deoccupied since May", "Territory regained by Ukraine", "Відвойовано ЗСУ",
    ),
    "RU claimed": ("Claimed by Russia", "Russia claims", "Claimed Russian advance", "Заявлено РФ", "за заявами РФ"),
    "UA claimed": ("Claimed by Ukraine", "Ukrainian claims", "Заявлено Україною"),
    "RU advance": ("Russian advance", "Russian gains", "продвижения ВС РФ за 17 - 20 октября", "просування росіян"),
    "UA advance": ("Ukrainian incursion", "Ukrainian advance in Kursk", "Просування ЗСУ"),
    "contested": ("Contested", "No man's land", "Сіра зона", "Серая зона", "Contested by Russia and Ukraine"),
    REFUSED: (
        "Not under Russian control", "Former Russian control", "Formerly occupied", "No longer Russian", "Ex-Russian",
        "Outside Russian control", "Russian control?", "Possible Russian control", "Russian control until May",
        "Russian withdrawal from Kherson", "Territory lost by Ukraine", "Liberated by Russia", "Occupied Ukraine",
        "Liberated from Ukrainian forces", "Occupied Russian territory", "Captured Russian land", "non-Russian",
        "Formerly contested", "Russia, Kursk oblast", "Ukraine, Kharkiv oblast", "Russian-speaking area", "pro-Russian",
        "Russia or Ukraine", "Neither Russian nor Ukrainian", "Russian fire control", "RU→UA", "Contested advance",
        "Не під контролем рф", "Поза контролем РФ", "Непідконтрольна рф", "Колишня окупація", "Раніше окуповано росією",
        "Ймовірно під контролем РФ", "Освобождено ВС РФ", "Освобождено от ВСУ", "Вне контроля РФ", "Бывшая оккупация",
        "Якобы под контролем РФ", "Unoccupied", "Неокупована територія", "Nobody's control", "Recaptured", "Оккупировано до 2022", "До деокупації російське", "Russian retreat", "DNR (Russian)",
        "Under neither side's control, Russian shelling", "Ukrainian raid repelled by Russian forces",
        "Russian held (2014-2022)", "Russian control 2014 to 2022", "Russian control Feb-Nov 2022", "Контроль РФ по май 2023",
        "Контроль рф з лютого по листопад 2022", "Під контролем рф (2014–2022)", "Russian control 50%", "Declared Russian control",
        "Occupied Kursk", "Occupation of Kursk oblast", "Окупована частина Курської області", "Оккупация Курской области",
        "Liberated Kursk", "Captured in Kursk", "Lost by Russia", "Russian-free", "Russian control except Kherson",
        "Ukraine denies Russian control", "Утрачен контроль РФ", "Свободно от российских войск", "Контроль ЗСУ відновлено",
        "Recaptured by Russia", "Claimed by Russia, held by Ukraine", "Контролировалось РФ", "Контролювалося рф", "Удерживалось РФ", "Утримувалося рф",
        "Серая зона под контролем РФ", "Grey zone under Russian control", "Contested, Russian control", "Used to be Russian-held",
        "Russian control, now Ukrainian", "Under Russian fire", "Weakly held by Russia", "De jure Ukrainian", "Once Russian",
        "Росія втратила контроль", "Скоро под контролем РФ", "Вышло из-под контроля РФ", "Здано ЗСУ", "Можливо окуповано рф",
        "Ukraine claims liberated", "Liberated then reoccupied", "Зона ответственности РФ", "Перешло под контроль РФ", "Re-occupied by Russia", "Взято под контроль РФ",
    ),
}  # fmt: skip
LISTED = [(text, meaning) for meaning, texts in WORDINGS.items() for text in texts]


def mark(name: str = "", *, style: str = "", folder: str = "", colour: str = "") -> str:
    paint = f"<Style><PolyStyle><color>{colour}</color></PolyStyle></Style>" if colour else ""
    body = f"<Placemark><name>{name}</name><styleUrl>#{style}</styleUrl>{paint}{AREA}</Placemark>"
    return f"<Folder><name>{folder}</name>{body}</Folder>" if folder else body


def one(folder: Path, *marks: str) -> Snapshot:
    path = folder / "map_2025-01-11.kml"
    path.write_text(f"<kml><Document>{''.join(marks)}</Document></kml>", encoding="utf-8")
    (snapshot,) = uacontrolmap.read(path, Options())
    return snapshot


def meanings(snapshot: Snapshot) -> list[str]:
    rows = zip(snapshot.frame["controller"], snapshot.frame["status"], strict=True)
    return [f"{side} {status}" if side else status for side, status in rows]


@pytest.mark.parametrize(("text", "meaning"), LISTED)
def test_a_wording_means_what_it_says_or_is_refused(tmp_path: Path, text: str, meaning: str) -> None:
    snapshot = one(tmp_path, mark(text))
    assert meanings(snapshot) == ([] if meaning == REFUSED else [meaning])
    assert len(snapshot.refusals) == (meaning == REFUSED)


def test_wordings_are_enough_and_of_three_languages() -> None:
    assert len(LISTED) >= 58
    assert sum(not text.isascii() for text, _ in LISTED) >= 29


def test_the_refusal_names_the_words_and_the_way_out(tmp_path: Path) -> None:
    (refusal,) = one(tmp_path, mark("Not under Russian control")).refusals
    assert "'not'" in refusal.why
    assert "--status-map" in refusal.way_out
    (refusal,) = one(tmp_path, mark("Russian-speaking area", colour="800000ff")).refusals  # the colour is no way round
    assert "'speaking'" in refusal.why


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (mark("Ukrainian incursion", folder="Russia, Kursk oblast"), ["UA advance"]),
        (mark("Ukrainian incursion", folder="Russia"), ["UA advance"]),
        (mark("Russian control", folder="Ukraine"), ["RU held"]),
        (mark("Claimed", style="ru"), ["RU claimed"]),
        (mark("7", folder="Сіра зона"), ["contested"]),
        (mark("Liberated 2 April", folder="Occupied territories"), []),
        (mark("Not Russian", style="ru"), []),
        (mark("Contested", style="ru"), []),
        (mark("Ukrainian control", style="ru"), []),
        (mark("Kursk", folder="Russia, Kursk oblast"), []),
        (mark("Claimed"), []),
    ],
)
def test_labels_of_one_area_are_read_together(tmp_path: Path, body: str, expected: list[str]) -> None:
    snapshot = one(tmp_path, body)
    assert meanings(snapshot) == expected
    assert len(snapshot.refusals) == 1 - len(expected)


@pytest.mark.parametrize(
    "text",
    [
        "Neutral zone?", "Combat zone", "Active fighting", "Buffer zone", "Unknown", "Annexed territory", "Turkish-backed forces",
        "Zone de combat", "Kampfzone", "No-go zone", "Air defence zone", "ORDLO",
        "Зона боёв", "Зона бойових дій", "Невідомо", "Contrôle russe", "Russisch besetzt", "NGCA", "Besieged", "Under fire",
    ],
)  # fmt: skip
def test_how_things_stand_is_no_side_by_its_colour(tmp_path: Path, text: str) -> None:
    (refusal,) = one(tmp_path, mark(text, colour="800000ff")).refusals
    assert "is not understood" in refusal.why


@pytest.mark.parametrize("text", ["Zone grise", "Grauzone", "Umkämpft", "Zone contestée"])
def test_nobodys_ground_is_so_whatever_its_colour(tmp_path: Path, text: str) -> None:
    assert meanings(one(tmp_path, mark(text, colour="800000ff"))) == ["contested"]


def test_a_label_of_many_pages_is_not_read(tmp_path: Path) -> None:
    (refusal,) = one(tmp_path, mark("Russian control " * 1_000)).refusals
    assert "15,999 characters" in refusal.why
    assert len(refusal.why) < 5_000
    assert read_label("Bakhmut " * 1_000) is None


@pytest.mark.parametrize(
    "text", ["Belarusian control", "Rebel-held", "Enemy control", "Separatist control", "Chechen forces control"]
)
def test_control_by_somebody_who_is_not_known_is_given_to_no_side_by_its_colour(tmp_path: Path, text: str) -> None:
    (refusal,) = one(tmp_path, mark(text, colour="800000ff")).refusals
    assert "is not understood" in refusal.why


@pytest.mark.parametrize("text", ["Bakhmut", "Kursk", "Control", "Union Polygon_0", "Rural", "Незалежність", ""])
def test_a_label_of_something_else_says_nothing(text: str) -> None:
    assert read_label(text) is None


# -- ISW ---------------------------------------------------------------------------------------------------------------

PLACES = {
    "Syria": (36.0, 35.0),
    "Sudan": (32.0, 15.0),
    "Gaza": (34.4, 31.4),
    "Iran": (51.4, 35.7),
    "Yemen": (44.2, 15.3),
}


def square(west: float, south: float, **properties: object) -> dict[str, object]:
    ring = [[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def write(path: Path, *features: dict[str, object]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "name", ["{}ControlMapAO12FEB2025", "ControlMapAO12FEB2025", "AssessedRussianControlin{}12FEB2025"]
)
def test_a_control_map_of_another_war_is_no_class_of_isws_maps_of_ukraine(
    tmp_path: Path, place: str, name: str
) -> None:
    path = write(tmp_path / f"{name.format(place)}.geojson", square(*PLACES[place], Name="SDF"))
    with pytest.raises(GateError, match=r"no class of ISW's maps of Ukraine: .*'SDF'"):
        isw.read(path, Options())


def test_an_archive_knows_where_a_control_map_lies(tmp_path: Path) -> None:
    path = write(tmp_path / "ControlMapAO12FEB2025.geojson", square(44.5, 43.2))  # Georgia is near
    georgia = write(tmp_path / "AssessedRussianControl12FEB2025.geojson", square(44.5, 42.2))
    taken, refused = geo.import_files(tmp_path / "a.gpkg", "isw", [path, georgia])
    assert (taken.outcome, refused.outcome) == ("stored", "refused")
    assert "it lies in GE" in refused.error


# -- one side, one spelling --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        "ru",
        "Ru",
        "RU\u200b",
        "\ufeffRU",
        "R\u00adU",
        "RU\u2060",
        "\uff32\uff35",
        "RU\u00a0",
        "  RU ",
        "\u200eRU\u200f",
        "rU",
    ],
)
def test_spellings_of_one_side_are_one_side_and_said(tmp_path: Path, other: str) -> None:
    rows = [square(35 + i, 51, controller=side, status="held") for i, side in enumerate(("RU", other, "RU"))]
    (snapshot,) = vector.read(write(tmp_path / "2025-01-11.geojson", *rows), Options())
    assert set(snapshot.frame["controller"]) == {"RU"}
    assert any("'RU'" in note and "written" in note for note in snapshot.notes) == (other.strip() != "RU")


@pytest.mark.parametrize("other", ["U\u0410", "u\u0430", "\u03c5\u03b1"])
def test_letters_of_another_script_that_look_alike_are_one_side(tmp_path: Path, other: str) -> None:
    rows = [square(35 + i, 51, controller=side, status="Held\u200b") for i, side in enumerate(("UA", other))]
    (snapshot,) = vector.read(write(tmp_path / "2025-01-11.geojson", *rows), Options())
    assert set(snapshot.frame["controller"]) == {"UA"}
    assert set(snapshot.frame["status"]) == {"held"}


def test_sides_that_are_two_stay_two(tmp_path: Path) -> None:
    sides = ["RU", "RSF", "SAF", "القوات المسلحة", "РФ", "ДНР"]
    rows = [square(35 + i, 51, controller=side, status="held") for i, side in enumerate(sides)]
    (snapshot,) = vector.read(write(tmp_path / "2025-01-11.geojson", *rows), Options())
    assert snapshot.frame["controller"].tolist() == sides
