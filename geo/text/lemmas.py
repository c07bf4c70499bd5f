"""Words by their lemma: "recaptured" and "recapturing" are "recapture", "контролюють" is "контролювати"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from geo.text.languages import APOSTROPHES, cached_words, forms, languages, word_list

_TOKEN = re.compile(rf"[^\W\d_]+(?:{APOSTROPHES}[^\W\d_]+)*")
_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_MORPHOLOGY = ("uk", "ru")  # languages that pymorphy3 has a dictionary of
_PARTICIPLE = frozenset(("PRTF", "sing", "masc", "nomn"))


@dataclass(frozen=True)
class Phrase:
    """Words of a text that a table names: its entry, and where they stand."""

    name: str
    start: int
    end: int


@cache
def _analyzer(lang: str) -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang=lang)


@lru_cache(maxsize=20_000)
def lemmas(word: str) -> frozenset[str]:
    """The lemmas that a word may have, in small letters; a participle is its own masculine form."""
    lowered = word.casefold()
    if _CYRILLIC.match(lowered):
        parses = [parse for lang in _MORPHOLOGY for parse in _analyzer(lang).parse(lowered)[:3]]
        return frozenset(map(_lemma, parses))
    import simplemma

    return frozenset((simplemma.lemmatize(lowered, lang="en"), lowered) if lowered.isalpha() else (lowered,))


def _lemma(parse: Any) -> str:
    if parse.tag.POS in ("PRTF", "PRTS"):
        whole = parse.inflect(_PARTICIPLE)
        return str(whole.word if whole is not None else parse.normal_form)
    return str(parse.normal_form)


@cached_words
def phrases(file: str, table: str) -> Sequence[tuple[str, Sequence[tuple[str, ...]]]]:
    """The entries of a table of all languages: the name, and its phrases as tuples of lemmas, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for language in languages():
        for name, words in word_list(language, file).get(table, {}).items():
            found.setdefault(name, []).extend(tuple(form.split()) for form in forms(words))
    return tuple((name, sorted(listed, key=len, reverse=True)) for name, listed in found.items())


def find_phrases(text: str, file: str, table: str, *, start: int = 0, end: int | None = None) -> Iterator[Phrase]:
    """The phrases of a table that a text has, from left to right; of those that begin at one word the longest.

    In a table "=word" is that form alone, and "_" is any one word.
    """
    tokens = [m for m in _TOKEN.finditer(text) if m.start() >= start and (end is None or m.end() <= end)]
    entries = phrases(file, table)
    first = _beginnings(file, table)
    at = 0
    while at < len(tokens):
        match = None
        if text[tokens[at].start() - 1 : tokens[at].start()] != "-" and _may_begin(tokens[at][0], first):
            fitting = [(name, p) for name, listed in entries for p in listed if _is(text, tokens, at, p)]
            match = max(fitting, key=lambda pair: len(pair[1]), default=None)
        if match is None:
            at += 1
            continue
        last = at + len(match[1])
        yield Phrase(match[0], tokens[at].start(), tokens[last - 1].end())
        at = last


@cached_words
def _beginnings(file: str, table: str) -> frozenset[str]:
    return frozenset(phrase[0].removeprefix("=") for _, listed in phrases(file, table) for phrase in listed)


def _may_begin(word: str, beginnings: frozenset[str]) -> bool:
    return word.casefold() in beginnings or bool(lemmas(word) & beginnings)


def _is(text: str, tokens: Sequence[re.Match[str]], at: int, phrase: Sequence[str]) -> bool:
    """Whether a phrase begins at a word, with nothing but blanks or hyphens between its words."""
    if at + len(phrase) > len(tokens):
        return False
    for number, wanted in enumerate(phrase):
        token = tokens[at + number]
        if number and text[tokens[at + number - 1].end() : token.start()].strip(" -"):
            return False
        if wanted == "_":
            continue
        word = token[0].casefold().replace("’", "'")
        if wanted.startswith("="):
            if word != wanted[1:]:
                return False
        elif word != wanted and wanted not in lemmas(token[0]):
            return False
    return True
