"""A text in paragraphs, sentences and clauses, each with its offsets, and the language it is in."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from geo.text.languages import any_of, cached_words, forms, languages, word_list
from geo.text.words import Word, known_words, words_of

Lang = str  # the name of a folder of word lists
_CYRILLIC = re.compile(r"[а-яіїєґё]", re.IGNORECASE)
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"”»’')\]]*\s+(?=[\"“«‘'(\[—–-]*\s?[A-ZА-ЯІЇЄҐЁ\d])|\n[^\S\n]*\n\s*")
LONGEST = 1_000  # characters of a sentence
_FEW_WORDS = 5  # a sentence of fewer goes on after "2024 р." or "9 a.m."


@dataclass(frozen=True)
class TextSpan:
    """A stretch of the text: ``text[start:end]``."""

    start: int
    end: int
    text: str
    lang: Lang = "en"


def touches(span: tuple[int, int], spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a stretch of text has a part in common with one of several."""
    return any(start < span[1] and span[0] < end for start, end in spans)


def language_of(text: str) -> Lang:
    """Which of the languages a text is in, by its script and the marks of each; English where nothing speaks."""
    script = "cyrillic" if len(_CYRILLIC.findall(text)) > len(_LATIN.findall(text)) else "latin"
    of_script = [code for code, (own, _) in _marks().items() if own == script]
    if len(of_script) < 2:
        return of_script[0] if of_script else "en"
    told = {code: len(_marks()[code][1].findall(text)) for code in of_script}
    near = [code for code in of_script if told[code] + 1 >= max(told.values())]
    return near[0] if len(near) == 1 else max(near, key=lambda code: (known_words(text, code), told[code]))


@cached_words
def _marks() -> dict[str, tuple[str, re.Pattern[str]]]:
    """The script of each language, and what is written in it and not in others of that script; English comes first."""
    tables = {code: word_list(code, "sentences") for code in sorted(languages(), key=lambda code: (code != "en", code))}
    return {
        code: (table.get("script", "latin"), re.compile(table.get("marks") or "(?!)", re.IGNORECASE))
        for code, table in tables.items()
    }


def paragraphs(text: str, *, lang: Lang | None = None) -> list[TextSpan]:
    """The lines of a text that hold anything, each in its language."""
    whole = lang or language_of(text)
    found = []
    for match in re.finditer(r"[^\n]+", text):
        own = lang or (whole if len(match[0]) < 60 and whole != "en" else language_of(match[0]))
        # a Ukrainian paragraph without its own letters is rare, a Russian one with them rarer
        found.append(TextSpan(match.start(), match.end(), match[0], own))
    return found


def sentences(passage: TextSpan) -> list[TextSpan]:
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
    edges = [0, *(at for at in breaks if at < len(text)), len(text)]
    return [at for a, b in pairwise(edges) for at in ((a,) if a else ()) + _within(text, a, b)]


def _within(text: str, start: int, end: int) -> tuple[int, ...]:
    """Where a sentence that no writer ends is cut: after its last semicolon, comma or word of so many characters."""
    found = []
    while end - start > LONGEST:
        marks = (text.rfind(mark, start + LONGEST // 2, start + LONGEST) + 1 for mark in ("; ", ", ", " "))
        start = next(filter(None, marks), start + LONGEST)
        found.append(start)
    return tuple(found)


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

    region = re.compile(rf"\S{{1,40}}\s{{1,9}}{any_of(*words('region'))}")
    # a capital letter alone is somebody's initial
    initial = r"(?:[A-ZА-ЯІЇЄҐ]\.\s?){0,5}[A-ZА-ЯІЇЄҐ]"
    return closing("inside", initial), closing("either"), closing("units"), region, closing("ends")


def cut(passage: TextSpan, places: Sequence[int]) -> list[TextSpan]:
    """A passage cut at offsets into the whole text."""
    return _cut(passage, [0, *(p - passage.start for p in places if passage.start < p < passage.end)])


def _cut(passage: TextSpan, edges: Sequence[int]) -> list[TextSpan]:
    ends = [*edges[1:], len(passage.text)]
    return [
        TextSpan(passage.start + a, passage.start + b, passage.text[a:b], passage.lang)
        for a, b in zip(edges, ends, strict=True)
    ]


@dataclass
class Reading:
    """A text with its words and, for each, the number of its sentence and paragraph."""

    text: str
    words: list[Word]
    sentence: list[int]
    paragraph: list[int]

    def gap(self, at: int) -> str:
        """What stands between a word and the one before it."""
        return self.text[self.words[at - 1].end : self.words[at].start] if at else self.text[: self.words[0].start]

    def starts(self, at: int) -> bool:
        """Whether a word begins a sentence."""
        return at == 0 or self.sentence[at] != self.sentence[at - 1]

    def before(self, at: int, most: int = 4) -> tuple[str, ...]:
        """Folded words right before one, in its sentence and with nothing but blanks between."""
        first = at
        while first > 0 and at - first < most and self.gap(first).strip("\"'«“„(. ") == "" and not self.starts(first):
            first -= 1
        return tuple(w.key for w in self.words[first:at])

    def after(self, at: int, most: int = 4) -> tuple[str, ...]:
        """Folded words from one on, in one sentence and with nothing but blanks between."""
        last = at
        while last < len(self.words) and last - at < most:
            if last and (self.gap(last).strip("\"'»”’s- ") != "" or self.starts(last)):
                break
            last += 1
        return tuple(w.key for w in self.words[at:last])


def read(text: str) -> Reading:
    """A text's words, sentences and paragraphs."""
    words = words_of(text)
    lines = [match.end() for match in re.finditer(r"\n+", text)]
    breaks = sorted({*sentence_breaks(text), *lines})
    sentence = [bisect_right(breaks, word.start) for word in words]
    paragraph = [bisect_right(lines, word.start) for word in words]
    return Reading(text, words, sentence, paragraph)
