"""Numbers in digits and in words: "1,376", "two hundred and six", "п'ятеро", "тридцать два"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from geo.text.languages import any_of, by_form, cached_words, forms, languages, plain, word_list


@cached_words
def _values() -> Mapping[str, float]:
    """Every word of a number below a thousand, in all languages."""
    found: dict[str, float] = {}
    for language in languages():
        table = word_list(language, "numbers")
        entries = [(words, float(number)) for number, words in table.get("values", {}).items()]
        found |= by_form([*entries, (table.get("one", ""), 1.0)])
    return {word.replace("-", " "): value for word, value in found.items()}


@cached_words
def scales() -> Mapping[str, float]:
    """Every word that multiplies the number before it, in all languages."""
    found: dict[str, float] = {}
    for language in languages():
        table = word_list(language, "numbers").get("scales", {})
        found |= by_form((words, float(number)) for number, words in table.items())
    return found


@cached_words
def scale_pattern() -> str:
    """A pattern of any word that multiplies the figure before it."""
    return any_of(*scales(), glued=True)


@cached_words
def spelled_pattern() -> str:
    """A pattern of a number written in words."""
    joins, ones, alone, words, factors = [], [], [], [], []
    for language in languages():
        table = word_list(language, "numbers")
        joins += forms(table.get("joins", ""))
        ones.append(table.get("one", ""))
        words += list(table.get("values", {}).values())
        alone.append(table.get("alone", ""))
        factors += [word for entry in table.get("scales", {}).values() for word in forms(entry)]
    scale = any_of(*(w for w in factors if len(w) > 2 and not w.endswith(".")))
    word, begin = any_of(*words), rf"{any_of(*ones)}[\s-]+{scale}|{any_of(*alone)}"
    # "twenty-two", but not "two-three"
    after = "|".join(
        f"(?<={end})"
        for language in languages()
        for end in forms(word_list(language, "numbers").get("hyphen_after", ""))
    )
    gap = rf"(?:\s+|(?:{after or '(?!)'})-)"
    # "two hundred and six", but not "three and five"
    joined = rf"(?:\s+{any_of(*joins)}(?=\s+{word}))?"
    # what is taken stays taken: "quatre-vingt-quatorze" could be read in four ways
    return rf"(?>(?:(?:{begin}){joined}|{word})(?:{gap}(?:{word}|{scale}{joined})){{0,11}})"


@cached_words
def number_pattern() -> str:
    """A pattern of a whole number: digits, grouped or not, or words."""
    scaled = rf"(?<![\d.,])\d{{1,3}}(?:[.,]\d+)?\s*{any_of(*(w for w in scales() if len(w) > 2), glued=True)}"
    grouped = r"(?<![\d.,])\d{1,3}(?:[,\s]\d{3})+(?!\d)"
    return rf"(?:{scaled}|{grouped}|(?<!\d)\d{{1,9}}(?!\d)|{spelled_pattern()})"


_MOST_DIGITS = 18  # more of them are a table, and some more no float


def read_number(text: str) -> float | None:
    """A whole number in digits or words; None where it is none: "three and five" are two."""
    bare = plain(text)
    if figure := re.fullmatch(r"(\d[\d,\s]*?|\d+[.,]\d+)(?:\s*(\D+))?", bare):
        factor = scales().get(figure[2] or "", None if figure[2] else 1.0)
        decimal = figure[2] and re.fullmatch(r"\d+[.,]\d+", figure[1])
        digits = figure[1].replace(",", ".") if decimal else re.sub(r"\D", "", figure[1])
        return None if factor is None or len(digits) > _MOST_DIGITS else float(digits) * factor
    return add_up(bare)


def add_up(text: str) -> float | None:
    """Number words added up: "one thousand three hundred and seventy-six"; None where one of them is none."""
    total, current, last = 0.0, 0.0, 1e12
    words = _tokens(plain(text))
    if not words:
        return None
    for kind, value in words:
        if kind == "scale" and value >= 1000:
            total, current, last = total + (current or 1) * value, 0.0, min(value, 1e12)
        elif kind == "scale":
            current, last = (current or 1) * value, value
        elif current and value >= last:
            return None
        else:
            # a unit comes after a ten, a ten after a hundred
            current, last = current + value, 100.0 if value >= 100 else 10.0 if value >= 20 else 1.0
    return total + current


def _tokens(text: str) -> list[tuple[str, float]] | None:
    """The words of a number, each a value or a scale; None where another word stands among them."""
    values, factors = _values(), scales()
    joins = {w for language in languages() for w in forms(word_list(language, "numbers").get("joins", ""))}
    found, at = [], 0
    parts = [p for p in re.split(r"[\s-]+", text) if p]
    while at < len(parts):
        for size in (4, 3, 2, 1):
            word = " ".join(parts[at : at + size])
            if word in values:
                found.append(("value", values[word]))
                break
            if word in factors or word.rstrip(".") in factors:
                found.append(("scale", factors.get(word, factors.get(word.rstrip("."), 1.0))))
                break
        else:
            if parts[at] not in joins or not found:
                return None
            size = 1
        at += size
    return found
