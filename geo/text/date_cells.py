"""Dates in the cells of tables and attributes: read as what they are, or refused; never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from geo.errors import GateError
from geo.schema import parse_instant
from geo.text.dates_in_names import find_date

# No war of these archives began before; years such as 0025 and 1527 are slips of a finger.
FIRST = date(1900, 1, 1)
_MILLISECONDS = re.compile(r"-?\d{12,13}(?:\.0+)?$")
_DIGITS = re.compile(r"\d+(?:\.\d+)?$")
_SLASHES = re.compile(r"(?P<first>\d{1,2})/(?P<second>\d{1,2})/\d{4}$")
_WAY_OUT = "write it as YYYY-MM-DD, or say how it is written: --date-format %d/%m/%Y, for instance"
# Columns of when somebody drew, changed or fetched a row: they say nothing of what it depicts.
_EDITING = re.compile(r"creat|edit|updat|modif|retriev|upload|publi(?!c_date)|import|record", re.IGNORECASE)
_DATED = re.compile(r"date|time|day|begin|start|from|when|depict|as_?of|дата", re.IGNORECASE)


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
    if not _DIGITS.match(text) or (len(text) == 8 and text.isdigit()):
        try:
            return datetime.fromisoformat(iso)
        except ValueError:
            pass
        slashes = _SLASHES.match(text)
        numbers = {int(number) for number in slashes.groups()} if slashes is not None else {0}
        if len(numbers) == 2 and max(numbers) <= 12:
            raise GateError(f"date {text!r} may have the day or the month first: {_WAY_OUT}")
        named = find_date(text)
        if named is not None and named[1] == text.rstrip("."):
            return named[0]
        return parse_instant(iso)  # it says what is wrong
    raise GateError(f"date {text!r} is a bare number, which is not taken for a date: {_WAY_OUT}")


def several_dates(columns: Mapping[str, Sequence[str | None]], known: Iterable[str] = ()) -> dict[str, int]:
    """Columns that give the rows several dates of what they depict -> how many."""
    found = {}
    for name, cells in columns.items():
        values = {cell for cell in cells if cell is not None}
        if len(values) < 2 or _EDITING.search(name) or not (_DATED.search(name) or name.casefold() in known):
            continue
        try:
            count = len({read_instant(value) for value in values})
        except GateError:
            continue
        if count > 1:
            found[name] = count
    return found
