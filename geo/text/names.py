"""Names of sides and of units in a text: from a table of names, and from the archive's own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from geo.assets import ASSETS
from geo.schema import text_or_none
from geo.units import read_table, unit_words

_TABLES = ASSETS / "names"
_UNITS = _TABLES.parent / "units"
_KIND = (
    r"(?:(?:oblasts?|regions?|provinces?|governorates?|districts?|krai|republic|направлени\w+|напрямк\w+"
    r"|област\w+|кра[йюея]\w*)(?!\w))"
)


@dataclass(frozen=True)
class Mention:
    """A side or a unit where a text names it; `role` is name, adjective, capital, people or unit."""

    start: int
    end: int
    code: str
    role: str


@dataclass(frozen=True)
class Names:
    """What sides and units are called: patterns that find them, and which unit lies in which."""

    sides: re.Pattern[str]
    side_codes: Mapping[str, tuple[str, str]]
    units: re.Pattern[str]
    unit_codes: Mapping[str, str]
    parents: Mapping[str, str | None]
    codes: re.Pattern[str] | None = None

    def sides_in(self, text: str) -> list[Mention]:
        """Every side that a text names, in order."""
        found = []
        for match in self.sides.finditer(text):
            code, role = self.side_codes[str(match.lastgroup)]
            found.append(Mention(match.start(), match.end(), code, role))
        if self.codes is not None:
            for match in self.codes.finditer(text):
                if not any(m.start <= match.start() < m.end for m in found):
                    found.append(Mention(match.start(), match.end(), match[0], "name"))
        return sorted(found, key=lambda m: m.start)

    def units_in(self, text: str) -> list[Mention]:
        """Every unit that a text names, in order."""
        return [
            Mention(m.start(), m.end(), self.unit_codes[str(m.lastgroup)], "unit") for m in self.units.finditer(text)
        ]


def names_of(units: Iterable[Mapping[str, Any]], controllers: Iterable[str] = ()) -> Names:
    """The names that a text may use."""
    rows = list(units)
    words: dict[str, str] = {}
    for row in rows:
        code = text_or_none(row["unit"]) or str(row["name"])
        if int(row["level"]) > 0:
            for word in unit_words(row):
                words.setdefault(word, code)
    side_words = {
        word: (row["code"], role)
        for row in read_table(_TABLES / "sides.csv")
        for role in ("names", "adjectives", "capital", "people")
        for word in row[role].split("|")
        if word
    }
    sides, side_groups = _pattern(side_words, suffix="")
    unit_pattern, unit_groups = _pattern(words, suffix=rf"(?:[ -]{_KIND})?(?:'s)?")
    known = [re.escape(c) for c in controllers if len(c) > 1]
    literal = re.compile(rf"\b(?:{'|'.join(sorted(known, key=len, reverse=True))})\b") if known else None
    parents = {text_or_none(r["unit"]) or str(r["name"]): text_or_none(r["parent"]) for r in rows}
    return Names(sides, side_groups, unit_pattern, unit_groups, parents, literal)


@lru_cache(maxsize=1)
def shipped_names() -> Names:
    """Names of the units that the package ships, and of sides."""
    path = _UNITS / "admin1_ua_ru.geojson"
    shipped = json.loads(path.read_text(encoding="utf-8"))
    return names_of([feature["properties"] for feature in shipped["features"]])


def _pattern(words: Mapping[str, Any], *, suffix: str) -> tuple[re.Pattern[str], dict[str, Any]]:
    """One pattern for many words, the longest first, with a group a word; tried where one of them can begin."""
    parts, groups, firsts = [], {}, set()
    for number, word in enumerate(sorted(words, key=len, reverse=True)):
        body = re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+").replace("'", "['’]")
        flexible = f"(?i:{body})" if not word.isascii() and word.endswith("*") else body
        firsts |= {word[0], word[0].lower(), word[0].upper()} if flexible != body else {word[0]}
        parts.append(rf"(?P<g{number}>{flexible}(?!\w){suffix})")
        groups[f"g{number}"] = words[word]
    begin = "".join(re.escape(sign) for sign in sorted(firsts) if len(sign) == 1)
    return re.compile(rf"(?<!\w)(?=[{begin}])(?:{'|'.join(parts)})" if parts else r"(?!)"), groups
