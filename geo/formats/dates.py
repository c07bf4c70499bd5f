"""Dates that files carry: in their names, where they may be glued to other words, and in the cells of their tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from geo.errors import GateError
from geo.schema import parse_instant
from geo.text.dates import months
from geo.text.languages import APOSTROPHES, cached_words, languages, plain, word_list

# two digits of a year before it are taken for something else, and of two readings of 24_10_25 neither is taken
_EARLIEST = 2014
_GAP = r"[\s_.,-]*"


@cached_words
def _year_word() -> re.Pattern[str]:
    """The word for a year that some languages write after it, at the end of a cell."""
    listed = (word_list(language, "dates").get("year_words", "") for language in languages())
    words = sorted((w for text in listed for w in text.split("|") if w), key=len, reverse=True)
    return re.compile(rf"\s{{0,9}}(?:{'|'.join(map(re.escape, words))})$", re.IGNORECASE)


@cached_words
def _patterns() -> Sequence[re.Pattern[str]]:
    """Tried in this order: the most explicit first."""
    words = "|".join(sorted((re.escape(w).replace("'", APOSTROPHES) for w in months()), key=len, reverse=True))
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
        r"(?<![\d.])(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d)(?![\d.]*\d)(?![^\W\d_])",
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


def date_in_name(path: Path, name: str, *, short: bool = False, year: int | None = None) -> tuple[datetime, str] | None:
    """The one date in the name of a file or layer; a name with two, or with one that may be two, is refused."""
    found = find_date(name, short=short, year=year)
    if found is None:
        return None
    other = find_date(name.replace(found[1], " ", 1), short=short, year=year)
    why = f"and {other[1]!r} in the name" if other is not None and other[0] != found[0] else ""
    if why or (why := is_unclear(found[1])):
        raise GateError(f"{path}: {found[1]!r} {why}: say which day it depicts, --date YYYY-MM-DD")
    return found


def is_unclear(text: str) -> str:
    """Whether a date may have the day or the month first, and the words for it."""
    numbers = {int(number) for match in [_UNCLEAR.match(text)] if match for number in match.groups()}
    return "may have the day or the month first" if len(numbers) == 2 and max(numbers) <= 12 else ""


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
        number = int(month) if month.isdigit() else months()[plain(month)]
        return datetime(year, number, int(parts["day"]), tzinfo=UTC)
    except ValueError:
        return None


# No war of these archives began before; years such as 0025 and 1527 are slips of a finger.
FIRST = date(1900, 1, 1)
_MILLISECONDS = re.compile(r"-?\d{12,13}(?:\.0+)?$")
_DIGITS = re.compile(r"\d+(?:\.\d+)?$")
_UNCLEAR = re.compile(r"(\d{1,2})[-/_](\d{1,2})[-/_]\d{4}$")
_WAY_OUT = "write it as YYYY-MM-DD, or say how it is written: --date-format %d/%m/%Y, for instance"
# Columns of when somebody drew, changed or fetched a row, or a side gained its ground: not of what it depicts.
_EDITING = re.compile(
    r"creat|edit|updat|modif|retriev|upload|publi(?!c_date)|import|record|captur|seiz|liberat|taken|gained|since",
    re.IGNORECASE,
)
_DATED = re.compile(r"date|time|day|begin|start|from|when|depict|as_?of|дата", re.IGNORECASE)
_PERIODS = ("year", "month", "week", "quarter", "год", "рік", "місяць", "месяц")
_DAYS = ("day", "period", "день", "період", "период")  # which may also be written in full
_LIKE_DATES = re.compile(r"\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{2,4})?(?:[ T].*)?$")
_LABELS = ("name", "title", "folder", "layer", "label", "назва", "название")
_SECONDS = re.compile(r"1[0-9]{9}(?:\.0+)?$")


def read_instant(text: str, *, form: str | None = None) -> datetime:
    """The instant that a cell gives; midnight in a local zone is the day there, as for a bare date."""
    text = text.strip()
    if form is not None:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007  (the zone, if any, is looked at below)
        except ValueError:
            raise GateError(f"date {text!r} is not written as --date-format {form} says") from None
    elif _MILLISECONDS.match(text):
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(float(text)))
    else:
        found = _written(text)
    if found.tzinfo is not None and (found.hour, found.minute, found.second, found.microsecond) == (0, 0, 0, 0):
        found = found.replace(tzinfo=UTC)
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found.date() < FIRST:
        raise GateError(f"date {text!r} lies in the year {found.year:04d}, before {FIRST.year}: mend it in the file")
    return found


def _written(text: str) -> datetime:
    """ISO 8601 (also with slashes, or eight digits), or a day with its month in words or the day first."""
    iso = re.sub(r"^(\d{4})[/.](\d\d)[/.](\d\d)", r"\1-\2-\3", text)
    iso = re.sub(r"^(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:?\d\d)$", r"\1", iso)  # a day with its zone
    if not _DIGITS.match(text) or (len(text) == 8 and text.isdigit()):
        try:
            return datetime.fromisoformat(iso)
        except ValueError:
            pass
        if why := is_unclear(text):
            raise GateError(f"date {text!r} {why}: {_WAY_OUT}")
        named = find_date(text)
        if named is not None and named[1] == _year_word().sub("", text).rstrip("."):
            return named[0]
        return parse_instant(iso)  # it says what is wrong
    raise GateError(f"date {text!r} is a bare number, which is not taken for a date: {_WAY_OUT}")


def several_dates(columns: Mapping[str, Sequence[str | None]]) -> dict[str, tuple[int, bool]]:
    """Columns that give the rows several dates of what they depict -> how many, and whether they can be read so."""
    found = {}
    for name, cells in columns.items():
        values = {cell for cell in cells if cell is not None}
        if len(values) < 2 or is_of_editing(name):
            continue
        if name.casefold() in _PERIODS:
            found[name] = (len(values), False)
            continue
        is_label = name.casefold() in _LABELS
        try:
            if is_label or all(map(_SECONDS.match, values)):
                count = len({_instant_within(value) for value in values})
            else:
                count = len({read_instant(value) for value in values if _is_dated(name, value)})
        except GateError:
            is_like = (_DATED.search(name) or name.casefold() in _DAYS) and all(map(_LIKE_DATES.match, values))
            if is_like or (name.casefold() in _DAYS and all(map(str.isdigit, values))):
                found[name] = (len(values), False)
            continue
        if count > 1:
            found[name] = (count, not is_label and not all(map(_SECONDS.match, values)))
    return found


def is_of_editing(column: str) -> bool:
    """Whether a column is of when a row was drawn, changed or fetched, or a side gained its ground."""
    return _EDITING.search(column) is not None


def _is_dated(name: str, value: str) -> bool:
    """Whether a cell is looked at as a date: by its column's name, or by its own signs."""
    bare = _DIGITS.match(value) and not re.fullmatch(r"20\d{6}", value) and not _MILLISECONDS.match(value)
    if bare and not _DATED.search(name):
        raise GateError(f"{value!r} is a number")
    return True


def _instant_within(text: str) -> datetime:
    """The day within a label, or the seconds since 1970 that a number may be."""
    if _SECONDS.match(text):
        return datetime.fromtimestamp(float(text), UTC)
    found = find_date(text)
    if found is None:
        raise GateError(f"no date in {text!r}")
    return found[0]
