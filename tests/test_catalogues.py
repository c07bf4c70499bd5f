"""The catalogues of words: nothing is missing, and no translation loses a value."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from babel.messages.catalog import Catalog, Message

from geo.errors import UsageError
from geo.presentation.labels import figure, unit_name
from geo.presentation.language import (
    LANGUAGES,
    date_words,
    day_words_short,
    gettext,
    listed,
    month_words,
    ngettext,
    number,
    speaking,
)
from tools.update_catalogues import catalogue, texts

OTHERS = tuple(code for code in LANGUAGES if code != "en")
_VALUE = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.fixture(scope="module")
def marked() -> Catalog:
    return texts()


def _forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string or "",)


# the headline gives both "in six weeks" and "six weeks earlier", of which a language takes what it can use
_SAME = {"{then}": "{span}"}


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


@pytest.mark.parametrize("code", OTHERS)
def test_every_marked_text_is_in_a_catalogue(marked: Catalog, code: str) -> None:
    said = {_key(m): _forms(m) for m in catalogue(code) if m.id}
    missing = [_key(m) for m in marked if m.id and not all(said.get(_key(m), ("",)))]
    assert missing == [], "python -m tools.update_catalogues adds them; then translate"


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_values_of_its_text(code: str) -> None:
    for message in catalogue(code):
        texts_of = (message.id,) if isinstance(message.id, str) else message.id
        wanted = {_SAME.get(value, value) for text in texts_of for value in _VALUE.findall(text)}
        for form in _forms(message):
            found = {_SAME.get(value, value) for value in _VALUE.findall(form)}
            # "one day" may do without its number
            assert not form or not message.id or wanted - {"{n}"} <= found <= wanted, (code, message.id, form)
            # what a template shows in an attribute stands between such marks
            assert '"' not in form or '"' in str(message.id), (code, form)


@pytest.mark.parametrize("code", OTHERS)
def test_numbers_and_dates_are_written_as_the_language_does(code: str) -> None:
    expected = {
        "uk": ("12\xa0345,6", "11 січня 2025", "січень 2025", "5 днів"),
        "ru": ("12\xa0345,6", "11 января 2025", "январь 2025", "5 дней"),
        "de": ("12.345,6", "11. Januar 2025", "Januar 2025", "5 Tage"),
        "fr": ("12\u202f345,6", "11 janvier 2025", "janvier 2025", "5 jours"),
        "es": ("12.345,6", "11 de enero de 2025", "enero de 2025", "5 días"),
        "pl": ("12\xa0345,6", "11 stycznia 2025", "styczeń 2025", "5 dni"),
        "ar": ("12,345.6", "11 يناير 2025", "يناير 2025", "5 أيام"),
    }
    with speaking(code):
        day = date(2025, 1, 11)
        assert (number(12345.6, 1), date_words(day), month_words(day), ngettext("{n} day", "{n} days", 5)) == expected[
            code
        ]
        assert figure(427.25) == number(427.25, 1)
        assert date_words(datetime(2025, 1, 11, 6, 30, tzinfo=UTC)).endswith("06:30 UTC")
        assert not day_words_short(day).endswith(("р.", "г."))


def test_english_is_the_source() -> None:
    assert (gettext("Key figures"), number(1234.5, 1), date_words(date(2025, 1, 11))) == (
        "Key figures", "1,234.5", "11 January 2025",
    )  # fmt: skip
    assert unit_name("RU-KRS", "Kursk Oblast") == "Kursk region"
    assert listed(["A", "B", "C"]) == "A, B and C"


def test_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="en, uk, ru, de, fr, es, pl, ar"), speaking("xx"):
        pass
