"""When: the days that a briefing names, against the day under which it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from geo.text.dates import EXACT, FEW_DAYS, MONTH, DateMention, find_dates
from geo.text.dates_in_names import find_date
from geo.text.languages import any_of, word_list
from geo.text.sentences import Passage
from geo.text.word_lists import words

_DATELINE_LINES = 6
OLD_DAYS = 30  # an event so long before the dateline is background, not news


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
    found = find_dates(passage.text, today=today)
    days = [_day(passage, mention, today) for mention in found if _names_a_day(mention, today)]
    return [day for day in days if day is not None]


def unread_dates(passage: Passage, today: date | None) -> list[DateMention]:
    """Dates that a passage writes and that no calendar has, or that cannot be read; positions are those of the text."""
    found = find_dates(passage.text, today=today)
    return [mention for mention in found if mention.kind == "unread"]


def _names_a_day(mention: DateMention, today: date) -> bool:
    """Whether a mention tells when an event was: not a month named by the way, nor a day that is still to come."""
    if mention.first is None or mention.bare:
        return False
    return not (mention.kind == "day" and mention.first > today and mention.text.isalpha())


def _day(passage: Passage, mention: DateMention, today: date) -> Day | None:
    first, last = mention.first, mention.last
    assert first is not None
    assert last is not None
    if mention.kind == "past" and mention.date_prec == EXACT:
        first = last = today - timedelta(days=1)  # "over the past day": the day that the briefing is about
    elif mention.kind == "range" and (last - first).days == 1 and _is_night(passage, mention):
        first = last
    elif mention.kind in ("week", "month") and first <= today:
        last = min(last, today)
    precision = EXACT if first == last else mention.date_prec
    start, end = mention.start, mention.end
    said = _is_report(passage, start, end)
    return Day(first, last, precision, passage.start + start, passage.start + end, mention.text, said)


def _is_night(passage: Passage, mention: DateMention) -> bool:
    """Whether two days are the night between them: "overnight on January 10-11"."""
    night = any_of(word_list(passage.lang, "dates").get("saying", {}).get("night", ""))
    return bool(re.search(night, passage.text[: mention.start][-30:], re.IGNORECASE))


def _is_report(passage: Passage, start: int, end: int) -> bool:
    """Whether a date stands by a verb of saying: "said on January 11"."""
    table = words(passage.lang)["days"]
    before, after = passage.text[max(0, start - 40) : start], passage.text[end : end + 30]
    return bool(re.search(table["said_before"], before, re.I) or re.search(table["said_after"], after, re.I))


def is_old(day: Day | None, today: date) -> bool:
    """Whether an event lies so far back that the briefing only recalls it."""
    return day is not None and (day.date_prec >= MONTH or (today - day.last).days > OLD_DAYS or day.first > today)


def date_fields(days: Sequence[Day], event: Day | None, today: date | None) -> tuple[dict[str, object], list[Day]]:
    """``date_start``, ``date_end`` and ``date_prec`` (UCDP) of an event, and the mentions that give them."""
    if event is not None:
        same = [d for d in days if (d.first, d.last) == (event.first, event.last)]
        found = {"date_start": event.first.isoformat(), "date_end": event.last.isoformat()}
        return {**found, "date_prec": event.date_prec}, same
    reported = next((d for d in days if d.is_report and d.date_prec == EXACT), None)
    last = reported.last if reported is not None else today
    if last is None:
        return {"date_start": None, "date_end": None, "date_prec": None}, []
    day = last.isoformat()
    return {"date_start": day, "date_end": day, "date_prec": FEW_DAYS}, [reported] if reported is not None else []
