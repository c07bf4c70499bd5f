"""Dates in words: days, ranges, months, years and "two days ago", as sentences write them."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from geo.text.languages import any_of, by_form, cached_words, forms, languages, plain, recent, word_list
from geo.text.numbers import read_number

# of a month, by day
_PARTS = {
    "early": (1, 10), "mid": (11, 20), "late": (21, 31), "first_half": (1, 15), "second_half": (16, 31),
    "first_week": (1, 7), "second_week": (8, 14), "third_week": (15, 21), "last_week": (-6, 31),
}  # fmt: skip
_UNITS = ("hour", "day", "week", "month", "year")
# after digits, these make them a figure and no day
_FIGURES = (
    "%|percent|square|sq|km|million|кв|тис|тыс|млн|процент|відсот|quadrat|prozent|hektar|kilom|hectare|mile|villages|"
    "town|settlement|localit|siedl|dörf|ortsch|насел|сіл|сел|дерев|пункт|га(?!\\w)"
)


@dataclass(frozen=True)
class DateWords:
    """The words of dates of one language, and its patterns, the most explicit first."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    ordinals: Mapping[str, int]
    days: Mapping[str, int]
    units: Mapping[str, str]
    month_parts: Mapping[str, str]
    year_parts: Mapping[str, tuple[int, int]]
    capital: frozenset[str]
    few: re.Pattern[str]
    since: re.Pattern[str]
    singles: frozenset[str]
    patterns: Sequence[tuple[str, re.Pattern[str]]]


@cached_words
def months() -> Mapping[str, int]:
    """The names of the months in every language, and their numbers."""
    found: dict[str, int] = {}
    for language in languages():
        listed = word_list(language, "dates").get("months", ())
        found |= by_form((words, number) for number, words in enumerate(listed, start=1))
    return found


@cached_words
def _date_words(lang: str) -> DateWords:
    table = word_list(lang, "dates")
    undated, units = table.get("undated", {}), table.get("units", {})
    return DateWords(
        months=by_form((words, n) for n, words in enumerate(table["months"], start=1)),
        weekdays=by_form((words, n) for n, words in enumerate(table["weekdays"])),
        ordinals=by_form((words, n) for n, words in enumerate(table.get("ordinals", ()), start=1)),
        days=by_form((words, int(n)) for n, words in table.get("days", {}).items()),
        units=by_form((units.get(unit, ""), unit) for unit in _UNITS),
        month_parts=by_form((table.get(part, ""), part) for part in _PARTS),
        year_parts=by_form(_year_parts(table)),
        capital=frozenset(forms(table.get("capital", ""))),
        few=re.compile(any_of(table.get("few", "")), re.IGNORECASE),
        since=re.compile(
            rf"{any_of(table.get('since', ''))}\s+(?:{any_of(table.get('article', ''))}\s*)?$", re.IGNORECASE
        ),
        singles=frozenset(map(plain, forms(units.get("span_only", "")))),
        patterns=tuple((kind, re.compile(p, re.IGNORECASE)) for kind, p in _patterns(table, undated, units)),
    )


def _year_parts(table: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, int]]]:
    """The words for quarters and halves of a year, with their first and last month."""
    for name, size in (("quarters", 3), ("halves", 6)):
        for at, words in enumerate(table.get(name, ())):
            yield words, (at * size + 1, (at + 1) * size)


def _year_patterns(table: Mapping[str, Any], of: str, year_words: str) -> Iterator[tuple[str, str]]:
    parts = any_of(*(words for words, _ in _year_parts(table)))
    yield "quarter", rf"(?P<part>{parts})(?:{of}|\s+)(?P<year>(?:19|20)\d\d)(?!\d){year_words}"
    for edge in ("end", "start"):
        year, month = (any_of(table.get(f"{unit}_{edge}", "")) for unit in ("year", "month"))
        yield edge, rf"(?P<year>{year})|(?P<month>{month})"


def _patterns(
    table: Mapping[str, Any], undated: Mapping[str, str], units: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What a language writes, in the order in which it is tried."""
    month, weekday = any_of(*table["months"]) + r"\.?", any_of(*table["weekdays"])
    endings = "|".join(map(re.escape, forms(table.get("number_endings", ""))))
    number = rf"(?<![\w.,])(?:\d{{1,2}}(?:{endings})?(?!\w)|{any_of(*table.get('ordinals', ()))})"
    of = rf"(?:\s+{any_of(table['of'])})?[\s-]+" if table.get("of") else r"[\s-]+"
    year_words = rf"(?:\s*{any_of(table['year_words'])})?" if table.get("year_words") else ""
    between = rf"(?:,?\s+(?:{any_of(table.get('of', ''))}\s+)?|-)"
    year = rf"(?:{between}(?P<year>(?:19|20)\d\d|['’]\d\d)(?!\d|[-.,]\d){year_words})?"
    to = rf"(?:\s?[-–—]\s?|\s+{any_of(table['range'])}(?:\s+the)?\s+)"
    unit = any_of(*(words for unit, words in units.items() if unit in _UNITS))
    # any words: whether they are a number is seen when they are read
    words = r"(?:[^\W\d_]+[\s-]+)?[^\W\d_]+"
    count = rf"(?:(?P<count>(?<![\d.,])\d{{1,3}}|{any_of(table.get('few', ''))}|(?<!\w){words})\s+)"
    no_figure = rf"(?!\d|[.,]\d|\s*(?:{_FIGURES}))"
    yield from _year_patterns(table, of, year_words)
    days = rf"{count}(?:{any_of(units['day'])})"
    yield "first days", rf"{any_of(table.get('first_days', ''))}\s+{days}{of}(?P<month>{month}){year}"
    weeks = any_of(*(table.get(part, "") for part in _PARTS if part.endswith("week")))
    yield "month", rf"(?P<in>(?!))?(?P<part>{weeks}){of}(?P<month>{month}){year}"
    yield "part", rf"{any_of(undated.get('part', ''))}{of}{month}{year}"
    yield "range", rf"(?P<first>{number}){to}(?P<last>{number}){of}(?P<month>{month}){year}"
    yield "range", rf"(?P<month>{month})\s+(?P<first>\d{{1,2}}){to}(?P<last>\d{{1,2}}){no_figure}{year}"
    yield "day", rf"(?P<day>{number}){of}(?P<month>{month}){year}"
    yield "day", rf"(?P<month>{month})\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:{endings or '(?!)'})?{no_figure}{year}"
    short = r"(?P<short>\d{1,2}\.\d\d|\d{1,2}/\d{1,2})"
    yield "short", rf"{any_of(table.get('on', ''))}\s+{short}(?![\d./]|\s*(?:{_FIGURES}))"
    yield "short", rf"(?:(?:^|\n)\W{{0,4}}(?:[^\W\d_]{{2,3}},?\s+)?|{weekday},?\s+)(?P<short>[0-3]\d/[01]\d)(?![\d./])"
    yield "misspelled", r"(?<![\w.,])\d{1,2}\s+(?P<word>[^\W\d_]{3,12})(?:\s+(?P<year>20\d\d)(?!\d))?"
    yield "misspelled", r"(?P<word>[^\W\d_]{3,12})\s+\d{1,2},?\s+(?P<year>20\d\d)(?!\d)"
    yield "ago", rf"{count}(?P<unit>{unit})\s+{any_of(table.get('ago', ''))}"
    yield "ago", rf"{count}(?P<unit>{unit})\s+{any_of(table.get('ago_at_end', ''))}(?=\s*(?:[.,;:)]|$))"
    yield "ago", rf"(?P<unit>{unit})\s+{any_of(table.get('ago', ''))}"
    yield "relative", any_of(*table.get("days", {}).values())
    yield "before", any_of(table.get("before", {}).get("words", ""))
    yield "past", rf"{any_of(table.get('past', ''))}\s*(?:{count})?(?P<unit>{unit})"
    yield "past", rf"{any_of(table.get('within', ''))}\s+(?P<unit>{any_of(units.get('span_only', ''))})"
    yield "within", rf"{any_of(table.get('within', ''))}\s+{count}(?P<unit>{unit})"
    yield "season", rf"{any_of(undated.get('season', ''))}{of.replace('+', '*')}(?:20\d\d(?!\d)){year_words}"
    yield "coarse", any_of(undated.get("coarse", ""))
    yield "last year", any_of(table.get("last_year", ""))
    which = f"(?P<last>{any_of(table['last'])})|(?P<this>{any_of(table['this'])})|{any_of(table.get('next', ''))}"
    yield "calendar", rf"(?:{which})\s+(?P<unit>{unit})"
    yield "calendar", rf"(?P<unit>{unit})\s+(?P<last>{any_of(table.get('last_after', ''))})(?P<this>(?!))?"
    yield "loose", any_of(*table.get("loose", {}).values())
    ahead = rf"(?:(?P<next>{any_of(table.get('next', ''))})|(?P<last>{any_of(table['last'])}))\s+"
    yield "weekday", rf"(?:{ahead})?(?P<weekday>{weekday})"
    part = any_of(*(table.get(p, "") for p in _PARTS))
    inside, before_year = any_of(table.get("in", "")), any_of(table.get("in", ""), table.get("before_year", ""))
    yield "month", rf"(?:(?P<in>{inside})[\s-]+)?(?:(?P<part>{part})[\s-]+(?:of\s+)?)?(?P<month>{month}){year}"
    yield "year", rf"{before_year}\s+(?P<year>(?:19|20)\d\d)(?![\d.,-]*\d|\s*(?:{_FIGURES})){year_words}"
    yield "undated", any_of(undated.get("words", ""), *table.get("prior", {}).values())


EXACT, FEW_DAYS, WEEK, MONTH, YEAR = 1, 2, 3, 4, 5  # UCDP's date_prec
_NUMERIC = re.compile(
    r"(?<![\d.,/-])(?:(?P<y>(?:19|20)\d\d)(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})|(?P<whole>20\d{6})"
    r"|(?P<d2>\d{1,2})(?P<s2>[./-])(?P<m2>\d{1,2}|[IVX]{1,4})(?P=s2)(?P<y2>(?:19|20)\d\d|\d\d))(?![\d/]|[.,-]\d)"
)
_NO_DAY = "it names no day"
_INFERRED = "is inferred from the date of the text"
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True)
class DateMention:
    """Words of a text that name a time: `first` to `last`, or, where `problem` says why, no day that can be told."""

    start: int
    end: int
    text: str
    kind: str  # day, weekday, range, week, month, year, past (a span up to the day of the text), undated, unread
    first: date | None = None
    last: date | None = None
    date_prec: int = EXACT
    note: str = ""  # what was inferred
    problem: str = ""  # why no day can be told
    since: bool = False  # "since …": a span from it to the day of the text
    bare: bool = False  # a month without a word such as "in" before it
    loose: bool = False  # "overnight": the day of the text unless another day is named


def find_dates(text: str, *, today: date | None, lang: str | None = None) -> list[DateMention]:
    """Every date that a text names, in order; relative ones count from `today`."""
    return list(_dates(text, today, lang))


@recent
def _dates(text: str, today: date | None, lang: str | None) -> Sequence[DateMention]:
    found: list[DateMention] = []
    for mention in _numeric(text):
        _keep(found, mention)
    codes = languages() if lang is None else (lang,)
    tables = [_date_words(code) for code in codes if word_list(code, "dates")]
    for at in range(len(tables[0].patterns) if tables else 0):
        read: list[DateMention] = []
        for words in tables:
            kind, pattern = words.patterns[at]
            mentions = (_read(kind, match, words, today) for match in pattern.finditer(text))
            read += [replace(m, since=bool(words.since.search(text[: m.start]))) for m in mentions if m is not None]
        # "in early August" is more than the August of another language
        for mention in sorted(read, key=lambda m: (m.start - m.end, m.bare)):
            _keep(found, mention)
    for words in tables:
        found = [replace(m, since=m.since or bool(words.since.search(text[: m.start]))) for m in found]
    return _settled(text, sorted(found, key=lambda m: m.start))


def _keep(found: list[DateMention], mention: DateMention) -> None:
    if not any(mention.start < m.end and m.start < mention.end for m in found):
        found.append(mention)


def _settled(text: str, found: list[DateMention]) -> list[DateMention]:
    """Without weekdays that stand by their date, and without "overnight" where a day is named."""
    days = [m for m in found if m.kind in ("day", "range") and not m.loose]
    found = [
        m
        for m in found
        if m.kind != "weekday"
        or not any(re.fullmatch(r"[\s,(]*|,? the ", text[m.end : d.start]) or 0 <= m.start - d.end <= 2 for d in days)
    ]
    found = [_counted_from(m, found[:at]) for at, m in enumerate(_in_year_of_next(found))]
    if any(m.first is not None and m.date_prec <= FEW_DAYS and not m.loose for m in found):
        found = [m for m in found if not m.loose]
    return found


@cached_words
def _prior() -> Mapping[str, str]:
    """The words for the week, month or year before one that is named, with their unit."""
    tables = [word_list(language, "dates").get("prior", {}) for language in languages()]
    return by_form((words, unit) for table in tables for unit, words in table.items())


def _counted_from(mention: DateMention, earlier: Sequence[DateMention]) -> DateMention:
    """A time told by another, "610 in November and 478 the month before", counted from that one."""
    unit = _prior().get(plain(mention.text))
    named = next((m.first for m in reversed(earlier) if m.kind == unit and m.first is not None), None)
    if unit is None or named is None:
        return mention
    first, last = back(named, 1, unit), named - timedelta(days=1)
    return replace(mention, kind=unit, first=first, last=last, note="", problem="", since=False)


def _in_year_of_next(found: Sequence[DateMention]) -> Iterator[DateMention]:
    """The first of two days that share one year, "1 August and 10 September 2023", in that year."""
    for mention, after in zip(found, [*found[1:], None], strict=False):
        first, last = mention.first, after.first if after is not None else None
        shared = after is not None and mention.kind == after.kind and _INFERRED in mention.note and not after.note
        if not shared or first is None or last is None or after is None or after.start - mention.end > 12:
            yield mention
            continue
        year = last.year if (first.month, first.day) <= (last.month, last.day) else last.year - 1
        moved = _date(year, first.month, first.day)
        end = moved if mention.last == first else _month_end(moved) if moved else None
        yield replace(mention, first=moved, last=end, note="") if moved else mention


def _mention(
    match: re.Match[str], kind: str, first: date | None = None, last: date | None = None, **more: Any
) -> DateMention:
    text = match[0].rstrip()
    last = first if last is None else last
    return DateMention(match.start(), match.start() + len(text), text, kind, first, last, **more)


def _unread(match: re.Match[str], problem: str, kind: str = "unread") -> DateMention:
    return _mention(match, kind, problem=problem)


def _no_day(match: re.Match[str]) -> DateMention:
    return _unread(match, "there is no such day")


def _relative_to_nothing(match: re.Match[str]) -> DateMention:
    return _unread(match, "it counts from the day of the text, which is not known")


def _numeric(text: str) -> Iterator[DateMention]:
    """Dates in figures: 2024-09-10, 10.09.2024, 10.09.24; with a stroke the day first."""
    for match in _NUMERIC.finditer(text):
        if match["whole"]:
            found = _date(int(match[0][:4]), int(match[0][4:6]), int(match[0][6:]))
            if found is not None:
                yield _mention(match, "day", found)
            continue
        if match["y"]:
            year, month, day = int(match["y"]), int(match["m"]), int(match["d"])
            sign = match["s"]
        else:
            if len(match["y2"]) == 2 and match["s2"] == "-":
                continue  # 10-09-24 may be anything
            year = int(match["y2"]) + (2000 if len(match["y2"]) == 2 else 0)
            month = _ROMAN.index(match["m2"]) + 1 if match["m2"] in _ROMAN else int(re.sub(r"\D", "", match["m2"]) or 0)
            day, sign = int(match["d2"]), match["s2"]
        found = _date(year, month, day)
        if found is None and len(match["y2"] or "year") == 2 and max(day, month) > 31:
            continue  # no date, but a number of something
        if found is None:
            turned = _date(year, day, month) if sign == "/" and not match["y"] else None
            why = "read with the day first, " if turned else ""
            yield _unread(match, f"{why}there is no such day{f', write it as {turned}' if turned else ''}")
            continue
        either = sign == "/" and not match["y"] and day <= 12 and day != month
        yield _mention(match, "day", found, note=f"{match[0]} is read with the day first: {found}" if either else "")


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month_of(match: re.Match[str], words: DateWords) -> int | None:
    """The number of a month; None for "may" and "march" in small letters without a year."""
    written = match["month"].rstrip(".")
    if plain(written) in words.capital and written[0].islower() and not match["year"]:
        return None
    return words.months[plain(written)]


def _day_number(text: str, words: DateWords) -> int:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else words.ordinals[plain(text)]


def _year(match: re.Match[str], month: int, day: int, today: date | None) -> tuple[int | None, str]:
    """The year of a day: as written, else the last one in which the day is not after `today`."""
    written = match["year"]
    if written:
        return int(written.strip("'’")) + (2000 if len(written) == 3 else 0), ""
    if today is None:
        return None, ""
    year = today.year if (month, day) <= (today.month, today.day) else today.year - 1
    return year, f"the year {year} {_INFERRED}"


def _read_days(match: re.Match[str], words: DateWords, today: date | None) -> DateMention | None:
    """A day, or the days from one to another of one month."""
    month, groups = _month_of(match, words), match.groupdict()
    if month is None:
        return None
    numbers = [_day_number(groups[name], words) for name in ("day", "first", "last") if groups.get(name)]
    year, note = _year(match, month, numbers[-1], today)
    if year is None:
        return _relative_to_nothing(match)
    first, last = _date(year, month, numbers[0]), _date(year, month, numbers[-1])
    if first is None or last is None or first > last:
        return _no_day(match)
    if len(numbers) == 1:
        return _mention(match, "day", first, note=note)
    return _mention(match, "range", first, last, note=note, date_prec=FEW_DAYS if (last - first).days < 7 else MONTH)


def _read_short(match: re.Match[str], _: DateWords, today: date) -> DateMention | None:
    """A day and a month in figures, "on 10.09"."""
    day, month = (int(part) for part in re.split(r"[./]", match["short"]))
    year = today.year if (month, day) <= (today.month, today.day) else today.year - 1
    found = _date(year, month, day)
    if found is None:
        return _no_day(match) if month <= 12 and day <= 31 else None
    note = f"{match['short']} is read as {found}"
    start = match.start("short")
    return DateMention(start, match.end("short"), match["short"], "day", found, found, note=note)


def _read_misspelled(match: re.Match[str], words: DateWords, _today: date | None) -> DateMention | None:
    months, cutoff = [m for m in words.months if len(m) > (3 if match["year"] else 4)], 0.75 if match["year"] else 0.86
    near = _nearest(match["word"].casefold(), tuple(months), cutoff)
    return _unread(match, f"no month is called {match['word']}, is {near[0]} meant?") if near else None


@recent
def _nearest(word: str, months: Sequence[str], cutoff: float) -> Sequence[str]:
    return get_close_matches(word, months, n=1, cutoff=cutoff)


def _count_of(match: re.Match[str], words: DateWords) -> int | None:
    """The number before a unit of time: 1 where there is none, None for "a few"."""
    written = match.groupdict().get("count")
    if written is None:
        return None if "count" not in match.groupdict() and plain(match["unit"]) not in words.singles else 1
    for text in (written, written.split()[-1]):
        if words.few.fullmatch(text):
            return None
        number = read_number(text)
        if number is not None:
            return int(number)
    return None


def back(today: date, count: int, unit: str) -> date:
    """The day so many units before `today`."""
    if unit in ("month", "year"):
        months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))
    days = {"hour": max(count // 24, 1), "day": count, "week": 7 * count}[unit]
    return today - timedelta(days=days)


def _read_ago(match: re.Match[str], words: DateWords, today: date) -> DateMention | None:
    """Two days ago; weeks, months and years name no day, but their span of days."""
    count, unit = _count_of(match, words), words.units[plain(match["unit"])]
    if count is None:
        return _unread(match, _NO_DAY, "undated")
    if unit == "hour":
        return _mention(match, "day", today - timedelta(days=count // 24))
    precision = {"day": EXACT, "week": FEW_DAYS, "month": MONTH, "year": YEAR}[unit]
    try:
        day = back(today, count, unit)
    except (ValueError, OverflowError):
        return _no_day(match)
    note = "" if unit == "day" else f"“{match[0]}” is read as {day}"
    return _mention(match, "day", day, date_prec=precision, note=note)


def _read_past(match: re.Match[str], words: DateWords, today: date) -> DateMention | None:
    count, unit = _count_of(match, words), words.units[plain(match["unit"])]
    if count is None:
        return _unread(match, _NO_DAY, "undated")
    try:
        first = back(today, count, unit)
    except (ValueError, OverflowError):
        return _no_day(match)
    days = (today - first).days
    precision = EXACT if days <= 1 else FEW_DAYS if days < 7 else WEEK if days == 7 else MONTH if days < 62 else YEAR
    return _mention(match, "past", first, today, date_prec=precision)


def _read_coarse(match: re.Match[str], _words: DateWords, today: date | None) -> DateMention:
    """Recently, or a season: of which year it may be is known, where one is named or the text has a day."""
    years = [int(year) for year in re.findall(r"20\d\d", match[0])]
    if not years and today is None:
        return _unread(match, _NO_DAY, "undated")
    last = today if not years and today is not None else date(years[-1], 12, 31)
    first = date(years[-1] if years else last.year - 1, 1, 1)
    return _mention(match, "undated", first, last, date_prec=YEAR, problem=_NO_DAY)


def _whole_year(match: re.Match[str], year: int) -> DateMention:
    return _mention(match, "year", date(year, 1, 1), date(year, 12, 31), date_prec=YEAR)


def _read_calendar(match: re.Match[str], words: DateWords, today: date) -> DateMention | None:
    """Last week, this month: a week, month or year of the calendar."""
    unit = words.units[plain(match["unit"])]
    if unit == "hour" or (unit == "day" and not match["last"]):
        return None
    if not match["last"] and not match["this"]:
        return _unread(match, "it lies after the day of the text")
    if unit == "day":
        return _mention(match, "day", today - timedelta(days=1))
    if unit == "week":
        first = today - timedelta(days=today.weekday() + (7 if match["last"] else 0))
        return _mention(match, "week", first, first + timedelta(days=6), date_prec=WEEK)
    if unit == "month":
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1) if match["last"] else today.replace(day=1)
        return _mention(match, "month", first, _month_end(first), date_prec=MONTH)
    return _whole_year(match, today.year - (1 if match["last"] else 0))


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _read_weekday(match: re.Match[str], words: DateWords, today: date) -> DateMention | None:
    if match["next"]:
        return _unread(match, "it lies after the day of the text")
    back = (today.weekday() - words.weekdays[plain(match["weekday"])]) % 7
    started = bool(words.since.search(match.string[: match.start()]))
    day = today - timedelta(days=back or (7 if match["last"] or started else 0))
    return _mention(match, "weekday", day, note=f"{match['weekday']} is taken as {day}")


def _read_month(match: re.Match[str], words: DateWords, today: date | None) -> DateMention | None:
    month = _month_of(match, words)
    if month is None or (len(match["month"]) < 4 and match["month"].islower()):
        return None
    year, note = _year(match, month, 1, today)
    if year is None:
        return _relative_to_nothing(match)
    last = monthrange(year, month)[1]
    part = words.month_parts.get(plain(match["part"] or match["in"] or ""), "")
    begin, end = _PARTS.get(part, (1, last))
    start = match.start("part") if match["part"] else match.start() if part else match.start("month")
    text = match.string[start : match.end()].rstrip()
    first, end_day = date(year, month, begin % last), date(year, month, min(end, last))
    return DateMention(
        start, start + len(text), text, "month", first, end_day, MONTH, note=note,
        bare=not match["in"] and not match["part"],
    )  # fmt: skip


def _read_first_days(match: re.Match[str], words: DateWords, today: date | None) -> DateMention | None:
    """The first nine days of January."""
    month, count = _month_of(match, words), _count_of(match, words)
    year, note = (None, "") if month is None else _year(match, month, 1, today)
    last = None if year is None or month is None or not count else _date(year, month, count)
    return None if last is None else _mention(match, "month", last.replace(day=1), last, note=note, date_prec=MONTH)


def _read_quarter(match: re.Match[str], words: DateWords, _today: date | None) -> DateMention:
    """A quarter or half of a year, which is some whole months."""
    (first, last), year = words.year_parts[plain(match["part"])], int(match["year"])
    return _mention(match, "month", date(year, first, 1), _month_end(date(year, last, 1)), date_prec=YEAR)


def _read_year(match: re.Match[str], _words: DateWords, _today: date | None) -> DateMention | None:
    year = int(match["year"])
    start, end = match.start("year"), match.end()
    text = match.string[start:end]
    return DateMention(start, end, text, "year", date(year, 1, 1), date(year, 12, 31), YEAR)


_READ: Mapping[str, Callable[[re.Match[str], DateWords, date | None], DateMention | None]] = {
    "range": _read_days, "day": _read_days, "misspelled": _read_misspelled, "month": _read_month, "year": _read_year,
    "coarse": _read_coarse, "season": _read_coarse,
    "quarter": _read_quarter, "first days": _read_first_days,
    "undated": lambda match, _words, _today: _unread(match, _NO_DAY, "undated"),
    "part": lambda match, _words, _today: _unread(match, "a part of a month"),
}  # fmt: skip
# these count from the day of the text
_READ_FROM: Mapping[str, Callable[[re.Match[str], DateWords, date], DateMention | None]] = {
    "short": _read_short, "ago": _read_ago, "past": _read_past, "calendar": _read_calendar, "weekday": _read_weekday,
    # "in all weeks" is no time
    "within": lambda match, words, today: None if _count_of(match, words) is None else _read_past(match, words, today),
    "before": lambda match, _words, today: _mention(match, "day", today - timedelta(days=1)),
    "start": lambda match, _words, today: _mention(
        match, "day", today.replace(day=1, month=1 if match["year"] else today.month)
    ),
    "end": lambda match, _words, today: _mention(  # the last one that is over
        match, "day", today.replace(day=1, month=1 if match["year"] else today.month) - timedelta(days=1)
    ),
    "last year": lambda match, _words, today: _whole_year(match, today.year - 1),
    "relative": lambda match, words, today: _mention(match, "day", today + timedelta(words.days[plain(match[0])])),
    "loose": lambda match, _words, today: _mention(match, "day", today, loose=True),
}  # fmt: skip


def _read(kind: str, match: re.Match[str], words: DateWords, today: date | None) -> DateMention | None:
    if kind in _READ:
        return _READ[kind](match, words, today)
    if today is None:
        return None if kind in ("loose", "within") else _relative_to_nothing(match)
    return _READ_FROM[kind](match, words, today)
