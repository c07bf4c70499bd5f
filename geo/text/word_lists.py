"""The tables that the reader goes by: words of three languages and the event rules, as data in ``assets/reading``."""

from __future__ import annotations

import csv
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from geo.assets import ASSETS
from geo.errors import FileError

_FOLDER = ASSETS / "reading"


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


@cache
def words(lang: str) -> dict[str, Any]:
    """The words of a language."""
    return _tables()[lang]


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_asset("words.toml"))


@cache
def pattern(lang: str, *names: str) -> re.Pattern[str]:
    """A pattern of a language's table, compiled; case does not matter."""
    found: Any = words(lang)
    for name in names:
        found = found[name]
    text = "|".join(found) if isinstance(found, list) else str(found)
    return re.compile(text, re.IGNORECASE)


@cache
def rules(lang: str) -> tuple[Rule, ...]:
    """The event rules of a language, the highest rank first."""
    rows = csv.DictReader(_asset("events.csv").splitlines())
    found = [
        Rule(r["rule"], r["lang"], re.compile(r["pattern"], re.IGNORECASE), r["event_type"], r["sub_event_type"],
             int(r["rank"]), r["joins"] == "yes", tuple(r["counts"].split()))
        for r in rows
        if r["lang"] == lang
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda r: -r.rank))


@cache
def actors(lang: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Who may act, and how a text names them: ``("Military Forces of Russia", pattern)``."""
    forces = words(lang)["actors"]["forces"]
    rows = csv.DictReader(_asset("actors.csv").splitlines())
    found = []
    for row in rows:
        if row["lang"] == lang:
            text = row["pattern"] if row["whole"] == "yes" else rf"\b(?:{row['pattern']})\s+(?:{forces})"
            found.append((row["actor"], re.compile(text, re.IGNORECASE)))
    return tuple(found)


def _asset(name: str) -> str:
    try:
        return (_FOLDER / name).read_text(encoding="utf-8")
    except OSError:
        raise FileError(f"{name} is missing from {_FOLDER}: install geo-control again") from None


def country_of(code: str | None) -> tuple[str | None, str | None]:
    """Name and numeric code (ISO 3166-1, as ACLED's ``iso``) of a country by its two letters."""
    if code is None:
        return None, None
    return _countries().get(code, (code, None))


@cache
def _countries() -> dict[str, tuple[str | None, str | None]]:
    rows = csv.DictReader(_asset("countries.csv").splitlines())
    return {r["alpha_2"]: (r["name"], r["numeric"]) for r in rows}
