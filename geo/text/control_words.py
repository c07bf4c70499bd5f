"""Words of control: what sides and units are called, and what a label of a map says of whose ground it is."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from geo.assets import ASSETS, read_toml
from geo.presentation.sides import side_of
from geo.schema import text_or_none
from geo.text.dates import months
from geo.text.languages import languages, plain
from geo.text.sentences import language_of
from geo.units import read_table, unit_words

_UNITS = ASSETS / "units"
_ROLES = {
    "names": "words", "adjectives": "adjectives", "capital": "capital", "people": "people", "enemy": "enemy",
    "leader": "leaders",
}  # fmt: skip
_KIND = (
    r"(?:(?:oblasts?|regions?|provinces?|governorates?|districts?|krai|republic|направлени\w+|напрямк\w+"
    r"|област\w+|кра[йюея]\w*)(?!\w))"
)
# as the table of their names in other languages has it
_TRANSLATED_KIND = re.compile(
    r"^(?:Oblast|Region|Republik|Krai|Autonome \w+|(?:région|kraï|république) d(?:e (?:la |l’)?|u |’))\s*"
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
        found = []
        for match in self.sides.finditer(text):
            code, role = self.side_codes[str(match.lastgroup)]
            if role == "enemy" and language_of(text) != "uk":
                continue
            found.append(Mention(match.start(), match.end(), code, role))
        if self.codes is not None:
            for match in self.codes.finditer(text):
                if not any(m.start <= match.start() < m.end for m in found):
                    found.append(Mention(match.start(), match.end(), match[0], "name"))
        return sorted(found, key=lambda m: m.start)

    def units_in(self, text: str) -> list[Mention]:
        return [
            Mention(m.start(), m.end(), self.unit_codes[str(m.lastgroup)], "unit") for m in self.units.finditer(text)
        ]


def names_of(units: Iterable[Mapping[str, Any]], controllers: Iterable[str] = ()) -> Names:
    """The names that a text may use."""
    rows, controllers = list(units), list(controllers)
    words: dict[str, str] = {}
    for row in rows:
        code = text_or_none(row["unit"]) or str(row["name"])
        if int(row["level"]) > 0:
            for word in (*unit_words(row), *_translated().get(code, ())):
                words.setdefault(word, code)
    side_words = {
        word: (code, role)
        for code, row in read_toml("names/sides.toml")["sides"].items()
        for role, key in _ROLES.items()
        for word in row.get(key, ())
    }
    for code, row in read_toml("names/sides.toml")["sides"].items():
        aliases = () if "words" in row else [a for a in row.get("aliases", ()) if not a.islower()]
        for word in (code, *(row.get("name", {}).get(lang, "") for lang in languages()), *aliases):
            if len(word) > 2:
                side_words.setdefault(word, (code, "names"))
                side_words.setdefault(f"{word}s", (code, "names"))  # Israels Armee
        for word in (row.get("adjective", {}).get(lang) for lang in ("de", "fr")):
            if word:
                side_words.setdefault(f"{word}*", (code, "adjectives"))
    for code in controllers:
        for word in (*side_of(code).names.values(), *side_of(code).aliases):
            side_words.setdefault(word, (code, "names"))
    sides, side_groups = _pattern(side_words, suffix="")
    unit_pattern, unit_groups = _pattern(words, suffix=rf"(?:[ -]{_KIND})?(?:'s)?")
    known = [re.escape(c) for c in controllers if len(c) > 1]
    literal = re.compile(rf"\b(?:{'|'.join(sorted(known, key=len, reverse=True))})\b") if known else None
    parents = {text_or_none(r["unit"]) or str(r["name"]): text_or_none(r["parent"]) for r in rows}
    return Names(sides, side_groups, unit_pattern, unit_groups, parents, literal)


@lru_cache(maxsize=1)
def _translated() -> dict[str, list[str]]:
    """What German and French call a unit, without the word for its kind."""
    rows = read_table(ASSETS / "names" / "unit_names.csv")
    return {row["unit"]: [_TRANSLATED_KIND.sub("", row[lang]) for lang in ("de", "fr") if row[lang]] for row in rows}


@lru_cache(maxsize=1)
def shipped_names() -> Names:
    """Names of the units that the package ships, and of sides."""
    path = _UNITS / "admin1_ua_ru.geojson"
    shipped = json.loads(path.read_text(encoding="utf-8"))
    return names_of([feature["properties"] for feature in shipped["features"]])


def _pattern(words: Mapping[str, Any], *, suffix: str) -> tuple[re.Pattern[str], dict[str, Any]]:
    """One pattern for many words, the longest first, with a group a word; tried where one of them can begin."""
    parts: dict[str, list[str]] = {}  # by the first letter, so that few are tried at a word
    groups = {}
    for number, word in enumerate(sorted(words, key=len, reverse=True)):
        body = re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+").replace("'", "['’]")
        flexible = f"(?i:{body})" if not word.isascii() and "*" in word else body
        parts.setdefault(word[0].lower(), []).append(rf"(?P<g{number}>{flexible}(?!\w){suffix})")
        groups[f"g{number}"] = words[word]
    any_word = "|".join(
        f"(?=[{re.escape(letter)}{re.escape(letter.upper())}])(?:{'|'.join(listed)})"
        for letter, listed in parts.items()
    )
    return re.compile(rf"(?<!\w)(?:{any_word})" if parts else r"(?!)"), groups


SIDES = ("RU", "UA")
_STATUSES = ("contested", "advance", "claimed", "liberated")
_TAKEN = ("occupied", "seized")
_TOPICS = (*SIDES, *_TAKEN, "retaken", "denied", *_STATUSES)
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_PREFIX = re.compile(r"\b(de|re|де)-(?=\w)")
_CAMEL = re.compile(r"(?<=[a-zа-яіїєґ])(?=[A-ZА-ЯІЇЄҐ])")
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[?%]")
_SPAN = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*[-\u2013\u2014/]\s*(?:19|20)?\d\d(?![\d.-])")
_LONGEST = 2_000  # characters of a label that are read
_HEX = re.compile(r"(?<![^\W_])(?=[0-9a-f]*\d)[0-9a-f]{6,8}(?![^\W_])", re.IGNORECASE)
_CYRILLIC = re.compile(r"[а-яіїєґё]")
# forms that say who does something, and whose the ground is
_BY = ("рф", "зсу", "всу", "росією", "россией", "україною", "украиной", "росіянами", "россиянами")
_OCCUPATION = ("occup", "окуп", "оккуп")
_GENITIVE = ("україни", "украины", "росії", "россии")


@dataclass(frozen=True)
class Label:
    """What a label says: a side, a status or both; or the words that keep it from being understood."""

    side: str | None = None
    status: str | None = None
    unclear: tuple[str, ...] = ()
    turned: bool = False  # a word turns the meaning: nothing beside the label may be believed either
    country: bool = False  # nothing but the name of a country, which may say where and not whose


@dataclass(frozen=True)
class _Word:
    text: str
    role: str
    country: bool = False


def without_invisible(text: str) -> str:
    """A text without the signs that nobody sees, such as a zero-width space."""
    return _INVISIBLE.sub("", text)


@cache
def _table() -> tuple[dict[str, str], list[tuple[str, str]], dict[str, str]]:
    """Whole words and beginnings of words with their roles, and phrases that are one word."""
    read = [
        tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((ASSETS / "text").glob("*/map_labels.toml"))
    ]
    phrases = {several: one for language in read for several, one in language.pop("phrases").items()}
    pairs = [(word, role) for roles in read for role, words in roles.items() for word in words]
    begins = sorted(((w[:-1], role) for w, role in pairs if w.endswith("*")), key=lambda pair: -len(pair[0]))
    return {w: role for w, role in pairs if not w.endswith("*")}, begins, phrases


@cache
def known_words() -> tuple[str, ...]:
    """Some words of sides and statuses that labels are read by, of every language."""
    whole, begins, _ = _table()
    found: dict[tuple[str, bool], list[str]] = {}
    for word, role in [*whole.items(), *((f"{begin}*", role) for begin, role in begins)]:
        if role in _TOPICS:
            found.setdefault((role, word.isascii()), []).append(word)
    return tuple(word for words in found.values() for word in words[:2])


def _word(text: str) -> _Word:
    whole, begins, _ = _table()
    role = whole.get(text) or next((role for begin, role in begins if text.startswith(begin)), "")
    if text in ("?", "%"):  # a doubt, or a part
        role = "turned"
    if text.isdigit():
        role = "number"
    return _Word(text, role.removeprefix("country_"), role.startswith("country_"))


def _words(text: str) -> list[_Word]:
    """The words of a label with their roles; the names of units are places."""
    text = _HEX.sub(" ", unicodedata.normalize("NFKC", without_invisible(text)))
    for mention in reversed(shipped_names().units_in(text)):
        text = f"{text[: mention.start]} {'¤' if mention.code.startswith('RU') else '§'} {text[mention.end :]}"
    text = _SPAN.sub(r"until \1", _PREFIX.sub(r"\1", _CAMEL.sub(" ", text).casefold()))  # it has ended
    for phrase, one in _table()[2].items():
        text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", one, text)
    return [_Word(t, "place") if t in "§¤" else _word(t) for t in re.findall(rf"{_TOKEN.pattern}|[§¤]", text)]


@lru_cache(maxsize=4096)
def read_label(text: str) -> Label | None:
    """What a label says of control; None where it says nothing of it."""
    if len(text) > _LONGEST:
        return None if read_label(text[:_LONGEST]) is None else Label(unclear=(f"{len(text):,} characters",))
    words = _words(text)
    roles = {word.role for word in words}
    unknown = tuple(word.text for word in words if word.role in ("", "unsettled"))
    if not roles & set(_TOPICS) and not ("held" in roles and (unknown or "turned" in roles)):
        sides = (text[m.start : m.end] for m in shipped_names().sides_in(text) if m.role not in ("capital", "leader"))
        unclear = (*(word.text for word in words if word.role == "unsettled"), *sides)
        return Label(unclear=unclear) if unclear else None
    ends = [one.text for one, other in pairwise(words) if _ends(one, other)]
    if turned := (*ends, *(word.text for word in words if word.role in ("turned", "denied"))):
        return Label(unclear=turned, turned=True)
    if unknown:
        return Label(unclear=unknown)
    loser, rest = _loser(words)
    topic = tuple(word.text for word in words if word.role in (*_TOPICS, "from"))
    label = None if rest is None else _understood(rest, loser)
    return Label(unclear=topic) if label is None else label


def _ends(one: _Word, other: _Word) -> bool:
    """Whether two words are the end of a time: "to 2022", "по май", "Feb-Nov"."""
    is_time = other.role == "number" or plain(other.text) in months()
    return is_time and (one.text in ("to", "по") or (other.role != "number" and plain(one.text) in months()))


def _loser(words: Sequence[_Word]) -> tuple[str | None, list[_Word] | None]:
    """The side that has lost the ground ("from Russian forces"), and the other words; None where "from" is unclear."""
    at = next((i for i, word in enumerate(words) if word.role == "from"), None)
    if at is None:
        return None, list(words)
    end = at + 1
    while end < len(words) and words[end].role in ("plain", "forces", "held"):
        end += 1
    if end < len(words) and (loser := words[end].role) in SIDES:
        while end < len(words) and words[end].role in (loser, "plain", "forces", "held"):  # "Russian occupation forces"
            end += 1
        return loser, [*words[:at], *words[end:]]
    if end < len(words) and words[end].role == "number":  # from a day on
        return None, [*words[:at], *words[at + 1 :]]
    return None, None


def _understood(words: Sequence[_Word], loser: str | None) -> Label | None:
    found = {word.role for word in words}
    statuses = found & set(_STATUSES)
    sides = [i for i, word in enumerate(words) if word.role in SIDES]
    if "retaken" in found:
        if loser != "RU" and "UA" not in found:
            return None
        statuses.add("liberated")
    if statuses == {"claimed", "advance"}:
        statuses = {"claimed"}
    taken = bool(found & set(_TAKEN))
    by_nobody = all(words[i].text.startswith(_OCCUPATION) for i in sides)
    if by_nobody and (taken or sides or "liberated" in statuses) and any(word.text == "¤" for word in words):
        return None  # of a place in Russia it does not say by whom
    if len(statuses) + taken > 1:
        return None
    status = next(iter(statuses), None)
    if status == "contested":
        is_held = taken or ("held" in found and len({words[i].role for i in sides}) == 1)
        return Label(status=status) if loser is None and not is_held else None
    if status == "liberated":
        kept = {words[i].role for i in sides}
        return Label("UA", status) if loser != "UA" and kept <= {"UA"} else None
    if not sides:
        if loser is not None or (taken and "occupied" not in found):
            return None
        return Label("RU", "held") if taken else Label(status=status)
    side = _occupier(words, sides) if taken and loser is None else _holder(words, sides, status)
    if side is None or side == loser:
        return None
    bare = all(words[i].country for i in sides) and found <= {side, "plain", "number"}
    says_held = taken or "held" in found
    return Label(side, status or ("held" if says_held else None), country=bare)


def _holder(words: Sequence[_Word], sides: Sequence[int], status: str | None) -> str | None:
    """Whose it is: the one side there is, or of two the one that acts where the other only names the ground."""
    acting = {words[i].role for i in sides if _acts(words, i)}
    grounds = {words[i].role for i in sides if _is_ground(words, i) and not _acts(words, i)}
    named = {words[i].role for i in sides}
    if len(named) == 1:
        side = next(iter(named))
        where = {word.role for word in words} & {"place", "ground"}
        if (
            where
            and not acting
            and (grounds or all(words[i].country for i in sides))
            and not (status == "advance" and not grounds)
        ):
            return None
        return side
    return next(iter(acting)) if len(acting) == 1 and grounds == named - acting else None


def _occupier(words: Sequence[_Word], sides: Sequence[int]) -> str | None:
    """Who occupies: the side that acts; ground called Ukrainian is occupied by the other."""
    acting = {words[i].role for i in sides if _acts(words, i)}
    if acting:
        others = {words[i].role for i in sides} - acting
        grounds = {words[i].role for i in sides if _is_ground(words, i)}
        return next(iter(acting)) if len(acting) == 1 and others <= grounds else None
    grounds = {words[i].role for i in sides if _is_ground(words, i)}
    return "RU" if grounds == {"UA"} == {words[i].role for i in sides} else None


def _acts(words: Sequence[_Word], at: int) -> bool:
    """Whether a side is said to do something: "Russian-occupied", "by Russia", "під контролем рф"."""
    after = words[at + 1 : at + 2]
    while after and after[0].role == "forces":
        at += 1
        after = words[at + 1 : at + 2]
    if after and after[0].role in ("held", *_TAKEN, "claimed", "advance"):
        return True
    before = list(words[:at])
    while before and before[-1].role in ("plain", "forces", *SIDES):
        before.pop()
    if not before or (words[at].text in _GENITIVE and not any(w.role in ("by", "forces") for w in words[:at])):
        return False
    if before[-1].role == "by":
        return True
    if before[-1].role in ("held", "claimed"):
        return _is_cyrillic(words[at]) or (before[-1].role == "held" and not (after and after[0].role == "ground"))
    if before[-1].role in _TAKEN and words[at].text in _BY:
        return True
    return before[-1].role in _TAKEN and _is_cyrillic(words[at]) and not words[at].country and not _is_ground(words, at)


def _is_ground(words: Sequence[_Word], at: int) -> bool:
    """Whether a side only says whose land it is: "Ukrainian territory", "territory of Ukraine"."""
    near = [*words[at + 1 : at + 2], *(w for w in words[max(0, at - 2) : at] if w.role != "plain")]
    return (
        any(word.role == "ground" for word in near)
        or words[at].text in _GENITIVE
        or (at > 0 and words[at - 1].text == "of")
    )


def _is_cyrillic(word: _Word) -> bool:
    return bool(_CYRILLIC.search(word.text))
