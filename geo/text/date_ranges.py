"""Dates in a sentence: days, months, and spans such as "since August" or "in the past week"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

_MONTHS: Mapping[str, int] = {
    stem: number
    for number, stems in enumerate(
        (
            "jan|январ|січ", "feb|феврал|лют", "mar|март|берез", "apr|апрел|квіт", "may|мая|май|трав", "jun|июн|черв",
            "jul|июл|лип", "aug|август|серп", "sep|сентябр|верес", "oct|октябр|жовт", "nov|ноябр|листоп",
            "dec|декабр|груд",
        ),
        start=1,
    )
    for stem in stems.split("|")
}  # fmt: skip
_ENGLISH = (
    r"January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
)
_CYRILLIC = (
    r"(?:январ|феврал|март|апрел|ма[яйе](?!\w)|июн|июл|август|сентябр|октябр|ноябр|декабр|січе?н|лют[иогм]|березе?н|квіте?н|траве?н"
    r"|черве?н|липе?н|серпе?н|вересе?н|жовте?н|листопад|груде?н)\w*"
)
_MONTH = rf"(?P<month>(?:{_ENGLISH})(?!\w)|{_CYRILLIC})"
_YEAR = r"(?:,? (?P<year>20\d\d)(?!\d))?"
_DAY = re.compile(
    rf"(?<!\w)(?P<iso>20\d\d-\d\d-\d\d)(?!\d)"
    rf"|(?<!\w)(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}{_YEAR}"
)
_AMERICAN = re.compile(
    rf"(?<!\w){_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d.,]?\d)(?! (?:square|percent|km)){_YEAR}"
)
_DAYS_OF = re.compile(
    rf"(?<!\w)(?P<first>\d{{1,2}})(?:st|nd|rd|th)?(?: and | to |\s?[-–—]\s?| по | до )"
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"(?: of)? {_MONTH}{_YEAR}"
)
_MONTHS_DAYS = re.compile(
    rf"(?<!\w){_MONTH} (?P<first>\d{{1,2}})(?: and | to |\s?[-–—]\s?)(?P<day>\d{{1,2}})"
    rf"(?!\d)(?! (?:square|percent|km)){_YEAR}"
)
_WHOLE_YEAR = re.compile(r"\b(?:in|during|throughout|over|у|в) (?P<year>20\d\d)(?![\d-])")
_SAID_ON = re.compile(
    r"\b(?:said|told \w+|announced|wrote|stated|reported|claimed|заявив|заявила?|сообщил[аи]?|повідоми\w+)"
    r"(?: in a (?:statement|briefing))? (?:on )?$"
)
_JOINED = re.compile(r"\s*,?\s*(?:and|to|through|until|[-–—])?\s*")
_WHOLE_MONTH = re.compile(rf"(?<!\w)(?P<when>early|mid|late)?[ -]?{_MONTH}{_YEAR}")
_AGO = re.compile(
    r"\b(?:in|over|during|within|for) the (?:past|last) (?:(?P<count>\d+|two|three|four|five|six|seven|ten|few) )?"
    r"(?P<unit>hours?|days?|weeks?|months?)\b|\b(?P<single>in a day|in one day|this week|today|yesterday|overnight"
    r"|за (?:останню )?добу|за (?:последние )?сутки|за тиждень|за неделю|за місяць|за месяц)\b",
    re.IGNORECASE,
)
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_WEEKDAY = re.compile(r"\b(?P<since>since |on )?(?P<day>Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b")
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SINCE = re.compile(r"\b(?:since|starting|beginning|from|з|із|с|со|від|от)(?: the (?:start|beginning) of)? $", re.I)
_UNSAID = re.compile(
    r"\b(?:last (?:fall|autumn|spring|summer|winter|year)|(?:since|at) the (?:start|beginning|peak|height)"
    r"|at (?:its|their|the) peak"
    r"|at most|once|originally|initially|previously|earlier|at one point|recently|in recent \w+)\b",
    re.IGNORECASE,
)


class Said(NamedTuple):
    """The days that a sentence names: first and last, whether they are a span of change, and what was inferred."""

    first: date | None = None
    last: date | None = None
    whole: bool = False
    notes: tuple[str, ...] = ()
    vague: str | None = None


def dates_in(text: str, *, today: date | None) -> Said:
    """The days that a text speaks of."""
    for pattern in (_DAYS_OF, _MONTHS_DAYS):
        if span := pattern.search(text):
            return _span(span, today)
    if ago := _AGO.search(text):
        return _before(ago, today)
    days = _days(text, today)
    if len(days) >= 2:
        return Said(days[0][0], days[-1][0], False, tuple(n for _, n, _ in days if n))
    if days:
        day, note, at = days[0]
        notes = (note,) if note else ()
        if _SINCE.search(text[:at]):
            return Said(day, today, False, notes)
        return Said(day, day, False, notes)
    months = list(_WHOLE_MONTH.finditer(text))
    if months:
        first, last = (_month(m, text, today) for m in (months[0], months[-1]))
        listed = all(_JOINED.fullmatch(text[a.end() : b.start()]) for a, b in pairwise(months))
        if len(months) == 1 or not listed or first.first is None or last.first is None:
            return first
        return Said(min(first.first, last.first), last.last, True, first.notes)
    if year := _WHOLE_YEAR.search(text):
        end = date(int(year["year"]), 12, 31)
        return Said(date(end.year, 1, 1), end if today is None else min(end, today), today is None or end <= today)
    if (week := _WEEKDAY.search(text)) and today is not None:
        back = (today.weekday() - _WEEK.index(week["day"])) % 7
        day = today - timedelta(days=back or (7 if week["since"] == "since " else 0))
        return Said(day, today if week["since"] == "since " else day, notes=(f"{week['day']} is taken as {day}",))
    vague = _UNSAID.search(text)
    return Said(vague=vague[0] if vague else None)


def day_of_saying(text: str, *, today: date | None) -> tuple[date | None, str]:
    """The day in "he said on 27 August", and the text with spaces for that day: it is not what the figure speaks of."""
    for match in [*_DAY.finditer(text), *_AMERICAN.finditer(text)]:
        if _SAID_ON.search(text[: match.start()]):
            days = _days(match[0], today)
            blank = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
            return (days[0][0] if days else None), blank
    return None, text


def _span(match: re.Match[str], today: date | None) -> Said:
    """Two days of one month."""
    month = _number(match["month"])
    year, note = _year(match["year"], month, int(match["day"]), today)
    if year is None:
        return Said(vague=match[0])
    try:
        first, last = (date(year, month, int(match[g])) for g in ("first", "day"))
    except ValueError:
        return Said(vague=match[0])
    return Said(first, last, False, (note,) if note else ())


def _before(match: re.Match[str], today: date | None) -> Said:
    words = match[0].casefold()
    if today is None:
        return Said(vague=match[0])
    if words in ("today", "this week", "overnight", "yesterday"):
        day = today - timedelta(days=words == "yesterday")
        return Said(day - timedelta(days={"this week": 7}.get(words, 1)), day)
    if match["count"] and match["count"].casefold() == "few":
        return Said(vague=match[0])
    count = match["count"]
    many = 1 if count is None else _WORDS.get(count.casefold()) or int(count)
    unit = (match["unit"] or words).casefold()
    if "hour" in unit:
        return Said(today - timedelta(days=max(many // 24, 1)), today)
    if "month" in unit or "міс" in unit or "мес" in unit:
        return Said(_months_back(today, many), today)
    each = 7 if any(w in unit for w in ("week", "тижд", "недел")) else 1
    return Said(today - timedelta(days=many * each), today)


def _months_back(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 - count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _days(text: str, today: date | None) -> list[tuple[date, str, int]]:
    found = []
    for match in sorted([*_DAY.finditer(text), *_AMERICAN.finditer(text)], key=lambda m: m.start()):
        groups = match.groupdict()
        try:
            if groups.get("iso"):
                found.append((date.fromisoformat(groups["iso"]), "", match.start()))
                continue
            year, note = _year(groups["year"], _number(groups["month"]), int(groups["day"]), today)
            if year is not None:
                found.append((date(year, _number(groups["month"]), int(groups["day"])), note, match.start()))
        except ValueError:
            continue
    return found


def _number(month: str) -> int:
    word = month.casefold()
    return next(n for stem, n in _MONTHS.items() if word.startswith(stem))


def _year(written: str | None, month: int, day: int, today: date | None) -> tuple[int | None, str]:
    """The year of a day: as written, else the last one in which the day is not after `today`."""
    if written:
        return int(written), ""
    if today is None:
        return None, ""
    year = today.year if (month, day) <= (today.month, today.day) else today.year - 1
    return year, f"the year {year} is inferred from the date of the text"


def _month(match: re.Match[str], text: str, today: date | None) -> Said:
    month = _number(match["month"])
    year, note = _year(match["year"], month, 1, today)
    if year is None:
        return Said(vague=match[0].strip())
    notes = (note,) if note else ()
    last = monthrange(year, month)[1]
    first, end = {"early": (1, 10), "mid": (11, 20), "late": (21, last)}.get(match["when"] or "", (1, last))
    if _SINCE.search(text[: match.start()].rstrip() + " "):
        return Said(date(year, month, first), today, False, notes)
    return Said(date(year, month, first), date(year, month, end), True, notes)
