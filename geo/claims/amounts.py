"""Amounts in a sentence: a number in words or figures, its unit, and what is said before it ("more than", "some")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from geo.claims.model import UNITS, kind_of_unit, step_of

# what stands before a number, the longest first where one begins as another does
_BEFORE: Mapping[str, str] = {
    "more than": r"(?:no |not )?more than|(?:well |just )?over|above|upwards? of|in excess of|exceed(?:s|ed|ing)?"
    r"|greater than|понад|більш(?:е|) (?:ніж|як)|більше|свыше|(?:более|больше)(?: чем)?|>",
    "at least": r"at least|no (?:less|fewer) than|not (?:less|fewer) than|a minimum of|щонайменше|не менше(?: ніж)?"
    r"|не менее(?: чем)?|как минимум|по меньшей мере|≥",
    "up to": r"up to|at most|as (?:much|many) as|a maximum of|до|не більше(?: ніж)?|не более(?: чем)?|≤",
    "nearly": r"nearly|almost|close to|just (?:under|short of)|approaching|майже|почти",
    "less than": r"(?:less|fewer) than|under|below|менше(?: ніж)?|менее(?: чем)?|<",
    "about": r"about|around|approximately|approx\.?|some|roughly|circa|ca?\.|an estimated|estimated(?: at)?|близько"
    r"|приблизно|орієнтовно|около|примерно|приблизительно|порядка|~|≈",
    "exactly": r"exactly|precisely|only|just|рівно|ровно|лише|тільки|только",
}
_AFTER: Mapping[str, str] = {
    "at least": r"or more|and more|або більше|или (?:более|больше)",
    "up to": r"or less|or fewer|at (?:the )?most",
    "about": r"or so",
}
_UNIT_WORDS: Mapping[str, str] = {
    "km2": r"km²|km2|km\^2|sq\.?[ -]?kms?\b\.?|sqkm|square[ -]?(?:kilomet(?:re|er)s?|kms?)\b|км²|км2|кв\.? ?км\b"
    r"|квадратн\w+ (?:километр\w*|кілометр\w*)",
    "mi2": r"square[ -]?miles?\b|sq\.?[ -]?mi(?:les?)?\b\.?|mi²|mi2|квадратн\w+ мил\w*|кв\.? ?мил\w*",
    "ha": r"hectares?\b|ha\b|гектар\w*|га\b",
    "acre": r"acres?\b",
    "percent": r"%|percent\b(?!age)|per[ -]cent\b|pct\b\.?|процент\w*|відсотк\w*|відсотків",
    "settlements": r"(?:[^\W\d]\w* )?(?:settlements?|villages?|towns?|localities|hamlets|communities)\b"
    r"|населенн?\w+ пункт\w*"
    r"|с[её]л\b|деревень\b|посел\w+",
    "km": r"kilomet(?:re|er)s?\b|kms?\b|км\b|километр\w*|кілометр\w*",
    "mi": r"miles?\b",
}
_SCALES: Mapping[str, float] = {"hundred": 100, "thousand": 1e3, "k": 1e3, "million": 1e6, "mln": 1e6}
_SCALE = r"hundred|thousand|million|mln|k(?![a-z])|тыс(?:\.|яч\w*)?|тис(?:\.|яч\w*)?|сот(?:ень|ні)?(?!\w)|млн\.?"
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORD_VALUES: dict[str, float] = {
    w: i for i, w in enumerate(_SMALL)
}  # fmt: skip
_WORD_VALUES |= {w: 10 * i for i, w in enumerate(_TENS, start=2)}
_WORD_VALUES |= {"a": 1, "an": 1, "dozen": 12, "fourty": 40}
# the hundreds and tens of Ukrainian and Russian, which are the round figures that are written in words
_WORD_VALUES |= {
    "сто": 100, "двісті": 200, "двести": 200, "триста": 300, "чотириста": 400, "четыреста": 400, "п'ятсот": 500,
    "п’ятсот": 500, "пятьсот": 500, "шістсот": 600, "шестьсот": 600, "сімсот": 700, "семьсот": 700, "вісімсот": 800,
    "восемьсот": 800, "дев'ятсот": 900, "дев’ятсот": 900, "девятьсот": 900, "двадцять": 20, "двадцать": 20,
    "ста": 100, "двохсот": 200, "двухсот": 200, "трьохсот": 300, "трёхсот": 300, "трехсот": 300, "п'ятисот": 500,
    "пятисот": 500, "двадцяти": 20, "двадцати": 20, "тридцяти": 30, "тридцати": 30, "сорока": 40, "пятидесяти": 50,
    "тридцять": 30, "тридцать": 30, "сорок": 40, "п'ятдесят": 50, "п’ятдесят": 50, "пятьдесят": 50,
}  # fmt: skip
_FRACTIONS: Mapping[str, float] = {
    "half": 50.0, "a third": 100 / 3, "one third": 100 / 3, "two thirds": 200 / 3, "a quarter": 25.0,
    "one quarter": 25.0, "three quarters": 75.0, "a fifth": 20.0, "one fifth": 20.0, "two fifths": 40.0,
    "three fifths": 60.0, "four fifths": 80.0, "a tenth": 10.0, "one tenth": 10.0, "половину": 50.0, "половина": 50.0,
    "половини": 50.0, "половины": 50.0, "треть": 100 / 3, "третину": 100 / 3, "третина": 100 / 3, "две трети": 200 / 3,
    "дві третини": 200 / 3, "четверть": 25.0, "чверть": 25.0,
}  # fmt: skip

_DIGITS = r"(?<![\d.,])\d{1,3}(?:[,  \u2009\u202f]\d{3})+(?:\.\d+)?(?!\d)|(?<![\d.,])\d+(?:[.,]\d+)?"
_NUMBER_WORD = "|".join(sorted((re.escape(w) for w in _WORD_VALUES if w not in ("a", "an")), key=len, reverse=True))
_WORDS = (
    rf"(?:an? (?:hundred|thousand|million|dozen)|(?:{_NUMBER_WORD})(?!\w))"
    rf"(?:(?:[ -]| and )(?:{_NUMBER_WORD}|hundred|thousand|million)(?!\w))*"
)
_NUMBER = rf"(?:{_DIGITS}|\b{_WORDS})(?:[ -]?(?:{_SCALE}))?"
_UNIT = "|".join(f"(?P<{name}>{words})" for name, words in _UNIT_WORDS.items())
_FILLER = r"(?:(?:more|additional|further|another|new|other) )?"
_LEAD = "|".join(f"(?:{words})" for words in _BEFORE.values())
_PATTERN = re.compile(
    rf"(?P<lead>(?:(?<!\w)(?:{_LEAD})\s*)*)(?P<between>between |from |від |от |из )?"
    rf"(?P<first>{_NUMBER})(?:\s?(?:%|percent|per cent))?"
    rf"(?:(?:\s?[-–—]\s?| to | and | до )(?P<second>{_NUMBER}))?[\s-]{{0,2}}{_FILLER}(?:{_UNIT})"
    rf"(?P<tail>,? (?:{'|'.join(_AFTER.values())}))?",
    re.IGNORECASE,
)
_PART = re.compile(
    rf"(?P<lead>(?:(?<!\w)(?:{_LEAD})\s*)*)(?<!\w)(?P<words>"
    + "|".join(sorted((w.replace(" ", "[ -]") for w in _FRACTIONS), key=len, reverse=True))
    + r")(?!\w)(?! (?:a|an|the) (?:square|sq|hectare|mile|acre|dozen|million|hundred|thousand))",
    re.IGNORECASE,
)
_QUOTES = str.maketrans(dict.fromkeys('"“”„«»', " "))
VAGUE = re.compile(
    r"\b(?:several|a few|a couple of|dozens of|hundreds of|thousands of|tens of|scores of|many|numerous"
    r"|кілька|декілька|десятки|сотні|несколько|сотни|тысячи|тисячі)\b[^.;]{0,30}?"
    rf"(?:{'|'.join(_UNIT_WORDS[u] for u in ('km2', 'mi2', 'ha', 'settlements'))})",
    re.IGNORECASE,
)


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
    found = [_amount(match) for match in _PATTERN.finditer(text)]
    taken = [(a.start, a.end) for a in found]
    for match in _PART.finditer(text):
        if not any(a < match.end() and match.start() < b for a, b in taken):
            found.append(_fraction(match))
    found.sort(key=lambda a: a.start)
    kept: list[Amount] = []
    for amount in found:
        if not (kept and _converts(kept[-1], amount, text)):
            kept.append(amount)
    return kept


def _amount(match: re.Match[str]) -> Amount:
    unit = next(name for name in _UNIT_WORDS if match[name])
    lead = _comparator(match["lead"], _BEFORE)
    tail = _comparator(match["tail"] or "", _AFTER)
    comparator = tail or lead or "exactly"
    value, step, notes = _value(match["first"])
    start = match.start("lead") if lead or not match["between"] else match.start("between")
    amount = Amount(_skip(match.string, start), match.end(), comparator, value, None, unit, step, notes)
    if match["second"] is None:
        return amount
    high, _, more = _value(match["second"])
    scale = re.search(rf"(?:{_SCALE})$", match["second"], re.IGNORECASE)
    if scale and value is not None and high is not None and value < high / 100:
        value *= _scale(scale[0])
    return replace(amount, comparator="between", value=value, high=high, notes=(*notes, *more))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _comparator(words: str, table: Mapping[str, str]) -> str | None:
    """The comparator that words begin with: the outermost says what is meant ("at least some 500")."""
    words = re.sub(r"^[\s,]+", "", words)
    lowered = words.casefold()
    if re.match(r"(?:no|not) more than|не (?:більше|более)", lowered):
        return "up to"
    for name in ("at least", "up to", "nearly", "about", "exactly", "more than", "less than"):
        if name in table and re.match(rf"(?:{table[name]})(?!\w)", lowered):
            if name == "exactly" and (inner := _comparator(words.partition(" ")[2], table)):
                return inner
            return name
    return None


def _fraction(match: re.Match[str]) -> Amount:
    words = re.sub(r"[ -]+", " ", match["words"].casefold())
    lead = _comparator(match["lead"], _BEFORE)
    notes = () if lead else (f"{match['words']!r} without a qualifier is read as about",)
    start = _skip(match.string, match.start())
    return Amount(start, match.end(), lead or "about", _FRACTIONS[words], None, "percent", None, notes)


def _scale(word: str) -> float:
    word = word.casefold().strip(" -.")
    if word[:2] in ("ты", "ти"):
        return 1e3
    return 100.0 if word.startswith("сот") else 1e6 if word.startswith("мл") else _SCALES[word]


def _value(written: str) -> tuple[float | None, float | None, tuple[str, ...]]:
    """A number, one of its last digit, and what is to be said of it."""
    match = re.fullmatch(rf"(.*?)(?:[ -]?({_SCALE}))?", written, re.IGNORECASE)
    assert match is not None
    body, scale = match[1].strip(), _scale(match[2]) if match[2] else 1.0
    if not body[:1].isdigit():
        return _in_words(written), 1.0, ()
    plain = re.sub(r"[  \u2009\u202f](?=\d{3})", "", body)
    if re.fullmatch(r"\d{1,3}\.\d{3}", plain) and scale == 1.0:
        return None, None, (f"{body!r} can be read as {plain.replace('.', ',')} or as a decimal: write it out",)
    if scale == 1.0 and re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    plain = plain.replace(",", ".")
    return float(plain) * scale, step_of(plain) * scale, ()


def _in_words(written: str) -> float:
    """Number words added up: "one thousand three hundred and seventy-six"."""
    total = current = 0.0
    for word in re.split(r"[\s-]+", written.casefold()):
        if word in ("and", ""):
            continue
        if word == "dozen":
            current = 12 * (current or 1)
        elif word in _WORD_VALUES:
            current += _WORD_VALUES[word]
        else:
            factor = _scale(word)
            if factor >= 1000:
                total, current = total + (current or 1) * factor, 0.0
            else:
                current = (current or 1) * factor
    return total + current


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
