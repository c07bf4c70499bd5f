"""When: dates and relative days of a briefing against its dateline. The only door to dateparser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from geo.formats.dates import find_date
from geo.text.sentences import Lang, Passage
from geo.text.word_lists import words

EXACT, FEW_DAYS, WEEK, MONTH, YEAR = 1, 2, 3, 4, 5  # UCDP's date_prec
_DATELINE_LINES = 6


@dataclass(frozen=True)
class Day:
    """A date as a text gives it: ``first`` to ``last``, how exact (UCDP's ``date_prec``), and where it stands."""

    first: date
    last: date
    date_prec: int
    start: int
    end: int
    text: str
    is_report: bool = False  # the day on which somebody said it, not the day of the event


@dataclass(frozen=True)
class Dateline:
    """The day of a briefing, and the span of its text that gives it (None where it was told)."""

    day: date
    start: int | None = None
    end: int | None = None


def dateline(passages: Sequence[Passage]) -> Dateline | None:
    """The date under which a briefing was written: the first whole date among its first lines."""
    for passage in passages[:_DATELINE_LINES]:
        found = find_date(passage.text[:400])
        if found is not None:
            at = passage.start + passage.text.find(found[1])
            return Dateline(found[0].date(), at, at + len(found[1]))
    return None


def heading_day(passage: Passage, today: date) -> date | None:
    """The day of a line that is nothing but a date, as live briefings set one over each day's entries."""
    bare = passage.text.strip(" .:—–-#*")
    if len(bare) > 40:
        return None
    found = find_days(Passage(0, len(bare), bare, passage.lang), today)
    if len(found) != 1 or found[0].date_prec != EXACT:
        return None
    rest = re.sub(r"[\d\s,.:–—-]|UTC|GMT|EET|року|года|р\.|г\.", "", bare.replace(found[0].text, ""))
    return found[0].first if len(rest) <= 12 and " " not in rest.strip() else None


def find_days(passage: Passage, today: date) -> list[Day]:
    """Every date that a passage names, in order."""
    found: list[Day] = []
    loose: list[Day] = []
    for kind, pattern in _patterns(passage.lang):
        for match in pattern.finditer(passage.text):
            if any(match.start() < f.end - passage.start and f.start - passage.start < match.end() for f in found):
                continue
            read = _READ[kind](match, passage.lang, today)
            if read is not None:
                first, last, precision = read
                at = passage.start + match.start()
                said = _is_report(passage, match.start(), match.end())
                found.append(Day(first, last, precision, at, at + len(match[0]), match[0], said))
            if kind == "today":
                loose.append(found[-1])
    # "overnight on January 9" is that night, not the last one
    if any(d.date_prec <= FEW_DAYS and d not in loose for d in found):
        found = [d for d in found if d not in loose]
    return sorted(found, key=lambda d: d.start)


def _is_report(passage: Passage, start: int, end: int) -> bool:
    """Whether a date stands by a verb of saying: "said on January 11"."""
    table = words(passage.lang)["days"]
    before, after = passage.text[max(0, start - 40) : start], passage.text[end : end + 30]
    return bool(re.search(table["said_before"], before, re.I) or re.search(table["said_after"], after, re.I))


@cache
def _patterns(lang: Lang) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What each language writes, the most explicit first."""
    table = words(lang)["days"]
    month, weekday = table["month"], "|".join(table["weekdays"])
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th|-го)?"
    year = r"(?:,?\s+(?P<year>(?:19|20)\d\d)(?:\s*(?:року|года|р\.|г\.))?)?"
    dash = r"\s?(?:-|–|—|to|and|до|на|по|і|и|й)\s?"
    more = {
        "range": rf"(?<!\d){day}{dash}(?P<last>\d{{1,2}})\s+(?P<month>{month}){year}"
        if lang != "en"
        else rf"(?:(?P<month>{month})\s+{day}{dash}(?P<last>\d{{1,2}})(?!\d){year})",
        "day": rf"(?<![\d.])(?:{day}\s+(?P<month>{month})|(?P<month2>{month})\s+(?P<day2>\d{{1,2}})(?!\d)){year}",
        "iso": r"(?<!\d)(?P<iso>20\d\d-\d\d-\d\d)(?!\d)|(?<![\d.])(?P<dots>\d{1,2}\.\d{1,2}\.20\d\d)(?!\d)",
        "ago": table["ago"],
        "before": table["before"],
        "today": table["today"],
        "weekday": rf"\b(?P<last_>{table['last']}\s+)?(?P<weekday>{weekday})\b",
        "vague": table["vague"].replace("MONTH", month),
        "year": table["year"],
    }
    return tuple((kind, re.compile(text, re.IGNORECASE)) for kind, text in more.items())


def _read_range(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    parts = match.groupdict()
    last = _read_day_of(f"{parts['last']} {parts['month']} {parts['year'] or ''}", lang, today)
    first = _read_day_of(f"{parts['day']} {parts['month']} {parts['year'] or ''}", lang, last or today)
    if first is None or last is None or first > last or (last - first).days > 31:
        return None
    if (last - first).days == 1 and re.search(words(lang)["days"]["night"], match.string[: match.start()][-30:], re.I):
        return last, last, EXACT
    return first, last, FEW_DAYS if (last - first).days < 7 else MONTH


def _read_day(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    parts = match.groupdict()
    number, month = parts["day"] or parts["day2"], parts["month"] or parts["month2"]
    found = _read_day_of(f"{number} {month} {parts['year'] or ''}", lang, today)
    return None if found is None else (found, found, EXACT)


def _read_iso(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    del lang, today
    written = match["iso"] or "-".join(f"{int(p):02d}" for p in reversed(match["dots"].split(".")))
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found, found, EXACT


def _read_parsed(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    # dateparser knows one of the two spellings
    found = _read_day_of(re.sub(r"^учора", "вчора", match[0].lower()), lang, today)
    return None if found is None else (found, found, EXACT)


def _read_before(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int]:
    del match, lang
    return today - timedelta(days=1), today - timedelta(days=1), EXACT


def _read_today(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int]:
    del match, lang
    return today, today, EXACT


def _read_weekday(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    names = words(lang)["days"]["weekdays"]
    wanted = next((i for i, name in enumerate(names) if re.fullmatch(name, match["weekday"], re.I)), None)
    if wanted is None:
        return None
    back = (today.weekday() - wanted) % 7
    found = today - timedelta(days=back + (7 if match["last_"] and back == 0 else 0))
    return found, found, EXACT


def _read_vague(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int] | None:
    """A month, a week or a season: coarse, and never a day of the briefing."""
    parts = match.groupdict()
    if parts.get("week"):
        return today - timedelta(days=7), today, WEEK
    if not parts.get("month"):
        return date(today.year - 1, 1, 1), today, YEAR
    middle = _read_day_of(f"15 {parts['month']} {parts.get('vyear') or ''}", lang, today)
    if middle is None:
        return None
    first = middle.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return first, min(after - timedelta(days=1), today) if first <= today else first, MONTH


def _read_year(match: re.Match[str], lang: Lang, today: date) -> tuple[date, date, int]:
    del lang, today
    year = int(match["year_"])
    return date(year, 1, 1), date(year, 12, 31), YEAR


_READ: dict[str, Any] = {
    "range": _read_range, "day": _read_day, "iso": _read_iso, "ago": _read_parsed, "before": _read_before,
    "today": _read_today, "weekday": _read_weekday, "vague": _read_vague, "year": _read_year,
}  # fmt: skip


@lru_cache(maxsize=4096)
def _read_day_of(text: str, lang: Lang, today: date) -> date | None:
    """What dateparser reads, never after the dateline but where the text gives the year."""
    import dateparser

    settings: Any = {"RELATIVE_BASE": datetime(today.year, today.month, today.day, 12), "PREFER_DATES_FROM": "past"}  # noqa: DTZ001  (a day has no zone)
    text = " ".join(text.replace(".", " ").split())
    found = dateparser.parse(text, languages=[lang], settings=settings)
    return None if found is None else found.date()
