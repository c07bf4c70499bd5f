"""The rule tables: words that tell a town from a region, a person or an office, by language, as data files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from geo.text.languages import cached_words, forms, languages, word_list
from geo.text.words import fold, is_cyrillic, key_of, loose_key

_LONGEST = 5


@dataclass(frozen=True)
class Phrases:
    """Words and phrases as folded keys; an entry with * stands for every word that begins so."""

    keys: frozenset[str]
    beginnings: tuple[str, ...]

    def __contains__(self, key: str) -> bool:
        return key in self.keys or bool(self.beginnings and key.startswith(self.beginnings))

    def ends(self, words: tuple[str, ...]) -> str:
        """The longest phrase with which a run of folded words ends; "" where there is none."""
        runs = (" ".join(words[len(words) - n :]) for n in range(min(_LONGEST, len(words)), 0, -1))
        return next((run for run in runs if run in self), "")

    def begins(self, words: tuple[str, ...]) -> str:
        """The longest phrase with which a run of folded words begins; "" where there is none."""
        runs = (" ".join(words[:n]) for n in range(min(_LONGEST, len(words)), 0, -1))
        return next((run for run in runs if run in self), "")


@dataclass(frozen=True)
class Rules:
    """The tables of geo/assets/places: phrases by name, and whom a word of nationality belongs to."""

    phrases: Mapping[str, Phrases]
    demonyms: Mapping[str, str]
    demonym_stems: tuple[tuple[str, str], ...]
    country_aliases: Mapping[str, tuple[str, ...]]
    region_aliases: Mapping[str, tuple[str, ...]]
    abbreviations: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> Phrases:
        return self.phrases[name]

    def demonym(self, key: str) -> str | None:
        """The country (ISO 3166-1 alpha-2) that a folded word of nationality belongs to."""
        if key in self.demonyms:
            return self.demonyms[key]
        if not is_cyrillic(key):
            return None
        return next((code for stem, code in self.demonym_stems if _declined(key, stem)), None)


def _declined(key: str, stem: str) -> bool:
    return key.startswith(stem) and len(key) - len(stem) <= 4


@cached_words
def rules() -> Rules:
    """The rule tables, read once."""
    table = json.loads(_asset("rules.json"))
    tables = [word_list(language, "places") for language in languages()]
    lists = [{name: words for name, words in table.items() if isinstance(words, str)}, *tables]
    names = dict.fromkeys(name for entries in lists for name in entries if name != "note")
    phrases = {name: _phrases(word for entries in lists for word in forms(entries.get(name, ""))) for name in names}
    demonyms, stems = {}, []
    for row in csv.DictReader(io.StringIO(_asset("demonyms.csv"))):
        demonyms.update({key_of(word): row["country"] for word in row["en"].split()})
        stems += [(fold(stem), row["country"]) for stem in row["stems"].split()]
    return Rules(
        phrases,
        demonyms,
        tuple(sorted(stems, key=lambda s: -len(s[0]))),
        {code: tuple(text.split("|")) for code, text in table["country_aliases"].items()},
        {code: tuple(text.split("|")) for code, text in table["region_aliases"].items()},
        {code: tuple(text.split("|")) for code, text in table["region_abbreviations"].items()},
    )


def _phrases(words: Iterable[str]) -> Phrases:
    listed = list(words)
    return Phrases(
        frozenset(key_of(word) for word in listed if not word.endswith("*")),
        tuple(key_of(word[:-1]) for word in listed if word.endswith("*")),
    )


def _asset(name: str) -> str:
    return (files("geo") / "assets" / "places" / name).read_text(encoding="utf-8")


def bare_name(name: str) -> str:
    """The key of a unit's name without the words for its kind (Kursk Oblast, Курская область: kursk, курская)."""
    tables = rules()
    kinds = [tables[name] for name in ("region_after", "district_after", "region_before")]
    kept = [w for w in key_of(name).split() if not any(w in kind for kind in kinds)]
    return " ".join(w for w in kept if w not in ("of", "city", "autonomous", "автономная", "автономна"))


def spellings(name: str) -> str:
    """The loose key of a name, under which its spellings by several systems meet."""
    return loose_key(key_of(name))
