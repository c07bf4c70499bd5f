"""Amounts in a sentence: a number in words or figures, its unit, and what is said before it ("more than", "some")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from geo.claims.model import UNITS, kind_of_unit, step_of
from geo.text.languages import any_of, by_form, cached_words, languages, plain, word_list
from geo.text.numbers import read_number, scale_pattern, scales, spelled_pattern

# signs of no language, as the word lists have words
_SIGNS = {
    "before": {"more than": ">", "at least": "≥", "up to": "≤", "less than": "<", "about": "~|≈"},
    "units": {"km2": "km²|km2|km^2", "mi2": "mi²|mi2", "percent": "%"},
}  # fmt: skip
# the longest first where the word of one is in that of another
_UNIT_ORDER = ("km2", "mi2", "ha", "acre", "percent", "settlements", "km", "mi")
_DIGITS = r"(?<![\d.,])\d{1,3}(?:[, \u00a0\u2009\u202f]\d{3})+(?:\.\d+)?(?!\d)|(?<![\d.,])\d+(?:[.,]\d+)?"
_QUOTES = str.maketrans(dict.fromkeys('"“”„«»', " "))


@cached_words
def _listed(table: str) -> Mapping[str, Sequence[str]]:
    """The entries of one table of all languages, by name."""
    found: dict[str, list[str]] = {}
    for entries in (_SIGNS.get(table, {}), *(word_list(code, "amounts").get(table, {}) for code in languages())):
        for name, words in entries.items():
            found.setdefault(name, []).append(words)
    return found


@cached_words
def _meanings(table: str) -> dict[str, Any]:
    return by_form((words, name) for name, entries in _listed(table).items() for words in entries)


def _words(name: str) -> str:
    return any_of(*_listed("words").get(name, ()))


def _unit_pattern(unit: str) -> str:
    words = any_of(*_listed("units").get(unit, ()), glued=True)
    lead = r"(?:[^\W\d]\w* )?" if unit == "settlements" else ""
    return lead + words


@cached_words
def _amount_pattern() -> re.Pattern[str]:
    before, after = (any_of(*(w for words in _listed(t).values() for w in words)) for t in ("before", "after"))
    number = rf"(?:{_DIGITS}|\b{spelled_pattern()})(?:[ -]?(?:{scale_pattern()}))?"
    unit = "|".join(f"(?P<{name}>{_unit_pattern(name)})" for name in _UNIT_ORDER)
    return re.compile(
        rf"(?P<lead>(?:{before}\s*)*)(?P<between>{_words('between')} )?"
        rf"(?P<first>{number})(?:\s?(?:%|percent|per cent))?"
        rf"(?:(?:\s?[-–—]\s?| {_words('and')} )(?P<second>{number}))?[\s-]{{0,2}}(?:{_words('more')} )?(?:{unit})"
        rf"(?P<tail>,? {after})?",
        re.IGNORECASE,
    )


@cached_words
def _part_pattern() -> re.Pattern[str]:
    before = any_of(*(w for words in _listed("before").values() for w in words))
    fractions = any_of(*(w for words in _listed("fractions").values() for w in words))
    units = r"(?! (?:a|an|the) (?:square|sq|hectare|mile|acre|dozen|million|hundred|thousand))"
    return re.compile(rf"(?P<lead>(?:{before}\s*)*)(?P<words>{fractions}){units}", re.IGNORECASE)


@cached_words
def vague_pattern() -> re.Pattern[str]:
    """A pattern of "dozens of villages": a number that nobody can hold against a map."""
    units = "|".join(_unit_pattern(unit) for unit in ("km2", "mi2", "ha", "settlements"))
    return re.compile(rf"{_words('vague')}[^.;]{{0,30}}?(?:{units})", re.IGNORECASE)


@dataclass(frozen=True)
class Amount:
    """A figure with its unit as a sentence gives it; `value` is None where its digits can be read in two ways."""

    start: int
    end: int
    comparator: str
    value: float | None
    high: float | None
    unit: str
    step: float | None
    notes: tuple[str, ...] = ()


def find_amounts(text: str) -> list[Amount]:
    """Every amount of a text in order; conversions such as "(193 square miles)" are left out."""
    text = text.translate(_QUOTES)  # quotation marks within an amount: "some 40" percent
    found = [_amount(match) for match in _amount_pattern().finditer(text)]
    taken = [(a.start, a.end) for a in found]
    for match in _part_pattern().finditer(text):
        if not any(a < match.end() and match.start() < b for a, b in taken):
            found.append(_fraction(match))
    found.sort(key=lambda a: a.start)
    kept: list[Amount] = []
    for amount in found:
        if not (kept and _converts(kept[-1], amount, text)):
            kept.append(amount)
    return kept


def _amount(match: re.Match[str]) -> Amount:
    unit = next(name for name in _UNIT_ORDER if match[name])
    lead = _comparator(match["lead"], "before")
    tail = _comparator(match["tail"] or "", "after")
    value, step, notes = _value(match["first"])
    start = match.start("lead") if lead or not match["between"] else match.start("between")
    start = _skip(match.string, start)
    amount = Amount(start, match.end(), tail or lead or "exactly", value, None, unit, step, notes)
    if match["second"] is None:
        return amount
    high, _, more = _value(match["second"])
    scale = re.search(rf"(?:{scale_pattern()})$", match["second"], re.IGNORECASE)
    if scale and value is not None and high is not None and value < high / 100:
        value *= scales()[plain(scale[0])]
    return replace(amount, comparator="between", value=value, high=high, notes=(*notes, *more))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _comparator(words: str, table: str) -> str | None:
    """The comparator that words begin with: the outermost says what is meant ("at least some 500")."""
    words = re.sub(r"^[\s,]+", "", words)
    first = re.match(any_of(*(w for entries in _listed(table).values() for w in entries)), words, re.IGNORECASE)
    if first is None:
        return None
    name = str(_meanings(table)[plain(first[0])])
    return (name == "exactly" and _comparator(words[first.end() :], table)) or name


def _fraction(match: re.Match[str]) -> Amount:
    lead = _comparator(match["lead"], "before")
    notes = () if lead else (f"{match['words']!r} without a qualifier is read as about",)
    start, value = _skip(match.string, match.start()), float(_meanings("fractions")[plain(match["words"])])
    return Amount(start, match.end(), lead or "about", value, None, "percent", None, notes)


def _value(written: str) -> tuple[float | None, float | None, tuple[str, ...]]:
    """A number, one of its last digit, and what is to be said of it."""
    if not written[:1].isdigit():
        number = read_number(written)
        return number, 1.0, () if number is not None else (f"{written!r} cannot be read as one number: write it out",)
    match = re.fullmatch(rf"(.*?)(?:[ -]?({scale_pattern()}))?", written, re.IGNORECASE)
    assert match is not None
    body, scale = match[1].strip(), scales()[plain(match[2])] if match[2] else 1.0
    plainly = re.sub(r"[ \u00a0\u2009\u202f](?=\d{3})", "", body)
    if re.fullmatch(r"\d{1,3}\.\d{3}", plainly) and scale == 1.0:
        return None, None, (f"{body!r} can be read as {plainly.replace('.', ',')} or as a decimal: write it out",)
    if scale == 1.0 and re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plainly):
        plainly = plainly.replace(",", "")
    plainly = plainly.replace(",", ".")
    return float(plainly) * scale, step_of(plainly) * scale, ()


def _converts(first: Amount, second: Amount, text: str) -> bool:
    """Whether the second amount is the first in another unit: in brackets after it, or after "or"."""
    between = text[first.end : second.start].strip().casefold()
    if first.unit == second.unit or kind_of_unit(first.unit) != kind_of_unit(second.unit):
        return False
    if between in ("(", "(about", "(some", "(or", "("):
        return True
    if first.value is None or second.value is None or between not in (", or", "or", "/", ",", "–"):
        return False
    ratio = second.value * UNITS[second.unit] / (first.value * UNITS[first.unit] or 1.0)
    return 0.97 <= ratio <= 1.03
