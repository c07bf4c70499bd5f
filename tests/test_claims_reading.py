"""The grammar of claims: every sentence of the table gives the record written beside it, or is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.claims.model import AREAS, NO_UNIT, QUOTES, Claim, find_amounts, span_of
from geo.claims.reading import find_claims, read_claim
from geo.errors import GateError, UsageError
from geo.presentation.language import reworded, speaking
from tests.sentence_scores import areas_of, rows

DAY = "2025-01-11"
FIELDS = ("quantity", "controller", "against", "unit", "comparator", "value", "high", "value_unit", "date_from",
          "date_to")  # fmt: skip


def table(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name("claim_grammar").joinpath(name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="|", quoting=csv.QUOTE_NONE))


CASES = table("cases.csv")


def check(row: dict[str, str]) -> None:
    claim = read_claim(row["text"], date=DAY)
    if not row["quantity"]:
        assert (claim.quantity, claim.value) == (None, None), claim
        assert claim.notes
        assert find_claims(row["text"], date=DAY) == []
        return
    for name in FIELDS:
        found, wanted = getattr(claim, name), row[name] or None
        if name in ("value", "high") and wanted is not None:
            assert found == pytest.approx(float(wanted), rel=1e-6), (name, claim)
        else:
            assert found == wanted, (name, claim)
    for name in ("controller", "unit"):
        if getattr(claim, name) is None and claim.quantity not in ("front length",) and not claim.against:
            assert claim.notes, f"{name} is empty and nothing says why"


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 80
    assert sum(not r["quantity"] for r in CASES) >= 20


@pytest.mark.parametrize("row", CASES, ids=[r["text"][:60] for r in CASES])
def test_every_sentence_gives_its_record(row: dict[str, str]) -> None:
    check(row)


NOT_YET_READ = ("The area under Russian control in", "Russian forces are said to be", "Ukraine's Kursk pocket has",
                "Ukraine says it lost 21", "With 66 percent", "Сили оборони повернули 12")  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [*rows("areas"), *rows("areas_later"), *rows("areas_mixed"), *rows("areas_styles")],
    ids=lambda row: row["text"][:60],
)
def test_one_figure_one_clause(row: dict[str, str]) -> None:
    score = areas_of([row])
    missed = row["text"].startswith(NOT_YET_READ) and not any(w.startswith("WRONG") for w in score["figures"].wrong)
    assert missed or score["figures"].wrong == []


def test_a_figure_that_is_not_read_is_named() -> None:
    (claim,) = find_claims("Russia gained 240 km² in Ukraine in March 2024, up from a low of 192.", date=DAY)
    assert "not read in this sentence: 192" in claim.notes
    (claim,) = find_claims("Russia holds 20 percent of Ukraine and trains 40 percent of its recruits there.", date=DAY)
    why = "no word says that ground is held, gained, lost or retaken"
    assert f"not read in this sentence: 40 percent; {why}" in claim.notes


@pytest.mark.parametrize("figure", ["1,376 180.0000001", "1,376 180.5"])
def test_digits_that_are_no_one_number_are_no_claim(figure: str) -> None:
    found = find_claims(f"Ukraine held {figure} km² of Kursk region.", date=DAY, unread=True)
    assert [claim.value for claim in found] == [None]
    assert f"{figure!r} cannot be read as one number" in found[0].notes[-1]


def test_the_day_of_saying_is_no_figure_that_was_not_read() -> None:
    (claim,) = find_claims("Ukraine held 500 km² of Kursk region, Syrskyi said on 11 January 2025.")
    assert claim.said_on == "2025-01-11"
    assert not [note for note in claim.notes if "not read" in note]


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("Unemployment stood at 12 percent. Rain fell on 30 hectares.", ["12 percent", "30 hectares"]),
        ("Israel confiscated 24,000 dunams last year.", ["24,000 dunams"]),
        ("They hold an area twice the size of Luxembourg.", ["twice the size of"]),
        ("Russia took dozens of villages in Donetsk region.", ["dozens of villages"]),
        ("Moscow says it gains 12 km² a day and 80 km² a week.", ["12 km²", "80 km²"]),
        ("Russia's share of Ukraine grew by 0.7 percentage points.", ["0.7 percentage points"]),
        ("Щодоби окупанти захоплюють 15 кв. км.", ["15 кв. км"]),
        ("Sales: " + ", ".join(f"{n} percent" for n in range(1, 23)) + ".", [f"{n} percent" for n in range(1, 23)]),
    ],
)
def test_a_figure_without_a_claim_is_named(text: str, figures: list[str]) -> None:
    assert find_claims(text, date=DAY) == []
    unread = find_claims(text, date=DAY, unread=True)
    assert [text[c.start : c.end] for c in unread] == figures
    assert all(c.quantity is c.value is None and c.notes[0].startswith("not read as a claim: ") for c in unread)


@pytest.mark.parametrize("name", ["areas", "areas_later", "areas_mixed", "areas_styles", "areas_s11", "areas_traps"])
def test_every_figure_of_a_sentence_is_answered_or_named(name: str) -> None:
    for row in rows(name):
        found = find_claims(row["text"], date=DAY, unread=True)
        said = " ".join([*(str(c.value) for c in found), *(note for c in found for note in c.notes),
                         *(row["text"][c.start : c.end] for c in found if c.value is None)])  # fmt: skip
        for amount in find_amounts(row["text"].translate(QUOTES)):
            if amount.unit in (*AREAS, "percent", "settlements"):
                words = row["text"][amount.start : amount.end].strip()
                values = (v for c in found for v in (c.value, c.high, c.value and 100 - c.value) if v is not None)
                bases = " ".join(c.base or "" for c in found)
                known = any(abs(v) in (amount.value, amount.high) for v in values)
                assert known or words in said or words in bases, (row["text"], words)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("areas_plain", 111, 0), ("areas_stranger", 16, 0), ("areas_s1", 32, 0), ("areas_s2", 32, 0),
        ("areas_s3", 30, 0), ("areas_s4", 27, 0), ("areas_s5", 28, 0), ("areas_s6", 25, 0), ("areas_s7", 52, 0),
        ("areas_s8", 38, 0), ("areas_s9", 40, 0), ("areas_s10", 32, 0), ("areas_s11", 35, 0), ("areas_s12", 32, 0),
        ("areas_s13", 35, 0), ("areas_s14", 32, 0), ("areas_forms", 208, 0), ("areas_traps", 71, 0),
        ("areas_mixed_unseen", 22, 0), ("areas_styles_unseen", 31, 0), ("areas_unseen", 19, 0),
        ("areas_fresh", 11, 0),
    ],
)  # fmt: skip
def test_texts_are_read_no_worse_than_they_were(name: str, right: int, wrong: int) -> None:
    figures, sentences = areas_of(rows(name)).values()
    assert figures.right >= right, figures.wrong
    assert sentences.wanted - sentences.right <= wrong, figures.wrong


NUMBERS = st.integers(min_value=1, max_value=9_999_999)


@given(NUMBERS, st.sampled_from(["km²", "sq km", "square kilometers", "кв. км", "hectares", "square miles"]))
@settings(max_examples=150, deadline=None)
def test_a_number_comes_back_however_it_is_grouped(number: int, unit: str) -> None:
    for written in (f"{number:,}", f"{number:,}".replace(",", " "), f"{number:,}".replace(",", " "), str(number)):
        (amount,) = find_amounts(f"Ukraine holds {written} {unit} there")
        assert amount.value == number, written
        # zeros at its end round the number, but two of its figures count
        zeros = len(str(number)) - len(str(number).rstrip("0"))
        assert (amount.comparator, amount.step) == ("exactly", 10.0 ** max(0, min(zeros, len(str(number)) - 2)))


SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelled(n: int) -> str:
    """English words of a number, written for this test."""
    if n >= 1000:
        return f"{spelled(n // 1000)} thousand" + (f" {spelled(n % 1000)}" if n % 1000 else "")
    if n >= 100:
        return f"{SMALL[n // 100]} hundred" + (f" and {spelled(n % 100)}" if n % 100 else "")
    return SMALL[n] if n < 20 else TENS[n // 10] + (f"-{SMALL[n % 10]}" if n % 10 else "")


@given(st.integers(min_value=1, max_value=99_999))
@settings(max_examples=150, deadline=None)
def test_number_words_come_back(number: int) -> None:
    (amount,) = find_amounts(f"They hold {spelled(number)} square kilometres.")
    assert amount.value == number


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    claim = read_claim(text, date=DAY)
    assert claim.text == text
    for found in find_claims(text, date=DAY):
        assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    ("unit", "factor"), [("km2", 1), ("ha", 0.01), ("mi2", 1.609344**2), ("acre", 4046.8564224e-6), ("percent", 1)]
)
def test_values_come_in_square_kilometres(unit: str, factor: float) -> None:
    span = span_of(Claim("", value=500, value_unit=unit, comparator="about"), within_percent=5)
    assert (span.low, span.high) == (pytest.approx(475 * factor), pytest.approx(525 * factor))


@pytest.mark.parametrize(
    ("comparator", "inside", "outside"),
    [
        ("more than", [500.01], [500, 499]), ("at least", [500], [499.9]), ("less than", [499.9], [500]),
        ("up to", [500, 0], [500.1]), ("about", [475, 525], [474.9, 525.1]), ("nearly", [475, 525], [474, 526]),
        ("exactly", [499.5, 500.5], [499.4, 500.6]), ("between", [500, 550], [499, 551]),
    ],
)  # fmt: skip
def test_what_agrees_with_a_comparator(comparator: str, inside: list[float], outside: list[float]) -> None:
    span = span_of(Claim("", value=500, high=550, value_unit="km2", comparator=comparator, step=1))
    assert all(span.holds(v) and span.away(v) == 0 for v in inside)
    assert not any(span.holds(v) for v in outside)


def test_a_claim_without_a_value_has_no_span() -> None:
    with pytest.raises(UsageError, match="its figure could not be read"):
        span_of(Claim("x"))
    with pytest.raises(UsageError, match="0 or more"):
        span_of(Claim("x", value=1, value_unit="km2", comparator="about"), within_percent=-1)


def test_a_briefing_gives_its_claims_with_their_places() -> None:
    text = (
        "Fighting went on in Kursk. Ukraine's General Staff said Ukrainian troops hold 500 sq. km of Kursk region. Losses"
        " are not known. Did Russia take 100 km²? Russia has retaken some 40 percent of what Ukraine took in Kursk,"
        " Reuters reported on 11 January."
    )
    claims = find_claims(text, date="2025-01-12")
    assert [(c.quantity, c.value) for c in claims] == [("held", 500), ("share retaken", 40)]
    assert [text[c.start : c.end] for c in claims] == [c.text for c in claims]
    assert claims[0].text.startswith("Ukraine's General Staff")
    assert claims[0].said_by == "Ukraine's General Staff"
    assert (claims[1].said_by, claims[1].said_on) == ("Reuters", "2025-01-11")


def test_figures_of_one_sentence_are_told_apart() -> None:
    text = "Ukraine once controlled 1,376 square kilometers, but now holds approximately 800 square kilometers."
    first, second = find_claims(text, date="2024-11-23")
    assert (first.value, first.date_to) == (1376, None)
    assert (second.value, second.comparator, second.date_to) == (800, "about", "2024-11-23")
    both = find_claims("Ukraine says it controls 1,250 sq km and 92 settlements in the Kursk region.", date=DAY)
    assert [(c.quantity, c.controller, c.unit, c.value) for c in both] == [
        ("held", "UA", "RU-KRS", 1250), ("settlements held", "UA", "RU-KRS", 92),
    ]  # fmt: skip


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(GateError):
        read_claim("Ukraine holds 500 km²", date="next week")


def test_missing_fields_are_named() -> None:
    assert read_claim("Zelensky said his troops control 500 square km.", date=DAY).missing() == ("controller",)
    assert "date_from" in read_claim("Ukraine seized 100 km² in Kursk.", date=DAY).missing()
    assert read_claim("Ukraine controls 500 square km in Kursk.", date=DAY).missing() == ()


AFTER = [*table("after.csv"), *table("after_mended.csv")]


@pytest.mark.parametrize("row", AFTER, ids=[r["text"][:60] for r in AFTER])
def test_sentences_written_after_the_grammar_was_finished(row: dict[str, str]) -> None:
    check(row)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("Russia keeps capturing 50 km² of Donetsk region.", "gained"), ("Ukraine reconquered 50 km² of Kursk region.", "gained"),
        ("Russia is holding 50 km² of Kursk region.", "held"), ("Росія захоплює 50 кв. км Донецької області.", "gained"),
        ("Україна утримувала 50 кв. км Курської області.", "held"), ("Україна втрачає 50 кв. км Курської області.", "lost"),
        ("Россия захватывает 50 кв. км Донецкой области.", "gained"), ("Украина удержала 50 кв. км Курской области.", "held"),
        ("Украина утрачивает контроль: потеряно 50 кв. км Курской области.", "lost"),
    ],
)  # fmt: skip
def test_words_of_control_are_known_in_every_form(text: str, quantity: str) -> None:
    assert read_claim(text, date=DAY).quantity == quantity


@pytest.mark.parametrize(
    "text",
    ["Російські війська захоплять 50 кв. км у Донецькій області.", "Россия захватит 50 кв. км Донецкой области.",
     "Росія не захопила 50 кв. км.", "Київ спростовував, що Росія захопила 50 кв. км.", "Україна прагнула утримати 50 кв. км."],
)  # fmt: skip
def test_what_is_still_to_come_or_denied_is_no_claim(text: str) -> None:
    assert find_claims(text, date=DAY) == []


def test_every_note_is_on_the_list_that_is_translated() -> None:
    """Notes are on record in English; what the list lacks would stay English everywhere."""
    texts = [row["text"] for row in CASES]
    texts += [row["text"] for row in rows("areas_later")]
    texts += ["Does Russia hold 10 km²?", "Ukraine held 2.000 km² on 31.02.2024", "On 09/10/2024 Russia took 5 km²"]
    notes = {note for text in texts for note in read_claim(text, date=DAY).notes}
    notes |= {note for text in texts for claim in find_claims(text, date=DAY) for note in claim.notes}
    assert len(notes) > 10
    with speaking("uk"):
        assert [note for note in notes if reworded(note) == note] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("La Russie contrôle 20 % du pays.", "du pays"),
        ("Russia holds 26,600 km² in Kherson and Zaporizhzhia regions.", "UA-65, UA-23"),
        ("Russia has seized about 2,350 km² in Ukraine and in Russia's Kursk region.", "UA, RU-KRS"),
        ("Russia controls 30 percent of Boristan.", "Boristan"),
        ("Gangs control 85 percent of Artibonite.", "Artibonite"),
    ],
)
def test_ground_of_no_unit_is_not_measured_everywhere(text: str, place: str) -> None:
    (claim,) = find_claims(text, date=DAY)
    assert (claim.unit, claim.notes[-1]) == (None, f"{place!r} {NO_UNIT}")


def test_units_that_stand_apart_are_not_measured_together() -> None:
    assert find_claims("В Сумской области военные России контролируют 20 км², в Харьковской – 300.", date=DAY) == []


def test_the_date_of_the_other_figure_is_not_that_of_the_first() -> None:
    found = find_claims("In Kharkiv region, Russia holds 180 km², up from 150 in September.", date=DAY)
    assert [(claim.value, claim.date_to) for claim in found] == [(180.0, DAY), (150.0, "2024-09-30")]
    found = find_claims("Ukraine lost 610 km² in November and 478 the month before.", date=DAY)
    assert [(claim.value, claim.date_to) for claim in found] == [
        (610.0, "2024-12-01T00:00Z"), (478.0, "2024-11-01T00:00Z"),
    ]  # fmt: skip
    (claim,) = find_claims("Russia took 30 km² in Donetsk region during the first week of January.", date=DAY)
    assert (claim.date_from, claim.date_to) == ("2025-01-01T00:00Z", "2025-01-08T00:00Z")
    (claim,) = find_claims("Russia took 30 km² in Donetsk region during the first days of January.", date=DAY)
    assert (claim.date_from, claim.date_to) == (None, None)


@pytest.mark.parametrize(
    "of",
    [
        "of Boristan region", "in the Boristan district", "of Khartoum state", "Бористанської області",
        "Бористанской области", "der Region Boristan", "de la région de Boristan",
    ],
)  # fmt: skip
def test_a_region_that_is_not_known_is_not_everywhere(of: str) -> None:
    claim = read_claim(f"Ukraine holds 423 km² {of}", date="2025-01-11")
    assert (claim.quantity, claim.value, claim.unit) == ("held", 423.0, None)
    assert claim.notes[0].endswith("is no unit that is known here")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Russian troops took 45 km² around Kurakhove.", "around Kurakhove"),
        ("In the Pokrovsk direction Russia took 45 km² in December.", "In the Pokrovsk direction"),
        ("South of Toretsk, Russian troops took 45 km² in December.", "South of Toretsk"),
        ("На Покровському напрямку росіяни захопили 45 кв. км.", "На Покровському напрямку"),
        ("Российские войска заняли 45 кв. км под Покровском.", "под Покровском"),
        ("Russische Truppen eroberten 45 Quadratkilometer bei Torezk.", "bei Torezk"),
        ("Les forces russes ont pris 45 km² près de Toretsk.", "près de Toretsk"),
        ("Russia holds 45 percent of Boristan state.", "Boristan state"),
        ("Росія контролює 45 відсотків Бористанської області.", "Бористанської області"),
    ],
)
def test_a_place_that_is_no_unit_is_named(text: str, place: str) -> None:
    (claim,) = find_claims(text, date=DAY)
    assert (claim.value, claim.controller, claim.unit) == (45.0, "RU", None)
    assert f"{place!r} is no unit that is known here" in claim.notes


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("Ukraine has lost 11 percent of its territory since February 2022.", ("lost", "UA", "UA")),
        ("L'Ukraine a perdu 11 % de son territoire depuis février 2022.", ("lost", "UA", "UA")),
        ("Russia took 11 percent of Ukraine's territory in 2024.", ("gained", "RU", "UA")),
        ("Ukraine lost 11 percent of Donetsk region in 2024.", ("lost", "UA", "UA-14")),
        ("Ukraine lost 11 percent of its Kursk salient in October.", None),
        ("Ukraine lost 11 percent of its territory in Kursk region in October.", None),
        ("The rebels lost 11 percent of their territory in October.", None),
    ],
)
def test_a_share_of_a_whole_unit_is_lost_or_gained(text: str, record: tuple[str, str, str] | None) -> None:
    found = [(c.quantity, c.controller, c.unit) for c in find_claims(text, date=DAY)]
    assert found == ([record] if record else [])


@pytest.mark.parametrize(
    ("text", "unit", "day"),
    [
        ("La Russie occupe plus de 112 000 km² en Ukraine, Crimée comprise.", "UA", DAY),
        ("Russia's army entered Sumy region in late 2024 and holds 8 km² there.", "UA-59", DAY),
        ("A year ago Russia held 17.5 percent of Ukraine; today it holds 18.2 percent.", "UA", DAY),
        ("Gerasimov told reporters in Moscow that Russian troops held 800 km² in December 2024.", None, "2024-12-31"),
        ("Russia took 12 km² in the first nine days of January.", None, "2025-01-10T00:00Z"),
        ("Ukraine, 18 percent of which Russia holds, is at war.", "UA", DAY),
        ("К концу 2024 года Россия контролировала около 18% территории Украины.", "UA", "2024-12-31"),
        ("Russia controls nearly all of Luhansk region – 99 percent.", "UA-09", DAY),
    ],
)
def test_a_figure_has_the_place_and_day_of_its_own_words(text: str, unit: str | None, day: str) -> None:
    claim = find_claims(text, date=DAY)[-1]
    assert (claim.unit, claim.date_to) == (unit, day)


@pytest.mark.parametrize(
    "text",
    [
        "Correction: an earlier version said Russia had taken 4,800 km² in 2024.",
        "Kyiv says it holds 500 km² of Kursk region, which is not true.",
        "Syrian rebels hold 2,500 km² of Syria.",
    ],
)
def test_what_is_taken_back_or_not_bound_is_no_claim(text: str) -> None:
    assert find_claims(text, date=DAY) == []


def test_of_most_of_it_near_a_town_the_whole_is_not_that_of_the_town() -> None:
    (claim,) = find_claims("Russia took 45 km² in December, most of it near Kurakhove.", date=DAY)
    assert not any("no unit that is" in note for note in claim.notes)


def test_what_is_said_of_one_figure_is_not_said_of_another() -> None:
    first, second = find_claims(
        "Russia gained 14 km² in Donetsk region and Ukraine 3 km² in Kharkiv region on Thursday.", date=DAY, unread=True
    )
    assert (first.controller, first.value, first.unit, first.date_to) == ("RU", 14.0, "UA-14", "2025-01-09")
    assert (second.controller, second.value, second.unit, second.date_to) == ("UA", 3.0, "UA-63", "2025-01-09")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Russia controls 20 percent of Ukraine, including Crimea, which it annexed in 2014.", DAY),
        ("In 2014 Russia annexed Crimea, and it now holds 20 percent of Ukraine.", DAY),
        ("Russia has controlled 75 percent of Zaporizhzhia region since the spring of 2022.", DAY),
        ("Україна контролює 1250 км² Курської області – станом на 19 серпня.", "2024-08-19"),
        ("The Pentagon says Ukraine holds 500 sq km of Kursk region, half of what it held in September.", DAY),
    ],
)
def test_a_day_belongs_to_the_figure_of_its_clause(text: str, day: str) -> None:
    assert find_claims(text, date=DAY)[0].date_to == day


def test_a_full_stop_groups_thousands_in_german_alone() -> None:
    (claim,) = find_claims("Russland eroberte im Jahr 2024 rund 4.168 Quadratkilometer der Ukraine.", date=DAY)
    assert (claim.value, claim.controller, claim.unit) == (4168.0, "RU", "UA")
    assert find_claims("Russia captured 4.168 km² of Ukraine in 2024.", date=DAY) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("All but 4 percent of Luhansk region was in Russian hands on 30 June 2025.", "lacking"),
        ("Russia holds all of Luhansk region but about 3 percent.", "lacking"),
        ("Russia occupied the whole of Luhansk region except for 200 square kilometres.", "lacking"),
        ("Россия контролирует всю Луганскую область, кроме 4 процентов.", "lacking"),
        ("Росія контролює всю Луганську область, крім 150 кв. км.", "lacking"),
        ("Russland kontrolliert bis auf 4 Prozent die ganze Region Luhansk.", "lacking"),
        ("La Russie contrôle toute la région de Louhansk sauf 4 %.", "lacking"),
        ("Russia controls 11 percent of Ukraine, excluding Crimea.", "lacking"),
        ("Россия контролирует 11% территории Украины без Крыма.", "lacking"),
        ("Russia holds 30 percent of Rosneft.", "'Rosneft' is no unit"),
        ("Israel controls 90 percent of Gaza's water.", "something else than ground"),
        ("Russia holds 30 percent of Ukrainians on its soil.", "something else than ground"),
        ("Russia has not taken 45 km² of Donetsk region.", "a denial"),
        ("The wildfire has consumed 150 hectares of land held by Russia in Luhansk region.", "'wildfire' stands by"),
        ("A farm of 20 hectares held by a Ukrainian company was hit.", "'farm' stands by the figure"),
        ("The two armies exchanged some 15 km² in Donetsk region without gain.", "'exchanged' stands by the figure"),
        ("Площадь пожара на территории под контролем РФ достигла 500 гектаров.", "'пожара' stands by the figure"),
        ("We liberated 189 settlements last year.", "'We' stands by the figure"),
        ("Russia had occupied 20 km² of Sumy region.", "whether it was taken then or is held since"),
        ("The Ukrainians met the Russians and took 8 km² in Sumy region.", "which of several sides"),
    ],
)  # fmt: skip
def test_a_refusal_gives_its_own_reason(text: str, why: str) -> None:
    claim = read_claim(text, date="2025-07-01")
    assert claim.value is None
    assert why in " ".join(claim.notes)


@pytest.mark.parametrize(
    "text",
    [
        "Russia took 45 km² of Donetsk region in May 2025, not 80 km² as Moscow says.",
        "Росія захопила 45 кв. км Донецької області у травні 2025 року, а не 80, як каже Москва.",
        "Russland eroberte 45 km² der Region Donezk, nicht 80.",
    ],
)
def test_what_another_says_is_denied_and_not_the_figure(text: str) -> None:
    (claim,) = find_claims(text, date="2025-07-01")
    assert (claim.quantity, claim.unit, claim.value) == ("gained", "UA-14", 45.0)


@pytest.mark.parametrize(
    "text",
    [
        "In June 2025 Russia managed to occupy 556 km² of Ukraine", "Russia grabbed 556 sq km of Ukraine in June 2025",
        "За весь червень 2025-го росіяни загарбали 556 км²",
    ],
)  # fmt: skip
def test_ground_is_taken_in_these_words_too(text: str) -> None:
    claim = read_claim(text, date="2025-07-01")
    assert (claim.quantity, claim.controller, claim.value) == ("gained", "RU", 556.0)


@pytest.mark.parametrize(
    ("text", "quantity", "side"),
    [
        ("December brought Russia 402 km².", "gained", "RU"),
        ("Russian advances in November cost Ukraine 610 km².", "lost", "UA"),
        ("Binnen einer Woche fielen 55 Quadratkilometer an Russland.", "gained", "RU"),
        ("L'offensive a coûté 55 km² à l'Ukraine.", "lost", "UA"),
        ("Ukrainian troops pushed the Russians back and took 8 km² in Sumy region.", "gained", "UA"),
        ("Українські військові відкинули ворога і звільнили 8 км² на Сумщині.", "gained", "UA"),
        ("The Saudi-backed Houthi forces hold 8 km².", "held", "HOUTHIS"),
        ("Ворог окупував 10 км² у Сумській області.", "gained", "RU"),
        ("Israeli forces have taken over some 400 km² of Syria.", "gained", "IL"),
        ("For all its losses, Russia took less than 1 percent of Ukraine in 2024.", "gained", "RU"),
        ("Russian forces took the remaining 1 percent of Luhansk region on Monday.", "gained", "RU"),
        ("Площа, яку контролює Росія, зросла за грудень на 430 км².", "net", "RU"),
    ],
)
def test_the_side_is_the_one_that_the_verb_gives(text: str, quantity: str, side: str) -> None:
    (claim,) = find_claims(text, date=DAY)
    assert (claim.quantity, claim.controller) == (quantity, side)


@pytest.mark.parametrize(
    "text",
    [
        "Russia's army took Selydove, a town of 8 km², in six days.",
        "The RSF hold most of Darfur, a region of roughly 500,000 km².",
        "The fighting brought 402 km² of mines.",
    ],
)
def test_the_size_of_a_place_is_not_what_was_taken(text: str) -> None:
    assert find_claims(text, date=DAY) == []
