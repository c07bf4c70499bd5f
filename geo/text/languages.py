"""The languages that are read: a folder of word lists each, in ``assets/text``, and patterns made of their words."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, ParamSpec, TypeVar, cast

from geo.assets import ASSETS
from geo.errors import FileError

P = ParamSpec("P")
R = TypeVar("R")
FOLDER = ASSETS / "text"
APOSTROPHES = "['’ʼ]"


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages that have a folder."""
    return tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_")))


@cache
def word_list(language: str, name: str) -> Mapping[str, Any]:
    """One file of a language's folder; empty where the folder does not have it."""
    path = FOLDER / language / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: the word list cannot be read ({error}): install geo-control again") from None


def forms(text: str) -> list[str]:
    """The words or phrases of one entry, which "|" separates."""
    return [form.strip() for form in text.split("|") if form.strip()]


def any_of(*entries: str, glued: bool = False) -> str:
    """A pattern of any word or phrase of the entries as a whole word, which nothing matches where there is none.

    `glued` words may follow a figure without a blank ("55km").
    """
    words = sorted(dict.fromkeys(form for entry in entries for form in forms(entry)), key=len, reverse=True)
    # the end is looked for once after all words in a row: a pattern with thousands of such ends takes long to compile
    runs = groupby(words, key=lambda form: r"(?!\w)" if form[-1].isalnum() else "")
    any_body = "|".join(f"(?:{'|'.join(map(re.escape, run))}){end}" for end, run in runs)
    any_body = any_body.replace(r"\*", r"\w*").replace(r"\ ", r"\s+").replace("'", APOSTROPHES)
    return ("" if glued else r"(?<!\w)") + f"(?:{any_body})" if words else r"(?!)"


def by_form(entries: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Every form of the entries with the value of its entry; apostrophes and case do not count (`plain`)."""
    return {plain(form): value for entry, value in entries for form in forms(entry)}


def plain(text: str) -> str:
    """A word or phrase as `by_form` keeps it."""
    return re.sub(r"[’ʼ]", "'", " ".join(text.casefold().split()))


def clear_caches() -> None:
    """Read the folders again."""
    for cached in _CACHES:
        cached.cache_clear()


_CACHES: list[Any] = [languages, word_list]


def cached_words(function: Callable[P, R]) -> Callable[P, R]:
    """Cache what a function makes of the word lists until `clear_caches`."""
    kept = cache(function)
    _CACHES.append(kept)
    return cast("Callable[P, R]", kept)


def recent(function: Callable[P, R]) -> Callable[P, R]:
    """Cache what a function finds in texts, of the last ones alone, until `clear_caches`."""
    kept = lru_cache(maxsize=1024)(function)
    _CACHES.append(kept)
    return cast("Callable[P, R]", kept)


@dataclass(frozen=True)
class Rule:
    """One line of the table of events: what a text says, and what that is in ACLED's taxonomy."""

    name: str
    lang: str
    pattern: re.Pattern[str]
    event_type: str
    sub_event_type: str
    rank: int
    joins: bool
    counts: tuple[str, ...]


def words(lang: str) -> Mapping[str, Any]:
    """The words by which briefings in a language are read."""
    return word_list(lang, "briefings")


@cache
def pattern(lang: str, *names: str) -> re.Pattern[str]:
    """A pattern of a language's table, compiled; case does not matter. "{persons.nouns}" is another pattern of it."""
    found: Any = words(lang)
    for name in names:
        found = found[name]
    text = "|".join(found) if isinstance(found, list) else str(found)
    text = re.sub(r"\{(\w+)\.(\w+)\}", lambda m: str(words(lang)[m[1]][m[2]]), text)
    return re.compile(text, re.IGNORECASE)


@cache
def rules(lang: str) -> tuple[Rule, ...]:
    """The event rules of a language, the highest rank first."""
    found = [
        Rule(r["rule"], lang, re.compile(rf"(?<!\w)(?:{r['pattern']})", re.IGNORECASE), r["event_type"],
             r["sub_event_type"], int(r["rank"]), r["joins"] == "yes", tuple(r["counts"].split()))
        for r in _rows(f"{lang}/events.csv")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda r: -r.rank))


@cache
def actors(lang: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Who may act, and how a text names them: ``("Military Forces of Russia", pattern)``."""
    forces = words(lang)["actors"]["forces"]
    found = []
    for row in _rows(f"{lang}/actors.csv"):
        text = row["pattern"] if row["whole"] == "yes" else rf"\b(?:{row['pattern']})\s+(?:{forces})"
        found.append((row["actor"], re.compile(text, re.IGNORECASE)))
    return tuple(found)


def _rows(name: str) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader((FOLDER / name).read_text(encoding="utf-8").splitlines()))
    except OSError:
        raise FileError(f"{name} is missing from {FOLDER}: install geo-control again") from None


def country_of(code: str | None) -> tuple[str | None, str | None]:
    """Name and numeric code (ISO 3166-1, as ACLED's ``iso``) of a country by its two letters."""
    return (None, None) if code is None else _countries().get(code, (code, None))


@cache
def _countries() -> dict[str, tuple[str | None, str | None]]:
    return {r["alpha_2"]: (r["name"], r["numeric"]) for r in _rows("countries.csv")}
