"""Dates of questions in words: "30 days" or "last month" become days, counted back from the date of the answer."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from geo.errors import GateError
from geo.presentation.language import date_words
from geo.schema import is_iso, parse_instant, to_instant
from geo.text.periods import read_period

P = ParamSpec("P")
T = TypeVar("T")
# of these the first day of a period is meant, of those the last
_STARTS = ("since", "from_", "base")
_ENDS = ("date", "to", "until")
# when something was recorded or published: counted from today
_OF_RECORDS = ("as_known_on",)
# a stroke with two numbers that may both be the month
_EITHER = re.compile(r"\s*(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/\d{4}\s*")
_FORMS = "write it as 2024-12-31 (YYYY-MM-DD), 2024-12, 31 December 2024, 30 days or last month"


def in_days(call: Callable[P, T]) -> Callable[P, T]:
    """Let a question to an archive take its dates in words."""
    names = list(inspect.signature(call).parameters)

    @wraps(call)
    def dated(*args: P.args, **kwargs: P.kwargs) -> T:
        given = dict(zip(names, args, strict=False)) | kwargs
        if has_words(given):
            days = read_dates(given, given.get("archive", given.get("self")))
            kwargs.update({name: day for name, day in days.items() if name in kwargs})
            args = tuple(days.get(name, arg) for name, arg in zip(names, args, strict=False))  # type: ignore[assignment]
        return call(*args, **kwargs)

    return dated if {*_STARTS, *_ENDS, *_OF_RECORDS} & {*names} else call


def has_words(given: Mapping[str, Any]) -> bool:
    """Whether one of the dates is given in words."""
    return any(_is_worded(given.get(name)) for name in (*_STARTS, *_ENDS, *_OF_RECORDS))


def _is_worded(value: Any) -> bool:
    return isinstance(value, str) and not is_iso(value)


def read_dates(
    given: Mapping[str, Any], archive: Any = None, *, of_records: bool = False, alone: Collection[str] = (),
    tell: Callable[[str], object] = warnings.warn,
) -> dict[str, Any]:  # fmt: skip
    """The dates among `given` as ISO 8601 has them; those in words count back from the last map or the answer's date.

    Of records, or without an archive, they count back from today; so does "yesterday" as the answer's date. For those
    `alone` a period of several days is none.
    """
    today = datetime.now(UTC).date()
    for note in map(_day_first, given.values()):
        if note:
            tell(note)
    found = {name: given[name] for name in (*_STARTS, *_ENDS, *_OF_RECORDS) if given.get(name) is not None}
    if archive is None or of_records or not hasattr(archive, "reader"):
        return {name: _day(value, name, today, today, alone=name in alone) for name, value in found.items()}
    for name in _OF_RECORDS:
        if name in found:
            found[name] = _day(found[name], name, today, today)
    if any(_is_worded(value) for value in found.values()):
        last = _last_day(archive, given) or today
        for name in _ENDS:
            if name in found:
                found[name] = _day(found[name], name, last, today)
                last = to_instant(found[name]).date()
        for name in _STARTS:
            if name in found:
                found[name] = _day(found[name], name, last, last)
    return found


def _day_first(value: Any) -> str:
    """How a date is read that may be another, "09/10/2024"; "" of all else."""
    match = _EITHER.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == int(match[2]):
        return ""
    day = date(int(value.strip()[-4:]), int(match[2]), int(match[1]))
    return f"{value.strip()} is read with the day first, {date_words(day)}; write {day} to be sure"


def _day(value: Any, name: str, day: date, now: date, *, alone: bool = False) -> Any:
    """A value as it is, or the day that its words mean."""
    if not _is_worded(value):
        return value
    days = read_period(value, day=day, now=now)
    if days is None:
        try:
            parse_instant(value)
        except GateError:
            raise GateError(f"date {value!r} cannot be read: {_FORMS}") from None
        return value
    if alone and days[0] != days[1]:
        raise GateError(f"date {value!r} is {days[0]} to {days[1]}: say which day")
    return days[0 if name in _STARTS else 1].isoformat()


def _last_day(archive: Any, given: Mapping[str, Any]) -> date | None:
    """The day of the last map of the source asked for; of incidents, where there is no map."""
    with archive.holding():
        depicts = archive.reader.snapshots(given.get("source"))["depicts"]
        if len(depicts):
            return parse_instant(max(depicts)).date()
        ends = archive.reader.incidents(None, None)["date_end"].dropna()
        return parse_instant(max(ends)).date() if len(ends) else None
