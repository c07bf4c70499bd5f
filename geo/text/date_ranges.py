"""The days that a sentence speaks of, all its dates together: "since August", "in the past week", "10 and 12 May"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from geo.text.dates import DateMention, find_dates
from geo.text.languages import any_of, cached_words, languages, word_list

_JOINED = re.compile(r"\s*,?\s*(?:and|to|through|until|[-–—]|та|і|й|до|по|и)?\s*")


class DateRange(NamedTuple):
    """The days that a sentence names: first and last, whether they are a span of change, and what was inferred."""

    first: date | None = None
    last: date | None = None
    whole: bool = False
    notes: tuple[str, ...] = ()
    problem: str | None = None  # why no day can be told, with the words
    unread: bool = False  # a day was written, and cannot be read


def dates_in(text: str, *, today: date | None) -> DateRange:
    """The days that a text speaks of."""
    return range_of(text, find_dates(text, today=today), today=today)


def range_of(text: str, mentions: Sequence[DateMention], *, today: date | None) -> DateRange:
    """The days that the mentions of a text come to."""
    if unread := next((m for m in mentions if m.kind == "unread"), None):
        return DateRange(problem=_problem(unread), unread=True)
    for kinds in (("range",), ("past",), ("day",), ("month", "week"), ("year",), ("weekday",)):
        found = [m for m in mentions if m.kind in kinds]
        if found:
            return _together(text, found, today)
    undated = next((m for m in mentions if m.kind == "undated"), None)
    return DateRange() if undated is None else DateRange(problem=_problem(undated))


def _problem(mention: DateMention) -> str:
    return f"“{mention.text}”: {mention.problem}"


def _together(text: str, found: Sequence[DateMention], today: date | None) -> DateRange:
    """Mentions of one kind: the first of them, or from the first to the last where the text joins them."""
    first, last = found[0], found[-1]
    assert first.first is not None
    assert last.last is not None
    notes = tuple(dict.fromkeys(m.note for m in found if m.note))
    listed = all(_JOINED.fullmatch(text[a.end : b.start]) for a, b in pairwise(found))
    whole = first.kind in ("month", "week", "year")
    if len(found) > 1 and (listed or not whole):
        days = [d for m in found for d in (m.first, m.last) if d is not None]
        return DateRange(min(days), last.last if last.last >= min(days) else max(days), whole, notes)
    if first.since and first.kind != "range":
        return DateRange(first.first, today, False, _notes(first))
    end = first.last
    if first.kind in ("week", "year") and today is not None and end is not None and end > today >= first.first:
        return DateRange(first.first, today, False, _notes(first))
    return DateRange(first.first, end, whole, _notes(first))


def _notes(mention: DateMention) -> tuple[str, ...]:
    """What was inferred of a mention, as notes."""
    return (mention.note,) if mention.note else ()


def day_of_saying(text: str, *, today: date | None) -> tuple[date | None, str]:
    """The day in "he said on 27 August", and the text with spaces for that day: it is not what the figure speaks of."""
    for mention in find_dates(text, today=today):
        if mention.kind == "day" and not mention.loose and _said_on().search(text[: mention.start]):
            return mention.first, text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return None, text


@cached_words
def _said_on() -> re.Pattern[str]:
    tables = [word_list(language, "dates").get("saying", {}) for language in languages()]
    verbs, between = (any_of(*(t.get(name, "") for t in tables)) for name in ("words", "between"))
    return re.compile(rf"{verbs}(?:\s+{between})?\s+(?:on\s+)?$", re.IGNORECASE)
