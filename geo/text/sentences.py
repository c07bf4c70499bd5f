"""A text in paragraphs, sentences and clauses, each with its offsets, and the language it is in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from geo.text.languages import any_of, cached_words, forms, languages, word_list

Lang = Literal["en", "uk", "ru"]
_CYRILLIC = re.compile(r"[а-яіїєґё]", re.IGNORECASE)
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_UKRAINIAN = re.compile(
    r"[іїєґ]|['’ʼ][яює]|\b(?:та|що|від|було|через|під|у|в?учора)\b|\w(?:ив|лися|лося|ють|ться)\b", re.IGNORECASE
)
_RUSSIAN = re.compile(
    r"[ыэъё]|\b(?:и|что|были|был|из|как|под|вчера)\b|\w(?:ил|ился|тся|ого|ии|ия|вших|вшие)\b", re.IGNORECASE
)
_END = re.compile(r"[.!?…]+[\"”»’')\]]*\s+(?=[\"“«‘'(\[—–-]*\s?[A-ZА-ЯІЇЄҐЁ\d])|\n[^\S\n]*\n\s*")
_FEW_WORDS = 5  # a sentence of fewer goes on after "2024 р." or "9 a.m."


@dataclass(frozen=True)
class Passage:
    """A stretch of the text: ``text[start:end]``."""

    start: int
    end: int
    text: str
    lang: Lang = "en"


def language_of(text: str) -> Lang:
    """Which of the three languages a text is in; English where it has no Cyrillic letters to speak of."""
    cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    if cyrillic <= latin:
        return "en"
    return "uk" if len(_UKRAINIAN.findall(text)) > len(_RUSSIAN.findall(text)) else "ru"


def paragraphs(text: str, *, lang: Lang | None = None) -> list[Passage]:
    """The lines of a text that hold anything, each in its language."""
    whole = lang or language_of(text)
    found = []
    for match in re.finditer(r"[^\n]+", text):
        own = lang or (whole if len(match[0]) < 60 and whole != "en" else language_of(match[0]))
        # a Ukrainian paragraph without its own letters is rare, a Russian one with them rarer
        found.append(Passage(match.start(), match.end(), match[0], own))
    return found


def sentences(passage: Passage) -> list[Passage]:
    """The sentences of a paragraph, with offsets into the whole text."""
    return [piece for piece in _cut(passage, [0, *sentence_breaks(passage.text)]) if piece.text.strip()]


def sentence_breaks(text: str) -> list[int]:
    """Where the second and every later sentence of a text begins."""
    breaks: list[int] = []
    for match in _END.finditer(text):
        start = breaks[-1] if breaks else 0
        if match[0].startswith(".") and _goes_on(text[start : match.start()], text[match.end() : match.end() + 60]):
            continue
        breaks.append(match.end())
    return [at for at in breaks if at < len(text)]


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop after `before` belongs to an abbreviation within a sentence."""
    inside, either, units, region, ends = _abbreviations()
    near = before[-16:]
    if ends.search(near):
        return False
    if inside.search(near):
        return True
    if units.search(near):
        return bool(region.match(after))
    return bool(either.search(near)) and len(before.split()) < _FEW_WORDS


@cached_words
def _abbreviations() -> tuple[re.Pattern[str], ...]:
    tables = [word_list(language, "sentences") for language in languages()]

    def words(name: str) -> list[str]:
        found = [form for table in tables for form in forms(table.get(name, ""))]
        return [*dict.fromkeys([*found, *(form[0].upper() + form[1:] for form in found)])]

    def closing(name: str, *more: str) -> re.Pattern[str]:
        bodies = [re.escape(form).replace(r"\ ", r"\s+").replace(r"\.", r"\.\s?") for form in words(name)]
        return re.compile(rf"(?:^|[\s(«“\"\d])(?:{'|'.join([*bodies, *more]) or '(?!)'})$")

    region = re.compile(rf"\S+\s+{any_of(*words('region'))}")
    # a capital letter alone is somebody's initial
    initial = r"(?:[A-ZА-ЯІЇЄҐ]\.\s?)*[A-ZА-ЯІЇЄҐ]"
    return closing("inside", initial), closing("either"), closing("units"), region, closing("ends")


def cut(passage: Passage, places: Sequence[int]) -> list[Passage]:
    """A passage cut at offsets into the whole text."""
    return _cut(passage, [0, *(p - passage.start for p in places if passage.start < p < passage.end)])


def _cut(passage: Passage, edges: Sequence[int]) -> list[Passage]:
    ends = [*edges[1:], len(passage.text)]
    return [
        Passage(passage.start + a, passage.start + b, passage.text[a:b], passage.lang)
        for a, b in zip(edges, ends, strict=True)
    ]
