"""Periods as options take them: a day, a month, a year, or words such as "30 days", "last month" and "the 1st"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from geo.assets import read_toml
from geo.text.dates import back, find_dates
from geo.text.languages import any_of, by_form, forms, plain
from geo.text.numbers import read_number

Days = tuple[date, date]
_UNITS = ("day", "week", "month", "year")


@dataclass(frozen=True)
class _Words:
    """The patterns of periods in one language."""

    units: Mapping[str, str]
    months: Mapping[str, int]
    span: re.Pattern[str]
    calendar: re.Pattern[str]
    day: re.Pattern[str]
    month: re.Pattern[str]
    day_of_month: re.Pattern[str]
    today: frozenset[str]
    yesterday: frozenset[str]


@cache
def _languages() -> Sequence[_Words]:
    return [_words(lang, table) for lang, table in read_toml("text/periods.toml").items()]


def _words(lang: str, table: Mapping[str, Any]) -> _Words:
    from babel import Locale

    names = [
        Locale.parse(lang).months[form][width]
        for form in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
    ]
    months = {plain(name).rstrip("."): number for words in names for number, name in words.items()}
    unit = any_of(*(table[unit] for unit in _UNITS))
    past, this, ago = any_of(table["past"]), any_of(table["this"]), any_of(table["ago"])
    month = "(?P<month>" + "|".join(map(re.escape, sorted(months, key=len, reverse=True))) + r")\.?"
    before, after = table["day_of_month"]
    number = rf"(?:{any_of(before)}\s+)?(?P<day>\d{{1,2}})(?:{'|'.join(map(re.escape, forms(after))) or '(?!)'})?"
    year = r"(?:,?\s+(?:de\s+)?(?P<year>\d{4})(?:\s+(?:року|р\.|года|г\.|roku|r\.))?)"
    which, after_it = rf"(?:(?P<last>{past})|(?P<this>{this}))", rf"(?:(?P<last2>{past})|(?P<this2>{this}))"
    return _Words(
        units=by_form((table[unit], unit) for unit in _UNITS),
        months=months,
        span=re.compile(
            rf"(?:(?:{past}|{ago})\s+)*(?P<count>[^\W\d_]+|\d{{1,5}})\s+(?:{past}\s+)?(?P<unit>{unit})(?:\s+(?:{ago}|{past}))?"
        ),
        calendar=re.compile(rf"(?:(?:le|la|el)\s+)?(?:{which}\s+(?P<unit>{unit})|(?P<unit2>{unit})\s+{after_it})"),
        day=re.compile(rf"{number}\s+(?:de\s+)?{month}{year}?"),
        month=re.compile(rf"{month}{year}"),
        day_of_month=re.compile(number),
        today=frozenset(map(plain, forms(table["today"]))),
        yesterday=frozenset(map(plain, forms(table["yesterday"]))),
    )


def read_period(text: str, *, day: date, now: date | None = None) -> Days | None:
    """The first and the last day that a period names, or None; it counts back from `day`, "yesterday" from `now`."""
    said = plain(text)
    try:
        for read in (_figures, _relative, _written, _found):
            if days := read(said, day, now or day):
                return days
    except (ValueError, OverflowError):
        return None
    return None


def _figures(said: str, _day: date, _now: date) -> Days | None:
    """2024-12, 2024."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?", said)
    if not match:
        return None
    year = int(match[1])
    return whole_month(year, int(match[2])) if match[2] else (date(year, 1, 1), date(year, 12, 31))


def whole_month(year: int, month: int) -> Days:
    """The first and the last day of a month."""
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _relative(said: str, day: date, now: date) -> Days | None:
    """30 days, six weeks ago, last month, yesterday, the 1st."""
    for words in _languages():
        if said in words.today | words.yesterday:
            found = now - timedelta(days=said in words.yesterday)
            return found, found
        if match := words.calendar.fullmatch(said):
            last = bool(match["last"] or match["last2"])
            return _calendar(words.units[match["unit"] or match["unit2"]], day, last=last)
        if (match := words.span.fullmatch(said)) and (count := _number(match["count"])) is not None:
            found = back(day, count, words.units[match["unit"]])
            return found, found
        if (match := words.day_of_month.fullmatch(said)) and said != match["day"]:
            return _last_day_numbered(int(match["day"]), day)
    return None


def _number(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    number = read_number(text)
    return None if number is None or number != int(number) else int(number)


def _calendar(unit: str, day: date, *, last: bool) -> Days:
    """The day, week, month or year of the calendar that has `day` in it, or the last one before."""
    if unit == "year":
        return date(day.year - last, 1, 1), date(day.year - last, 12, 31)
    if unit == "month":
        some = day.replace(day=1) - timedelta(days=1) if last else day
        return whole_month(some.year, some.month)
    if unit == "week":
        first = day - timedelta(days=day.weekday() + 7 * last)
        return first, first + timedelta(days=6)
    return day - timedelta(days=last), day - timedelta(days=last)


def _last_day_numbered(number: int, day: date) -> Days | None:
    """The last day of this number that lies before `day`."""
    year, month = day.year, day.month
    for _ in range(12):
        if number <= monthrange(year, month)[1] and date(year, month, number) < day:
            return date(year, month, number), date(year, month, number)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return None


def _written(said: str, day: date, _now: date) -> Days | None:
    """1 December 2024, 1. Dezember, December 2024; without a year the last such day that is not after `day`."""
    for words in _languages():
        if match := words.day.fullmatch(said):
            month = words.months[match["month"]]
            year = int(match["year"] or day.year)
            found = date(year, month, int(match["day"]))
            found = found if match["year"] or found <= day else found.replace(year=year - 1)
            return found, found
        if match := words.month.fullmatch(said):
            return whole_month(int(match["year"]), words.months[match["month"]])
    return None


def _found(said: str, day: date, _now: date) -> Days | None:
    """What the reader of dates in texts makes of it, where it is one date from end to end."""
    found = find_dates(said, today=day)
    if len(found) != 1 or found[0].text != said or found[0].first is None or found[0].last is None:
        return None
    return found[0].first, found[0].last
