"""A text in paragraphs, sentences and clauses, each with its offsets, and the language it is in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "uk", "ru"]
_CYRILLIC = re.compile(r"[а-яіїєґё]", re.IGNORECASE)
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_UKRAINIAN = re.compile(
    r"[іїєґ]|['’ʼ][яює]|\b(?:та|що|від|було|через|під|у|в?учора)\b|\w(?:ив|лися|лося|ють|ться)\b", re.IGNORECASE
)
_RUSSIAN = re.compile(
    r"[ыэъё]|\b(?:и|что|были|был|из|как|под|вчера)\b|\w(?:ил|ился|тся|ого|ии|ия|вших|вшие)\b", re.IGNORECASE
)
_END = re.compile(r"[.!?…]+[\"”»’')\]]*\s+(?=[\"“«‘'(\[—–-]*\s?[A-ZА-ЯІЇЄҐЁ\d])")
# a full stop after one of these ends no sentence
_SHORT = re.compile(
    r"(?:^|[\s(«“\"])(?:[A-ZА-ЯІЇЄҐ]|Mr|Mrs|Ms|Dr|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Sen|Rep|Gov|St|No|vs|Jan|Feb|Mar|Apr|Jun"
    r"|Jul|Aug|Sept?|Oct|Nov|Dec|U\.S|U\.K|U\.N|a\.m|p\.m|approx|ca|м|с|смт|сел|р|рр|обл|ім|вул|тис|млн|млрд|гг?|им|ул|пос|т|"
    r"тыс|ген|полк|стор|зокр|напр)$"
)


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
    edges = [0]
    for match in _END.finditer(passage.text):
        before = passage.text[edges[-1] : match.start()]
        # "on X" ends a sentence where any other letter alone is somebody's initial
        if match[0].startswith(".") and _SHORT.search(before[-12:]) and not before.endswith(" on X"):
            continue
        edges.append(match.end())
    return [piece for piece in _cut(passage, edges) if piece.text.strip()]


def cut(passage: Passage, places: Sequence[int]) -> list[Passage]:
    """A passage cut at offsets into the whole text."""
    return _cut(passage, [0, *(p - passage.start for p in places if passage.start < p < passage.end)])


def _cut(passage: Passage, edges: Sequence[int]) -> list[Passage]:
    ends = [*edges[1:], len(passage.text)]
    return [
        Passage(passage.start + a, passage.start + b, passage.text[a:b], passage.lang)
        for a, b in zip(edges, ends, strict=True)
    ]
