"""The headline: true to its figures, whole in every language, with what must be said beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

import geo
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.cli.demo import build
from geo.errors import NoSnapshotError, UsageError
from geo.output.headline import Figures, headline, no_ground, rounded
from geo.output.map_content import _is_nearly, gather
from geo.output.say import say_changes
from geo.presentation.labels import unit_label
from geo.presentation.language import LANGUAGES, speaking
from geo.presentation.sides import side_of
from geo.text.inflection import is_plural, of_place, subject

KURSK = {"unit": "RU-KRS", "name": "Kursk Oblast"}
SAID = {
    "side": "UA", "source": "seeds", "unit": KURSK, "area_km2": 427.2, "upper_km2": 427.2,
    "day": date(2025, 1, 11), "asked": date(2025, 1, 11),
}  # fmt: skip


def words(*more: dict[str, Any]) -> str:
    return str(headline([Figures(**SAID | one) for one in more or ({},)])).replace(side_of("UA").label, "UA")


def changed(net: float, **more: Any) -> dict[str, Any]:
    since = more.pop("since", date(2024, 12, 28))
    before = (more.get("area_km2") or 427.2) - net
    return {
        "net_km2": net, "since": since, "asked_since": since, "before_km2": before, "before_upper_km2": before,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, "UA holds 427 km² of Kursk region."),
        (changed(-58.4), "UA holds 427 km² of Kursk region, 58 km² less than two weeks earlier."),
        (changed(-58.4, since=date(2025, 1, 1)), "UA holds 427 km² of Kursk region, 58 km² less than 10 days earlier."),
        (changed(-58.4, since=date(2024, 10, 1)), "UA holds 427 km² of Kursk region, 58 km² less than on 1 October 2024."),
        (changed(426.4, since=date(2024, 11, 30)), "UA gained 426 km² of Kursk region in six weeks."),
        (changed(426.4, against_km2=90.0), "UA gained a net 426 km² of Kursk region in two weeks."),
        (changed(0.01), "UA holds 427 km² of Kursk region, no change in two weeks."),
        (changed(0.01, against_km2=3.0), "UA holds 427 km² of Kursk region, as much as two weeks earlier."),
        (changed(-427.0, area_km2=0.0, upper_km2=0.0),
         "UA holds nothing any more of the 427 km² of Kursk region that it held two weeks earlier."),
        (changed(5.0, is_comparable=False),
         "UA holds 427 km² of Kursk region."
         " The change since 28 December 2024 is not known: the maps are not comparable."),
        (changed(0.0, since=date(2025, 1, 11)),
         "UA holds 427 km² of Kursk region. There is no other map since 11 January 2025."),
        ({"upper_km2": 611.8}, "UA holds 427 km² of Kursk region. With contested ground it is up to 612 km²."),
        (changed(20.0, upper_km2=611.8, before_km2=407.2, before_upper_km2=595.0),
         "UA gained 20 km² of Kursk region in two weeks."),
        (changed(20.0, upper_km2=611.8, before_km2=407.2, before_upper_km2=611.8),
         "UA gained 20 km² of Kursk region in two weeks."
         " With contested ground counted on both dates the change is 0 km²."),
        (changed(-20.0, before_km2=447.2, before_upper_km2=447.2, upper_km2=527.2),
         "UA holds 427 km² of Kursk region, 20 km² less than two weeks earlier."
         " With contested ground counted on both dates the change is +80 km²."
         " With contested ground it is up to 527 km²."),
        (changed(20.0, before_km2=99.0, before_upper_km2=999.0), "UA gained 20 km² of Kursk region in two weeks."),
        (changed(426.0, against_km2=0.2), "UA gained 426 km² of Kursk region in two weeks."),
        (changed(426.4, against_km2=4.0), "UA gained a net 426 km² of Kursk region in two weeks."),
        (changed(26.0, against_km2=90.0),
         "UA gained a net 26 km² of Kursk region in two weeks. 116 km² were gained and 90 km² lost."),
        (changed(-26.0, against_km2=90.0),
         "UA holds 427 km² of Kursk region, 26 km² less than two weeks earlier. 90 km² were gained and 116 km² lost."),
        (changed(0.01, against_km2=60.0),
         "UA holds 427 km² of Kursk region, as much as two weeks earlier. 60 km² were gained and 60 km² lost."),
        ({"refused_km2": 30.0}, "UA holds 427 km² of Kursk region. 30 km² of the map could not be read."),
        ({"refused_km2": 1.0}, "UA holds 427 km² of Kursk region."),
        ({"is_old": True, "asked": date(2025, 5, 1)},
         "UA holds 427 km² of Kursk region. The last map before 1 May 2025 is of 11 January 2025."),
        (changed(-58.4) | {"asked_since": date(2025, 1, 2)},
         "UA holds 427 km² of Kursk region, 58 km² less than two weeks earlier."
         " The last map before 2 January 2025 is of 28 December 2024."),
        ({"unit": None}, "UA holds 427 km²."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_the_figures_say(figures: dict[str, Any], said: str) -> None:
    assert words(figures) == said


@pytest.mark.parametrize("lang", [code for code in LANGUAGES if code != "en"])
def test_a_span_says_how_many_months_it_has(lang: str) -> None:
    """Also 21, for which Slavic languages have the form of one."""
    for months in range(3, 30):  # Arabic has a form for two
        since = date(2025 - (months + 11) // 12, 12 - (months - 1) % 12, 11)
        assert 12 * (2025 - since.year) + 1 - since.month == months
        with speaking(lang):
            for net in (50.0, -50.0):
                said = str(headline([Figures(**SAID | changed(net, since=since))]))
                assert re.search(rf"\b(?:{months}|{since.year})\b", said.replace("50", "")), said


def test_where_sources_differ_the_range_is_said() -> None:
    assert words({}, {"area_km2": 527.1}) == "UA holds 427 to 527 km² of Kursk region, by source."
    assert words({}, {"area_km2": 427.4}) == "UA holds 427 km² of Kursk region."
    apart = words(changed(4.0), changed(-9.0))
    assert apart.endswith("Whether that is more or less than on 28 December 2024 depends on the source.")
    assert words(changed(400.0), changed(426.0)) == "UA gained 400 to 426 km² of Kursk region in two weeks, by source."


def test_no_ground_is_a_sentence() -> None:
    assert str(no_ground(KURSK, None)) == "Kursk region: the map shows no ground held by a side."


@pytest.mark.parametrize(
    ("km2", "said"), [(0.0, "0"), (4.57, "4.6"), (58.4, "58"), (426.5, "426"), (19_234, "19,200"), (112_900, "113,000")]
)
def test_figures_are_rounded_to_three_digits(km2: float, said: str) -> None:
    assert rounded(km2) == said


def test_units_have_a_name_in_every_language() -> None:
    for lang, (donetsk, kursk) in {
        "en": ("Donetsk region", "Kursk region"), "uk": ("Донецька область", "Курська область"),
        "ru": ("Донецкая область", "Курская область"), "de": ("Oblast Donezk", "Oblast Kursk"),
        "fr": ("région de Donetsk", "région de Koursk"), "es": ("región de Donetsk", "región de Kursk"),
        "pl": ("obwód doniecki", "obwód kurski"), "ar": ("مقاطعة دونيتسك", "مقاطعة كورسك"),
    }.items():  # fmt: skip
        with speaking(lang):
            assert unit_label({"unit": "UA-14", "name": "Donetsk Oblast"}) == donetsk
            assert unit_label(KURSK) == kursk
            assert unit_label({"unit": "X-1", "name": "Somewhere"}) == "Somewhere"


@pytest.mark.parametrize(
    ("lang", "name", "of"),
    [
        ("uk", "Донецька область", "Донецької області"), ("uk", "Івано-Франківська область", "Івано-Франківської області"),
        ("uk", "Крим", "Криму"), ("ru", "Курская область", "Курской области"), ("ru", "Краснодарский край", "Краснодарского края"),
        ("de", "Oblast Donezk", "der Oblast Donezk"), ("de", "Krim", "der Krim"), ("fr", "région de Donetsk", "de la région de Donetsk"),
        ("fr", "Ukraine", "de l’Ukraine"), ("es", "región de Kursk", "de la región de Kursk"), ("pl", "obwód doniecki", "obwodu donieckiego"),
        ("uk", "Qwerty", None), ("ru", "Марий Эл", None), ("pl", "Mari El", None),
    ],
)  # fmt: skip
def test_a_place_is_inflected_or_stands_before_the_sentence(lang: str, name: str, of: str | None) -> None:
    assert of_place(name, lang) == of


def test_a_place_without_a_form_stands_before_the_sentence() -> None:
    with speaking("pl"):
        assert str(headline([Figures(**SAID | {"unit": {"unit": "RU-ME", "name": "Mari El"}})])).startswith("Mari El: ")


def test_sides_have_their_article_and_number() -> None:
    assert [subject(name, "fr") for name in ("Russie", "Ukraine", "M23")] == ["la Russie", "l’Ukraine", "le M23"]
    assert subject("Ukraine", "de") == "die Ukraine"
    assert (is_plural("Rapid Support Forces", "en"), is_plural("Ukraine", "en")) == (True, False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    path = tmp_path_factory.mktemp("say") / "kursk.gpkg"
    build(path)
    with open_archive(path) as kept:
        yield kept


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sentence_has_the_figure_the_source_and_the_date(archive: Archive, lang: str) -> None:
    km2 = archive.area("2025-01-11", within="Kursk", status="held")["area_km2"].iloc[0]
    said = geo.say(archive, within="Kursk", date="2025-01-11", lang=lang)
    assert f"{km2:.0f} " in said
    assert "2025" in said
    with speaking(lang):
        assert archive.reader.title("seeds") in said
    assert ("Illustrative outlines of the bundled example" in said) == (lang == "en")
    assert "\n" not in said
    assert "{" not in said


def test_titles_are_headlines_and_their_doubts_stand_below(archive: Archive) -> None:
    asked: Any = {"within": "Kursk", "since": "2024-09-10", "with_front": False}
    made = gather(archive, "2025-01-11", **asked)
    said = geo.say(archive, within="Kursk", date="2025-01-11", since="2024-09-10")
    assert said.startswith(f"{made.title}. ")
    assert made.subtitle.startswith("With contested ground it is up to 612 km². 11 January 2025. Source: ")
    assert gather(archive, "2025-01-11", title="Our own", **asked).title == "Our own"
    assert gather(archive, "2025-01-11", title="plain", **asked).title.startswith("Territorial control")


@pytest.mark.parametrize("since", [None, "2024-12-28"])
def test_a_map_of_everywhere_names_the_region_that_nearly_all_ground_lies_in(
    archive: Archive, since: str | None
) -> None:
    made = gather(archive, "2025-01-11", with_front=False, since=since)
    assert geo.say(archive, within="Kursk", date="2025-01-11", since=since).startswith(f"{made.title}. ")
    whole = archive.area("2025-01-11", status="held")["area_km2"].iloc[0]
    assert f"On the whole map it is {whole:.0f} km²." in made.subtitle


def test_a_region_names_no_headline_where_a_change_lies_elsewhere() -> None:
    whole = Figures(**SAID, net_km2=-70.0, before_km2=497.2)
    assert _is_nearly(Figures(**{**SAID, "area_km2": 417.0}, net_km2=-70.0, before_km2=487.0), whole)
    assert not _is_nearly(Figures(**{**SAID, "area_km2": 417.0}, net_km2=-30.0, before_km2=447.0), whole)


@pytest.mark.parametrize(
    ("since", "day"), [("2024-08-08", "2024-08-21"), ("2024-09-10", "2025-01-11"), ("2024-11-23", "2024-12-16")]
)
def test_what_changed_is_what_geo_change_says(archive: Archive, since: str, day: str) -> None:
    net = archive.change(since, day, within="Kursk", status="held")["net_km2"].iloc[0]
    said = geo.say(archive, within="Kursk", side="UA", since=since, date=day)
    assert f"{rounded(abs(net))} km²" in said
    assert ("gained" in said) == (net > 0)
    assert (" less than " in said) == (net < 0)


def test_lines_for_all_that_changed(archive: Archive) -> None:
    lines = say_changes(archive, since="2024-11-23", date="2025-01-11")
    assert len(lines) == 2
    assert "Kursk region" in lines[0]
    assert "Sumy region" in lines[1]


def test_what_cannot_be_said_is_told(archive: Archive) -> None:
    with pytest.raises(NoSnapshotError):
        geo.say(archive, date="2020-01-01")
    with pytest.raises(UsageError, match="no side 'Narnia'"):
        geo.say(archive, side="Narnia")
    assert "no ground held" in geo.say(archive, within="Donetsk").casefold()


def test_the_verb_prints_one_line(archive: Archive) -> None:
    done = CliRunner().invoke(main, ["say", str(archive.path), "--in", "Kursk", "--since", "1 month"])
    assert done.exit_code == 0
    assert re.fullmatch(r"[^\n]+ Source: [^\n]+ maps of 23 November 2024 and 11 January 2025\.\n", done.stdout)


def test_a_change_told_backwards_is_refused(archive: Archive) -> None:
    for ask in (lambda: geo.say(archive, since="2025-01-11", date="2024-09-10"), lambda: gather(archive, "2024-09-10", since="2025-01-11")):  # fmt: skip
        with pytest.raises(UsageError, match="2025-01-11 does not lie before 2024-09-10"):
            ask()
