"""A claim: a published figure as a record, the amounts that sentences give, and which measured values agree with it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from geo.errors import UsageError
from geo.presentation.language import N_, gettext
from geo.schema import last_instant, number_or_none, text_or_none, to_instant
from geo.text.languages import any_of, by_form, cached_words, languages, plain, word_list
from geo.text.numbers import read_number, scale_pattern, scales, spelled_pattern
from geo.text.sentences import language_of, touches

QUANTITIES = ("held", "gained", "lost", "net", "share retaken", "front length", "settlements held")
COMPARATORS = (
    "exactly", N_("about"), N_("nearly"), N_("more than"), N_("at least"), N_("less than"), N_("up to"), "between",
)  # fmt: skip
# one of a unit in km² or km; a percentage and a count are what they are
UNITS: Mapping[str, float] = {
    "km2": 1.0, "mi2": 2.589988110336, "ha": 0.01, "acre": 0.0040468564224, "km": 1.0, "mi": 1.609344, "percent": 1.0,
    "settlements": 1.0,
}  # fmt: skip
UNIT_WORDS = {
    "km2": N_("km²"), "mi2": N_("square miles"), "ha": N_("hectares"), "acre": N_("acres"), "mi": N_("miles"),
    "km": N_("km"), "percent": N_("percent"), "settlements": N_("settlements"),
}  # fmt: skip
AREAS = ("km2", "mi2", "ha", "acre")
LENGTHS = ("km", "mi")
UNREAD_DATE = "the date cannot be read:"  # how the note begins that says so; such a claim gets no verdict
NO_UNIT = "is no unit that is known here"  # how the note ends that names the place of a figure; nor does such a one
WITHIN_PERCENT = 5.0  # what "about", "some" and "nearly" leave open, of the value
NEAR_PERCENT = 0.5  # two measurements of one map differ by as much: such a figure is not contradicted, and that is said
NEAR_POINTS = 0.05  # of a share in percent: the outlines of a unit by two makers differ by as much


@dataclass(frozen=True)
class Claim:
    """A published figure. What is not known is empty; `notes` say what could not be read, and what was inferred.

    Parameters
    ----------
    text : str
        The words of it.
    claim_id, said_by, said_on, published_in : str
        Its name on record, who said it, when, and where it was published.
    quantity : str or None
        One of `QUANTITIES`.
    controller : str or None
        The side that it is about; of a share retaken, the side that took the ground back.
    against : str or None
        The side that the ground was taken from, where that is values.
    unit : str or None
        Code or name of the administrative unit.
    comparator : str or None
        One of `COMPARATORS`.
    value, high : float or None
        The figure as given, in `value_unit`; `high` is the upper end with "between".
    value_unit : str or None
        One of `UNITS`.
    date_from, date_to : str or None
        The days that it speaks of, or the instants that a span runs between.
    base : str or None
        What a percentage is of, in words.
    step : float or None
        One of the last digit that counts: 1 of "1,263", 1,000 of "44,000", 1 of "exactly 44,000".
    start, end : int or None
        Where in a longer text it stands.
    notes : tuple of str
        What could not be read, and what was inferred.

    Examples
    --------
    >>> claim = geo.Claim(text="500 km²", quantity="held", controller="UA", value=500.0, value_unit="km2")
    >>> claim.comparator is None
    True
    """

    text: str
    claim_id: str = ""
    said_by: str = ""
    said_on: str = ""
    published_in: str = ""
    quantity: str | None = None
    controller: str | None = None
    against: str | None = None
    unit: str | None = None
    comparator: str | None = None
    value: float | None = None
    high: float | None = None
    value_unit: str | None = None
    date_from: str | None = None
    date_to: str | None = None
    base: str | None = None
    step: float | None = None
    start: int | None = None
    end: int | None = None
    notes: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """The fields without which it cannot be checked."""
        wanted = ["quantity", "value", "value_unit", "comparator"]
        if self.quantity == "share retaken":
            wanted += [] if self.controller or self.against else ["controller"]
        elif self.quantity != "front length":
            wanted.append("controller")
        if self.quantity in ("gained", "lost", "net"):
            wanted.append("date_from")
        return tuple(name for name in (*wanted, "date_to") if getattr(self, name) is None)

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON takes it."""
        return {**asdict(self), "notes": list(self.notes)}


class Span(NamedTuple):
    """The values that agree with a claim, in km², km, percent or settlements, with the ends that are not in it."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    slack: float = 0.0  # how far outside of it another way of measuring may put what it means

    def holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def agrees(self, value: float) -> bool:
        """Whether a value lies in it, or so near that another way of measuring may put it there."""
        return self.holds(value) or 0 < self.away(value) <= self.slack

    def away(self, value: float) -> float:
        """How far a value lies outside of it; 0 inside."""
        return max(self.low - value, value - self.high, 0.0)


def kind_of_unit(unit: str | None) -> str | None:
    """The unit that measured values come in: km2, km, percent or settlements."""
    return "km2" if unit in AREAS else "km" if unit in LENGTHS else unit


def span_of(claim: Claim, *, within_percent: float = WITHIN_PERCENT) -> Span:
    """The values that agree with a claim."""
    unit = claim.value_unit
    if claim.value is None or unit is None or unit not in UNITS or claim.comparator not in COMPARATORS:
        why = "".join(f"; {note}" for note in claim.notes)
        asked = gettext(
            "its figure could not be read{why}. Write it with a number, its unit and what became of the ground, such as"
            ' "Russia has retaken 40 percent of it"',
            why=why,
        )
        raise UsageError(f"{claim.text!r}: {asked}")
    if within_percent < 0:
        raise UsageError(f"--within-percent {within_percent:g}: 0 or more")
    value, one = claim.value * UNITS[unit], UNITS[unit]
    near, digit = abs(value) * within_percent / 100, 0.5 * (claim.step or 0.0) * one
    spans = {
        "more than": Span(value, math.inf, open_low=True), "at least": Span(value, math.inf),
        "less than": Span(-math.inf, value, open_high=True), "up to": Span(-math.inf, value),
        "about": Span(value - near, value + near), "nearly": Span(value - near, value + near),
        "exactly": Span(value - digit, value + digit),
        "between": Span(value, (claim.high if claim.high is not None else claim.value) * one),
    }  # fmt: skip
    counted = unit == "settlements" or claim.comparator in ("about", "nearly")  # places are whole; "about" has its room
    least = NEAR_POINTS if unit == "percent" else 0.0
    return spans[claim.comparator]._replace(slack=0.0 if counted else max(abs(value) * NEAR_PERCENT / 100, least))


def step_of(written: str) -> float:
    """One of the last digit of a figure as it is written: 1 of "1,263", 0.1 of "63.2"."""
    decimals = written.partition(".")[2]
    return 10.0 ** -sum(c.isdigit() for c in decimals)


def rounded_step(value: float, step: float) -> float:
    """One of the last digit that counts in a round number: 1,000 of 44,000; of two figures at least, 10 of 500."""
    while step >= 1 and value >= 100 * step and value % (10 * step) == 0:
        step *= 10
    return step


def claim_of(row: Mapping[str, Any]) -> Claim:
    """A row of the archive's table of claims as a claim."""
    numbers = ("value", "high", "step", "start", "end", "notes")
    row = {name: f"{cell:%Y-%m-%d}" if isinstance(cell, date) and cell == cell else cell for name, cell in row.items()}
    plain: dict[str, Any] = {f.name: text_or_none(row.get(f.name)) for f in fields(Claim) if f.name not in numbers}
    value, note = number_or_none(row.get("value")), text_or_none(row.get("notes"))
    return Claim(
        **{k: v for k, v in plain.items() if v is not None}, value=value, notes=(note,) if note else (),
        step=None if value is None else _recorded_step(value, plain),
    )  # fmt: skip


def _recorded_step(value: float, row: Mapping[str, Any]) -> float:
    """The step of a figure on record, by its words where they are there."""
    said = next((a.step for a in find_amounts(row.get("text") or "") if a.value == value and a.step), None)
    step = step_of(f"{value:.10g}")
    return said or (rounded_step(value, step) if kind_of_unit(row.get("value_unit")) in ("km2", "km") else step)


def claims_about(claims: Iterable[Claim], date: str, *, since: str | None = None) -> list[Claim]:
    """The claims said on a day, or that speak of it as the last of their days."""
    last = last_instant(date).date().isoformat()
    first = last if since is None else (to_instant(since).date() + timedelta(days=1)).isoformat()

    def within(day: str | None) -> bool:
        return day is not None and min(first, last) <= day[:10] <= last

    return [c for c in claims if within(c.said_on or None) or within(c.date_to)]


FIELDS = tuple(sorted({f.name for f in fields(Claim)} - {"notes", "start", "end", "text"}))
# of one figure alone; all else that a person says holds for every figure of the sentence
_OF_A_FIGURE = {"claim_id", "quantity", "comparator", "value", "high", "value_unit", "step", "base"}
_NUMBERS = ("value", "high", "step")
# what the reader's notes on a field have, which are settled when a person gives it
_NOTES = {
    "controller": ("no side is named", "a pronoun stands for the side", "two sides are named together"),
    "unit": ("no unit is named", "several units are named", "several countries are named", NO_UNIT),
    "date_from": ("since when is not said",),
    "date_to": (UNREAD_DATE,),
}
_OF_IT = re.compile(r"\bof (?:it|that|this)\b", re.IGNORECASE)


def confirmed(claims: Sequence[Claim], given: Sequence[str], *, within: str | None = None) -> list[Claim]:
    """Drafts with what a person says of them; the notes that this settles go."""
    values = dict(_read(pair) for pair in given)
    shared = {name: value for name, value in values.items() if name not in _OF_A_FIGURE}
    settled = {*shared, *(["unit"] if within is not None else [])}
    drafts = [replace(c, **(shared if at else values)) for at, c in enumerate(claims)]  # type: ignore[arg-type]
    return [_settled(draft, settled) for draft in drafts]


def _read(pair: str) -> tuple[str, str | float | None]:
    name, sign, value = pair.partition("=")
    if not sign or name not in FIELDS:
        raise UsageError(f"--set {pair!r}: write it as FIELD=VALUE, with one of {', '.join(FIELDS)}")
    try:
        return name, float(value) if name in _NUMBERS else value or None
    except ValueError:
        raise UsageError(f"--set {pair!r}: {name} is a number") from None


def _settled(claim: Claim, given: set[str]) -> Claim:
    told = [words for name in given for words in _NOTES.get(name, ())]
    return replace(claim, notes=tuple(n for n in claim.notes if not any(words in n for words in told)))


def follow(first: Claim, second: Claim) -> Claim:
    """A second claim that speaks of "it" with the unit and the ground of the first."""
    if not _OF_IT.search(second.text) or second.quantity != "share retaken" or second.unit or not first.unit:
        return second
    against = first.controller if first.controller != second.controller else None
    taken = replace(second, unit=first.unit, against=second.against or against)
    note = "“it” is read as the ground of the first claim"
    return replace(_settled(taken, {"unit"}), notes=(*_settled(taken, {"unit"}).notes, note))


def way_out(missing: Sequence[str]) -> str:
    """How a person says what a draft lacks: the options of ``geo claims``, and all fields."""
    example = {"controller": "UA", "date_from": "2024-08-06", "date_to": "2025-01-11", "value": "500"}
    options = " ".join(f"--set {name}={example.get(name, '…')}" for name in missing)
    return f"say it with {options}; FIELDS of --set: {', '.join(FIELDS)}"


# signs of no language, as the word lists have words
_SIGNS = {
    "before": {"more than": ">", "at least": "≥", "up to": "≤", "less than": "<", "about": "~|≈"},
    "units": {"km2": "km²|km2|km^2", "mi2": "mi²|mi2", "percent": "%"},
}  # fmt: skip
# the longest first where the word of one is in that of another
_UNIT_ORDER = ("km2", "mi2", "ha", "acre", "other", "percent", "settlements", "km", "mi")
_DIGITS = r"(?<![\d.,])\d{1,3}(?:[, \u00a0\u2009\u202f]\d{3}){1,6}(?:\.\d+)?(?!\d)|(?<![\d.,])\d+(?:[.,]\d+)?"
# spaces for quotation marks, so that every position stays
QUOTES = str.maketrans(dict.fromkeys('"“”„«»', " "))


@cached_words
def _listed(table: str) -> Mapping[str, Sequence[str]]:
    """The entries of one table of all languages, by name."""
    found: dict[str, list[str]] = {}
    for entries in (_SIGNS.get(table, {}), *(word_list(code, "claim_amounts").get(table, {}) for code in languages())):
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
        rf"(?P<lead>(?:{before}\s*){{0,4}})(?P<between>{_words('between')} )?"
        rf"(?P<first>{number})(?:\s?(?:%|percent|per cent)|(?P<plus>\+))?"
        rf"(?:(?:\s?[-–—]\s?| {_words('and')} )(?P<second>{number}))?[\s-]{{0,2}}(?:{_words('more')} )?(?:{unit})"
        rf"(?P<tail>,? {after}(?! {_words('than')}))?",
        re.IGNORECASE,
    )


@cached_words
def _part_pattern() -> re.Pattern[str]:
    before = any_of(*(w for words in _listed("before").values() for w in words))
    fractions = any_of(*(w for words in _listed("fractions").values() for w in words))
    units = r"(?! (?:a|an|the) (?:square|sq|hectare|mile|acre|dozen|million|hundred|thousand))"
    return re.compile(rf"(?P<lead>(?:{before}\s*){{0,4}})(?P<words>{fractions}){units}", re.IGNORECASE)


@cached_words
def vague_pattern() -> re.Pattern[str]:
    """A pattern of "dozens of villages": a number that nobody can hold against a map."""
    units = "|".join(_unit_pattern(unit) for unit in ("km2", "mi2", "ha", "settlements"))
    return re.compile(rf"{_words('vague')}[^.;]{{0,30}}?(?:{units})|{_words('sizes')}", re.IGNORECASE)


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


def plain_signs(text: str) -> str:
    """A text of the same length without quotation marks and the full stops that group German and French thousands."""
    text = text.translate(QUOTES)  # also within an amount: "some 40" percent
    return re.sub(r"(?<=\d)\.(?=\d{3}(?!\d))", "\u202f", text) if language_of(text) in ("de", "fr") else text


def find_amounts(text: str) -> list[Amount]:
    """Every amount of a text in order; conversions such as "(193 square miles)" are left out."""
    text = plain_signs(text)
    found = [_amount(match) for match in _amount_pattern().finditer(text)]
    taken = [(a.start, a.end) for a in found]
    for match in _part_pattern().finditer(text):
        if not touches(match.span(), taken):
            found.append(_fraction(match))
    found.sort(key=lambda a: a.start)
    kept: list[Amount] = []
    for amount in found:
        if not (kept and _converts(kept[-1], amount, text)):
            kept.append(amount)
    return kept


def _amount(match: re.Match[str]) -> Amount:
    unit = next(name for name in _UNIT_ORDER if match[name])
    lead = _comparator(match["lead"], "before") or ("at least" if match["plus"] else None)
    tail = _comparator(match["tail"] or "", "after")
    value, step, notes = _value(match["first"])
    if unit == "other":  # dunams, of which every country has its own; points of percent
        value, notes = None, ("its unit is none that is measured here",)
    start = match.start("lead") if lead or not match["between"] else match.start("between")
    before = match.string[max(0, start - 20) : start] + match["lead"]
    if lead in ("more than", "up to") and re.search(rf"{_words('with_preposition')}\s+$", before, re.IGNORECASE):
        lead = None  # "lost control over 20 percent", "add up to 3,100 km²"
    start = _skip(match.string, start)
    if not (lead or tail) and value and step and unit in (*AREAS, *LENGTHS):
        step = rounded_step(value, step)
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


@cached_words
def _any_meaning(table: str) -> re.Pattern[str]:
    return re.compile(any_of(*(w for entries in _listed(table).values() for w in entries)), re.IGNORECASE)


def _comparator(words: str, table: str) -> str | None:
    """The comparator that words begin with: the outermost says what is meant ("at least some 500")."""
    words = re.sub(r"^[\s,]+", "", words)
    first = _any_meaning(table).match(words)
    if first is None:
        return None
    name = str(_meanings(table)[plain(first[0])])
    return (name == "exactly" and _comparator(words[first.end() :], table)) or name


def _fraction(match: re.Match[str]) -> Amount:
    lead = _comparator(match["lead"], "before")
    notes = () if lead else (f"{match['words']!r} without a qualifier is read as about",)
    start, value = _skip(match.string, match.start()), float(_meanings("fractions")[plain(match["words"])])
    return Amount(start, match.end(), lead or "about", value, None, "percent", None, notes)


_LONGEST = 24  # characters of a figure in digits with its scale; a longer one is a table's row


def _value(written: str) -> tuple[float | None, float | None, tuple[str, ...]]:
    """A number, one of its last digit, and what is to be said of it."""
    unread = (f"{written!r} cannot be read as one number: write it out",)
    if not written[:1].isdigit() or len(written) > _LONGEST:
        number = read_number(written)
        return number, 1.0, () if number is not None else unread
    match = re.fullmatch(rf"(.*?)(?:[ -]?({scale_pattern()}))?", written, re.IGNORECASE)
    assert match is not None
    body, scale = match[1].strip(), scales()[plain(match[2])] if match[2] else 1.0
    plainly = re.sub(r"[ \u00a0\u2009\u202f](?=\d{3})", "", body)
    if re.fullmatch(r"\d{1,3}\.\d{3}", plainly) and scale == 1.0:
        return None, None, (f"{body!r} can be read as {plainly.replace('.', ',')} or as a decimal: write it out",)
    if scale == 1.0 and re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plainly):
        plainly = plainly.replace(",", "")
    plainly = plainly.replace(",", ".")
    if plainly.count(".") > 1:  # "1,376 180.5"
        return None, None, unread
    return float(plainly) * scale, step_of(plainly) * scale, ()


def _converts(first: Amount, second: Amount, text: str) -> bool:
    """Whether the second amount is the first in another unit: in brackets after it, or after "or"."""
    between = text[first.end : second.start].strip().casefold()
    if first.unit == second.unit or kind_of_unit(first.unit) != kind_of_unit(second.unit):
        return False
    if between in ("(", "(about", "(some", "(or"):
        return True
    joined = between in (", or", "or", "/", ",", "–") or between.endswith("(")  # "168 square miles in May (435 sq km)"
    if first.value is None or second.value is None or not joined:
        return False
    ratio = second.value * UNITS[second.unit] / (first.value * UNITS[first.unit] or 1.0)
    return 0.97 <= ratio <= 1.03
