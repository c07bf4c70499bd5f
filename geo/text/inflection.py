"""Names as they stand in a sentence: with their article, in the genitive, or with a verb in the plural."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from geo.assets import read_toml
from geo.text.words import analyzer

_FORMS = "names/forms.toml"
_INFLECTED = ("uk", "ru")


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return read_toml(_FORMS)


def subject(name: str, lang: str) -> str:
    """A side as the subject of a sentence: with its article, where the language wants one."""
    for pattern, words in _table()[lang]["subject"]:
        if re.search(pattern, name):
            return re.sub(pattern, words, name, count=1)
    return name


def is_plural(name: str, lang: str) -> bool:
    """Whether a side's verb stands in the plural."""
    return re.search(_table()[lang]["plural"], name) is not None


@cache
def of_place(name: str, lang: str) -> str | None:
    """A place after "427 km² of"; None where its form is not known."""
    if lang in _INFLECTED:
        return _genitive(name, lang)
    for pattern, words in _table()[lang]["of"]:
        if re.search(pattern, name):
            return re.sub(pattern, words, name, count=1)
    return None


def _genitive(name: str, lang: str) -> str | None:
    """A name's words in the genitive, by dictionary; None where one of them is in none."""
    words = name.split(" ")
    *before, last = words
    parsed = _nominative(last, lang)
    if parsed is None:
        return None
    found = [parsed.inflect({"gent"})]
    for word in reversed(before):
        adjective = _nominative(word, lang, gender=parsed.tag.gender)
        found.insert(0, None if adjective is None else adjective.inflect({"gent", parsed.tag.gender}))
    if any(form is None for form in found):
        return None
    return " ".join(_cased(form.word, word) for form, word in zip(found, words, strict=True))


def _nominative(word: str, lang: str, *, gender: str | None = None) -> Any:
    """How a word is read as a noun, or as an adjective of a gender, in the nominative singular."""
    wanted = "ADJF" if gender else "NOUN"
    for parse in analyzer(lang).parse(word):
        tag = parse.tag
        known = parse.is_known or gender or "-" in word
        if wanted in tag and "nomn" in tag and "plur" not in tag and known and (gender is None or tag.gender == gender):
            return parse
    return None


def _cased(form: str, word: str) -> str:
    """A form with the capitals of its word, also after hyphens."""
    pairs = zip(form.split("-"), word.split("-"), strict=False)
    return "-".join(part[:1].upper() + part[1:] if old[:1].isupper() else part for part, old in pairs)
