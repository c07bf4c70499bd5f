"""Spelling: a text into words, a name into keys under which it is found however it is written, and lists of words."""

from __future__ import annotations

import csv
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from geo.assets import ASSETS
from geo.text.languages import APOSTROPHES, FOLDER, cached_words, forms, languages, word_list

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ`ʹ′][^\W\d_]+)*")
_SIGNS = frozenset("'’ʼ`ʹ′ʺ\"“”")
_SHORT = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_CYRILLIC = re.compile(r"[Ѐ-ӿ]")
_LATIN = re.compile(r"[A-Za-z]")
_SPELLING = tomllib.loads((FOLDER / "spelling.toml").read_text(encoding="utf-8"))
_ENDINGS: Sequence[str] = _SPELLING["endings"].split()
_LETTERS = str.maketrans(_SPELLING["letters"])
_LOOSE = {script: [(re.compile(a), b) for a, b in _SPELLING[script]] for script in ("latin", "cyrillic")}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as written, folded, and where it stands."""

    text: str
    key: str
    start: int
    end: int

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[0].isupper()

    @property
    def cyrillic(self) -> bool:
        """Whether it is written in Cyrillic letters."""
        return bool(_CYRILLIC.match(self.text))


def words_of(text: str) -> list[Word]:
    """The words of a text in order; a possessive 's is left out of its word."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        if word[-2:] in ("'s", "’s", "ʼs") and len(word) > 2:
            word = word[:-2]
        found.append(Word(word, fold(word), match.start(), match.start() + len(word)))
    return found


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """A word without case, accents and apostrophes; St. is Saint."""
    plain = _plain(word)
    return _SHORT.get(plain, plain)


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    for sign in set(plain):
        if sign in _SIGNS or unicodedata.combining(sign):
            plain = plain.replace(sign, "")
    return plain.casefold()


def key_of(name: str) -> str:
    """The key of a whole name: its words folded, one space between them; "" where it has no letter."""
    return " ".join(word.key for word in words_of(name))


def is_cyrillic(text: str) -> bool:
    return bool(_CYRILLIC.search(text))


def is_readable(name: str) -> bool:
    """Whether an alternate name is one that briefings in Latin or Cyrillic script use."""
    if _CYRILLIC.match(name):
        return True
    return bool(_LATIN.match(unicodedata.normalize("NFKD", name))) and name[0].isupper() and not name.isupper()


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A folded Cyrillic word without its ending, alike for all its cases (Харків, Харкова; Авдіївка, Авдіївці)."""
    bare = next(
        (word[: -len(e)] for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= 2 + (len(e) > 1)), word
    )
    bare = bare.rstrip("ьи") if len(bare) > 4 else bare.rstrip("ь")
    if bare.endswith("ц"):
        bare = f"{bare[:-1]}к"
    return re.sub(r"[іеє](?=[бвгґджзклмнпрстфхцчшщ]$)", "о", bare)


def lines_with(name: str) -> Callable[[str], list[str]]:
    """What keeps of a text the lines that may have the first word of a name, in any case; without one, none."""
    first, *_ = [word.key for word in words_of(name)] or [""]
    # a stem changes a word's last letters
    beginning = stem(first)[:-2] or first[:1] if is_cyrillic(first) else first
    beginnings = {beginning, *(short for short, long in _SHORT.items() if long == first)} - {""}

    def lines_of(text: str) -> list[str]:
        pairs = zip(text.split("\n"), _plain(text).split("\n"), strict=True)
        return [line for line, plain in pairs if any(start in plain for start in beginnings)]

    return lines_of


def stem_key(key: str) -> str:
    return " ".join(map(stem, key.split()))


@lru_cache(maxsize=200_000)
def loose_key(key: str) -> str:
    """A key under which spellings of one name by several systems meet (Zaporizhzhya, Zaporizhia."""
    for pattern, sign in _LOOSE["cyrillic" if is_cyrillic(key) else "latin"]:
        key = pattern.sub(sign, key)
    return " ".join(w[:-1] if len(w) > 4 and w[-1] in "аеиоaeio" else w for w in key.split())


def plain_key(key: str) -> str:
    """A key in Latin letters and one spelling, to compare names across scripts and systems."""
    return loose_key(latin(key))


def latin(key: str) -> str:
    """A folded Cyrillic key in Latin letters, to compare names across scripts."""
    return key.translate(_LETTERS)


_TOKEN = re.compile(rf"[^\W\d_]+(?:{APOSTROPHES}[^\W\d_]+)*")
LANGUAGES_WITH_CASES = ("uk", "ru")  # languages that pymorphy3 has a dictionary of
_FIRST_WORDS = 40  # of a text whose language is not clear from its marks
_PARTICIPLE = frozenset(("PRTF", "sing", "masc", "nomn"))


def known_words(text: str, lang: str) -> int:
    """How many of a text's first words are in the dictionary of a language."""
    import simplemma

    words = [m[0].lower() for m in islice(_TOKEN.finditer(text), _FIRST_WORDS) if len(m[0]) > 2]
    if lang in LANGUAGES_WITH_CASES:
        return sum(analyzer(lang).word_is_known(word) for word in words)
    return sum(simplemma.is_known(word, lang=lang) for word in words)


@dataclass(frozen=True)
class Phrase:
    """Words of a text that a table names: its entry, and where they stand."""

    name: str
    start: int
    end: int


@cache
def analyzer(lang: str) -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang=lang)


@lru_cache(maxsize=20_000)
def animate(word: str, lang: str) -> str:
    """Whether a word names a person ("one") or persons ("several"), by the dictionary of the language; else ""."""
    if lang not in LANGUAGES_WITH_CASES or not word.islower():
        return ""
    nouns = [p for p in analyzer(lang).parse(word) if not {"Name", "Surn", "Patr"} & p.tag.grammemes][:2]
    nouns = [p for p in nouns if p.is_known and {"NOUN", "anim"} <= p.tag.grammemes]
    nouns = [p for p in nouns if p.normal_form not in _animals(lang)]
    return "" if not nouns else "several" if "plur" in nouns[0].tag else "one"


@cached_words
def _animals(lang: str) -> frozenset[str]:
    return frozenset(forms(word_list(lang, "briefings").get("persons", {}).get("animals", "")))


@lru_cache(maxsize=20_000)
def describes(word: str, lang: str) -> bool:
    """Whether a word is an adjective, participle or pronoun, which a noun follows."""
    return lang in LANGUAGES_WITH_CASES and any(
        p.tag.POS in ("ADJF", "PRTF", "NPRO") for p in analyzer(lang).parse(word.lower())[:2]
    )


@lru_cache(maxsize=20_000)
def is_function_word(word: str) -> bool:
    """Whether a Ukrainian or Russian word is no noun and no verb, by its first reading."""
    if not _CYRILLIC.match(word):
        return False
    first = (analyzer(lang).parse(word.casefold())[0] for lang in LANGUAGES_WITH_CASES)
    return any(p.is_known and p.tag.POS not in ("NOUN", "VERB", "INFN", "GRND", None) for p in first)


def names_owner(word: str, lang: str) -> bool:
    """Whether a word is a noun in the genitive, which says whose the noun before it is."""
    return any({"NOUN", "gent"} <= p.tag.grammemes for p in analyzer(lang).parse(word.lower())[:2])


def of_one(word: str, lang: str) -> bool:
    """Whether a word may be the genitive of a noun for one person: "тело женщины"."""
    return any({"NOUN", "anim", "sing", "gent"} <= p.tag.grammemes for p in analyzer(lang).parse(word)[:3])


@lru_cache(maxsize=20_000)
def lemmas(word: str) -> frozenset[str]:
    """The lemmas that a word may have, in small letters; a participle is its own masculine form."""
    lowered = word.casefold()
    if _CYRILLIC.match(lowered):
        parses = [parse for lang in LANGUAGES_WITH_CASES for parse in analyzer(lang).parse(lowered)[:3]]
        # what will be done is not what was done
        return frozenset(_lemma(parse) for parse in parses if parse.tag.tense != "futr") or frozenset((lowered,))
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
    tokens = [m for m in _tokens(text) if m.start() >= start and (end is None or m.end() <= end)]
    first = _beginnings(file, table)
    at = 0
    while at < len(tokens):
        match = None
        word = tokens[at][0]
        begun = first.keys() & {word.casefold().replace("’", "'"), *lemmas(word)}
        if begun and text[tokens[at].start() - 1 : tokens[at].start()] != "-":
            listed = sorted(entry for key in begun for entry in first[key])
            fitting = [(name, p) for _, name, p in listed if _is(text, tokens, at, p)]
            match = max(fitting, key=lambda pair: len(pair[1]), default=None)
        if match is None:
            at += 1
            continue
        last = at + len(match[1])
        yield Phrase(match[0], tokens[at].start(), tokens[last - 1].end())
        at = last


@lru_cache(maxsize=16)
def _tokens(text: str) -> Sequence[re.Match[str]]:
    return list(_TOKEN.finditer(text))


@cached_words
def _beginnings(file: str, table: str) -> Mapping[str, Sequence[tuple[int, str, tuple[str, ...]]]]:
    """The phrases of a table by their first word, each with its place in the order of trial."""
    found: dict[str, list[tuple[int, str, tuple[str, ...]]]] = {}
    listed = ((name, phrase) for name, entries in phrases(file, table) for phrase in entries)
    for at, (name, phrase) in enumerate(listed):
        found.setdefault(phrase[0].removeprefix("="), []).append((at, name, phrase))
    return found


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


_LONGEST = 5


@dataclass(frozen=True)
class PhraseSet:
    """Words and phrases as folded keys; an entry with * stands for every word that begins so."""

    keys: frozenset[str]
    beginnings: tuple[str, ...]

    def __contains__(self, key: str) -> bool:
        return key in self.keys or bool(self.beginnings and key.startswith(self.beginnings))

    def ends(self, words: tuple[str, ...]) -> str:
        """The longest phrase with which a run of folded words ends; "" where there is none."""
        runs = (" ".join(words[-n:]) for n in range(min(_LONGEST, len(words)), 0, -1))
        return next((run for run in runs if run in self), "")

    def begins(self, words: tuple[str, ...]) -> str:
        """The longest phrase with which a run of folded words begins; "" where there is none."""
        runs = (" ".join(words[:n]) for n in range(min(_LONGEST, len(words)), 0, -1))
        return next((run for run in runs if run in self), "")


@dataclass(frozen=True)
class PlaceWords:
    """The tables of geo/assets/places: phrases by name, and whom a word of nationality belongs to."""

    phrases: Mapping[str, PhraseSet]
    demonyms: Mapping[str, str]
    demonym_stems: tuple[tuple[str, str], ...]
    country_aliases: Mapping[str, tuple[str, ...]]
    region_aliases: Mapping[str, tuple[str, ...]]
    abbreviations: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> PhraseSet:
        return self.phrases[name]

    def demonym(self, key: str) -> str | None:
        """The country (ISO 3166-1 alpha-2) that a folded word of nationality belongs to."""
        if key in self.demonyms:
            return self.demonyms[key]
        if not is_cyrillic(key):
            return None
        declined = ((s, code) for s, code in self.demonym_stems if key.startswith(s) and len(key) - len(s) <= 4)
        return next((code for _, code in declined), None)


@cached_words
def place_words() -> PlaceWords:
    """The words that tell a town from a region, a person or an office, read once."""
    table = json.loads((ASSETS / "places" / "rules.json").read_text(encoding="utf-8"))
    tables = [word_list(language, "places") for language in languages()]
    lists = [{name: words for name, words in table.items() if isinstance(words, str)}, *tables]
    names = dict.fromkeys(name for entries in lists for name in entries if name != "note")
    phrases = {name: _phrases(word for entries in lists for word in forms(entries.get(name, ""))) for name in names}
    demonyms, stems = {}, []
    for row in csv.DictReader((ASSETS / "places" / "demonyms.csv").read_text(encoding="utf-8").splitlines()):
        demonyms.update({key_of(word): row["country"] for word in row["en"].split()})
        stems += [(fold(stem), row["country"]) for stem in row["stems"].split()]
    return PlaceWords(
        phrases,
        demonyms,
        tuple(sorted(stems, key=lambda s: -len(s[0]))),
        {code: tuple(text.split("|")) for code, text in table["country_aliases"].items()},
        {code: tuple(text.split("|")) for code, text in table["region_aliases"].items()},
        {code: tuple(text.split("|")) for code, text in table["region_abbreviations"].items()},
    )


def _phrases(words: Iterable[str]) -> PhraseSet:
    listed = list(words)
    return PhraseSet(
        frozenset(key_of(word) for word in listed if not word.endswith("*")),
        tuple(key_of(word[:-1]) for word in listed if word.endswith("*")),
    )


def bare_name(name: str) -> str:
    """The key of a unit's name without the words for its kind (Kursk Oblast, Курская область: kursk, курская)."""
    tables = place_words()
    kinds = [tables[name] for name in ("region_after", "district_after", "region_before")]
    kept = [w for w in key_of(name).split() if not any(w in kind for kind in kinds)]
    return " ".join(w for w in kept if w not in ("of", "city", "autonomous", "автономная", "автономна"))


def spellings(name: str) -> str:
    """The loose key of a name, under which its spellings by several systems meet."""
    return loose_key(key_of(name))
