"""Numbers: one reader for claims and casualties, in digits, words and collective numerals."""

from __future__ import annotations

import pytest

from geo.claims.model import find_amounts
from geo.extraction.casualties import find_casualties
from geo.text.numbers import read_number
from geo.text.sentences import TextSpan, language_of

NUMBERS = (
    ("206", 206), ("1,376", 1376), ("1 376", 1376), ("two hundred and six", 206), ("Two hundred six", 206),
    ("a hundred", 100), ("a dozen", 12), ("two dozen", 24), ("thirty-two", 32), ("thirty two", 32),
    ("one thousand three hundred and seventy-six", 1376), ("2 thousand", 2000), ("1.2 thousand", 1200),
    ("п'ятеро", 5), ("п’ятеро", 5), ("двоє", 2), ("обоє", 2), ("дванадцятеро", 12), ("двісті шість", 206),
    ("тридцять двоє", 32), ("сорок п'ять", 45), ("тисяча двісті", 1200), ("2 тис.", 2000), ("дві тисячі", 2000),
    ("дев'яносто дев'ять", 99), ("трое", 3), ("двадцать пять", 25), ("двести шесть", 206), ("сто двадцать три", 123),
    ("две тысячи", 2000), ("пятеро", 5), ("девяносто девять", 99),
)  # fmt: skip


@pytest.mark.parametrize(("words", "value"), NUMBERS)
def test_a_number_is_read(words: str, value: int) -> None:
    assert read_number(words) == value


@pytest.mark.parametrize(("words", "value"), NUMBERS)
def test_claims_and_casualties_read_the_same_number(words: str, value: int) -> None:
    cyrillic = language_of(words) != "en"
    unit, dead = ("кв. км", "людей загинули") if cyrillic else ("sq. km", "people were killed")
    (amount,) = find_amounts(f"{words} {unit}")
    assert amount.value == value
    text = f"{words} {dead}"
    (toll,) = find_casualties(TextSpan(0, len(text), text, "uk" if cyrillic else "en"))
    assert (toll.count.low, toll.count.best, toll.count.high) == (value, value, value)


@pytest.mark.parametrize("words", ["several hundred", "сотні", "тисячі", "three and five", "двоє-троє", "тысячи", ""])
def test_what_is_no_number(words: str) -> None:
    assert read_number(words) is None or words in ("сотні", "тисячі", "тысячи")
    text = f"{words} людей загинули"
    assert all(
        t.count.best is None
        for t in find_casualties(TextSpan(0, len(text), text, "uk"))
        if words in ("сотні", "тисячі")
    )


def test_the_toll_of_a_briefing() -> None:
    text = "Two hundred and six people were killed in the shelling of Kharkiv on 10 January, officials said."
    (toll,) = find_casualties(TextSpan(0, len(text), text, "en"))
    assert (toll.kind, toll.count.best) == ("killed", 206)


@pytest.mark.parametrize("digits", ["9" * 400, "123 " * 130, "123," * 130 + "123"])
def test_a_row_of_digits_is_no_number(digits: str) -> None:
    assert read_number(digits) is None
    text = f"Shelling killed {digits} people in Sudzha."
    tolls = find_casualties(TextSpan(0, len(text), text, "en"))
    assert all(toll.count.best in (None, 123) for toll in tolls)  # the last group of a row may stand alone
    assert all(a.value is None or a.value < 1e9 for a in find_amounts(f"took {digits} km²"))
