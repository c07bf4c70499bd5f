"""Dates in the names of files, layers and folders, where they may be glued to other words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from geo.text.languages import APOSTROPHES, by_form, cached_words, languages, plain, word_list

# two digits of a year before it are taken for something else, and of two readings of 24_10_25 neither is taken
_EARLIEST = 2014
_GAP = r"[\s_.,-]*"


@cached_words
def _months() -> Mapping[str, int]:
    found: dict[str, int] = {}
    for language in languages():
        months = word_list(language, "dates").get("months", ())
        found |= by_form((words, number) for number, words in enumerate(months, start=1))
    return found


@cached_words
def _patterns() -> Sequence[re.Pattern[str]]:
    """Tried in this order: the most explicit first."""
    words = "|".join(sorted((re.escape(w).replace("'", APOSTROPHES) for w in _months()), key=len, reverse=True))
    month = rf"(?P<month>{words})"
    texts = (
        # 27APR2026, 27 April 2026, 02FEB22024 (a finger that stayed on the key)
        rf"(?<!\d)(?P<day>\d{{1,2}}){_GAP}{month}{_GAP}2?(?P<year>20\d\d)(?!\d)",
        # APR272026, January 12, 2025
        rf"{month}{_GAP}(?P<day>\d{{1,2}}){_GAP}(?P<year>20\d\d)(?!\d)",
        # 2025-01-12, 2025_01_12, 2024.01.23, 20220415
        r"(?<!\d)(?P<year>20\d\d)(?P<sep>[-_.]?)(?P<month>\d\d)(?P=sep)(?P<day>\d\d)(?!\d)",
        # 10.09.2024, 10-9-2024, 10_09_2024, 10/09/2024: the day first
        r"(?<!\d)(?P<day>\d{1,2})(?P<sep>[-_./])(?P<month>\d{1,2})(?P=sep)(?P<year>20\d\d)(?!\d)",
        # 10.09.24: with full stops the day comes first, where two digits end
        r"(?<![\d.])(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d)(?![\d.]*\d)",
        # 25_01_01: year, month, day, where the other way round would be long ago; six digits alone are no date
        r"(?<!\d)(?<!\d[._-])(?P<year>\d\d)(?P<sep>[-_])(?P<month>\d\d)(?P=sep)(?P<day>\d\d)(?![._-]?\d)",
        # 2 апреля: the year is not said
        rf"(?<!\d)(?P<day>\d{{1,2}}){_GAP}{month}(?![^\W\d_])",
    )
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)


def find_date(text: str, *, short: bool = False, year: int | None = None) -> tuple[datetime, str] | None:
    """The first date in a name, and how it was written there; `short` takes forms that only some names use."""
    patterns = _patterns()
    for pattern in patterns if short else patterns[:-2]:
        for match in pattern.finditer(text):
            moment = _moment(match, year)
            if moment is not None:
                return moment, match.group()
    return None


def without_date(text: str) -> str:
    """A name without the date in it, nor the "as of" before it."""
    found = find_date(text)
    if found is not None:
        before, _, after = text.partition(found[1])
        before = re.sub(r"(?:AO|\bas of)$", "", before.rstrip(" _-,."))
        text = f"{before.rstrip(' _-,.')} {after.strip(' _-,.')}"
    return text.strip(" _-,.")


def _moment(match: re.Match[str], year: int | None) -> datetime | None:
    parts = match.groupdict()
    written = parts.get("year")
    if written is not None:
        year = int(written) + (2000 if len(written) == 2 else 0)
        by_day = int(parts["day"]) + 2000 if parts.get("sep", ".") != "." else 0
        if len(written) == 2 and (year < _EARLIEST or by_day >= _EARLIEST):
            return None
    if year is None:
        return None
    month = parts["month"]
    try:
        number = int(month) if month.isdigit() else _months()[plain(month)]
        return datetime(year, number, int(parts["day"]), tzinfo=UTC)
    except ValueError:
        return None
