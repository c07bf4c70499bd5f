"""Dates in names: what people write into the names of files, layers and folders."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MONTHS = (
    ("jan", "янв", "січ"), ("feb", "фев", "лют"), ("mar", "мар", "бер"), ("apr", "апр", "кві"),
    ("may", "мая", "май", "тра"), ("jun", "июн", "чер"), ("jul", "июл", "лип"), ("aug", "авг", "сер"),
    ("sep", "сен", "вер"), ("oct", "окт", "жов"), ("nov", "ноя", "лис"), ("dec", "дек", "гру"),
)  # fmt: skip
_FULL = (
    "january", "february", "march", "april", "june", "july", "august", "september", "sept", "october", "november",
    "december", "января", "февраля", "марта", "апреля", "июня", "июля", "августа", "сентября", "октября", "ноября",
    "декабря", "січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня", "вересня", "жовтня",
    "листопада", "грудня",
)  # fmt: skip
_MONTH = "(" + "|".join([*_FULL, *(word for words in _MONTHS for word in words)]) + ")"
_GAP = r"[\s_.,-]*"
# Tried in this order: the most explicit first.
_PATTERNS = (
    # 27APR2026, 27 April 2026, 02FEB22024 (a finger that stayed on the key)
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}}){_GAP}(?P<month>{_MONTH}){_GAP}2?(?P<year>20\d\d)(?!\d)", re.IGNORECASE),
    # APR272026, January 12, 2025
    re.compile(rf"(?P<month>{_MONTH}){_GAP}(?P<day>\d{{1,2}}){_GAP}(?P<year>20\d\d)(?!\d)", re.IGNORECASE),
    # 2025-01-12, 2025_01_12, 2024.01.23, 20220415
    re.compile(r"(?<!\d)(?P<year>20\d\d)(?P<sep>[-_.]?)(?P<month>\d\d)(?P=sep)(?P<day>\d\d)(?!\d)"),
)
_SHORT = (
    # 25_01_01, 221208: year, month, day
    re.compile(r"(?<!\d)(?P<year>\d\d)(?P<sep>[-_.]?)(?P<month>\d\d)(?P=sep)(?P<day>\d\d)(?!\d)"),
    # 2 апреля: the year is not said
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}}){_GAP}(?P<month>{_MONTH})(?![a-zа-яіїєґ])", re.IGNORECASE),
)


def find_date(text: str, *, short: bool = False, year: int | None = None) -> tuple[datetime, str] | None:
    """The first date in a name, and how it was written there."""
    for pattern in (*_PATTERNS, *(_SHORT if short else ())):
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
    if year is None:
        return None
    try:
        return datetime(year, _month(parts["month"]), int(parts["day"]), tzinfo=UTC)
    except ValueError:
        return None


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(number for number, words in enumerate(_MONTHS, 1) if text.lower().startswith(words))
